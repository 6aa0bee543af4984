"""Flow tasks held against the flows that they run, when both are known at reading."""

from collections.abc import Sequence

import pytest

from floe.dialects.base import Compiled
from floe.dialects.registry import dialect
from floe.model.flow import Flow

DEPLOY = """
  - id: deploy
    inputs:
      - {id: where, type: choice, choices: [eu, us], value: eu}
      - {id: count, type: number, value: 1}
      - {id: dry, type: bool, required: false}
      - {id: hosts, type: list, required: false}
      - {id: note, required: false}
    outputs: {url: '{{ run.id }}'}
    triggers: [{id: push, type: poll-git, opts: {url: u}}, {id: start, type: data}]
    tasks: [{id: go, type: exec, listen: trigger.good, opts: {cmd: make}}]
"""


NEEDY = DEPLOY.replace(", value: eu", "").replace(
    "{id: push, type: poll-git, opts: {url: u}}, ", ""
)


def parent(opts: str, more: str = "", id: str = "release") -> str:
    """A flow whose task `a` runs a flow."""
    return f"""
  - id: {id}
    inputs: [{{id: n, type: number, value: 1}}, {{id: is, type: bool, value: true}}]
    triggers: [{{id: start, type: data}}]
    tasks:
      - {{id: a, type: flow, listen: trigger.good, opts: {opts}}}
      - {{id: b, type: exec, listen: task.a.good, opts: {{cmd: make}}{more}}}
"""


def config(*flows: str, common: str = "") -> Compiled:
    return dialect().flows(f"{common}\nflows:{''.join(flows)}", "f.yml")


def said(compiled: Compiled) -> list[str]:
    """What is wrong, and what to try."""
    return [f"{one.level}: {one.what}; {one.hint}" for one in compiled.findings]


def alone(id: str, opts: str) -> str:
    """A document that is one flow."""
    return (
        f"id: {id}\ntriggers: [{{id: start, type: data}}]\n"
        f"tasks: [{{id: a, type: flow, listen: trigger.good, opts: {opts}}}]\n"
    )


def read(text: str, file: str = "a.yml", others: Sequence[Flow] = ()) -> Compiled:
    return dialect().flows(text, file, others)


def test_flow_task_that_fits_has_no_finding() -> None:
    opts = "{flow: deploy, values: {where: us, count: '3', dry: '{{ values.is }}', note: 1}}"

    compiled = config(DEPLOY, parent(opts, ", if: task.a.outputs.url != ''"))

    assert said(compiled) == []
    assert [flow.id for flow in compiled.flows] == ["deploy", "release"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("deploi", "did you mean `deploy`?"),
        ("deploy@2", "did you mean `deploy@1`?"),
        ("unlike", "the flows are deploy, release"),
    ],
)
def test_flow_that_the_only_host_lacks_is_an_error(name: str, hint: str) -> None:
    compiled = config(DEPLOY, parent(f"{{flow: {name}}}"))

    assert said(compiled) == [f"error: there is no flow `{name}`; {hint}"]
    assert [flow.id for flow in compiled.flows] == ["deploy"]


def test_finding_has_the_place_of_the_name() -> None:
    (finding,) = config(DEPLOY, parent("{flow: deploi}")).findings

    assert (finding.line, finding.col) == (18, 64)


def test_flow_that_another_host_may_have_is_a_warning() -> None:
    compiled = config(parent("{flow: deploy}"), common="common: {hosts: ['http://h2:8080']}")

    assert [one.level for one in compiled.findings if "no flow" in one.what] == ["warning"]
    assert compiled.flows


def test_flow_with_errors_of_its_own_is_not_missing() -> None:
    compiled = config(DEPLOY.replace("type: exec", "type: exce"), parent("{flow: deploy}"))

    assert not any("there is no flow" in one for one in said(compiled))


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ("{were: eu}", "the flow `deploy` takes no value `were`; did you mean `where`?"),
        ("{where: mars}", "`where` of the flow `deploy`: one of eu, us is expected; "),
        ("{count: many}", "`count` of the flow `deploy`: a number is expected; "),
        (
            "{dry: '{{ values.n }}'}",
            "`dry` of the flow `deploy` takes a bool or a text, not a number; ",
        ),
        (
            "{where: '{{ values.n + 1 }}'}",
            "`where` of the flow `deploy` takes a text, not a number; ",
        ),
    ],
)
def test_value_that_the_child_refuses_is_an_error(values: str, error: str) -> None:
    compiled = config(DEPLOY, parent(f"{{flow: deploy, values: {values}}}"))

    assert said(compiled) == [f"error: {error}"]


def test_required_value_that_is_not_given_is_an_error() -> None:
    compiled = config(NEEDY, parent("{flow: deploy}"))

    assert said(compiled) == [
        "error: the flow `deploy` needs a value for `where`; values: {where: …}"
    ]


