"""What may go wrong at which moment, by name; each has its share of all seeds.

A mishap is (how, what): a hub dies before or after it does a thing, or a message meets a fate.
What is rare everywhere is met nowhere, so each trial is aimed at one mishap, in turn by its seed,
and has more of what brings that about.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final, get_args

from floe.host.ledger import LEDGER_KINDS
from floe.host.passed_over import PASSED_OVER
from floe.host.removal import SWEEP
from floe.kernel.place import HOST_SCOPED
from floe.model.codec import EVENTS
from floe.model.effect import (
    AskData,
    LoadFlow,
    PackArchive,
    PendChild,
    SetTimer,
    StartAction,
    StopAction,
    StopChild,
)
from floe.model.peer_message import Message
from tests.sim.flows import CHILD_FLOWS, KINDS, MOVING_FLOWS
from tests.sim.removal import FILES

Mishap = tuple[str, str]
"""How and what."""

EFFECTS: Final = (AskData, LoadFlow, PackArchive, SetTimer, StartAction, StopAction)
"""Those that hands carry out; an offer is a message."""

OF_DIALECTS: Final = frozenset(
    (
        "CallAnswered",
        "WorkReturned",
        "SeekWork",
        "FoundWork",
        "Take",
        "Taken",
        "Untake",
        "Untaken",
        "child-rows",
        "void-take",
    )
)
"""Events, messages and rows of dialects, which no flow of the simulated cluster causes."""

JUDGED: Final = ("floe.model.judging", "floe.model.passes")
"""The modules of the events of judged flows, which no trial plays either."""

MESSAGES: Final = tuple(
    cls.__name__
    for cls in get_args(Message)
    if cls.__name__ not in OF_DIALECTS and "Shared" not in cls.__name__
)

_KINDS: Final = (kind for kind in LEDGER_KINDS if "shared" not in kind and kind not in OF_DIALECTS)
ROWS: Final = (*_KINDS, SWEEP, PASSED_OVER)
"""Without those of shared rows, which have a simulator of their own: no run writes any."""

LATER_THINGS: Final = (
    *(event for event in EVENTS if event.startswith("Child")),
    PendChild.__name__,
    StopChild.__name__,
    "row tags",
    "RunReturned",
    "RunResumed",
    "row returned",
)
"""The events and effects of child runs and of runs that move, and rows. They came last: earlier
seeds keep their mishaps."""

LATER_MESSAGES: Final = ("Rested", "RestedStored", "Returned", "ReturnedStored")
"""The messages about runs that move; the same."""

_PLAYED: Final = tuple(
    name for name, cls in EVENTS.items() if cls.__module__ not in JUDGED and name not in OF_DIALECTS
)

_ALL_THINGS: Final = (
    *_PLAYED,
    *(f"row {kind}" for kind in ROWS),
    *(cls.__name__ for cls in EFFECTS),
    FILES,
)

THINGS: Final = tuple(thing for thing in _ALL_THINGS if thing not in LATER_THINGS)
"""What is stored, and what is begun."""

_POINTS: Final[tuple[Mishap, ...]] = (
    *product(("before", "after"), THINGS),
    *(("after sending", name) for name in MESSAGES if name not in LATER_MESSAGES),
)

_LATER_POINTS: Final[tuple[Mishap, ...]] = (
    *product(("before", "after"), LATER_THINGS),
    *(("after sending", name) for name in LATER_MESSAGES),
)

POINTS: Final = (*_POINTS, *_LATER_POINTS)
"""The points at which a hub may die."""

AT_REST: Final[Mishap] = ("at", "rest")
"""Or anywhere else."""

FATES: Final = ("lost", "doubled", "late", "cut", "refused", "paused", "stranger")
"""late: overtaken by what was said after it. cut: by a partition. refused: nobody listens there.
paused: its receiver stands still. stranger: its receiver has another store by now."""

TO_WHOEVER: Final = ("Ping", "Acquire")
"""What is said to whichever store a host has never meets a stranger."""

PAIRS: Final[tuple[Mishap, ...]] = tuple(
    (fate, name)
    for name, fate in product(MESSAGES, FATES)
    if fate != "stranger" or name not in TO_WHOEVER
)
"""What may become of messages."""

_PAIRS: Final = tuple(pair for pair in PAIRS if pair[1] not in LATER_MESSAGES)
_LATER_PAIRS: Final = tuple(pair for pair in PAIRS if pair[1] in LATER_MESSAGES)

MISHAPS: Final = (*_POINTS, *_PAIRS, *_LATER_POINTS, *_LATER_PAIRS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lean:
    """What a trial has much of."""

    faults: tuple[str, ...] = ()
    """The more often one is named, the more of it."""
    flows: tuple[str, ...] = ()
    cancels: int = 0
    """That many more."""
    prunes: int = 0
    """That many more: hosts remove ended runs."""
    reruns: int = 0
    """That many more."""
    is_late: bool = False
    """Messages are often overtaken, doubled and lost."""
    is_slow: bool = False
    """Commands take long."""
    is_unlucky: bool = False
    """Commands fail."""
    is_waiting: bool = False
    """Runs wait long for people, at hosts that others can replace; such hosts are drained."""
    is_ahead: bool = False
    """The keeper's clock is, so its terms are above those of the store that it has next."""


