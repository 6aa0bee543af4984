"""The ports to the outside of a host: executors of actions, readers of documents and git refs."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Final, Literal, NamedTuple, Protocol

from floe.expr.masking import NO_MASKS, Masks
from floe.model.errors import Yours
from floe.model.ids import Instant, Json, Key, StoreId
from floe.model.notice import Notice, NoticeMessage
from floe.model.nouns import dataclass
from floe.model.secret import Secret
from floe.model.secret_name import SecretName, SecretUse
from floe.model.signal import Reported, Started
from floe.model.work import Action, Git

OnReport = Callable[[Started | Reported], None]
"""The callback for an executor's reports. Never blocks; call it from the loop's thread only."""


DEFAULT_COMMIT: Final = Git()
"""The tip of a remote's default branch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyCommand:
    """A command that a call runs, as its process gets it."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    folder: Path
    """Where it starts."""
    stdin: bytes = b""
    """What its file of inputs has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """An attempt of a node that an executor is to start or to find again."""

    key: Key
    work: Action
    """Rendered, as logged in NodeEntered."""
    started: bool
    """NodeStarted is recorded: find the attempt again or report it lost, but never start it."""
    flow: str
    node: str
    """`task.build`."""
    workspace: Path
    """Of the run; the executor makes it on first use."""
    moved_from: Path | None = None
    """The workspace of an earlier run, which is moved if this one's does not exist yet."""
    reuse_space: bool
    env: tuple[str, ...]
    """The flow's `NAME=value` entries, rendered; the node's own are in `work`."""
    has_escapes: bool = False
    """`$$` is a dollar in `env` and in the arguments of the command."""
    strict_shell: bool | None = None
    """Whether `shell` ends at the first command that fails; None for the host's default."""
    inputs: Mapping[str, Json]
    """The values that this node sees: the trigger's, then the outputs of the nodes before it."""
    item: Json = None
    """The value of the item that `key` names, if it names one."""
    fences: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[SecretUse, ...] = ()
    """What its command gets of the host's secrets."""
    output: Path
    """The file for standard output and error: appended to, created with its folders."""
    timeout_s: float | None
    grace_s: float
    output_max: int
    """Bytes; 0 for none."""
    ready: ReadyCommand | None = None
    """The command, where the work is a call; it has no workspace."""


class Secrets(Protocol):
    """The port for the secrets of a host. No call blocks."""

    def names(self) -> frozenset[SecretName]:
        """The names of all that it has."""
        ...

    def value(self, name: SecretName) -> Secret:
        """The value of a secret. Raises Yours, with its name, if the host has none."""
        ...

    def masks(self) -> Masks:
        """Finds all values in text, also those that were replaced since this process started."""
        ...


SecretRows = Mapping[str, Mapping[str, Json] | None]
"""Rows of the ledger by their keys; None for one that is removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSecret:
    """What people see of a secret: all but its value."""

    name: SecretName
    source: Literal["vault", "environment", "folder"]
    set_at: Instant | None = None
    set_by: str = ""
    problem: str = ""
    """Why it cannot be used; empty if it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUse:
    """Which secrets are encrypted with which keys, by the ids of the keys."""

    key: str
    """The newest."""
    names: Collection[SecretName]
    """Those under the newest."""
    others: Mapping[str, Collection[SecretName]]
    """Those under other keys."""
    runs: int = 0
    """How many sealed runs got the newest."""


class StoredSecrets(Secrets, Protocol):
    """The secrets of a host, some of them encrypted in its store. The calls here may block."""

    def open(self, rows: Mapping[str, Json], store: StoreId) -> None:
        """Take the rows that the store has at a start. Damage is shown, and raises nothing."""
        ...

    def sealed(self, name: SecretName, value: str, at: Instant, by: str) -> SecretRows:
        """The rows to store for a secret. Raises Yours, World."""
        ...

    def replaced(self, name: SecretName, runs: Sequence[str]) -> SecretRows:
        """The rows to store that keep the present value of a secret for runs, by their keys."""
        ...

    def outlived(self, runs: Collection[str]) -> SecretRows:
        """The rows to remove of replaced values, if these are all runs that are not packed."""
        ...

    def sealed_again(self, *, has_runs: bool = False) -> SecretRows:
        """The rows to store for all values under a new key. Raises Yours, World.

        `has_runs`: sealed runs need a new key, too, so one is made even without a secret.
        """
        ...

    def keep(self, rows: SecretRows) -> None:
        """These rows are stored now."""
        ...

    def drop_keys(self, used: Collection[str] = ()) -> KeyUse:
        """Remove the keys that no stored row names and no run uses. Raises Yours, World."""
        ...

    def shown(self) -> Sequence[ShownSecret]:
        """All secrets, by name."""
        ...


class NoSecrets:
    """The secrets of a host that has none."""

    def open(self, rows: Mapping[str, Json], store: StoreId) -> None:
        pass

    def sealed(self, name: SecretName, value: str, at: Instant, by: str) -> SecretRows:
        raise Yours("this host keeps no secrets")

    def replaced(self, name: SecretName, runs: Sequence[str]) -> SecretRows:
        return {}

    def outlived(self, runs: Collection[str]) -> SecretRows:
        return {}

    def sealed_again(self, *, has_runs: bool = False) -> SecretRows:
        raise Yours("this host keeps no secrets")

    def keep(self, rows: SecretRows) -> None:
        pass

    def drop_keys(self, used: Collection[str] = ()) -> KeyUse:
        raise Yours("this host keeps no secrets")

    def shown(self) -> Sequence[ShownSecret]:
        return ()

    def names(self) -> frozenset[SecretName]:
        return frozenset()

    def value(self, name: SecretName) -> Secret:
        raise Yours(f"this host has no secret {name}")

    def masks(self) -> Masks:
        return NO_MASKS


