"""Children that calls of judged runs open, and what their parents learn of them."""

from dataclasses import replace
from typing import Any

import pytest

from floe.host import child_news
from floe.host.child_news import unread
from floe.host.inputs import ChildrenRead, Drain, Mark
from floe.host.step_result import StepResult
from floe.kernel.judged import limits
from floe.model.ids import Json, Key, RunRef
from floe.model.judging import ActionEnded, Update, UpdateReceived
from floe.model.passes import BeginPass, RunOpened, RunRested
from floe.model.run import Run
from floe.model.signal import Cancel
from floe.store.base import Append
from tests.make import a_flow
from tests.make_children import (
    CHILD,
    PARENT,
    a_child_opening,
    answer,
    end_child,
    open_child,
    open_judged,
    updates,
    work,
)
from tests.make_hosts import Host, a_host_core, carry, forget, later, met, phase
from tests.toy.dialect import ToyRows


@pytest.fixture
def h1() -> Host:
    """A host on its own."""
    return a_host_core("h1", peers=0)


def opened(decided: StepResult) -> list[str]:
    """The runs that a step opened."""
    return [str(s.record.run) for s in decided.recorded if isinstance(s.record.event, RunOpened)]


def test_answer_opens_its_children_in_the_step_that_records_its_end(h1: Host) -> None:
    ref = open_judged(h1)

    decided = answer(h1, ref, a_child_opening("k1"), a_child_opening("k2"))

    [ended] = [s.record.event for s in decided.recorded if isinstance(s.record.event, ActionEnded)]
    assert opened(decided) == ["h1-2", "h1-3"]
    assert {key: str(RunRef.parse(run)) for key, run in ended.opened.items()} == {
        "k1": "h1-2",
        "k2": "h1-3",
    }


def test_late_answer_opens_nothing(h1: Host) -> None:
    ref = open_judged(h1)
    h1.step(Cancel(by="alice"), run=ref)

    decided = answer(h1, ref, a_child_opening())

    assert (opened(decided), phase(h1, ref)) == ([], "ended")


@pytest.mark.parametrize(
    ("others", "why"),
    [
        ({"key": ""}, "its child run has no key"),
        ({"flow": a_flow()}, "the flow flow is not judged: "),
        ({"flow": replace(CHILD, seal=True)}, "its run cannot be sealed: "),
    ],
)
def test_answer_with_a_wrong_opening_is_an_error_and_opens_nothing(
    h1: Host, others: dict[str, Any], why: str
) -> None:
    ref = open_judged(h1)

    decided = answer(h1, ref, replace(a_child_opening(), **others), a_child_opening("k2"))

    [ended] = [s.record.event for s in decided.recorded if isinstance(s.record.event, ActionEnded)]
    assert (opened(decided), ended.opened, ended.outcome.result) == ([], {}, "error")
    assert ended.outcome.why.startswith(why)


def test_child_below_too_many_runs_is_not_opened(h1: Host) -> None:
    """Each is a child of the one before."""
    ref, depth = open_judged(h1), 0
    while opened(answer(h1, ref, a_child_opening(flow=PARENT))):
        passes = h1.run(ref).passes
        assert passes is not None
        ref = RunRef.parse(passes.children["k1"])
        work(h1, ref)
        depth += 1

    [*_, last] = h1.events(ref)
    assert isinstance(last, ActionEnded)
    assert (depth, last.outcome.why) == (8, "more than 8 runs would be above its child run")


def test_parent_learns_the_end_of_its_child_in_the_same_step_and_once(h1: Host) -> None:
    ref = open_judged(h1)
    child = open_child(h1, ref)
    assert phase(h1, ref) == "resting"

    decided = end_child(h1, child)

    assert updates(h1, ref) == ["k1 DONE"]
    assert {s.record.run for s in decided.recorded} == {ref, child}
    assert phase(h1, ref) == "active"


def test_parent_learns_that_its_child_rests_in_a_state_that_it_is_told(h1: Host) -> None:
    ref = open_judged(h1)
    child = open_child(h1, ref)

    end_child(h1, child, status=2)

    assert (updates(h1, ref), phase(h1, child)) == (["k1 BLOCKED"], "resting")


def test_parent_is_not_told_that_its_child_tries_again(h1: Host) -> None:
    ref = open_judged(h1)
    child = open_child(h1, ref)

    end_child(h1, child, status=1)

    assert (updates(h1, ref), phase(h1, child)) == ([], "resting")


def test_child_that_is_cancelled_is_news(h1: Host) -> None:
    ref = open_judged(h1)
    child = open_child(h1, ref)
    end_child(h1, child, status=2)

    h1.step(Cancel(by="alice"), run=child)

    assert updates(h1, ref) == ["k1 BLOCKED", "k1 cancelled"]


