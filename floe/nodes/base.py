"""The ports of floe's hands: executors of work, readers of documents and of git refs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from floe.model.flow import Action, Git
from floe.model.refs import Json, Key
from floe.model.signal import Reported, Started

Tell = Callable[[Started | Reported], None]
"""How an executor reports; never blocks, may be called from the loop's thread only."""


DEFAULT_COMMIT: Final = Git()
"""The tip of a remote's default branch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One attempt of a node, with all that an executor needs to carry it out."""

    key: Key
    work: Action
    """Rendered, as logged in NodeEntered."""
    started: bool
    """NodeStarted is recorded: never start again; find what became of it, or report lost."""
    flow: str
    node: str
    """`task.build`."""
    workspace: Path
    """Of the run; made by the executor when it is first needed."""
    reuse_space: bool
    env: tuple[str, ...]
    """Of the flow, `NAME=value`, rendered; the node's own are in `work`."""
    has_escapes: bool = False
    """`$$` is a dollar in `env` and in the arguments of the command."""
    strict_shell: bool | None = None
    """Whether `shell` ends at the first command that fails; None for the host's default."""
    inputs: Mapping[str, Json]
    """What this node sees: the trigger's values, then outputs of the nodes before it."""
    fences: Mapping[str, str] = field(default_factory=dict)
    output: Path
    """Where standard output and error go; appended to, made with its folders."""
    timeout_s: float | None
    grace_s: float
    output_max: int
    """Bytes; 0 for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """That fewer attempts fit at once than the settings allow."""

    count: int
    """How many do."""
    why: str
    """Why not more."""

    def __str__(self) -> str:
        return f"{self.count} at once: {self.why}"


class Executor(Protocol):
    """Carries out attempts. All calls are quick and idempotent by `job.key`.

    It reports at most one Started and exactly one Reported for each key that was begun, also for
    one that was stopped, and never reports before the last process of the attempt is gone.
    """

    async def open(self) -> None:
        """Make ready; raises World where that is impossible."""
        ...

    async def close(self) -> None:
        """Let go without stopping commands; they are found again after the next `open`."""
        ...

    def start(self, job: Job, tell: Tell) -> None:
        """Start an attempt, or find it again."""
        ...

    def stop(self, key: Key) -> None:
        """End an attempt and all its processes."""
        ...

    def forget(self, key: Key) -> None:
        """The report is stored: nothing more will be asked about this attempt."""
        ...

    def sweep(self, owed: frozenset[Key]) -> None:
        """Once after `open`: forget every attempt that is kept but not among these."""
        ...

    def hold(self, why: str) -> None:
        """Begin no attempt while `why` says something: what is asked for waits."""
        ...

    def waiting(self) -> Sequence[Key]:
        """Attempts that were started but wait for a place, in order."""
        ...

    def limit(self) -> Limit | None:
        """How many attempts fit at once, where the settings allow more."""
        ...

    def running(self) -> Sequence[Key]:
        """Attempts that are being carried out."""
        ...

    def problem(self) -> str:
        """Why no attempt can be started now; empty while they can. What is asked for waits."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document that was read."""

    text: str
    origin: str
    """Where it was found, as people write it; a relative name in it is relative to this."""
    pinned: str
    """The same with the commit in place of the ref, for git; else equal to `origin`."""


class Documents(Protocol):
    """Reads configs and flow-files from local paths, http(s) URLs and git repositories."""

    async def read(
        self, name: str, *, relative_to: str = "", git: Git = DEFAULT_COMMIT
    ) -> Document:
        """Read a document.

        `name`: a path, `https://…/x.yml`, `git@host:org/repo.git/path/x.yml` or
        `https://host/org/repo.git/path/x.yml` (`file://` too). `git` says which commit (hash
        before ref before branch) and which key.
        Raises NotFound, Theirs or World, saying what was tried.
        """
        ...


class Refs(Protocol):
    """Looks which commit each ref of a remote repository has."""

    async def refs(self, git: Git, pattern: str) -> Mapping[str, str]:
        """Full ref name to commit, for all branches and tags and what matches a shell pattern.

        Never asks for a password. Raises Theirs.
        """
        ...
