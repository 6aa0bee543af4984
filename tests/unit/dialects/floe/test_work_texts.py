"""Values in the texts of work: what is one, what stays text, and what is refused."""

import pytest

from floe.dialects.floe.dialect import FloeDialect
from floe.model.template import Template, TemplatePart
from floe.model.work import Exec, Fetch

DOCUMENT = """
id: a
triggers: [{{id: start, type: data}}]
tasks: [{{id: t, type: {type}, listen: trigger.good, opts: {{{opts}}}}}]
"""


def said(opts: str, type_: str = "exec") -> list[str]:
    """The errors of a task with these opts."""
    findings = FloeDialect().flows(DOCUMENT.format(opts=opts, type=type_), "f.yml").findings
    return [f.what for f in findings if f.level == "error"]


def work(opts: str, type_: str = "exec") -> Exec | Fetch:
    """The work of a task with these opts, which has no errors."""
    [flow] = FloeDialect().flows(DOCUMENT.format(opts=opts, type=type_), "f.yml").flows
    found = flow.nodes[0].work
    assert isinstance(found, Exec | Fetch)
    return found


@pytest.mark.parametrize(
    "text",
    [
        "{{.Names}}",
        "{{ws}}/a",
        "{{ json .Config }}",
        "{{range .Mounts}}{{end}}",
        "{{ ws2 }}",
        "{x}",
    ],
)
def test_braces_of_other_tools_stay_text(text: str) -> None:
    assert work(f"cmd: docker, args: [ps, --format, '{text}']") == Exec(
        argv=("docker", "ps", "--format", text)
    )
    assert work(f"shell: \"docker ps --format '{text}'\"") == Exec(  # noqa: S604 - a field
        shell=f"docker ps --format '{text}'"
    )
    assert work(f"cmd: 'docker ps --format \"{text}\"'") == Exec(
        argv=("docker", "ps", "--format", *(text,))
    )


def test_value_is_a_part_of_its_text() -> None:
    version = TemplatePart(path=("values", "v"))

    assert work("cmd: a, args: ['{{ values.v }}'], env: ['A=x{{ values.v }}']") == Exec(
        argv=("a", Template(parts=(version,))),
        env=(Template(parts=(TemplatePart(text="A=x"), version)),),
    )
    assert work("url: 'https://h/{{ values.v }}'", "fetch") == Fetch(
        url=Template(parts=(TemplatePart(text="https://h/"), version))
    )


def test_written_braces_are_plain_text() -> None:
    assert work("""cmd: a, args: ["{{ '{{' }} values.v }}"]""") == Exec(
        argv=("a", "{{ values.v }}")
    )


@pytest.mark.parametrize("key", ["cmd", "shell", "sub-dir"])
def test_text_that_comes_from_the_flow_alone_takes_no_value(key: str) -> None:
    other = "" if key != "sub-dir" else "cmd: a, "

    assert said(f"{other}{key}: 'make {{{{ values.v }}}}'")[0] == (
        f"`{key}` takes no values, and `{{{{ values.v }}}}` would be one"
    )


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{{ " + "1 + " * 40_000 + "1 }}", "a template has at most 4096 characters"),
        ("{{ " + "(" * 100 + "1" + ")" * 100 + " }}", "an expression has at most 64 levels"),
        ("{{ 'x' * 1000000000 }}", "`*` takes two numbers, not a text and a number"),
        ("{{ values.v", "`{{` is never closed by `}}`"),
        ("{{ item }}", "`item` is for a task with items"),
    ],
    ids=["terms", "levels", "product", "open", "item"],
)
def test_expression_that_cannot_work_is_refused_by_the_reader(text: str, what: str) -> None:
    assert said(f'cmd: a, args: ["{text}"]') == [what]


def test_error_beside_a_value_is_reported_once() -> None:
    assert said("cmd: a, args: ['{{ values.v }}', '{{ values.']") == [
        "`{{` is never closed by `}}`"
    ]


def test_url_may_be_a_value_and_a_variable_may_not() -> None:
    assert said("url: '{{ values.v }}'", "fetch") == []
    assert said("cmd: a, env: ['{{ values.v }}=1']") == ["`env` cannot be `{{ values.v }}=1`"]
    assert said("url: 'ftp://{{ values.v }}'", "fetch") == [
        "`url` cannot be `ftp://{{ values.v }}`"
    ]
