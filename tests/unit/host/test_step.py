"""What a step writes: appends, rows, promises and effects."""

import pytest

from floe.host.core import HostCore
from floe.host.inputs import Incoming, Mark, Packed
from floe.host.peers.no_peers import NoPeers
from floe.host.step import Step
from floe.model.call import Call
from floe.model.effect import PackArchive, StartAction
from floe.model.event import RunEnded, RunPacked
from floe.model.flow import Retry
from floe.model.ids import HostId, NodeId
from floe.model.peer_message import Forgotten, Message, NotMe
from floe.model.run import Run
from floe.model.signal import Answered, Cancel, DataGiven, Exited, Reported, TimerFired
from floe.store.base import LedgerWrite
from tests.make import (
    H1,
    NOW,
    STORE,
    a_flow,
    a_form,
    a_node,
    an_end,
    exited,
    started,
    the_key,
)
from tests.make_core import BUILD, a_core, a_start, begun, ended, events_of, stepped, to


def form_run(core: HostCore) -> Run:
    [run] = begun(core, a_flow(a_form(), a_node("n", on="task.sign-off.good")))
    return run


def test_effects_come_in_the_order_of_the_flow() -> None:
    names = [f"n{i}" for i in range(20)]

    decided = stepped(a_core(), a_start(a_flow(*map(a_node, names))))

    assert [e.key.node for e in decided.effects if isinstance(e, StartAction)] == names


def test_append_follows_the_log_it_was_decided_on() -> None:
    core = a_core()
    [run] = begun(core, BUILD)

    [append] = ended(core, run).appends

    assert (append.after, append.epoch) == (run.seq, 1)
    assert [r.seq for r in append.records] == list(range(run.seq + 1, run.seq + 6))
    assert append.summary
    assert (append.summary.phase, append.summary.good) == ("ended", True)


def test_row_is_written_only_where_it_changed() -> None:
    core = a_core()
    [run] = begun(core, BUILD)

    [append] = stepped(core, to(run, started(run, "build"))).appends

    assert append.summary is None


def test_promises_are_promised() -> None:
    core = a_core()
    run = form_run(core)
    given = DataGiven(node=NodeId("sign-off"), values={}, good=True, by="bob")

    start = stepped(core, a_start())
    answer = stepped(core, to(run, given))
    cancel = stepped(core, to(run, Cancel(by="bob")))
    mark = stepped(core, Incoming(input=Mark(rows=())))

    assert [d.promise for d in (start, answer, cancel, mark)] == [True] * 4


def test_steps_are_not_promised() -> None:
    core = a_core()
    retried = a_flow(a_node("build", retry=Retry(max=1)), a_node("next", on="task.build.good"))
    [run] = begun(core, retried)

    steps = [stepped(core, to(run, started(run, "build")))]
    steps += [stepped(core, to(run, exited(run, "build", 1)))]
    key = the_key(core.table.runs[run.ref], "build")
    steps += [stepped(core, to(run, TimerFired(key=key, kind="retry")))]
    steps += [ended(core, run)]
    steps += [stepped(core, Incoming(input=Mark(rows=(), promise=False)))]

    assert [bool(d.appends) for d in steps] == [True] * 4 + [False]
    assert [d.promise for d in steps] == [False] * 5


def test_run_of_calls_with_outputs_is_packed_in_the_step_that_ends_it() -> None:
    core = a_core(packs_at_end=True)
    [run] = begun(core, a_flow(a_node("build", Call(type="toy.echo"))))
    report = Answered(good=True, outputs={"text": "hello"}, metadata={"ms": 3})

    ending = stepped(core, to(run, Reported(key=the_key(run, "build"), report=report, at=NOW)))

    assert [type(event) for event in events_of(ending)][-2:] == [RunEnded, RunPacked]
    assert (core.table.runs.awake, ending.effects, ending.ledger) == ({}, (), ())


def test_ended_run_is_on_the_list_of_the_unpacked_until_it_is_packed() -> None:
    core = a_core()
    [run] = begun(core, BUILD)

    ending = ended(core, run)
    packing = stepped(core, to(run, Packed(digests={})))

    assert LedgerWrite(kind="unpacked", key=run.ref.key, value=True) in ending.ledger
    assert LedgerWrite(kind="unpacked", key=run.ref.key, value=None) in packing.ledger
    assert (core.table.runs.awake, core.table.owed(run.ref)) == ({}, frozenset())


def test_run_without_output_is_packed_in_the_step_that_ends_it() -> None:
    core = a_core(packs_at_end=True)
    [run] = begun(core, BUILD)

    ending = ended(core, run)

    assert [type(event) for event in events_of(ending)][-2:] == [RunEnded, RunPacked]
    assert [write for write in ending.ledger if write.kind == "unpacked"] == []
    assert (core.table.runs.awake, ending.effects) == ({}, ())


def test_run_with_output_is_packed_after_the_step_that_ends_it() -> None:
    core = a_core(packs_at_end=True)
    [run] = begun(core, BUILD)
    report = Exited(status=0, outputs={}, output_bytes=1)

    ending = stepped(core, to(run, Reported(key=the_key(run, "build"), report=report, at=NOW)))

    assert ending.effects == (PackArchive(run.ref),)
    assert LedgerWrite(kind="unpacked", key=run.ref.key, value=True) in ending.ledger


def test_run_that_ends_when_it_begins_is_packed_in_that_step() -> None:
    core = a_core(packs_at_end=True)

    decided = stepped(core, a_start(a_flow(an_end(on="trigger.good"))))

    assert isinstance(events_of(decided)[-1], RunPacked)
    assert core.table.runs == {}


class Echo(NoPeers):
    """Answers each message of a host to itself, up to a number, and keeps them."""

    def __init__(self, answers: int) -> None:
        self.answers = answers
        self.received: list[Message] = []

    def receive_own(self, step: Step, message: Message) -> None:
        self.received.append(message)
        if len(self.received) <= self.answers:
            step.send(H1, STORE, Forgotten())


def test_message_to_this_host_is_handled_in_the_same_step_with_what_it_causes() -> None:
    echo = Echo(answers=2)
    step = Step(a_core().site, NOW, echo)

    step.send(H1, None, NotMe(mine=STORE))
    step.deliver()

    assert echo.received == [NotMe(mine=STORE), Forgotten(), Forgotten()]
    assert step.result().messages == ()


def test_step_with_a_message_to_this_host_that_was_not_handled_has_no_result() -> None:
    step = Step(a_core().site, NOW, NoPeers())
    step.send(H1, STORE, Forgotten())

    with pytest.raises(AssertionError):
        step.result()


def test_message_to_a_peer_leaves_with_the_result() -> None:
    step = Step(a_core().site, NOW, NoPeers())

    step.send(HostId("h2"), None, Forgotten())

    assert [envelope.to_host for envelope in step.result().messages] == ["h2"]
