"""The inputs of the host's core that open runs of judged flows."""

from collections.abc import Mapping
from dataclasses import field
from typing import Final, NamedTuple

from floe.model.children import Parent
from floe.model.flow import Flow, Trigger
from floe.model.ids import Instant, Json, NodeId
from floe.model.judging import Enter
from floe.model.nouns import dataclass
from floe.model.signal import Reported

EVENT_BYTES_MAX: Final = 2 << 20
"""Bytes of the JSON text of one event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRun:
    """Host input: open a run of a judged flow here. It needs no place, slot or workspace."""

    flow: Flow
    digest: str
    """Of the flow as stored."""
    trigger: NodeId
    values: Mapping[str, Json] = field(default_factory=dict)
    by: str
    title: str = ""
    verdict: str = ""
    """With which it rests until its first pass; empty if that begins at once."""
    due: Instant | None = None
    """Of a run that rests: when its first pass begins by itself; None for never."""
    enters: tuple[Enter, ...] = ()
    """The nodes that enter with it."""
    once: str = ""
    """Idempotency key: a second request with the same key is answered with the run of the first.
    Empty for none."""
    parent: Parent | None = None
    """The attempt that opens it; None for a run that is no child."""
    sealed: bool = False
    """Whether its log is encrypted even if its flow has no `seal`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HearEvent:
    """Host input: keep an event in the inbox, until it is judged which runs it opens."""

    dialect: str
    body: str
    """JSON text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerHeard:
    """Host input: an answer to outside work that is an event too: both are stored, or neither."""

    answer: Reported
    event: HearEvent


class EventFinding(NamedTuple):
    """In an input: what was wrong when an event was judged."""

    flow: str
    """The id of the flow, or the dialect where it is about no flow."""
    why: str
    name: str = ""
    """The name of the flow, where it differs from its id."""
    about: Mapping[str, Json] | None = None
    """What it is about, as far as its dialect knows: the event, the step, the place in it."""


class EventStart(NamedTuple):
    """In an input: a run of a flow of floe's own that an event starts, or why it does not."""

    flow: Flow
    digest: str | None
    """Of the flow as stored; None where a flow-file is to be read first."""
    trigger: Trigger
    values: Mapping[str, Json]
    why: str = ""
    """Why it starts none, before its `if` is judged; empty if it may start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedEvent:
    """In an input: what an event of the inbox came to in all flows."""

    number: int
    """Of the event in the inbox. One that is not there any more opens nothing."""
    opens: tuple[OpenRun, ...] = ()
    starts: tuple[EventStart, ...] = ()
    findings: tuple[EventFinding, ...] = ()

    @property
    def runs(self) -> int:
        """How many runs it opens at most."""
        return len(self.opens) + len(self.starts)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenJudged:
    """Host input: events of the inbox are judged. Each leaves it as its runs are opened."""

    events: tuple[JudgedEvent, ...]


OpeningInput = OpenRun | HearEvent | AnswerHeard | OpenJudged
