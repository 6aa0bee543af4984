"""Expressions without braces in documents: how they are read, and what is checked at a node."""

import pytest

from floe.dialects.floe.expressions import ExpressionKind, check_expression
from floe.dialects.kinds import Unfit
from floe.dialects.notes import Notes
from floe.dialects.registry import dialect
from floe.dialects.tree import Table, parse_yaml
from floe.model.flow import Trigger
from floe.model.form import Field, Form
from floe.model.ids import NodeId
from tests.make import a_flow, a_node

FORM = Form(
    title="Start", fields=(Field(id="env", prompt="Env"), Field(id="n", prompt="N", type="number"))
)
FLOW = a_flow(
    a_node("build"),
    a_node("test", on="task.build.good"),
    a_node("deploy", on="task.test.good"),
    triggers=(Trigger(id=NodeId("start"), type="data", name="Start", form=FORM),),
)


def said(line: str, **given: tuple[str, ...]) -> list[str]:
    """The findings about `if: …` at the node `test`."""
    notes = Notes("f.yml")
    tree = parse_yaml(line, notes)
    assert isinstance(tree, Table)
    try:
        text = ExpressionKind().read(tree.entries["if"].value, "if", notes)
    except Unfit as fault:
        return [f"{fault.at.line}:{fault.at.col} {fault.what} | {fault.hint}"]
    check_expression(text, FLOW, notes, node=NodeId("test"), **given)
    return [f"{f.line}:{f.col} {f.what} | {f.hint}" for f in notes.findings]


@pytest.mark.parametrize(
    "line",
    [
        "if: values.env == 'prod' and task.build.state == 'good'",
        "if: true",
        "if: False",
        "if: 1",
        "if: \"'linux' in host.tags and ws and run.title and run['rerun-of'] is defined\"",
        "if: task.deploy.outputs.url is defined",
    ],
)
def test_expression_that_can_have_values_has_no_finding(line: str) -> None:
    assert said(line) == []


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        (
            "if: values.enf == 'x'",
            "1:5 no trigger of this flow gives the value `enf` | did you mean `env`?",
        ),
        ("if: not task.biuld.state", "1:9 the flow has no task `biuld` | did you mean `build`?"),
        (
            "if: 1 < task.deploy.status",
            "1:9 `task.deploy` is not before this node, so its values may be missing here"
            " | listen to it, or use |default('…')",
        ),
        ("if: values.n ~ hots.name", "1:16 `hots` names nothing here | did you mean `host`?"),
        ("if: host.nane == 'h1'", "1:5 `host` has no `nane` | did you mean `name`?"),
        ("if: ws.name == 'h1'", "1:5 `ws` is a text, and has no names | ws ~ '/build'"),
        (
            "if: run.child",
            "1:5 `run` has no `child` | it has id, flow, ver, by, trigger, title, rerun-of, parent",
        ),
        (
            "if: values.n + 'x'",
            "1:14 `+` takes two numbers, two texts or two lists, not a number and a text | ",
        ),
        (
            "if: '{{ values.env }}'",
            "1:5 `if` is an expression as a whole, without braces | if: values.env",
        ),
        ("if: values.env ==", "1:18 a value should be here, but here is the end | "),
        (
            "if: 2026-11-29",
            "1:5 `if` takes an expression, but YAML reads `2026-11-29` differently"
            ' | quote it: if: "2026-11-29"',
        ),
        (
            "if: [a]",
            "1:5 `if` takes an expression, not a list"
            " | a list in it is written ['a', 'b'], in quotes",
        ),
    ],
)
def test_expression_that_cannot_work_is_reported_where_it_is(line: str, finding: str) -> None:
    assert said(line) == [finding]


def test_names_of_the_judge_are_known() -> None:
    assert said("if: item.name == index", given=("item", "index")) == []


def said_of_task(keys: str, trigger: str = "") -> list[str]:
    """The findings about a task with these keys, and about a trigger."""
    text = (
        f"id: a\ntriggers:\n  - {{id: s, type: data{trigger}}}\n"
        f"tasks:\n  - {{id: t, type: exec, listen: trigger.good, opts: {{cmd: a}}{keys}}}\n"
    )
    return [one.what for one in dialect().flows(text, "a.yml").findings]


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        (", foreach: hosts('linux')", []),
        (", foreach: hosts()", []),
        (", if: hosts('linux')|length > 2", []),
        (", foreach: hosts", ["`hosts` takes tags in brackets"]),
        (", if: hosts('linux') == 'h1'", ["a list never equals a text"]),
        (", foreach: hosts(values.tag)", ["a tag of `hosts` is quoted text, never a value"]),
    ],
)
def test_hosts_stands_in_foreach_and_if(keys: str, found: list[str]) -> None:
    assert said_of_task(keys) == found


def test_hosts_has_no_value_before_a_run_starts() -> None:
    assert said_of_task("", ", if: hosts('linux')|length > 1") == [
        "`hosts` is for `foreach` and `if` of a task"
    ]