def test_parent_that_is_over_learns_nothing(h1: Host) -> None:
    ref = open_judged(h1)
    child = open_child(h1, ref)
    h1.step(Cancel(by="alice"), run=ref)

    end_child(h1, child)

    assert (updates(h1, ref), phase(h1, child)) == ([], "ended")


class Talker(ToyRows):
    """A dialect whose runs tell their parents a text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def told(self, run: Run) -> Json:
        """The text."""
        return self.text


@pytest.mark.parametrize(("size", "is_told"), [(9, True), (2 << 20, False)])
def test_update_has_what_the_child_tells_unless_that_is_too_large(size: int, is_told: bool) -> None:
    host = a_host_core("h1", peers=0, row_readers={"toy": Talker("x" * size)})
    ref = open_judged(host)
    answer(host, ref, a_child_opening(flow=replace(CHILD, dialect="toy")))
    work(host, ref)
    passes = host.run(ref).passes
    assert passes is not None
    child = RunRef.parse(passes.children["k1"])
    work(host, child)

    end_child(host, child)

    [update] = [event for event in host.events(ref) if isinstance(event, UpdateReceived)]
    assert update.state == "DONE"
    assert update.value == ("x" * size if is_told else None)


def test_run_with_all_its_updates_still_learns_of_its_children(
    h1: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "UPDATES_MAX", 1)
    ref = open_judged(h1)
    child = open_child(h1, ref)
    h1.step(Update(source="test", key="other"), run=ref)

    h1.step(Update(source="test", key="more"), run=ref)
    end_child(h1, child)

    assert updates(h1, ref) == ["other ", "k1 DONE"]


def three() -> tuple[Host, Host, Host]:
    """Three hosts that take any run."""
    h1, h2, h3 = met(*(a_host_core(id, peers=2) for id in ("h1", "h2", "h3")))
    return h1, h2, h3


def moved(ref: RunRef, of: Host, to: Host, *others: Host) -> None:
    """A run at rest moves to a different host."""
    hosts = (of, to, *others)
    later(2000, *hosts)
    carry(*hosts)
    for host in (*others, of):
        host.step(Drain(on=True))
        carry(*hosts)
    of.read_logs()
    carry(*hosts)
    for host in (*others, of):
        host.step(Drain(on=False))
    assert phase(to, ref) == "resting"


def learned(of: Host, to: Host, child: RunRef) -> None:
    """A host learns the row of a child from a different one."""
    row = of.directory[child.key]
    append = Append(run=child, epoch=row.epoch, after=0, records=(), summary=row)
    to.step(Mark(rows=(), appends=(append,)))


def read_children(host: Host) -> None:
    """Read what the core wants, as the hub does."""
    for ref in unread(host.core.site):
        found = [r for r in host.directory.values() if r.parent and Key.parse(r.parent).run == ref]
        host.step(ChildrenRead(rows=tuple(found)), run=ref)


def apart() -> tuple[Host, Host, Host, RunRef, RunRef]:
    """A parent at h2 that h1 opened, with its child in a pass at h1."""
    h1, h2, h3 = three()
    ref = open_judged(h1)
    child = open_child(h1, ref)
    moved(ref, h1, h2, h3)
    return h1, h2, h3, ref, child


def test_parent_that_moved_learns_the_end_of_its_child_from_its_row() -> None:
    h1, h2, _, ref, child = apart()
    end_child(h1, child)
    learned(h1, h2, child)
    learned(h1, h2, child)

    assert (updates(h1, ref), updates(h2, ref)) == ([], ["k1 DONE"])
    assert phase(h2, ref) == "active"


def test_parent_that_comes_after_the_row_of_its_child_reads_it() -> None:
    h1, h2, h3, ref, child = apart()
    end_child(h1, child)
    learned(h1, h3, child)
    moved(ref, h2, h3, h1)

    h3.restart()
    read_children(h3)

    assert updates(h3, ref) == ["k1 DONE"]
    assert unread(h3.core.site) == []


def test_parent_that_goes_on_at_its_adopter_learns_the_end_of_its_child_again() -> None:
    h1, h2, h3, ref, child = apart()
    later(5000, h1, h2, h3)
    h2.read_logs()
    carry(h1, h2, h3)
    end_child(h1, child)
    learned(h1, h2, child)

    forget(h1, h2)
    read_children(h1)

    assert (updates(h1, ref), updates(h2, ref)) == (["k1 DONE"], ["k1 DONE"])


def test_parent_learns_that_its_child_is_lost_with_its_host() -> None:
    h1, h2, h3, ref, child = apart()
    learned(h1, h2, child)
    forget(h2, h1)
    learned(h1, h2, child)
    carry(h2, h3)

    assert updates(h2, ref) == ["k1 bad"]


def test_loss_of_a_child_that_rested_in_a_state_that_its_parent_was_told_is_news() -> None:
    h1, h2, _, ref, child = apart()
    end_child(h1, child, status=2)
    learned(h1, h2, child)

    forget(h2, h1)
    learned(h1, h2, child)
    learned(h1, h2, child)

    assert updates(h2, ref) == ["k1 BLOCKED", "k1 bad"]


def test_child_of_a_host_that_was_forgotten_in_error_is_lost_once_its_parent_knows() -> None:
    h1, h2, h3, ref, child = apart()
    end_child(h1, child, status=2)
    learned(h1, h2, child)
    forget(h3, h1)
    later(2000, h1, h3)
    carry(h1, h3)
    assert phase(h1, child) == "ended"
    learned(h1, h2, child)
    assert updates(h2, ref) == ["k1 BLOCKED"]

    forget(h2, h3)
    read_children(h2)
    assert updates(h2, ref) == ["k1 BLOCKED"]
    forget(h2, h1)
    read_children(h2)
    learned(h1, h2, child)

    assert updates(h2, ref) == ["k1 BLOCKED", "k1 bad"]


def test_end_of_a_child_at_a_host_that_was_forgotten_in_error_is_no_news() -> None:
    h1, h2, h3, ref, child = apart()
    end_child(h1, child, status=1)
    moved(child, h1, h3, h2)

    forget(h1, h3)
    later(2000, h1, h3)
    carry(h1, h3)
    assert phase(h3, child) == "ended"
    learned(h3, h2, child)
    assert updates(h2, ref) == []
    h1.step(Cancel(by="alice"), run=child)
    learned(h1, h2, child)

    assert updates(h2, ref) == ["k1 cancelled"]


def test_parent_learns_that_its_child_is_lost_although_no_host_has_its_row() -> None:
    h1, h2, _, ref, _ = apart()

    forget(h2, h1)
    read_children(h2)

    assert (updates(h2, ref), unread(h2.core.site)) == (["k1 bad"], [])


def test_loss_of_a_host_makes_a_parent_that_is_asleep_look_at_its_children() -> None:
    h1, _, h3 = three()
    ref = open_judged(h1)
    child = open_child(h1, ref)
    assert h1.core.let_sleep(ref)

    forget(h1, h3)
    assert unread(h1.core.site) == [ref]
    read_children(h1)

    assert (updates(h1, ref), unread(h1.core.site)) == ([], [])
    end_child(h1, child)
    assert updates(h1, ref) == ["k1 DONE"]


def test_parents_are_read_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_news, "READ_MAX", 2)
    h1, h2 = met(a_host_core("h1"), a_host_core("h2"))
    refs = [open_judged(h1) for _ in range(3)]
    for ref in refs:
        open_child(h1, ref)
        assert h1.core.let_sleep(ref)

    forget(h1, h2)

    assert unread(h1.core.site) == refs[:2]
    read_children(h1)
    assert unread(h1.core.site) == refs[2:]


def test_loss_of_a_host_is_no_news_of_a_child_that_ended_before() -> None:
    h1, h2, _, ref, child = apart()
    end_child(h1, child)
    learned(h1, h2, child)

    forget(h2, h1)
    h2.restart()
    read_children(h2)

    assert updates(h2, ref) == ["k1 DONE"]


def test_rest_of_a_child_whose_parent_is_elsewhere_is_on_the_disk_before_peers_learn_it() -> None:
    h1, _, _, _, child = apart()
    decided = end_child(h1, child, status=2)

    assert [type(s.record.event) for s in decided.recorded][-1] is RunRested
    assert decided.promise


def test_child_that_ended_at_a_peer_is_told_with_its_end() -> None:
    h1, h2, h3 = three()
    ref = open_judged(h1)
    child = open_child(h1, ref)
    end_child(h1, child, status=2)
    work(h1, ref)
    moved(child, h1, h2, h3)
    h2.step(BeginPass(by="alice"), run=child)
    work(h2, child)

    end_child(h2, child)
    carry(h1, h2, h3)

    assert updates(h1, ref) == ["k1 BLOCKED", "k1 DONE"]


def test_row_of_a_child_that_went_on_here_since_is_no_news() -> None:
    h1, h2, h3 = three()
    ref = open_judged(h1)
    child = open_child(h1, ref)
    end_child(h1, child, status=2)
    moved(child, h1, h2, h3)
    forget(h1, h2)
    h2.step(BeginPass(by="alice"), run=child)
    work(h2, child)
    end_child(h2, child)

    learned(h2, h1, child)
    h1.step(Cancel(by="alice"), run=child)

    assert updates(h1, ref) == ["k1 BLOCKED", "k1 cancelled"]
