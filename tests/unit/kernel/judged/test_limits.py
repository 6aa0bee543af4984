"""What a run of a judged flow refuses to hold, where no scenario can show it."""

from typing import Any

import pytest

from floe.kernel.judged.lane import judgement
from floe.kernel.judged.limits import (
    NOTES_MAX,
    RUN_BYTES_MAX,
    UPDATE_BYTES_MAX,
    UPDATES_MAX,
    bytes_added,
)
from floe.kernel.judged.people import refusal
from floe.model.call import Call
from floe.model.event import Event, ItemEntered, NodeEntered, NodeStarted
from floe.model.ids import NodeId
from floe.model.judging import Enter, Judged, Note, RunNoted, Set, Update, UpdateReceived, Verdict
from floe.model.nouns import replace
from floe.model.passes import Passes
from floe.model.people import AddNote
from floe.model.run import Run
from floe.model.signal import Answered, Reported
from tests.make import NOW, after, exited, the_key
from tests.toy.reader import toy_flow
from tests.toy.run import a_judged_run

A = NodeId("a")
WORK = Call(type="toy.step", config=["xxxx"])
WORK_BYTES = len('["xxxx"]')
NOTE = RunNoted(at=NOW, by="a", kind="tag", value="x")


def passes_of(run: Run) -> Passes:
    assert run.passes is not None
    return run.passes


def a_run(**passes: Any) -> Run:
    run = a_judged_run(toy_flow("toy", ["a"]))
    return replace(run, passes=replace(passes_of(run), **passes))


def judged(run: Run, verdict: Verdict) -> Run:
    """The run after a verdict about its one question."""
    owed = judgement(run)
    assert owed is not None
    return after(run, Judged(epoch=owed.epoch, seq=owed.seq, verdicts=(verdict,)))


def why_of(run: Run) -> str:
    outcome = run.nodes[A].outcome
    assert outcome is not None
    return outcome.why


@pytest.mark.parametrize(
    ("event", "size"),
    [
        (NodeEntered(at=NOW, node=A, visit=1, work=WORK, items=(1, 2)), WORK_BYTES + 5),
        (ItemEntered(at=NOW, node=A, visit=1, item=0, work=WORK), WORK_BYTES),
        (ItemEntered(at=NOW, node=A, visit=1, item=0), 0),
        (UpdateReceived(at=NOW, source="h1-2", key="child", value={"a": 1}), 7),
        (NOTE, 3),
        (NodeStarted(at=NOW, node=A, visit=1, attempt=1, started_at=NOW), 0),
    ],
    ids=lambda event: type(event).__name__,
)
def test_event_adds_the_bytes_of_its_values(event: Event, size: int) -> None:
    assert bytes_added(event) == size


def test_run_counts_what_its_events_add() -> None:
    entered = judged(a_run(), Verdict(work=WORK))
    ended = after(entered, exited(entered, "a", 0, id="order-7"))
    done = judged(ended, Verdict(state="WAITING", awaits=("k",), outputs={"n": 1}))

    sizes = [WORK_BYTES, WORK_BYTES + 16, WORK_BYTES + 16 + len('["k"]{"n":1}')]
    assert [passes_of(run).bytes for run in (entered, ended, done)] == sizes


def test_judgement_sees_the_metadata_of_an_answer() -> None:
    run = judged(a_run(), Verdict())
    answer = Answered(good=True, outputs={"id": 7}, metadata={"status": 201})

    ended = after(run, Reported(key=the_key(run, "a"), report=answer, at=NOW))

    assert (ended.nodes[A].outputs, ended.nodes[A].metadata) == ({"id": 7}, {"status": 201})


def test_verdict_with_more_than_a_run_may_add_is_wrong() -> None:
    run = judged(a_run(bytes=RUN_BYTES_MAX - 5), Verdict(work=WORK))

    assert why_of(run) == (
        "wrong verdict: it adds 8 bytes to the run, which has 268,435,451 of at most 268,435,456"
    )


def test_result_that_a_run_cannot_hold_is_an_error() -> None:
    run = judged(a_run(bytes=RUN_BYTES_MAX - 10), Verdict())

    ended = after(run, exited(run, "a", 0, id="order-7"))

    assert (ended.nodes[A].phase, ended.nodes[A].outputs) == ("judging", {})
    assert why_of(ended).startswith("its result adds 16 bytes to the run")


def test_verdict_that_adds_nothing_counts_in_a_full_run() -> None:
    run = judged(a_run(bytes=RUN_BYTES_MAX), Verdict())

    assert run.nodes[A].phase == "entered"


def test_notes_entries_and_states_of_a_verdict_have_a_size() -> None:
    verdict = Verdict(
        state="DONE",
        sets=(Set(node=A, state="DONE", why="x" * 2_000_000),),
        enters=(Enter(node=A, work=Call(type="toy.step", config="x" * 2_000_000)),),
        notes=(Note(kind="tag", value="x" * 2_000_000),),
    )

    assert why_of(judged(a_run(), verdict)) == (
        "wrong verdict: it has 6,000,007 bytes, of at most 4,194,304"
    )


def test_notes_of_verdicts_count_for_the_limit_of_a_run() -> None:
    run = a_run(notes=(NOTE,) * (NOTES_MAX - 1))

    full = judged(run, Verdict(state="DONE", notes=(Note(kind="tag"),) * 2))

    assert why_of(full) == "wrong verdict: it adds 2 notes, and the run has at most 10,000"
    assert len(passes_of(full).notes) == NOTES_MAX


def test_full_run_notes_once_that_findings_have_no_room() -> None:
    run = a_run(notes=(NOTE,) * NOTES_MAX)
    sets = (Set(node=NodeId("z"), state="DONE"),) * 3

    full = judged(run, Verdict(state="DONE", sets=sets))

    assert [note.value for note in passes_of(full).notes[NOTES_MAX:]] == [
        "further findings have no room"
    ]


def test_run_has_a_limited_number_of_updates() -> None:
    known = UpdateReceived(at=NOW, source="test", key="k0")
    run = a_run(updates={f"k{at}": known for at in range(UPDATES_MAX)})

    refused = refusal(run, Update(source="test", key="new"))

    assert refused == "it has updates of 20,000 keys, and no more fit"
    assert refusal(run, Update(source="test", key="k0")) == ""
    assert after(run, Update(source="test", key="new")) == run


def test_update_has_a_limited_size() -> None:
    large = Update(source="test", key="k", value="x" * UPDATE_BYTES_MAX)

    assert refusal(a_run(), large) == "an update has at most 1,048,576 bytes"


def test_full_run_takes_no_update_and_no_note() -> None:
    run = a_run(bytes=RUN_BYTES_MAX)

    assert refusal(run, Update(source="test", key="k", value=1)).startswith(
        "the update adds 1 bytes to the run"
    )
    assert refusal(run, AddNote(by="bob", kind="comment", value=1)).startswith("the note adds ")
