"""Values in the work of a node: they are data, and what cannot be filled in is an error."""

from collections.abc import Mapping
from typing import Any

import pytest

from floe.expr.command import expanded
from floe.expr.env_entries import env_values_of
from floe.expr.substitute import ARGUMENT_BYTES_MAX
from floe.expr.template import NAMES, template_of, template_parts
from floe.kernel.judge import AT_NODE, NodeScope
from floe.kernel.owed import owed
from floe.kernel.render import rendered
from floe.kernel.work_values import WorkFault, filled_work
from floe.model.children import ChildValue, SubFlow
from floe.model.codec import decode, encode
from floe.model.effect import PackArchive
from floe.model.event import NodeEntered
from floe.model.flow import Flow
from floe.model.ids import Json, NodeId
from floe.model.ssh import FileCopy, Ssh
from floe.model.template import Template, Text, data_of
from floe.model.work import Exec, Fetch, Git, GitMerge, Work
from tests.make import NOW, WORKSPACE, a_flow, a_node, a_run

DIGITS = "0f" * 32

HOSTILE = ["{{ values.b }}", "$NPM_TOKEN", "./a", ".", "$(reboot)", "'; rm -rf / #", "{{ws}}", "$$"]


def text(written: str) -> Template:
    return template_of(template_parts(written, (*NAMES, *AT_NODE)))


def filled(work: Work, values: Mapping[str, Json]) -> Any:
    """The work as the node does it."""
    run = a_run(a_flow(a_node()), values)
    flow = run.flow
    assert flow is not None
    return rendered(filled_work(work, NodeScope(run=run, flow=flow)), run, (), inherits=True)


def passed(work: Exec, **env: str) -> tuple[str, ...]:
    """The arguments that the program gets."""
    return expanded(work.argv, env, env_values_of((), escapes=True), escapes=True)


def argument(written: str, **values: Json) -> str:
    """What one argument comes to."""
    return data_of(filled(Exec(argv=("tool", text(written))), values).argv[1])


def url(written: str, **values: Json) -> str:
    """What the URL of a fetch comes to."""
    return data_of(filled(Fetch(url=text(written)), values).url)


@pytest.mark.parametrize("value", HOSTILE)
def test_value_reaches_the_command_as_it_is(value: str) -> None:
    argv = ("tool", "--", text("{{ values.a }}"), text("--a={{ values.a }}"))
    work = filled(Exec(argv=argv), {"a": value})

    found = passed(work, NPM_TOKEN="s3cret", a="x")

    assert found == ("tool", "--", value, f"--a={value}")


@pytest.mark.parametrize(
    ("written", "comes_to"),
    [
        ("./{{ values.a }}", f"{WORKSPACE}/x"),
        ("--out=./{{ values.a }}/{{ws}}", f"--out={WORKSPACE}/x{WORKSPACE}"),
        (".{{ values.a }}", ".x"),
        ("{{ ws }}/{{ values.a }}", f"{WORKSPACE}/x"),
        ("{{ values.a }}./", "x./"),
        ("{{.Names}} {{ values.a }} {{ '{{' }}", "{{.Names}} x {{"),
        ("{{ values.list }} {{ values.yes }} {{ values.n }}", '["eu",1] true 1.5'),
        ("{{ host.name }} {{ run.id }}", "h1 h1-1"),
        ("{{ values.empty }}", ""),
    ],
)
def test_text_around_a_value_means_what_it_means_alone(written: str, comes_to: str) -> None:
    values: dict[str, Json] = {"a": "x", "list": ["eu", 1], "yes": True, "n": 1.5, "empty": ""}

    assert argument(written, **values) == comes_to


@pytest.mark.parametrize(
    ("before", "after"),
    [("price$", "price$5"), ("$$", "$5"), ("$$$", "$$5"), ("$NAME", "floe5")],
)
def test_dollar_before_a_value_stays_one(before: str, after: str) -> None:
    work = filled(Exec(argv=("tool", text(before + "{{ values.a }}"))), {"a": "5"})
    is_value = env_values_of((), escapes=True)

    assert expanded(work.argv, {"NAME": "floe"}, is_value, escapes=True)[1] == after


@pytest.mark.parametrize(
    ("written", "values", "why"),
    [
        (
            "{{ values.b }}",
            {},
            ": `values.b` is missing; try: ",
        ),
        (
            "{{ values.a }}",
            {"a": None},
            ": null has no text, at 1:1 of `values.a`; try: ",
        ),
        (
            "{{ values.a }}",
            {"a": "a\0b"},
            ": a text with a NUL character cannot",
        ),
        (
            "{{ values.a }}",
            {"a": "\ud800"},
            ": a text with half of a surrogate",
        ),
        (
            "{{ values.a }}",
            {"a": "x" * ARGUMENT_BYTES_MAX + "x"},
            " has 131072 bytes; Linux takes",
        ),
        (
            "{{ values.a ~ values.a }}",
            {"a": "x" * 600_000},
            ": the expression makes a text of",
        ),
        (
            "{{ values.a|map('string')|join }}",
            {"a": [*range(6000)]},
            ": the expression takes too",
        ),
    ],
)
def test_what_cannot_be_filled_in_is_named(written: str, values: dict[str, Json], why: str) -> None:
    with pytest.raises(WorkFault) as fault:
        argument(written, **values)

    assert str(fault.value).startswith(f"argument 1{why}")


