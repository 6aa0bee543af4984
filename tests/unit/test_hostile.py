"""What a hostile flow, value or command costs: each is refused, or read in a thread.

No test measures a time. A bound on steps, characters or values holds on every machine, and a
thread leaves the host's loop alone.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from floe.cases.play import play
from floe.dialects.registry import dialect
from floe.expr.command import expanded
from floe.expr.env_entries import env_values_of
from floe.expr.errors import ExpressionError, TooMuch
from floe.expr.flow.expression import expression
from floe.expr.fuel import CONDITION_FUEL, Fuel
from floe.expr.paths import value_at
from floe.files import FileFolders
from floe.kernel.items import OUTPUTS_BYTES_MAX, state_of
from floe.kernel.owed import key_of
from floe.model.errors import TooLarge, Yours
from floe.model.flow import Foreach
from floe.model.ids import Json, NodeId
from floe.model.run import Run
from floe.model.signal import Exited, Reported
from floe.model.work import Exec
from floe.nodes.attempt_files import (
    BYTES_AT_ONCE,
    LINES_MAX,
    OUTPUTS_MAX,
    LongOutputs,
    json_path,
    outputs_path,
    read_outputs,
    write_input,
)
from floe.nodes.json_outputs import VALUES_MAX
from tests.make import NOW, a_flow, a_node, a_run, after
from tests.make_nodes import a_job

MIB = 1 << 20
TEST = NodeId("test")


def evaluated(code: str, **values: Json) -> Json:
    return expression(code).evaluate(partial(value_at, {"values": values}), Fuel(CONDITION_FUEL))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("1" + " + 1" * 40_000, "an expression has at most 4096 characters"),
        ("(" * 40_000, "an expression has at most 4096 characters"),
        ("not " * 100 + "1", "an expression has at most 64 levels"),
        ("[" * 100 + "]" * 100, "an expression has at most 64 levels"),
        ("values" + "[0]" * 1_000, "an expression has at most 500 words and signs"),
        (
            "values.a is matching('" + "(a*)*" * 60 + "')",
            "it has 300 characters; at most 256 are allowed",
        ),
    ],
    ids=["40,000 terms", "40,000 brackets", "nots", "lists", "steps", "pattern"],
)
def test_long_or_deep_expression_is_refused_before_it_is_compiled(text: str, what: str) -> None:
    with pytest.raises(ExpressionError) as fault:
        expression(text)

    assert what in fault.value.what


@pytest.mark.parametrize(
    "text",
    [
        "'x' * 10**9",
        "'x' * 1000000000",
        "values.big ~ values.big ~ values.big",
        "values.list|map('length')|sum + values.list|sort|length",
        "values.list + values.list + values.list",
        "values.text|replace('', values.text)",
        "values.text|split('')|join(values.text)",
        "values.lists|map('json')|join",
        "[values.lists, values.lists]|json",
    ],
)
def test_expression_that_makes_much_stops_before_it_makes_it(text: str) -> None:
    values: dict[str, Json] = {
        "big": "x" * (MIB // 2),
        "text": "x" * 10_000,
        "list": ["x"] * 5_000,
        "lists": [[[0] * 10] * 10] * 100,
    }

    with pytest.raises(ExpressionError):
        evaluated(text, **values)


def test_pattern_that_explodes_elsewhere_pays_for_each_character() -> None:
    text = "values.a is matching('(a+)+(a+)+(a+)+b')"

    assert evaluated(text, a="a" * 60) is False
    with pytest.raises(TooMuch):
        evaluated(text, a="a" * MIB)


@pytest.fixture
def folders() -> Iterator[FileFolders]:
    made = FileFolders()
    yield made
    made.close()


LINES = {
    "10 MB": b"a=" + b"x" * (10 * MIB),
    "lines": b"a=\n" * (MIB // 3),
    "strays": b"x\n" * (MIB // 2),
    "names": b"".join(b"a%d=1\n" % at for at in range(OUTPUTS_MAX + 1)),
}
JSON = {
    "10 MB": b'{"a": "' + b"x" * (10 * MIB) + b'"}',
    "lists": b'{"a": [' + b"[]," * (MIB // 3 - 10) + b"0]}",
    "numbers": b'{"a": [' + b"0," * (MIB // 2 - 10) + b"0]}",
    "texts": b'{"a": [' + b'"",' * (MIB // 3 - 10) + b"0]}",
    "maps": b'{"a": [' + b'{"a":0},' * (MIB // 8 - 10) + b"0]}",
    "names": b"{" + b",".join(b'"a%d":0' % at for at in range(MIB // 12)) + b"}",
    "levels": b'{"a": ' + b"[" * (MIB // 2) + b"]" * (MIB // 2 - 10) + b"}",
    "quotes": b'{"a": ' + b'"",' * (MIB // 3 - 10) + b"}",
}


@pytest.mark.parametrize(
    ("path", "data"),
    [
        *[pytest.param(outputs_path, data, id=f"lines: {name}") for name, data in LINES.items()],
        *[pytest.param(json_path, data, id=f"JSON: {name}") for name, data in JSON.items()],
    ],
)
def test_hostile_outputs_are_never_read_on_the_loop(
    path: Callable[..., str], data: bytes, tmp_path: Path, folders: FileFolders
) -> None:
    job = a_job(tmp_path)
    write_input(job, folders)
    Path(path(job)).write_bytes(data)

    with pytest.raises((LongOutputs, TooLarge)):
        read_outputs(job, folders)
    with pytest.raises((Yours, TooLarge)) as fault:
        read_outputs(job, folders, is_apart=True)
    assert any(
        what in str(fault.value)
        for what in (
            f"more than {VALUES_MAX} values",
            f"more than {LINES_MAX} lines",
            f"at most {OUTPUTS_MAX} are allowed",
            f"more than {MIB} bytes",
        )
    )


@pytest.mark.parametrize("path", [outputs_path, json_path])
def test_one_long_text_is_no_more_than_looked_at_on_the_loop(
    path: Callable[..., str], tmp_path: Path, folders: FileFolders, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, read, plain = a_job(tmp_path), list[int](), os.read
    write_input(job, folders)
    Path(path(job)).write_text('{"a": "' + "x" * (MIB - 100) + '"}')

    def counted(fd: int, size: int) -> bytes:
        data = plain(fd, size)
        read.append(len(data))
        return data

    monkeypatch.setattr(os, "read", counted)

    with pytest.raises(LongOutputs):
        read_outputs(job, folders)
    assert sum(read) <= BYTES_AT_ONCE + 1


def test_text_with_many_commas_is_one_value(tmp_path: Path, folders: FileFolders) -> None:
    job = a_job(tmp_path)
    write_input(job, folders)
    text = ",[{" * 100_000
    Path(json_path(job)).write_text(f'{{"a": "{text}"}}')

    outputs, _ = read_outputs(job, folders, is_apart=True)

    assert outputs == {"a": text}


def test_list_of_1001_items_is_an_error_that_names_the_bound() -> None:
    flow = a_flow(a_node("test", foreach=Foreach(expression="values.targets")))

    assert "has 1001 items; at most 1000 are allowed" in a_run(flow, {"targets": [0] * 1001}).why
    assert a_run(flow, {"targets": [0] * 1000}).phase == "active"


NUMBERS = ", ".join(map(str, range(32)))


@pytest.mark.parametrize(
    "written",
    ["foreach: [" + "a, " * 1001 + "]", f"matrix: {{a: [{NUMBERS}], b: [{NUMBERS}]}}"],
    ids=["foreach", "matrix"],
)
def test_1001_written_items_are_an_error_of_the_flow(written: str) -> None:
    task = f"{{name: t, type: exec, listen: trigger.good, opts: {{cmd: a}}, {written}}}"
    text = f"id: a\ntriggers: [{{id: s, type: data}}]\ntasks: [{task}]\n"

    errors = dialect().flows(text, "f.yml").errors

    assert ["at most 1000 are allowed" in error.what for error in errors] == [True]


def exited(run: Run, item: int, outputs: dict[str, Json]) -> Run:
    state = state_of(run, TEST, item)
    assert state is not None
    report = Exited(status=0, outputs=outputs)
    return after(run, Reported(key=key_of(run, TEST, state), report=report, at=NOW))


def test_items_have_one_bound_on_their_outputs_together() -> None:
    run = a_run(a_flow(a_node("test", foreach=Foreach(values=("a", "b", "c")))))
    half: dict[str, Json] = {"text": "x" * (OUTPUTS_BYTES_MAX // 2 - 20)}

    for item in range(3):
        run = exited(run, item, half)

    items = run.nodes[TEST].items
    assert items is not None
    assert [(one.outcome and one.outcome.result) for one in items.states.values()] == [
        "good",
        "good",
        "error",
    ]
    assert items.outputs_bytes <= OUTPUTS_BYTES_MAX
    assert "the outputs of all items of a task have at most 1 MiB together" in run.why


@pytest.mark.parametrize("value", ["{{ values.b }}", "$NPM_TOKEN", "./", "{{ws}}", "`id`", "$(id)"])
def test_value_reaches_the_command_as_it_is(value: str) -> None:
    flow = (
        "id: a\ntriggers: [{id: s, type: data, opts: {form: {fields: [{id: v}]}}}]\n"
        "tasks: [{name: t, type: exec, listen: trigger.good, opts: {cmd: tool, "
        "args: [--, '{{ values.v }}'], env: ['A={{ values.v }}']}}]\n"
        "tests: [{name: x, expect: {ends: good}}]\n"
    )
    compiled = dialect().flows(flow, "f.yml")
    [case] = compiled.cases

    played = play(compiled.flows[0], replace(case, values={"v": value}))

    work = played.run.nodes[NodeId("t")].work
    assert isinstance(work, Exec)
    env = {"NPM_TOKEN": "s3cret"}
    assert expanded(work.argv, env, env_values_of((), escapes=True), escapes=True)[2] == value
