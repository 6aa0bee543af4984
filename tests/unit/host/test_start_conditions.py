"""What the `if` of a trigger does to a start."""

from dataclasses import replace
from typing import Any

import pytest

from floe.host.core import HostCore
from floe.host.inputs import Start
from floe.host.passed_over import FAULT, PASSED_OVER
from floe.host.start_conditions import judged_start
from floe.model.flow import Flow, Trigger
from floe.model.ids import FlowId, Instant, Json, NodeId
from floe.model.taken import RerunOf
from floe.store.base import LedgerWrite
from tests.make import NOW, a_flow, a_node
from tests.make_core import a_core, a_start

MARK = LedgerWrite(kind="mark", key="flow@1/start", value=7)


def a_guarded(condition: str) -> Flow:
    trigger = Trigger(id=NodeId("start"), type="timer", name="start", condition=condition)
    return a_flow(a_node("build"), triggers=(trigger,), id=FlowId("guarded"))


def why(condition: str, **values: Json) -> str:
    flow = a_guarded(condition)
    start = a_start(flow, values=values).input
    assert isinstance(start, Start)
    return judged_start(start, flow.triggers[0], a_core().site.settings).why


def asked(core: HostCore, flow: Flow, **others: Any) -> Any:
    """The result of a start for which a caller waits."""
    return core.step([replace(a_start(flow, **others), ticket=1)], NOW)


def test_trigger_without_a_condition_starts_a_run() -> None:
    assert why("") == ""


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("values.env == 'prod'", "`if` of start is false, since values.env was 'test'"),
        ("trigger.id != 'start'", "`if` of start is false, since trigger.id was 'start'"),
        ("trigger.type == 'data'", "`if` of start is false, since trigger.type was 'timer'"),
        ("host.name == 'h9'", "`if` of start is false, since host.name was 'h1'"),
        ("'arm' in host.tags", """`if` of start is false, since host.tags was ["linux"]"""),
        ("values.env == 'test' and 'linux' in host.tags", ""),
        (
            "values.branch == 'main'",
            "`if` of start failed: `values.branch` is missing, at 1:1 of `values.branch == "
            "'main'`; try: |default('…') gives a value instead",
        ),
    ],
)
def test_condition_sees_values_trigger_and_host(condition: str, reason: str) -> None:
    assert why(condition, env="test") == reason


def test_false_condition_starts_nothing_and_stores_mark_and_reason_together() -> None:
    core = a_core()

    decided = asked(core, a_guarded("values.env == 'prod'"), values={"env": "test"}, marks=(MARK,))

    assert decided.appends == ()
    assert decided.promise
    assert MARK in decided.ledger
    [row] = [row for row in decided.ledger if row.kind == PASSED_OVER]
    assert row.value == {
        "n": 0,
        "at": "2026-11-25T10:00:00.000Z",
        "why": "`if` of start is false, since values.env was 'test'",
        "values": {"env": "test"},
    }
    [reply] = decided.replies
    assert (reply.run, reply.why) == (None, row.value["why"])


def test_true_condition_starts_a_run() -> None:
    decided = asked(a_core(), a_guarded("values.env == 'prod'"), values={"env": "prod"})

    assert len(decided.appends) == 1
    assert not any(row.kind == PASSED_OVER for row in decided.ledger)


def test_same_key_gets_the_same_answer_and_no_second_row() -> None:
    core, flow = a_core(), a_guarded("values.env == 'prod'")
    first = asked(core, flow, values={"env": "test"}, once="k1")

    second = asked(core, flow, values={"env": "prod"}, once="k1")

    assert second.replies[0].why == first.replies[0].why
    assert (second.appends, second.ledger) == ((), ())


def test_key_of_a_run_is_answered_with_the_run() -> None:
    core, flow = a_core(), a_guarded("values.env == 'prod'")
    first = asked(core, flow, values={"env": "prod"}, once="k1")

    second = asked(core, flow, values={"env": "test"}, once="k1")

    assert second.replies[0].run == first.replies[0].run


def test_re_run_is_not_judged() -> None:
    rerun = RerunOf(run="h1-9@k3f9")

    decided = asked(a_core(), a_guarded("false"), rerun_of=rerun)

    assert len(decided.appends) == 1


def test_error_starts_nothing_and_is_a_problem_until_it_is_judged() -> None:
    core, flow = a_core(), a_guarded("values.env == 'prod'")
    trigger, passed = flow.triggers[0], core.site.passed_over

    decided = asked(core, flow)
    problem = passed.fault(flow, trigger)
    asked(core, flow, values={"env": "test"})

    assert decided.appends == ()
    assert "`values.env` is missing" in problem
    assert {row.kind for row in decided.ledger} == {FAULT, PASSED_OVER}
    assert passed.fault(flow, trigger) == ""


def test_refused_append_leaves_no_trace() -> None:
    core, flow = a_core(), a_guarded("values.env == 'prod'")

    core.undo(asked(core, flow))

    assert core.site.passed_over.of(flow, flow.triggers[0]) == []
    assert core.site.passed_over.fault(flow, flow.triggers[0]) == ""
    assert core.step([], Instant(NOW + 1)).ledger == ()