def test_error_in_env_names_the_variable() -> None:
    with pytest.raises(WorkFault, match=r"^env URL: `values.b` is missing"):
        filled(Exec(argv=("env",), env=("A=1", text("URL={{ values.b }}"))), {})


def test_values_of_one_node_have_a_bound_together() -> None:
    argv: tuple[Text, ...] = ("tool", *[text("{{ values.a }}")] * 10)

    with pytest.raises(WorkFault, match=r"^argument 9: the values of a node.s work have more"):
        filled(Exec(argv=argv), {"a": "x" * 120_000})


@pytest.mark.parametrize(
    ("written", "value", "comes_to"),
    [
        ("{{ values.a }}", "https://h/a b?c=ü", "https://h/a%20b?c=%C3%BC"),
        ("https://{{ values.a }}/x", "h-1.example.org:80", "https://h-1.example.org:80/x"),
        ("https://h/{{ values.a }}.tgz", "v1/a?b#c%20 d", "https://h/v1/a%3Fb%23c%2520%20d.tgz"),
        ("https://h/x?v={{ values.a }}&k=1", "1&k=2+3", "https://h/x?v=1%26k%3D2%2B3&k=1"),
        ("https://h?v={{ values.a }}", "../x", "https://h?v=../x"),
        ("https://h/{{ws}}{{ values.a }}", "{{ws}}", f"https://h{WORKSPACE}%7B%7Bws%7D%7D"),
    ],
)
def test_value_stays_inside_its_part_of_a_url(written: str, value: str, comes_to: str) -> None:
    assert url(written, a=value) == comes_to


@pytest.mark.parametrize(
    ("written", "value", "why"),
    [
        ("https://{{ values.a }}/x", "evil.org/?", "url: a value in the host of a URL has letters"),
        ("https://{{ values.a }}/x", "u@evil.org", "url: a value in the host of a URL has letters"),
        (
            "https://h/{{ values.a }}",
            "a/../../b",
            "url: a value in the path of a URL cannot",
        ),
    ],
)
def test_value_that_would_change_a_url_is_refused(written: str, value: str, why: str) -> None:
    with pytest.raises(WorkFault) as fault:
        url(written, a=value)

    assert str(fault.value).startswith(why)


@pytest.mark.parametrize(
    ("written", "is_secret"),
    [
        ("{{ values.token }}", True),
        ("{{ values.api.password ~ 1 }}", True),
        ("{{ values.api|values|join }}", True),
        ("{{ values.name }}", False),
    ],
)
def test_value_that_may_be_secret_is_marked(written: str, is_secret: bool) -> None:
    values: dict[str, Json] = {"token": "t", "api": {"password": "p"}, "name": "n"}

    [part] = filled(Exec(argv=("tool", text(written))), values).argv[1].parts

    assert part.is_secret is is_secret


def a_filled_flow() -> Flow:
    work = Exec(argv=("tool", text("{{ values.b }}"), "x"), env=(text("A={{ values.b }}"),))
    return a_flow(a_node("build", work), a_node("test"))


def test_flow_knows_the_nodes_whose_work_has_values() -> None:
    assert a_filled_flow().filled == {"build"}


def test_env_of_a_flow_is_filled_in_for_each_exec() -> None:
    env = ("A=1", text("B={{ values.b }}"), "C=./c", text("D=./{{ values.b }}"))
    nodes = (a_node("build", Exec(argv=("a",), env=("E=$B",))), a_node("git", GitMerge(git=Git())))
    run = a_run(a_flow(*nodes, env=env), {"b": "$HOME"})
    build, git = run.nodes[NodeId("build")].work, run.nodes[NodeId("git")].work

    assert isinstance(build, Exec)
    assert git == GitMerge(git=Git())
    assert [*map(data_of, build.env)] == [
        "B=$HOME",
        f"C={WORKSPACE}/c",
        f"D={WORKSPACE}/$HOME",
        "E=$B",
    ]
    assert run.flow is not None
    assert run.flow.shared_env == ("A=1",)


def test_env_of_a_flow_without_values_is_no_part_of_the_work() -> None:
    flow = a_flow(a_node("build", Exec(argv=("a",))), env=("A=1", "B=2"))

    assert (flow.shared_env, flow.filled_env, flow.filled) == (("A=1", "B=2"), (), frozenset())
    assert decode(Flow, encode(flow)) == flow


