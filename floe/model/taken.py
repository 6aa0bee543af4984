"""What a re-run takes over from earlier runs."""

from collections.abc import Mapping

from floe.model.ids import NO_ITEM, HostId, Instant, Json, NodeId
from floe.model.nouns import dataclass
from floe.model.outcome import Outcome
from floe.model.tags import Tag
from floe.model.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemTaken:
    """A settled item of an earlier run, for a re-run."""

    item: int
    from_run: str
    """The key of the run in which it ran."""
    attempt: int
    """Its last one there; the fields below are that run's too."""
    outcome: Outcome
    outputs: Mapping[str, Json]
    output_bytes: int
    entered_at: Instant
    started_at: Instant | None
    ended_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemsTaken:
    """A re-run took the good items of a node over from an earlier run; the others run again."""

    at: Instant
    node: NodeId
    visit: int = 1
    values: tuple[Json, ...] = ()
    """The list of the earlier run; empty in a log, where NodeEntered has it."""
    taken: tuple[ItemTaken, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeTaken:
    """A re-run took a settled node over from an earlier run; its tags stand from here on."""

    at: Instant
    node: NodeId
    from_run: str
    """The key of the run in which the node ran."""
    attempt: int
    """Its last one there; the fields below are that run's too."""
    work: Work
    outcome: Outcome
    tag: Tag
    good: bool
    outputs: Mapping[str, Json]
    output_bytes: int
    entered_at: Instant
    started_at: Instant | None
    ended_at: Instant
    sources: tuple[NodeId, ...] = ()
    inherits: bool = False
    by: str = ""
    tags: tuple[Tag, ...] = ()
    items: tuple[Json, ...] = ()
    """The list of a node with items."""
    items_taken: tuple[ItemTaken, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildAgain:
    """A failed child run of an earlier run: a re-run starts it again as a re-run of what failed."""

    node: NodeId
    item: int = NO_ITEM
    run: str
    """Its key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunOf:
    """The earlier run that a re-run repeats, and takes nodes and items from."""

    run: str
    """Its key."""
    host: HostId | None = None
    """The host that has its workspace; None if it never had one, or keeps it."""
    workspace: str = ""
    """The workspace's path there. It is moved to the re-run, if that starts on the same host."""
    same_host: bool = False
    """Whether the re-run waits for that host, instead of starting with an empty workspace."""
