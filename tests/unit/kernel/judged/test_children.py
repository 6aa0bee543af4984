"""Children that calls of a judged run open, and what is news of them."""

import pytest

from floe.kernel.judged.children import (
    is_known,
    news_of,
    opening_fault,
    openings_of,
    update_of,
)
from floe.kernel.judged.lane import judgement
from floe.model.children import Above, Parent
from floe.model.ids import FlowId
from floe.model.judging import Judged, Update, UpdateReceived
from floe.model.nouns import replace
from floe.model.opening import ChildOpening, Opening
from floe.model.run import Phase, Run, State
from floe.model.signal import Answered, Exited, Report, Reported, Stopped
from floe.model.summary import WENT_ON
from tests.make import NOW, a_run, after, the_key
from tests.make_store import a_summary
from tests.toy.judge import judged
from tests.toy.reader import toy_flow
from tests.toy.run import a_judged_run

FLOW = toy_flow("toy", ["a"])


def an_opening(key: str) -> ChildOpening:
    return ChildOpening(key=key, flow=FLOW, digest="sha256:1", opening=Opening())


def at_work() -> Run:
    """A run whose call goes on."""
    run = a_judged_run(FLOW)
    owed = judgement(run)
    assert owed is not None
    verdicts = judged(run, owed.asks, NOW)
    return after(run, Judged(epoch=owed.epoch, seq=owed.seq, verdicts=verdicts))


def report_of(run: Run, report: Report) -> Reported:
    return Reported(key=the_key(run, "a"), report=report, at=NOW)


def an_answer(*keys: str) -> Answered:
    return Answered(good=True, outputs={}, opens=tuple(map(an_opening, keys)))


@pytest.mark.parametrize("report", [Exited(status=0, outputs={}), Stopped()])
def test_only_an_answer_opens_children(report: Report) -> None:
    run = at_work()

    assert openings_of(run, report_of(run, report)) == ()


def test_answer_opens_one_child_by_each_key() -> None:
    run = at_work()

    found = openings_of(run, report_of(run, an_answer("k1", "k2", "k1")))

    assert [one.key for one in found] == ["k1", "k2"]


def test_run_opens_20_000_children_at_most() -> None:
    run = at_work()
    assert run.passes is not None
    many = {f"k{at}": "" for at in range(20_000)}
    full = replace(run, passes=replace(run.passes, children=many))

    why = opening_fault(full, (an_opening("new"),))

    assert why == "its run would have more than 20,000 child runs"


def test_child_has_eight_runs_above_it_at_most() -> None:
    above = tuple(Above(run=f"h1-{at}@k3f9", flow=FlowId("toy")) for at in range(8))
    run = replace(at_work(), parent=Parent(key="", waits=False, above=above))

    assert opening_fault(replace(run, parent=None), (an_opening("k1"),)) == ""
    assert opening_fault(run, (an_opening("k1"),)) == (
        "more than 8 runs would be above its child run"
    )


def test_opening_needs_a_key() -> None:
    assert opening_fault(at_work(), (an_opening(""),)) == "its child run has no key"


@pytest.mark.parametrize(
    ("state", "phase", "label", "news"),
    [
        ("archive", "ended", "DONE", "DONE"),
        ("archive", "packed", "", "cancelled"),
        ("active", "resting", "BLOCKED", "BLOCKED"),
        ("active", "resting", "WAITING", ""),
        ("active", "active", "BLOCKED", ""),
        ("active", "ending", "DONE", ""),
    ],
)
def test_end_of_a_child_and_a_rest_that_is_told_are_news(
    state: State, phase: Phase, label: str, news: str
) -> None:
    assert FLOW.states is not None
    row = a_summary(state=state, phase=phase, label=label, result="cancelled")

    assert news_of(row, FLOW.states) == news


def test_end_without_a_label_and_a_result_is_bad() -> None:
    assert FLOW.states is not None

    assert news_of(a_summary(state="archive", phase="ended"), FLOW.states) == "bad"


def test_end_of_a_copy_that_a_forgotten_host_gave_up_is_no_news() -> None:
    assert FLOW.states is not None
    row = a_summary(state="archive", phase="ended", label="WAITING", result="bad", why=WENT_ON)

    assert news_of(row, FLOW.states) == ""


@pytest.mark.parametrize(
    ("state", "seq", "is_old"),
    [("bad", 7, False), ("bad", 6, True), ("DONE", 7, True), ("DONE", 8, False)],
)
def test_only_the_loss_of_a_child_may_name_the_event_of_the_last_news(
    state: str, seq: int, is_old: bool
) -> None:
    last = UpdateReceived(at=NOW, source="h1-2@k3f9", key="k1", state="BLOCKED", epoch=1, seq=7)

    update = Update(source="h1-2@k3f9", key="k1", state=state, epoch=1, seq=seq)

    assert is_known(last, update) == is_old


def test_run_that_did_not_open_a_child_gets_no_update_of_it() -> None:
    row = a_summary(state="archive", phase="ended")

    assert update_of(at_work(), row, "DONE") is None
    assert update_of(a_run(), row, "DONE") is None


def test_update_of_a_child_has_its_key_and_names_its_last_event() -> None:
    run, row = at_work(), a_summary(state="archive", phase="ended", epoch=2, seq=7)
    assert run.passes is not None
    parent = replace(run, passes=replace(run.passes, child_keys={row.key: "k1"}))

    assert update_of(parent, row, "DONE") == Update(
        source=row.key, key="k1", state="DONE", epoch=2, seq=7
    )
