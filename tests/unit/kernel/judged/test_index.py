"""The index of the questions of a run, which is only derived."""

from floe.kernel.evolve import evolve
from floe.kernel.judged.index import indexed
from floe.kernel.judged.lane import judgement
from floe.kernel.judged.part import worst_of
from floe.model.ids import NodeId
from floe.model.judging import Judged, NodeSet, Update, Verdict
from floe.model.nouns import replace
from floe.model.outcome import Outcome
from floe.model.passes import BeginPass
from floe.model.people import Pause
from floe.model.run import Run
from tests.make import NOW, after, exited
from tests.toy.reader import toy_flow
from tests.toy.run import a_judged_run

FLOW = toy_flow("toy", ["a", "b on a", "c on a", "d on b c", "e"])


def judged(run: Run, *verdicts: Verdict) -> Run:
    owed = judgement(run)
    assert owed is not None
    return after(run, Judged(epoch=owed.epoch, seq=owed.seq, verdicts=verdicts))


def a_run() -> Run:
    """A run of which the first node is done."""
    begun = judged(a_judged_run(FLOW), Verdict(), Verdict())
    return judged(after(begun, exited(begun, "a")), Verdict(state="DONE"))


def ready(run: Run) -> set[str]:
    assert run.passes is not None
    assert run.passes.ready is not None
    return set(run.passes.ready)


def test_nodes_after_one_that_is_done_have_questions() -> None:
    run = a_run()

    assert ready(run) == {"b", "c"}
    assert ready(judged(run, Verdict(), Verdict())) == set()


def test_run_without_its_index_is_equal_and_has_the_same_questions() -> None:
    run = a_run()
    assert run.passes is not None

    bare = replace(run, passes=replace(run.passes, ready=None, asks=None))

    one, other = judgement(run), judgement(bare)
    assert bare == run
    assert one is not None
    assert other is not None
    assert one.asks == other.asks


def test_run_without_its_flow_has_no_index() -> None:
    prune = NodeSet(
        at=NOW,
        node=NodeId("b"),
        visit=1,
        attempt=0,
        state="PRUNED",
        phase="settled",
        outcome=Outcome(result="skipped"),
        by="prune",
    )

    run = evolve(replace(a_run(), flow=None), prune)

    assert run.passes is not None
    assert (run.passes.ready, run.passes.asks) == (None, None)


def bare(run: Run) -> Run:
    """The same run from its log."""
    assert run.passes is not None
    return indexed(replace(run, passes=replace(run.passes, ready=None, counts=None, asks=None)))


def test_index_that_was_kept_is_that_of_the_log() -> None:
    """Nodes wait, fail, are done and are pruned; passes begin by an update and by a person."""
    run = a_judged_run(toy_flow("toy", ["a", "b", "c", "d on a:DONE", "e | items=2"]))
    waits = (Verdict(state="WAITING", awaits=("k1",)), Verdict(state="WAITING", awaits=("k2",)))
    failed, items = Verdict(state="CLIENT_ERROR"), Verdict(items=(0, 1))
    done = Verdict(state="DONE")
    seen = [run := judged(run, *waits, failed, items)]
    seen += [run := judged(run, Verdict(state="CLIENT_ERROR"), done)]
    for key, verdicts in (("k1", (done, failed)), ("k2", (Verdict(state="FAILED"), failed, done))):
        seen += [run := after(run, Update(source="test", key=key))]
        seen += [run := judged(run, *verdicts)]
    seen += [run := after(run, BeginPass(by="alice"))]
    seen += [after(run, Pause(by="alice", verdict="PAUSED", force=True))]

    for one in seen:
        assert one.passes is not None
        if one.phase == "active":
            kept, made = one.passes, bare(one).passes
            assert made is not None
            assert (kept.ready, kept.idle, kept.counts) == (made.ready, made.idle, made.counts)
        assert worst_of(one) == worst_of(bare(one))
    assert len({one.phase for one in seen}) == 2