NO_SECRETS: Final = NoSecrets()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit on attempts that is lower than the one in the settings."""

    count: int
    """How many attempts fit at once."""
    why: str
    """The reason, for people."""

    def __str__(self) -> str:
        return f"{self.count} at once: {self.why}"


class Space(NamedTuple):
    """The name of a workspace: its flow and its run."""

    flow: str
    run: str
    """The key of the run; empty for the one workspace of a flow with `reuse-space`."""


class Spaces(Protocol):
    """The port for the workspaces of a host. All calls block."""

    @property
    def root(self) -> Path:
        """The folder of all of them; it may not exist."""
        ...

    def path(self, space: Space) -> Path:
        """The folder of a workspace; it may not exist."""
        ...

    def each(self) -> Iterator[Space]:
        """The workspaces that exist. Raises OSError."""
        ...

    def remove(self, workspace: Path) -> None:
        """Delete a workspace soon, permanently, if it exists.

        Raises World if floe did not create it, OSError.
        """
        ...


class SpaceSizes(Protocol):
    """The port for the sizes of the workspaces of a host."""

    def measure(self, unfinished: Collection[str]) -> Mapping[Space, int]:
        """The bytes of each workspace; `unfinished` are the keys of runs that still change theirs.

        Blocks, without much work at once. Raises OSError.
        """
        ...


class Executor(Protocol):
    """The port for executors of attempts. All calls are quick and idempotent by `job.key`.

    For each key that was started it reports at most one Started and exactly one Reported, even if
    the attempt was stopped. It never sends Reported before the attempt's last process is gone.
    """

    async def open(self) -> None:
        """Get ready. Raises World if that is impossible."""
        ...

    async def close(self) -> None:
        """Disconnect without stopping commands; the next `open` finds them again."""
        ...

    def start(self, job: Job, on_report: OnReport) -> None:
        """Start an attempt, or find it again."""
        ...

    def recorded(self, key: Key) -> None:
        """The start that was reported is stored: work that must not be done twice may begin."""
        ...

    def stop(self, key: Key) -> None:
        """End an attempt and all its processes."""
        ...

    def forget(self, key: Key) -> None:
        """Drop an attempt whose report is stored: no more calls will name it."""
        ...

    def sweep(self, owed: frozenset[Key]) -> None:
        """Forget every kept attempt that is not among these. Called once after `open`."""
        ...

    def hold(self, why: str) -> None:
        """Start no attempt while `why` is not empty; new ones wait."""
        ...

    def waiting(self) -> Sequence[Key]:
        """Attempts that wait for a free slot, in order."""
        ...

    def limit(self) -> Limit | None:
        """How many attempts fit at once, if that is fewer than the settings allow."""
        ...

    def running(self) -> Sequence[Key]:
        """Attempts in progress."""
        ...

    def stuck(self) -> Mapping[Key, str]:
        """Attempts that wait for a file system that may hang, with its problem; empty for none."""
        ...

    def problem(self) -> str:
        """Why no attempt can start now, so that new ones wait; empty if they can."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document as it was read."""

    text: str
    origin: str
    """Its address as people write it; relative names inside the document start from here."""
    pinned: str
    """`origin` with the commit instead of the ref, for git; otherwise equal to `origin`."""


class Documents(Protocol):
    """The port for documents: reads them from local paths, http(s) URLs and git repositories."""

    async def read(
        self, name: str, *, relative_to: str = "", git: Git = DEFAULT_COMMIT
    ) -> Document:
        """Read a document.

        `name`: a path, `https://…/x.yml`, `git@host:org/repo.git/path/x.yml` or
        `https://host/org/repo.git/path/x.yml` (`file://` too). `git` gives the commit (hash
        before ref before branch) and the key file.
        Raises NotFound, Theirs or World; the error names the address.
        """
        ...


class Refs(Protocol):
    """The port for refs: lists those of remote repositories with their commits."""

    async def refs(self, git: Git, pattern: str) -> Mapping[str, str]:
        """Commits by full ref name: all branches and tags, and the refs that match a shell pattern.

        Never asks for a password. Raises Theirs.
        """
        ...


class NoticeRefused(Exception):
    """A notice could not be sent; the text repeats no secret address."""

    def __init__(self, what: str, *, is_final: bool = False) -> None:
        """`is_final`: a further try would not help."""
        super().__init__(what)
        self.is_final = is_final


class Notifier(Protocol):
    """The port for notices about ended runs."""

    async def send(self, notice: Notice, message: NoticeMessage) -> None:
        """Send a notice, within a minute. Raises NoticeRefused."""
        ...


class NoNotifier:
    """The notices of a hub that sends none, as in `floe run`."""

    async def send(self, notice: Notice, message: NoticeMessage) -> None:
        raise NoticeRefused("this host sends no notices", is_final=True)
