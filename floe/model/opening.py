"""How runs of judged flows begin: what a dialect opens, and the first signal of an opened run.

A person or a program asks for one run; an event may open many, as the evaluator of its dialect
finds.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Final

from floe.model.flow import Flow
from floe.model.ids import Instant, Json, NodeId
from floe.model.judging import Enter
from floe.model.nouns import dataclass

OPENINGS_MAX: Final = 100
"""Runs of one flow that one event opens."""

ENTERS_MAX: Final = 1000
"""Nodes that enter with the opening of a run."""

CHILDREN_MAX: Final = 1000
"""Child runs that one answer opens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a dialect opens: a run of a judged flow."""

    trigger: NodeId = NodeId("event")
    values: Mapping[str, Json] = field(default_factory=dict)
    by: str = "event"
    """The user, or what the run begins by."""
    title: str = ""
    verdict: str = ""
    """With which it rests until its first pass; empty if that begins at once."""
    due: Instant | None = None
    """Of a run that rests: when its first pass begins by itself; None for never."""
    enters: tuple[Enter, ...] = ()
    """The nodes that enter with it, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildOpening:
    """In the answer of a call: a child run that it opens, unless its run has one with the key."""

    key: str
    """Of the updates by which the parent learns what the child comes to."""
    flow: Flow
    digest: str
    """Of the flow as stored."""
    opening: Opening


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The answer of an evaluator: what an event comes to in one flow."""

    openings: tuple[Opening, ...] = ()
    findings: tuple[str, ...] = ()
    """What is wrong in the flow, for people; the openings count nevertheless."""
    about: tuple[Mapping[str, Json], ...] = ()
    """Of each finding: the event, the step and the template; empty where that is unknown."""
    failed: str = ""
    """Why the event could not be judged; then nothing else counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginOpened:
    """Signal: the first of an opened run: these nodes enter, and the rest follows."""

    enters: tuple[Enter, ...] = ()
