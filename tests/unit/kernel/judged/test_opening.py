"""How a run of a judged flow begins."""

import pytest

from floe.kernel.evolve import evolve
from floe.kernel.why import why
from floe.model.codec import decode_event, encode_event, from_text, to_text
from floe.model.event import Event
from floe.model.ids import FlowId, NodeId
from floe.model.judging import ActionEnded, Judged, NodeSet, RunNoted, UpdateReceived
from floe.model.nouns import replace
from floe.model.outcome import Outcome
from floe.model.passes import PassBegan, RunExtended, RunOpened, RunRested
from floe.model.tags import TRIGGER_GOOD, Tag
from tests.make import H1, NOW, REF, STORE, decided

OPENED = RunOpened(
    at=NOW,
    flow=FlowId("toy"),
    ver=1,
    digest="sha256:1",
    trigger=NodeId("start"),
    values={},
    by="alice",
    host=H1,
    store=STORE,
)
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
    RunNoted(at=NOW, by="alice", kind="comment", value="hello"),
)


def test_run_begins_in_its_first_pass() -> None:
    run = evolve(None, OPENED, ref=REF)

    assert run.passes is not None
    assert (run.phase, run.passes.number, [*run.standing]) == ("active", 1, [TRIGGER_GOOD])


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: type(fact).__name__)
def test_fact_of_a_judged_run_is_read_as_it_was_written(fact: Event) -> None:
    shape = from_text(to_text(encode_event(fact)))

    assert isinstance(shape, dict)
    assert decode_event(type(fact).__name__, shape) == fact


@pytest.mark.parametrize("fact", FACTS[1:], ids=lambda fact: type(fact).__name__)
def test_fact_of_a_judged_run_is_one_more(fact: Event) -> None:
    run = evolve(None, OPENED, ref=REF)

    assert evolve(run, fact).seq == 2


def test_signal_about_a_judgement_that_nobody_asked_for_does_nothing() -> None:
    run = evolve(None, OPENED, ref=REF)

    assert decided(run, Judged(epoch=1, seq=7, verdicts=()), NOW).events == ()


def test_run_that_is_opened_with_a_verdict_rests() -> None:
    run = evolve(None, replace(OPENED, verdict="TODO"), ref=REF)

    assert (run.phase, why(run).text) == ("resting", "rests")
