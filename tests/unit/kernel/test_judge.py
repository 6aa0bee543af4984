"""What an expression comes to in a run, and the sentences about its errors."""

from dataclasses import replace

import pytest

from floe.expr.errors import ExpressionError, TooMuch
from floe.expr.fuel import Fuel
from floe.kernel.judge import LIST_FUEL, NodeScope, fault_text, is_true, value_of
from floe.kernel.run_step import RunStep
from floe.model.children import Above, Parent
from floe.model.ids import FlowId, HostId, Json
from floe.model.run import Attached, Run
from floe.model.taken import RerunOf
from tests.make import NOW, WORKSPACE, a_flow, a_node, a_pending_run, a_run, after, exited

FLOW = a_flow(a_node("build"), a_node("test", on="task.build.good"))


def scope(run: Run | None = None, **given: Json) -> NodeScope:
    run = run or a_run(FLOW, {"env": "prod", "n": 3, "list": ["eu", "us"]})
    return NodeScope(run=run, flow=FLOW, host_tags=frozenset({"linux", "go"}), given=given)


def fault(code: str, of: NodeScope) -> ExpressionError:
    with pytest.raises(ExpressionError) as found:
        value_of(code, of)
    return found.value


@pytest.mark.parametrize(
    ("code", "comes_to"),
    [
        ("values.n + 1", 4),
        ("values.list", ["eu", "us"]),
        ("host.name", "h1"),
        ("host.tags", ["go", "linux"]),
        ("'go' in host.tags", True),
        ("ws ~ '/out'", f"{WORKSPACE}/out"),
        ("run.id", "h1-1"),
        ("run.title == ''", True),
        ("run.rerun-of is defined", False),
        ("run.parent is defined", False),
        ("task.build is defined", False),
        ("ws.name is defined", False),
        ("item ~ index", "eu0"),
    ],
)
def test_expression_sees_the_names_of_its_run(code: str, comes_to: Json) -> None:
    assert value_of(code, scope(item="eu", index=0)) == comes_to


def test_expression_sees_a_node_as_soon_as_it_settled() -> None:
    run = a_run(FLOW)
    built = after(run, exited(run, "build", url="https://h"))

    assert value_of("task.build.outputs.url", scope(built)) == "https://h"


def test_name_of_the_caller_goes_before_the_name_of_the_run() -> None:
    assert value_of("values.n", scope(values={"n": 7})) == 7


def test_run_that_waits_has_no_host() -> None:
    assert value_of("[host is defined, ws is defined]", scope(a_pending_run(FLOW))) == [False] * 2


def test_rerun_names_the_run_that_it_repeats() -> None:
    run = replace(a_run(FLOW), rerun_of=RerunOf(run="h1-7@k3f9"))

    assert value_of("run['rerun-of']", scope(run)) == "h1-7"


def test_child_run_names_its_parent() -> None:
    above = (Above(run="h1-7@k3f9", flow=FlowId("release")),)
    parent = Parent(key="h1-7@k3f9.1.deploy.1.1", waits=True, above=above)

    assert value_of("run.parent", scope(replace(a_run(FLOW), parent=parent))) == "h1-7"


@pytest.mark.parametrize(
    ("code", "true"),
    [("values.env == 'prod'", True), ("values.list", True), ("''", False), ("[]", False)],
)
def test_condition_is_judged_by_its_truth(code: str, true: bool) -> None:
    assert is_true(code, scope()) is true


def test_error_says_what_is_missing_and_where() -> None:
    code = "values.env == 'x' or\n  values.tag == 'y'"

    assert fault_text(code, fault(code, scope())) == (
        "`values.tag` is missing, at 2:3 of `values.env == 'x' or values.tag == 'y'`;"
        " try: |default('…') gives a value instead"
    )


def test_error_without_a_hint_is_a_sentence_of_its_own() -> None:
    code = "values.n / 0 ~ '" + "x" * 200 + "'"

    text = fault_text(code, fault(code, scope()))

    assert text.startswith("a number is divided by zero, at 1:10 of `values.n / 0 ~ 'xxx")
    assert text.endswith("x…`")


def test_condition_has_less_fuel_than_a_list() -> None:
    run = a_run(FLOW, {"list": [*range(6000)]})
    code = "values.list|map('string')"

    with pytest.raises(TooMuch):
        is_true(code, scope(run))

    assert value_of(code, scope(run), Fuel(LIST_FUEL)) == [str(n) for n in range(6000)]


def test_decision_gives_its_host_and_names_to_expressions() -> None:
    attached = Attached(flow=FLOW, host_tags=frozenset({"linux"}))
    step = RunStep(a_run(FLOW), NOW, attached)

    assert value_of("[host.tags, item]", step.scope({"item": "eu"})) == [["linux"], "eu"]


def test_hosts_are_those_with_all_of_the_tags() -> None:
    tags = {"h1": {"linux"}, "h2": {"linux", "west"}, "h3": {"west"}}
    hosts = {HostId(name): frozenset(found) for name, found in tags.items()}
    step = RunStep(a_run(FLOW), NOW, Attached(flow=FLOW, hosts=hosts))

    assert value_of("[hosts('linux'), hosts('west', 'linux'), hosts('x')]", step.scope()) == [
        ["h1", "h2"],
        ["h2"],
        [],
    ]
