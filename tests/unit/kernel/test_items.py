"""What a run with items shows of them."""

import pytest

from floe.kernel.items import OUTPUTS_BYTES_MAX, attempts_of, failed_item, label_of_item, state_of
from floe.kernel.named_values import named_value
from floe.kernel.owed import key_of
from floe.kernel.process import is_awaited
from floe.model.flow import Foreach
from floe.model.ids import Json, NodeId
from floe.model.run import NodeState, Run
from floe.model.signal import Exited, Reported
from tests.make import NOW, a_flow, a_node, a_run, after

TEST = NodeId("test")
FLOW = a_flow(
    a_node("test", foreach=Foreach(values=("eu", "us"))), a_node("other"), unheard_bad="hold"
)


def exited(run: Run, item: int, status: int) -> Run:
    state = state_of(run, TEST, item)
    assert state is not None
    report = Exited(status=status, outputs={}, output_bytes=item + 1)
    return after(run, Reported(key=key_of(run, TEST, state), report=report, at=NOW))


def test_finished_attempts_of_a_run_are_those_of_its_items_too() -> None:
    run = exited(exited(a_run(FLOW), 0, 0), 1, 1)

    found = [(key.name, attempt.output_bytes) for key, attempt in attempts_of(run)]

    assert found == [("test.1.1.i0", 1), ("test.1.1.i1", 2)]


def test_first_item_that_failed_explains_its_node() -> None:
    run = exited(exited(a_run(FLOW), 0, 0), 1, 1)

    assert failed_item(run.nodes[TEST]).item == 1


def test_node_without_items_explains_itself() -> None:
    state: NodeState = a_run(FLOW).nodes[NodeId("other")]

    assert failed_item(state) is state


def test_attempt_of_an_item_is_awaited_until_it_is_over() -> None:
    run = a_run(FLOW)
    state = state_of(run, TEST, 0)
    assert state is not None
    key = key_of(run, TEST, state)

    awaited = [is_awaited(one, key) for one in (run, exited(run, 0, 0), None)]

    assert awaited == [True, False, False]


def test_item_that_would_exceed_the_bound_of_all_outputs_is_an_error() -> None:
    run = a_run(FLOW)
    half = {"text": "x" * (OUTPUTS_BYTES_MAX // 2)}

    for item in range(2):
        state = state_of(run, TEST, item)
        assert state is not None
        report = Exited(status=0, outputs=half)
        run = after(run, Reported(key=key_of(run, TEST, state), report=report, at=NOW))

    last = state_of(run, TEST, 1)
    assert last is not None
    assert last.outcome is not None
    assert (last.outcome.result, last.outputs) == ("error", {})
    assert "have at most 1 MiB together" in last.outcome.why


def test_expression_names_each_item_of_a_node_that_settled() -> None:
    flow = a_flow(
        a_node("test", foreach=Foreach(values=("eu", "us"), parallel=1, on_item_bad="stop")),
        unheard_bad="hold",
    )
    run = exited(a_run(flow), 0, 4)

    named = [
        named_value(run, flow, ("task", "test", "items", *path))
        for path in ((0, "state"), (0, "status"), (1, "state"))
    ]

    assert named == ["bad", 4, "never"]


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("eu", "eu"),
        ("two\nlines\x1b[1m", "two lines\\u001b[1m"),
        (3, "3"),
        ({"python": "3.13", "db": ["a"]}, '3.13, ["a"]'),
        ("x" * 50, "x" * 39 + "…"),
    ],
)
def test_label_of_an_item_is_short_text_in_one_line(value: Json, label: str) -> None:
    assert label_of_item(value) == label
