"""Judgements about a run of a judged flow: questions, verdicts, and the facts that follow.

A judgement is made outside of the kernel, since its cost has no bound. It sees the run as it was
at one event, and the kernel decides what follows from it.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Final, Literal

from floe.model.ids import NO_ITEM, Instant, Json, NodeId, RunRef
from floe.model.nouns import dataclass
from floe.model.outcome import Outcome
from floe.model.tags import Tag
from floe.model.work import Work

Stage = Literal["before", "after"]
"""before: may the node enter, and with which work. after: what the action came to."""

CHANGES_MAX: Final = 1000
"""States, entries and notes that the verdicts of one judgement add besides their own states."""

VERDICT_BYTES_MAX: Final = 4 << 20
"""Bytes of one verdict, and of what all verdicts of one judgement add to a run."""

AWAITS_MAX: Final = 1000
"""Updates that one part awaits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a judgement is about: one attempt of one node or item."""

    node: NodeId
    visit: int
    attempt: int
    stage: Stage
    item: int = NO_ITEM


@dataclass(frozen=True, slots=True, kw_only=True)
class Set:
    """In a verdict: a state of another node, or of an item of it."""

    node: NodeId
    state: str
    item: int = NO_ITEM
    why: str = ""
    due: Instant | None = None
    """If it runs again with a pass: as soon as it may be due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enter:
    """In a verdict: a node that enters by it, once in a run."""

    node: NodeId
    work: Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """In a verdict: what it adds to the record of the run, which the kernel does not read."""

    kind: str
    """`finding`, `tag`, …"""
    key: str = ""
    value: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer to one question."""

    state: str = ""
    """The state of the node that was asked about; in stage `before` empty if it enters."""
    work: Work | None = None
    """before: rendered; None for the work of the flow."""
    items: tuple[Json, ...] = ()
    """before: the list of a node with items."""
    outputs: Mapping[str, Json] = field(default_factory=dict)
    """after: the outputs of the node."""
    keeps_outputs: bool = False
    """after: a node that is done has the outputs of its action, and `outputs` is empty."""
    why: str = ""
    due: Instant | None = None
    """If the node runs again with a pass: not before this instant."""
    awaits: tuple[str, ...] = ()
    """If it runs again with a pass: the keys of the updates that together begin one."""
    sets: tuple[Set, ...] = ()
    """States of other nodes, in order."""
    enters: tuple[Enter, ...] = ()
    """Further nodes that enter, in order."""
    notes: tuple[Note, ...] = ()
    passes: int = 0
    """Further passes that the run may have."""
    rests: str = ""
    """before, and nothing entered in this pass yet: with which verdict the run rests instead, for
    the reason in `why`; then nothing else counts."""
    failed: str = ""
    """Why the question could not be judged; then nothing else counts."""
    in_condition: bool = False
    """before: what failed is the condition of the node, and not its work."""
    unjudged: bool = False
    """It failed since time or memory ran out: a further judgement may come to a verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeRun:
    """Effect: judge a run as it was after the event `seq`. Closed by the events of its Judged."""

    run: RunRef
    epoch: int
    seq: int
    asks: tuple[Question, ...] = field(compare=False)
    """In order; a function of the run at `seq`. Each sees the verdicts before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Signal: the answer to a JudgeRun. Counts only for the one that is owed now."""

    epoch: int
    seq: int
    verdicts: tuple[Verdict, ...]
    """One for each question, in their order."""
    is_partial: bool = False
    """There was no time for the questions without a verdict; the run asks them again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Signal: news from outside about what a node awaits, as of a child run or a callback."""

    source: str
    key: str
    """What a node names in `awaits`."""
    state: str = ""
    value: Json = None
    epoch: int = 0
    """If the source is a run, with `seq` its last event when this was so; an earlier one is no
    news. 0 for other sources."""
    seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionEnded:
    """Event: an attempt is over, and is to be judged. It never starts again."""

    at: Instant
    node: NodeId
    visit: int
    attempt: int
    outcome: Outcome
    ended_at: Instant
    outputs: Mapping[str, Json] = field(default_factory=dict)
    metadata: Mapping[str, Json] = field(default_factory=dict)
    """What its dialect keeps about the answer besides its outputs."""
    output_bytes: int = 0
    lost: bool = False
    """Its result is unknown."""
    item: int = NO_ITEM
    opened: Mapping[str, str] = field(default_factory=dict)
    """The keys of the child runs that its answer opened, by those of their updates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSet:
    """Event: a node, or an item of it, has a state, whether or not it ever entered."""

    at: Instant
    node: NodeId
    visit: int
    attempt: int
    state: str
    phase: Literal["settled", "parked", "again"]
    """settled: it is done. parked: it runs with a later pass. again: it runs again at once."""
    outcome: Outcome
    tags: tuple[Tag, ...] = ()
    """What stands from here on in place of its earlier tags."""
    outputs: Mapping[str, Json] = field(default_factory=dict)
    due: Instant | None = None
    awaits: tuple[str, ...] = ()
    by: str = ""
    """The node whose verdict set it, or `prune`, `lost` or `edit`; empty for its own verdict."""
    item: int = NO_ITEM
    until: int = NO_ITEM
    """The last of several items that never began and have this state together, from `item` on."""
    unjudged: int = 0
    """How many judgements about it in a row failed, this one included; 0 by a verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateReceived:
    """Event: news from outside arrived for a run."""

    at: Instant
    source: str
    """Of a child run, its key."""
    key: str
    state: str = ""
    value: Json = None
    epoch: int = 0
    seq: int = 0
    """As in the update."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNoted:
    """Event: something was added to the record of a run, which the kernel does not read."""

    at: Instant
    by: str
    """The person, or the node whose verdict did it."""
    kind: str
    """`finding`, `tag`, …"""
    key: str = ""
    value: Json = None