def test_missing_value_in_the_env_of_a_flow_is_an_error_of_the_task() -> None:
    run = a_run(a_flow(a_node("build", Exec(argv=("a",))), env=(text("B={{ values.b }}"),)), {})

    assert "env B: `values.b` is missing" in run.why


@pytest.mark.parametrize("given", [DIGITS, f"{DIGITS.upper()}  tool.tar.gz"])
def test_checksum_may_be_a_value(given: str) -> None:
    work = filled(Fetch(url="https://h/a", checksum=text("{{ values.a }}")), {"a": given})

    assert (work.url, work.checksum) == ("https://h/a", DIGITS)


@pytest.mark.parametrize("given", ["", "s3cret", "ab" * 40])
def test_value_that_is_no_checksum_is_an_error_that_does_not_show_it(given: str) -> None:
    with pytest.raises(WorkFault) as caught:
        filled(Fetch(url="https://h/a", checksum=text("{{ values.a }}")), {"a": given})

    assert str(caught.value) == (
        "checksum: `{{ values.a }}` is not hexadecimal; try: the HASH alone"
    )


def test_filled_work_survives_its_log() -> None:
    work = filled(Exec(argv=("tool", text("{{ values.token }}"), "x")), {"token": "t"})
    entered = NodeEntered(at=NOW, node=NodeId("build"), visit=1, work=work)

    assert decode(NodeEntered, encode(entered)) == entered
    assert decode(Flow, encode(a_filled_flow())) == a_filled_flow()


def test_node_whose_work_cannot_be_filled_in_owes_nothing() -> None:
    run = a_run(a_filled_flow(), {})

    assert run.phase == "ended"
    assert owed(run) == {PackArchive(run.ref)}
    assert "`values.b` is missing" in run.why


def test_texts_for_a_different_machine_take_values_and_no_workspace() -> None:
    work = Ssh(
        host=text("{{ values.a }}.example.com"),
        user=text("{{ values.a }}"),
        argv=("./run", text("./{{ values.a }}/{{ws}}"), "."),
        dir=text("./{{ values.a }}"),
        env=(text("A=./{{ values.a }}"), "B=."),
        upload=(FileCopy(source=text("./{{ values.a }}"), target="."),),
    )

    done = filled(work, {"a": "x"})

    found = [data_of(one) for one in done.texts]
    assert found == [
        *("x.example.com", "x", "./x", "./run", "./x/{{ws}}", ".", "A=./x", "B=."),
        *("./x", "."),
    ]


def test_missing_value_of_a_different_machine_is_named_with_its_key() -> None:
    with pytest.raises(WorkFault, match=r"^host: `values.b` is missing"):
        filled(Ssh(host=text("{{ values.b }}")), {})


def child(host: str = "", **values: str) -> SubFlow:
    """The work of a child run with these texts."""
    texts = tuple(ChildValue(name=name, template=text(one)) for name, one in values.items())
    return SubFlow(flow="deploy", values={"n": 1}, texts=texts, host=text(host) if host else "")


def test_value_of_a_child_that_is_one_expression_keeps_its_type() -> None:
    work = child(one="{{ values.a }}", all="{{ values.a[0] + 1 }}", text="a {{ values.a[0] }}")

    done = filled(work, {"a": [1, {"b": None}]})

    assert done.values == {"n": 1, "one": [1, {"b": None}], "all": 2, "text": "a 1"}
    assert (done.texts, done.host) == ((), "")


def test_host_of_a_child_can_be_a_value() -> None:
    assert filled(child(host="{{ values.a }}"), {"a": "h2"}).host == "h2"


@pytest.mark.parametrize(
    ("work", "why"),
    [
        (child(one="{{ values.b }}"), "value one: `values.b` is missing"),
        (child(one="x {{ values.b }}"), "value one: `values.b` is missing"),
        (child(host="{{ values.a }}"), "host: `no host` is no name of a host"),
        (child(one="{{ values.token }}"), "value one: it may hold a secret"),
        (child(one="x {{ values.token }}"), "value one: it may hold a secret"),
        (child(one="{{ values.big }}", two="{{ values.big }}"), "value two: the values of a"),
    ],
)
def test_value_that_a_child_cannot_have_is_named(work: SubFlow, why: str) -> None:
    values: dict[str, Json] = {"a": "no host", "token": "t", "big": "x" * 600_000}

    with pytest.raises(WorkFault, match=f"^{why}"):
        filled(work, values)


def test_secret_may_be_a_value_that_is_named_like_one() -> None:
    assert filled(child(npm_token="{{ values.token }}"), {"token": "t"}).values["npm_token"] == "t"
