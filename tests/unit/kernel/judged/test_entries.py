"""Nodes that enter with the opening of a run."""

from collections.abc import Iterable

from floe.kernel.evolve import fold
from floe.model.call import OutsideWork
from floe.model.event import Event, NodeEntered
from floe.model.ids import NodeId
from floe.model.judging import Enter, RunNoted
from floe.model.opening import ENTERS_MAX, BeginOpened
from floe.model.run import Run
from floe.model.work import End, Work
from tests.make import NOW, REF, attached, decided
from tests.toy.reader import toy_flow
from tests.toy.run import a_judged_run, opened

POST = OutsideWork(type="toy.post", config=["x"], queue="slack")
FLOW = toy_flow("toy", ["a | entered post=slack", "b on a", "c | items=2"])


def begun(run: Run, *nodes: str, work: Work = POST) -> tuple[Event, ...]:
    """The events of an opening with which some nodes enter."""
    enters = tuple(Enter(node=NodeId(node), work=work) for node in nodes)
    return decided(run, BeginOpened(enters=enters), NOW).events


def names(events: Iterable[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def findings(events: Iterable[Event]) -> list[object]:
    return [event.value for event in events if isinstance(event, RunNoted)]


def test_node_enters_with_the_work_of_the_opening() -> None:
    [entered, *_] = begun(a_judged_run(FLOW), "a")

    assert isinstance(entered, NodeEntered)
    assert (entered.node, entered.visit, entered.attempt, entered.work) == ("a", 1, 1, POST)


def test_opening_begins_once() -> None:
    run = a_judged_run(FLOW)
    after = decided(run, BeginOpened(enters=(Enter(node=NodeId("a"), work=POST),)), NOW).run

    assert begun(after, "a") == ()


def test_opened_run_without_anything_to_do_is_over_at_once() -> None:
    run = a_judged_run(toy_flow("toy", ["a | entered"]))

    assert names(begun(run))[0] == "RunRested"


def test_wrong_entries_are_findings() -> None:
    events = begun(a_judged_run(FLOW), "x", "a", "a", "c")

    assert names(events) == ["RunNoted", "NodeEntered", "RunNoted", "RunNoted"]
    assert findings(events) == [
        "wrong opening: x is not in the flow",
        "wrong opening: a has entered",
        "wrong opening: c cannot enter without a question",
    ]


def test_work_that_no_judged_flow_has_is_a_finding() -> None:
    events = begun(a_judged_run(FLOW), "a", work=End())

    assert findings(events) == ["wrong opening: a cannot enter without a question"]


def test_nothing_enters_a_run_that_opens_at_rest() -> None:
    run = attached(fold(REF, [opened(FLOW, verdict="TODO")]), FLOW)

    assert findings(begun(run, "a")) == ["wrong opening: a cannot enter: the run rests as TODO"]


def test_entries_over_the_limit_are_one_finding() -> None:
    events = begun(a_judged_run(FLOW), *["a"] * (ENTERS_MAX + 1))

    assert findings(events)[-1] == "wrong opening: a 1,001 nodes enter, of at most 1,000"
