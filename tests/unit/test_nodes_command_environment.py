"""What a command finds in its environment."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from floe.files import FileFolders, NotPlain
from floe.model.errors import TooLarge, Yours
from floe.model.ids import Json
from floe.model.nouns import replace
from floe.model.template import Template, TemplatePart
from floe.nodes.attempt_files import (
    OUTPUTS_BYTES_MAX,
    drop_files,
    input_path,
    json_path,
    outputs_path,
    read_outputs,
    write_input,
)
from floe.nodes.command_environment import environment, inherited
from floe.nodes.input_variables import VALUE_BYTES_MAX, input_variables
from tests.make_nodes import a_job, a_key


@pytest.fixture
def folders() -> Iterator[FileFolders]:
    made = FileFolders()
    yield made
    made.close()


def test_the_documented_names_pass_and_no_other() -> None:
    environ = {"PATH": "/bin", "LC_ALL": "C", "https_proxy": "p", "NO_PROXY": "n", "EDITOR": "vi"}

    passed = inherited(environ)

    assert passed == {"PATH": "/bin", "LC_ALL": "C", "https_proxy": "p", "NO_PROXY": "n"}


def test_pass_env_adds_names() -> None:
    assert inherited({"PATH": "/bin", "EDITOR": "vi"}, ["EDITOR"])["EDITOR"] == "vi"


def test_a_token_of_floe_never_passes_even_if_asked_for() -> None:
    environ = {"PATH": "/bin", "FLOE_ADMIN": "s", "FLOE_TOKEN": "s", "FLOE_CLUSTER_TOKEN": "s"}

    passed = inherited(environ, ["FLOE_ADMIN", "FLOE_TOKEN", "FLOE_CLUSTER_TOKEN"])

    assert passed == {"PATH": "/bin"}


def test_a_host_without_a_path_gives_the_systems() -> None:
    assert inherited({}) == {"PATH": os.defpath}


def test_a_command_knows_where_it_is(tmp_path: Path) -> None:
    job = a_job(tmp_path, key=a_key(12), fences={"nic": "3.7", "db": "1.2"})

    env = environment({}, job, "h2", ())

    assert env == {
        "FLOEWS": f"{tmp_path}/spaces/ci/ws/h1-12@k3f9",
        "FLOE_RUN": "h1-12",
        "FLOE_NODE": "task.build",
        "FLOE_HOST": "h2",
        "FLOE_ATTEMPT": "h1-12@k3f9.1.build.1.1",
        "FLOE_INPUT": input_path(job),
        "FLOE_OUTPUTS": outputs_path(job),
        "FLOE_FENCE": "nic=3.7,db=1.2",
    }


@pytest.mark.parametrize(
    ("item", "variables"),
    [
        ("eu", {"FLOE_ITEM": "eu"}),
        (3, {"FLOE_ITEM": "3"}),
        (
            {"python": "3.13", "db-url": ["a"]},
            {
                "FLOE_ITEM": '{"python": "3.13", "db-url": ["a"]}',
                "FLOE_ITEM_PYTHON": "3.13",
                "FLOE_ITEM_DB_URL": '["a"]',
            },
        ),
    ],
)
def test_a_command_knows_its_item(tmp_path: Path, item: Json, variables: dict[str, str]) -> None:
    job = a_job(tmp_path, key=replace(a_key(), item=7), item=item)

    env = environment({}, job, "h1", ())

    found = {name: env[name] for name in env if name.startswith(("FLOE_ITEM", "FLOE_INDEX"))}
    assert found == {**variables, "FLOE_INDEX": "7"}


def test_an_item_with_two_names_of_one_variable_is_refused(tmp_path: Path) -> None:
    job = a_job(tmp_path, key=replace(a_key(), item=0), item={"a-b": 1, "a_b": 2})

    with pytest.raises(Yours, match="`a-b` and `a_b` would both be FLOE_ITEM_A_B"):
        environment({}, job, "h1", ())


def test_an_entry_sees_those_before_it_and_not_those_after(tmp_path: Path) -> None:
    entries = ("A=1", "B=${A}2", "C=$D", "D=$FLOE_NODE", "PATH=/opt:$PATH")

    env = environment({"PATH": "/bin"}, a_job(tmp_path), "h1", entries)

    assert [env[name] for name in ("B", "C", "D", "PATH")] == [
        "12",
        "$D",
        "task.build",
        "/opt:/bin",
    ]


def test_an_entry_cannot_hide_the_attempt(tmp_path: Path) -> None:
    env = environment({}, a_job(tmp_path), "h1", ("FLOE_ATTEMPT=none", "FLOE_TOKEN=mine"))

    assert (env["FLOE_ATTEMPT"], env["FLOE_TOKEN"]) == (str(a_key()), "mine")


def test_inputs_are_variables_text_as_it_is_and_the_rest_as_json() -> None:
    inputs: dict[str, Json] = {
        "from-branch": "a'b $(x)",
        "tests_passed": True,
        "n": 1.5,
        "who": None,
        "l": [1, "a"],
    }

    variables = input_variables(inputs)

    assert variables == {
        "FLOE_IN_FROM_BRANCH": "a'b $(x)",
        "FLOE_IN_TESTS_PASSED": "true",
        "FLOE_IN_N": "1.5",
        "FLOE_IN_WHO": "null",
        "FLOE_IN_L": '[1, "a"]',
    }


@pytest.mark.parametrize(
    "value", ["a\0b", "x" * (VALUE_BYTES_MAX + 1), "\ud800"], ids=["nul", "long", "surrogate"]
)
def test_what_no_variable_can_hold_is_only_in_the_file(
    tmp_path: Path, folders: FileFolders, value: str
) -> None:
    job = a_job(tmp_path, inputs={"v": value})

    write_input(job, folders)

    assert input_variables(job.inputs) == {}
    assert json.loads(Path(input_path(job)).read_text()) == {"v": value}


@pytest.mark.parametrize(("one", "other"), [("a", "A"), ("b-c", "b_c"), ("B_c", "b-C")])
def test_two_inputs_that_would_be_one_variable_are_refused(one: str, other: str) -> None:
    with pytest.raises(Yours, match=f"`{one}` and `{other}` would both be FLOE_IN_"):
        input_variables({one: "1", "x": "y", other: "8"})


@pytest.mark.parametrize("lines", ["a=1\nA=8\n", "b-c=1\nb_c=1\n"])
def test_two_outputs_that_would_be_one_variable_are_refused(
    lines: str, tmp_path: Path, folders: FileFolders
) -> None:
    job = a_job(tmp_path)
    write_input(job, folders)
    Path(outputs_path(job)).write_text(lines)

    with pytest.raises(Yours, match="would both be FLOE_IN_"):
        read_outputs(job, folders)


def test_a_name_that_is_none_becomes_no_variable() -> None:
    assert input_variables({"a=b": "x", "": "y", "a\0": "z"}) == {}


def test_the_input_file_keeps_types(tmp_path: Path, folders: FileFolders) -> None:
    inputs = {"ok": True, "n": 3, "form": {"a": [None, "b"]}}
    job = a_job(tmp_path, inputs=inputs)

    write_input(job, folders)

    assert json.loads(Path(input_path(job)).read_text()) == inputs


def test_outputs_are_lines_and_the_last_of_a_name_wins(
    tmp_path: Path, folders: FileFolders
) -> None:
    job = a_job(tmp_path)
    write_input(job, folders)
    Path(outputs_path(job)).write_text("a=1\nb-c=x=y \r\n\na=2\nempty=")

    outputs, strays = read_outputs(job, folders)

    assert (outputs, strays) == ({"a": "2", "b-c": "x=y ", "empty": ""}, [])


def test_lines_that_are_no_outputs_are_named(tmp_path: Path, folders: FileFolders) -> None:
    job = a_job(tmp_path)
    write_input(job, folders)
    Path(outputs_path(job)).write_bytes(b"plain\n1a=x\nok=\xff\n=x\n")

    outputs, strays = read_outputs(job, folders)

    assert (outputs, strays) == ({"ok": "�"}, ["plain", "1a=x", "=x"])


def test_no_outputs_file_means_no_outputs(tmp_path: Path, folders: FileFolders) -> None:
    assert read_outputs(a_job(tmp_path), folders) == ({}, [])


def test_too_many_outputs_are_refused(tmp_path: Path, folders: FileFolders) -> None:
    job = a_job(tmp_path)
    write_input(job, folders)
    Path(outputs_path(job)).write_bytes(b"a=" + b"x" * OUTPUTS_BYTES_MAX)

    with pytest.raises(TooLarge):
        read_outputs(job, folders, is_apart=True)


def test_a_link_in_place_of_the_outputs_is_not_followed(
    tmp_path: Path, folders: FileFolders
) -> None:
    job = a_job(tmp_path)
    write_input(job, folders)
    (tmp_path / "secret").write_text("token=s")
    Path(outputs_path(job)).symlink_to(tmp_path / "secret")

    with pytest.raises(NotPlain, match="is a link"):
        read_outputs(job, folders)


def test_a_pipe_in_place_of_the_outputs_is_not_waited_for(
    tmp_path: Path, folders: FileFolders
) -> None:
    job = a_job(tmp_path)
    write_input(job, folders)
    os.mkfifo(outputs_path(job))

    with pytest.raises(NotPlain, match="is a named pipe"):
        read_outputs(job, folders)


def test_a_folder_in_place_of_the_outputs_is_left_alone(
    tmp_path: Path, folders: FileFolders
) -> None:
    job = a_job(tmp_path)
    write_input(job, folders)
    Path(outputs_path(job)).mkdir()

    with pytest.raises(NotPlain, match="is a folder"):
        read_outputs(job, folders)
    drop_files(job, folders)
    assert [path.name for path in job.output.parent.iterdir()] == [Path(outputs_path(job)).name]


@pytest.mark.parametrize("name", ["build.1.1.log.input.part", "build.1.1.log.input"])
@pytest.mark.parametrize("put", [os.mkfifo, Path.touch, lambda path: path.symlink_to("/dev/full")])
def test_what_lies_where_the_inputs_belong_is_replaced(
    tmp_path: Path, folders: FileFolders, name: str, put: Callable[[Path], None]
) -> None:
    job = a_job(tmp_path, inputs={"a": "1"})
    job.output.parent.mkdir(parents=True)
    put(job.output.parent / name)

    write_input(job, folders)

    assert json.loads(Path(input_path(job)).read_text()) == {"a": "1"}


def test_dropping_touches_nothing_behind_a_link(tmp_path: Path, folders: FileFolders) -> None:
    job = a_job(tmp_path)
    write_input(job, folders)
    there = job.output.parent.rename(tmp_path / "there")
    job.output.parent.symlink_to(there)

    drop_files(job, folders)

    assert [path.name for path in there.iterdir()] == ["build.1.1.log.input"]


def test_dropped_files_are_gone_and_dropping_twice_is_the_same(
    tmp_path: Path, folders: FileFolders
) -> None:
    job = a_job(tmp_path)
    write_input(job, folders)

    drop_files(job, folders)
    drop_files(job, folders)

    assert list(job.output.parent.iterdir()) == []


def test_inputs_past_a_mebibyte_together_are_only_in_the_file() -> None:
    variables = input_variables({f"v{i}": "x" * 60_000 for i in range(40)})

    assert len(variables) == 17
    assert sum(map(len, variables.values())) <= 1024 * 1024


def test_value_in_an_entry_is_data(tmp_path: Path) -> None:
    parts = (TemplatePart(text="A=$B-"), TemplatePart(path=("values", "b"), data="$B ./x {{ws}}"))
    entries = ("B=b", Template(parts=parts), "C=$A")

    env = environment({}, a_job(tmp_path, has_escapes=True), "h1", entries)

    assert (env["A"], env["C"]) == ("b-$B ./x {{ws}}", "b-$B ./x {{ws}}")
    assert [name for name in env if "template" in name] == []


def test_value_in_a_variable_that_chooses_code_is_refused(tmp_path: Path) -> None:
    parts = (TemplatePart(text="PATH="), TemplatePart(path=("values", "b"), data="/evil"))

    with pytest.raises(Yours, match=r"`PATH` decides .* `{{ values.b }}` is a value of the run"):
        environment({}, a_job(tmp_path), "h1", (Template(parts=parts),))


def test_json_outputs_win_over_lines(tmp_path: Path, folders: FileFolders) -> None:
    job = a_job(tmp_path)
    write_input(job, folders)
    Path(outputs_path(job)).write_text("a=1\nb=2\n")
    Path(json_path(job)).write_text('{"b": [2], "c": {"d": null}}')

    assert read_outputs(job, folders) == ({"a": "1", "b": [2], "c": {"d": None}}, [])


@pytest.mark.parametrize(
    ("lines", "shape"), [(0, 10 * OUTPUTS_BYTES_MAX), (OUTPUTS_BYTES_MAX - 10, 11)]
)
def test_outputs_have_one_limit_together(
    tmp_path: Path, folders: FileFolders, lines: int, shape: int
) -> None:
    job = a_job(tmp_path)
    write_input(job, folders)
    Path(outputs_path(job)).write_bytes(b"x" * lines)
    Path(json_path(job)).write_bytes(b" " * shape)

    with pytest.raises(TooLarge):
        read_outputs(job, folders, is_apart=True)


def test_line_and_json_cannot_be_one_variable(tmp_path: Path, folders: FileFolders) -> None:
    job = a_job(tmp_path)
    write_input(job, folders)
    Path(outputs_path(job)).write_text("a=1\n")
    Path(json_path(job)).write_text('{"A": 1}')

    with pytest.raises(Yours, match="would both be FLOE_IN_A"):
        read_outputs(job, folders)


def test_link_in_place_of_json_outputs_is_not_followed(
    tmp_path: Path, folders: FileFolders
) -> None:
    job = a_job(tmp_path)
    write_input(job, folders)
    Path(json_path(job)).symlink_to("/etc/passwd")

    with pytest.raises(NotPlain):
        read_outputs(job, folders)


def test_json_outputs_are_dropped_too(tmp_path: Path, folders: FileFolders) -> None:
    job = a_job(tmp_path)
    write_input(job, folders)
    Path(json_path(job)).write_text("{}")

    drop_files(job, folders)

    assert not Path(json_path(job)).exists()