LEASE_FLOWS: Final = tuple(
    kind.flow.id
    for kind in KINDS
    if any(not tag.startswith(HOST_SCOPED) for tag in kind.flow.resource_tags)
    and kind.flow.id not in CHILD_FLOWS
)
"""Flows with resources of the cluster, and no child runs."""

GROUP_FLOWS: Final = tuple(kind.flow.id for kind in KINDS if kind.flow.max_runs)
"""Flows with `max-runs`."""

_CANCELS: Final = Lean(cancels=20, is_late=True, is_slow=True)
_REFUSALS: Final = Lean(faults=("drain",), flows=("nic", "space", "arm"), cancels=10, is_late=True)
_RETRIES: Final = Lean(faults=("power",), flows=("chain",), is_unlucky=True)
_FORMS: Final = Lean(flows=("sign",))
_FORGETS: Final = Lean(faults=("wipe", "forget"), flows=("linux", "again"), is_slow=True)
_ERRORS: Final = Lean(faults=("forget",) * 5, flows=("linux", "again"), is_slow=True)
_KEEPERS: Final = Lean(faults=("wipe_keeper", "move_keeper"), flows=LEASE_FLOWS)
_LEASES: Final = Lean(flows=LEASE_FLOWS)

_REMOVALS: Final = Lean(prunes=20, reruns=4)
_RERUNS: Final = Lean(reruns=12, is_unlucky=True)

_MOVES: Final = Lean(faults=("drain",) * 3, flows=MOVING_FLOWS, is_waiting=True)
_RESTS: Final = Lean(faults=("wipe", "forget", "drain"), flows=MOVING_FLOWS, is_waiting=True)

LEANS: Final[Mapping[str, Lean]] = {
    "NodeTaken": _RERUNS,
    "row moved": _RERUNS,
    f"row {SWEEP}": _REMOVALS,
    FILES: _REMOVALS,
    "FlowPinned": Lean(flows=("file",)),
    "LoadFlow": Lean(flows=("file",)),
    "GrantReturned": _REFUSALS,
    "Refused": _REFUSALS,
    "row floor": _REFUSALS,
    "row drain": Lean(faults=("drain",)),
    "GrantRevoked": _FORGETS,
    "GrantSuperseded": _ERRORS,
    "Forgotten": _ERRORS,
    "NotMe": _FORGETS,
    "row forgotten": _FORGETS,
    "row member": _FORGETS,
    "DataAsked": _FORMS,
    "AskData": _FORMS,
    "RetryArmed": _RETRIES,
    "RetryDue": _RETRIES,
    "RepeatArmed": Lean(flows=("health",), is_unlucky=True),
    "NodeReset": Lean(flows=("retest",), is_unlucky=True),
    "NodeSkipped": Lean(flows=("choose", "fleet"), is_unlucky=True),
    "ItemEntered": Lean(flows=("items", "fleet")),
    "ItemSettled": Lean(flows=("items", "fleet")),
    "ItemsTaken": Lean(flows=("items", "fleet"), reruns=12, is_unlucky=True),
    "ChildPended": Lean(flows=CHILD_FLOWS),
    "PendChild": Lean(flows=CHILD_FLOWS),
    "ChildTimedOut": Lean(flows=("nested",), is_slow=True),
    "StopChild": Lean(flows=CHILD_FLOWS, cancels=20, is_slow=True),
    f"row {PASSED_OVER}": Lean(flows=("gate",)),
    "RunReturned": _MOVES,
    "RunResumed": _MOVES,
    "row returned": _MOVES,
    "Returned": _MOVES,
    "ReturnedStored": _MOVES,
    "Rested": _RESTS,
    "RestedStored": _RESTS,
    "SetTimer": Lean(flows=("pause", "sign", "chain")),
    "CancelAsked": _CANCELS,
    "CancelRun": _CANCELS,
    "StopAction": _CANCELS,
    "Withdraw": replace(_CANCELS, cancels=80),
    "row withdraw": _CANCELS,
    "Acquire": _LEASES,
    "Held": _LEASES,
    "HeldHeard": _LEASES,
    "Queued": _LEASES,
    "Yield": Lean(flows=(*GROUP_FLOWS, "newest", "newest"), is_slow=True),
    "Release": _LEASES,
    "Released": _LEASES,
    "row claim": _LEASES,
    "row kept": _LEASES,
    "Census": _KEEPERS,
    "Claims": _KEEPERS,
    "row counted": _KEEPERS,
    "row keeping": _KEEPERS,
    "row obeyed": _KEEPERS,
    "Behind": Lean(faults=("wipe_keeper",), flows=LEASE_FLOWS, is_ahead=True),
}
"""By what a mishap is about: what brings it about, where that is not in every trial anyway."""


MOVES: Final = tuple(
    mishap
    for mishap in MISHAPS
    if LEANS.get(mishap[1]) in (_MOVES, _RESTS)
    or mishap[1] in ("Offer", "Accepted", "Refused", "GrantReturned", "GrantRevoked", "CancelRun")
)
"""The mishaps of runs that move."""

MOVES_LEAN: Final = replace(
    _MOVES, faults=("drain",) * 6 + ("forget", "wipe", "part"), flows=MOVING_FLOWS * 2, cancels=4
)
"""What leads to them: in every trial, whichever of them it is aimed at."""


def aim_of(seed: int, among: Sequence[Mishap] = MISHAPS) -> Mishap:
    """The mishap that a trial is to come to."""
    return among[seed % len(among)]


def text_of(mishap: Mishap) -> str:
    """As people read it."""
    return " ".join(mishap)
