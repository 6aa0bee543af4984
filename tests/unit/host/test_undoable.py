"""Whatever hosts say to one another: a refused append leaves no trace, and nobody holds twice."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floe.host.inputs import Drain, Forget, Free, Incoming, Input, Received, Start, Unsent
from floe.host.undoable import Undoable, UndoJournal
from floe.model.codec import digest_of
from floe.model.flow import Flow
from floe.model.ids import FlowId, HostId, Instant, NodeId
from floe.model.peer_message import Envelope
from floe.model.signal import Cancel
from tests.make import a_flow, a_node, an_end, exited
from tests.make_core import snapshot
from tests.make_hosts import Host, a_host_core, carry, later, met

pytestmark = pytest.mark.slow

FLOWS = (
    a_flow(a_node("build"), an_end()),
    a_flow(a_node("build"), an_end(), id=FlowId("gpu"), host_tags=("gpu",)),
    a_flow(a_node("build"), an_end(), id=FlowId("db"), resource_tags=("db",)),
    a_flow(
        a_node("build"),
        an_end(),
        id=FlowId("lab"),
        resource_tags=("db", "lab", "host:nic"),
        host_tags=("gpu",),
        on_host_lost="restart",
        reuse_space=True,
    ),
)
KEEPER = HostId("h1")

UNSAFE = (9, 10)
"""Moves that are safe only as an operator and a transport mean them: Free, and Unsent."""

Move = tuple[int, int, int]
MOVES = st.lists(st.tuples(*[st.integers(0, 11)] * 3), max_size=60)


def state(host: Host) -> object:
    """All that a core knows."""
    core = host.core
    return (
        snapshot(core),
        core.site.draining,
        books(core.cluster, []),
    )


def books(part: object, seen: list[int]) -> dict[str, Any]:
    """Everything in the books of a part and of the parts below it."""
    found: dict[str, Any] = {}
    if id(part) in seen:
        return found
    seen.append(id(part))
    for name, value in vars(part).items():
        if isinstance(value, Undoable):
            found[name] = dict(value.items())
        elif name == "_by_host":
            found[name] = {host: dict(book.items()) for host, book in value.items() if len(book)}
        elif type(value).__module__.startswith("floe.host.") and hasattr(value, "__dict__"):
            found |= {f"{name}.{key}": v for key, v in books(value, seen).items()}
    return found


def word_of(hosts: Sequence[Host], host: Host, move: Move, air: list[Envelope]) -> Incoming:
    """A word that fits the state at hand, more or less."""
    what, which, how = move
    runs = [r for r in host.core.table.runs.values() if r.flow is not None]
    run = runs[which % len(runs)] if runs else None
    if what < 5 and air:
        at = which % len(air)
        envelope = air[at] if how == 0 else air.pop(at)
        return Incoming(input=Received(envelope=envelope))
    if what == 5 and run is not None:
        return Incoming(input=Cancel(by="bob"), run=run.ref)
    if what == 6 and run is not None and run.phase == "active" and "build" in run.open:
        return Incoming(input=exited(run, "build"), run=run.ref)
    word: Input
    if what == 7 and how < 2:
        word = Drain(on=which % 2 == 0)
    elif what == 8 and how < 2:
        other = hosts[which % len(hosts)]
        word = Forget(host=other.id, store=other.store, force=True)
    elif what == 9 and how < 2:
        word = Free(tag="db")
    elif what == 10 and run is not None and how < 3:
        word = Unsent(run=run.ref, epoch=run.epoch)
    else:
        word = a_start(FLOWS[which % len(FLOWS)])
    return Incoming(input=word)


def a_start(flow: Flow) -> Start:
    return Start(flow=flow, digest=digest_of(flow), trigger=NodeId("start"), values={}, by="alice")


def three() -> list[Host]:
    made = [
        a_host_core("h1", peers=2, keeper=KEEPER, slots=2),
        a_host_core("h2", peers=2, keeper=KEEPER, slots=2, tags=frozenset({"gpu"})),
        a_host_core("h3", peers=2, keeper=KEEPER, slots=1, tags=frozenset({"gpu"})),
    ]
    met(*made)
    later(100, *made)
    carry(*made)
    return made


def played(hosts: Sequence[Host], moves: Sequence[Move], *, wary: bool) -> None:
    """Let hosts hear words in any order, with whatever they say lost, late or doubled."""
    air: list[Envelope] = []
    for number, move in enumerate(moves):
        host = hosts[move[1] % len(hosts)]
        host.now = Instant(host.now + 40 * move[2])
        word = word_of(hosts, host, move, air)
        if isinstance(word.input, Received):
            [host] = [h for h in hosts if h.id == (word.input.envelope.to_host or host.id)]
            word = Incoming(input=host.read(word.input.envelope))
        if wary:
            before = state(host)
            host.core.undo(host.core.step([word], host.now))
            assert state(host) == before, f"move {number}: {word.input}"
        host.keep(host.core.step([word], host.now))
        for sender in hosts:
            air += sender.sent
            sender.sent.clear()
        if not wary:
            nobody_holds_twice(hosts)


def nobody_holds_twice(hosts: Sequence[Host]) -> None:
    """No resource is held by two runs, and no run is active in two places under one epoch."""
    tags: Counter[str] = Counter()
    for host in hosts:
        assert host.core.table.active <= host.core.site.settings.slots
        for run in host.core.table.runs.values():
            is_here = run.phase in ("active", "ending") and not host.core.table.is_foreign(run)
            if is_here and not run.superseded and run.flow is not None:
                tags.update(t for t in run.flow.resource_tags if not t.startswith("host:"))
    forgot = any(host.rows("forgotten") for host in hosts)
    assert forgot or all(count == 1 for count in tags.values()), tags


@settings(max_examples=80, deadline=None)
@given(MOVES)
def test_refused_append_leaves_no_trace_among_hosts(moves: Sequence[Move]) -> None:
    played(three(), moves, wary=True)


@settings(max_examples=80, deadline=None)
@given(MOVES)
def test_run_and_resource_are_given_once_whatever_messages_come(moves: Sequence[Move]) -> None:
    played(three(), [m for m in moves if m[0] not in UNSAFE], wary=False)


def test_undone_changes_leave_a_dictionary_as_it_was() -> None:
    journal = UndoJournal()
    values: Undoable[str, int] = Undoable(journal)
    values.put("a", 1)
    journal.take()

    changed = [values.put("a", 2), values.put("b", 3), values.put("a", None), values.put("c", None)]
    for undo in journal.take():
        undo()

    assert changed == [True, True, True, False]
    assert values.items() == [("a", 1)]
