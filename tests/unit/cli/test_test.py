"""`floe test`: which tests it finds, what it prints, and how it ends."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from floe.cli import test
from floe.model.errors import ConfigInvalid, NotFound

FLOW = """\
name: ci
tasks: [{name: build, type: exec, listen: trigger.good, opts: {cmd: make}}]
"""
GOOD = "tests: [{name: it works, expect: {ends: good}}]\n"
BAD = "tests: [{name: it fails, given: {build: bad}, expect: {ends: good}}]\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown(*words: str) -> Result:
    return CliRunner().invoke(test.command, words)


def test_test_in_the_document_of_its_flow_is_run(here: Path) -> None:
    (here / "ci.yml").write_text(FLOW + GOOD)

    assert shown("ci.yml").output.startswith("ok   ci: it works\n1 test, 0 failed")


def test_test_that_fails_says_how_the_run_ended(here: Path) -> None:
    wrong = "tests: [{name: it fails, given: {build: bad}, expect: {enters: []}}]\n"
    (here / "ci.yml").write_text(FLOW + wrong)

    assert "     the run ended bad: build failed: exit status 1\n" in shown("ci.yml").output


@pytest.mark.parametrize("name", ["ci.yml", "ci.test.yml", "."])
def test_tests_beside_a_document_are_found(here: Path, name: str) -> None:
    (here / "ci.yml").write_text(FLOW)
    (here / "ci.test.yml").write_text(GOOD)
    (here / "other.yml").write_text("[not, floe]\n")

    assert shown(name).output.startswith("ok   ci: it works\n")


def test_tests_of_a_flow_file_are_found(here: Path) -> None:
    (here / "ci.yml").write_text("name: ci\nflow-file: build.yml\n")
    (here / "build.yml").write_text(FLOW + GOOD)

    assert shown("ci.yml").output.startswith("ok   ci: it works\n")


def test_test_that_fails_ends_with_1_and_says_what_was_different(here: Path) -> None:
    (here / "ci.yml").write_text(FLOW + BAD)

    failed = shown("ci.yml")

    assert failed.exit_code == 1
    assert "FAIL ci: it fails\n     ci.yml:3\n     ends: expected good\n" in failed.output


def test_start_that_is_not_possible_fails_the_test(here: Path) -> None:
    form = "triggers: [{name: start, type: data}]\n"
    (here / "ci.yml").write_text(FLOW + form + GOOD.replace("expect", "values: {a: 1}, expect"))

    failed = shown("ci.yml")

    assert failed.exit_code == 1
    assert "the run cannot start: a: " in failed.output


def test_only_tests_with_a_text_in_their_name_are_run(here: Path) -> None:
    (here / "ci.yml").write_text(FLOW + GOOD)
    (here / "ci.test.yml").write_text(BAD)

    assert shown("-k", "works", ".").output.startswith("ok   ci: it works\n1 test, 0 failed")


def test_mistake_in_a_document_runs_no_test(here: Path) -> None:
    (here / "ci.yml").write_text(FLOW + GOOD.replace("ends", "end"))

    assert isinstance(shown("ci.yml").exception, ConfigInvalid)


@pytest.mark.parametrize("words", [("ci.yml",), ("-k", "x", "ci.yml"), ("none.test.yml",)])
def test_nothing_to_test_is_an_error(here: Path, words: tuple[str, ...]) -> None:
    (here / "ci.yml").write_text(FLOW)

    assert isinstance(shown(*words).exception, NotFound)


def test_json_has_each_difference(here: Path) -> None:
    (here / "ci.yml").write_text(FLOW + BAD)

    [shape] = json.loads(shown("--json", "ci.yml").output)

    assert (shape["ok"], shape["result"]) == (False, "bad")
    assert [(one["what"], one["expected"]) for one in shape["differences"]] == [("ends", "good")]


def test_junit_file_has_a_case_for_each_test_and_a_failure_for_each_that_fails(here: Path) -> None:
    (here / "ci.yml").write_text(FLOW + GOOD)
    (here / "ci.test.yml").write_text(BAD)
    shown("ci.yml", "--junit", "results.xml")

    [suite] = ElementTree.parse(here / "results.xml").getroot()  # noqa: S314 - floe wrote it

    assert suite.attrib == {"name": "ci", "tests": "2", "failures": "1", "errors": "0"}
    assert [(case.get("name"), len(case)) for case in suite] == [("it works", 0), ("it fails", 1)]


def test_all_examples_do_what_their_tests_expect() -> None:
    examples = Path(__file__).parents[3] / "configs" / "examples"

    assert shown(str(examples)).exit_code == 0
