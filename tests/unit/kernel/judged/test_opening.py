"""How a run of a judged flow begins."""

import pytest

from floe.kernel.evolve import evolve
from floe.kernel.owed import longest_s, owed, run_key
from floe.kernel.process import takes_slot
from floe.model.codec import decode_event, encode, encode_event, from_text, to_text
from floe.model.effect import SetTimer
from floe.model.event import Event
from floe.model.ids import Instant, NodeId
from floe.model.judging import (
    ActionEnded,
    Judged,
    NodeSet,
    RunNoted,
    Update,
    UpdateReceived,
    Verdict,
)
from floe.model.nouns import replace
from floe.model.outcome import Outcome
from floe.model.passes import BeginPass, Extend, PassBegan, RunExtended, RunRested
from floe.model.people import PauseAsked, Resolve, RunEdited, RunResolved, RunRestarted
from floe.model.signal import Signal, TimerFired
from floe.model.tags import TRIGGER_GOOD, Tag
from tests.make import NOW, REF, a_flow, a_node, a_run, after, decided
from tests.toy.reader import toy_flow
from tests.toy.run import a_judged_run, opened

TOY = toy_flow("toy", ["  a"])
OPENED = opened(TOY)
FACTS = (
    OPENED,
    ActionEnded(
        at=NOW, node=NodeId("a"), visit=1, attempt=1, outcome=Outcome(result="good"), ended_at=NOW
    ),
    NodeSet(
        at=NOW,
        node=NodeId("a"),
        visit=1,
        attempt=1,
        state="DONE",
        phase="settled",
        outcome=Outcome(result="good"),
        tags=(Tag("task.a.DONE"), Tag("task.a.final")),
    ),
    UpdateReceived(at=NOW, source="h1-2", key="child"),
    PassBegan(at=NOW, number=2, by="alice"),
    RunRested(at=NOW, number=2, verdict="WAITING"),
    RunExtended(at=NOW, by="alice", passes=3),
    PauseAsked(at=NOW, by="alice", verdict="PAUSED"),
    RunNoted(at=NOW, by="alice", kind="comment", value="hello"),
    RunResolved(at=NOW, by="alice", resolution="r1", values={"region": "eu"}),
    RunRestarted(at=NOW, by="alice"),
    RunEdited(
        at=NOW, by="alice", digest="sha256:2", flow=TOY, values={"a": 1}, gone=(NodeId("b"),)
    ),
    RunEdited(at=NOW, by="alice", digest="sha256:2"),
)


JUDGED_FIELDS = ("states", "prunes", "recheck", "idempotent", "tries_max", "after")


def test_run_begins_in_its_first_pass() -> None:
    run = evolve(None, OPENED, ref=REF)

    assert run.passes is not None
    assert (run.phase, run.passes.number, [*run.standing]) == ("active", 1, [TRIGGER_GOOD])


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: type(fact).__name__)
def test_fact_of_a_judged_run_is_read_as_it_was_written(fact: Event) -> None:
    shape = from_text(to_text(encode_event(fact)))

    assert isinstance(shape, dict)
    assert decode_event(type(fact).__name__, shape) == fact


def test_run_that_is_opened_with_a_verdict_rests() -> None:
    run = evolve(None, replace(OPENED, verdict="TODO"), ref=REF)

    assert run.passes is not None
    assert (run.phase, run.passes.number, run.passes.verdict) == ("resting", 0, "TODO")


def test_run_may_rest_until_an_instant_before_its_first_pass() -> None:
    due = Instant(NOW + 60_000)
    run = evolve(None, replace(OPENED, verdict="TODO", due=due), ref=REF)
    run = replace(run, flow=TOY)
    key = run_key(run)

    found = decided(run, TimerFired(key=key, kind="pass"), due)

    assert SetTimer(key, "pass", due) in owed(run)
    assert [type(event) for event in found.events] == [PassBegan]


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: type(fact).__name__)
def test_fact_of_a_judged_run_is_a_mistake_in_any_other(fact: Event) -> None:
    run = a_run()

    with pytest.raises(AssertionError):
        evolve(run, fact)


@pytest.mark.parametrize(
    "signal",
    [
        Judged(epoch=1, seq=1, verdicts=()),
        Update(source="test", key="child"),
        BeginPass(by="alice"),
        Extend(by="alice", passes=1),
        Resolve(by="alice", resolution="r1"),
    ],
    ids=lambda signal: type(signal).__name__,
)
def test_signal_to_a_judged_run_does_nothing_to_any_other(signal: Signal) -> None:
    run = a_run()

    assert decided(run, signal, NOW).events == ()


def test_judged_run_takes_no_slot_while_a_command_of_it_runs() -> None:
    before = a_judged_run(toy_flow("toy", ["  a"]))

    run = after(before, Judged(epoch=1, seq=1, verdicts=(Verdict(),)))

    assert run.open == {"a"}
    assert not takes_slot(run)


def test_timer_of_the_next_pass_lasts_at_most_as_long_as_a_rest() -> None:
    run = a_judged_run(toy_flow("toy", ["  a"]))
    timer = SetTimer(run_key(run), "pass", NOW)

    assert longest_s(run, timer) == 3600.0


def test_flow_without_states_has_the_digest_that_it_had() -> None:
    text = to_text(encode(a_flow(a_node("a"))))

    assert not [name for name in JUDGED_FIELDS if f'"{name}"' in text]