def test_value_of_the_run_counts_as_given() -> None:
    compiled = config(NEEDY, parent("{flow: deploy, values: {where: '{{ run.id }}'}}"))

    assert said(compiled) == []


@pytest.mark.parametrize(
    "more",
    [
        ", if: task.a.outputs.ulr == ''",
        ", if: \"task.a.items[0].outputs['ulr'] is defined\"",
        ", repeat: {until: task.a.outputs.ulr == '', max: 2}",
        ", foreach: task.a.outputs.ulr|split",
    ],
)
def test_output_that_the_child_does_not_declare_is_an_error(more: str) -> None:
    compiled = config(DEPLOY, parent("{flow: deploy}", more))

    assert said(compiled) == ["error: the flow `deploy` has no output `ulr`; did you mean `url`?"]


def test_output_in_a_text_of_the_flow_is_checked_too() -> None:
    more = "\n    run-name: 'R {{ task.a.outputs.ulr }}'"

    compiled = config(DEPLOY, parent("{flow: deploy}").rstrip() + more + "\n")

    assert said(compiled) == ["error: the flow `deploy` has no output `ulr`; did you mean `url`?"]


def test_task_that_does_not_wait_has_the_run_as_its_only_output() -> None:
    more = ", if: task.a.outputs.run == task.a.outputs.url"

    compiled = config(DEPLOY, parent("{flow: deploy, wait: false}", more))

    assert said(compiled) == [
        "error: `a` does not wait for its child, and has only the output `run`; "
        "remove `wait: false`"
    ]


def test_outputs_of_a_child_with_a_flow_file_are_not_known() -> None:
    head, _, _ = DEPLOY.partition("    tasks:")

    compiled = config(
        head + "    flow-file: d.yml\n", parent("{flow: deploy}", ", if: task.a.outputs.x == ''")
    )

    assert said(compiled) == []


def test_flow_below_itself_is_an_error() -> None:
    compiled = config(
        parent("{flow: two}", id="one"),
        parent("{flow: three}", id="two"),
        parent("{flow: one}", id="three"),
    )

    assert said(compiled)[0] == (
        "error: a flow never runs below itself: one → two → three → one; "
        "repeat nodes of one flow with `loop`"
    )
    assert compiled.flows == ()


def test_child_that_needs_what_its_parent_holds_is_an_error() -> None:
    tags = "    resource-tags: [staging, 'host:nic']\n"

    compiled = config(DEPLOY + tags, parent("{flow: deploy}") + tags)

    assert said(compiled) == [
        "error: `deploy` needs `staging`, which a run of `release` holds until it ends; "
        "remove it from `resource-tags` of one of them"
    ]


def test_child_without_trigger_is_an_error() -> None:
    compiled = config(
        "\n  - id: deploy\n    tasks: [{id: e, type: end, listen: trigger.good}]",
        parent("{flow: deploy}"),
    )

    assert (
        "error: the flow `deploy` has no trigger, so nothing can start it; " in said(compiled)[-1]
    )


def test_nothing_is_known_about_other_flows_beside_a_flow_alone() -> None:
    assert said(read(alone("release", "{flow: deploy}"))) == []


def test_flow_of_another_document_is_checked() -> None:
    others = read(alone("deploy", "{flow: build}"), "b.yml").flows

    assert said(read(alone("release", "{flow: deploy, values: {x: 1}}"), others=others)) == [
        "error: the flow `deploy` takes no value `x`; "
    ]
    assert said(read(alone("release", "{flow: deploi}"), others=others)) == [
        "warning: there is no flow `deploi`; did you mean `deploy`?"
    ]


def test_flow_that_two_other_documents_have_is_not_checked() -> None:
    text = alone("deploy", "{flow: build}")
    others = [*read(text, "b.yml").flows, *read(text, "c.yml").flows]

    assert said(read(alone("release", "{flow: deploy, values: {x: 1}}"), others=others)) == []


def test_other_document_without_triggers_may_be_a_flow_file() -> None:
    others = read("id: deploy\ntasks: [{id: e, type: end, listen: trigger.good}]", "b.yml").flows

    assert said(read(alone("release", "{flow: deploy, values: {x: 1}}"), others=others)) == []


def test_flow_file_is_checked_with_the_flows_beside_it() -> None:
    base = "\n  - {id: release, flow-file: r.yml, triggers: [{id: start, type: data}]}"
    compiled = config(DEPLOY, base)
    (flow,) = (flow for flow in compiled.flows if flow.flow_file)
    file = "tasks: [{id: a, type: flow, listen: trigger.good, opts: {flow: deploi}}]"

    checked = dialect().flow_file(file, "r.yml", flow, compiled.siblings)

    assert said(checked) == ["error: there is no flow `deploi`; did you mean `deploy`?"]
    assert said(dialect().flow_file(file, "r.yml", flow)) == []
