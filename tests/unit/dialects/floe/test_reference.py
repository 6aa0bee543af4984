"""The vocabulary, the JSON Schema, docs/flows.md and the examples say the same."""

from pathlib import Path
from typing import cast

import jsonschema  # type: ignore[import-untyped]  # its stubs are not among our tools
import pytest
import yaml

from floe.dialects.floe import reference, vocabulary
from floe.dialects.floe.dialect import FloeDialect
from floe.dialects.floe.schema import json_schema
from floe.dialects.notes import Notes
from floe.dialects.section import KeySpec, Section
from floe.dialects.tree import Table, parse_yaml
from floe.model.ids import Json

ROOT = Path(__file__).parents[4]
DOCS = ROOT / "docs" / "flows.md"
TESTS = sorted((ROOT / "configs").rglob("*.test.yml"))
EXAMPLES = sorted({*(ROOT / "configs").rglob("*.yml")} - {*TESTS})
COMPAT = sorted((ROOT / "tests" / "data" / "floe").glob("*.yml"))
SECTIONS = [value for value in vars(vocabulary).values() if isinstance(value, Section)]
KEYS = [(section, key) for section in SECTIONS for key in section.keys]
VALIDATOR = jsonschema.Draft202012Validator(json_schema())


def named(path: Path) -> str:
    return path.name


def broken_rules(document: str) -> list[str]:
    shape = cast(Json, yaml.load(document, yaml.CSafeLoader))
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(shape)]


def test_docs_have_the_tables_of_the_vocabulary() -> None:
    text = DOCS.read_text()

    assert reference.with_tables(text) == text


def test_docs_have_a_table_for_each_section_with_keys() -> None:
    assert set(reference.sections_in(DOCS.read_text())) == set(reference.SECTIONS)
    assert [s.name for s in SECTIONS if s.keys and s not in reference.SECTIONS.values()] == []


@pytest.mark.parametrize(
    ("section", "key"), [pytest.param(s, k, id=f"{s.name}.{k.name}") for s, k in KEYS]
)
def test_the_example_of_each_key_reads(section: Section, key: KeySpec[object]) -> None:
    notes = Notes("example")
    table = parse_yaml(key.example, notes)
    assert isinstance(table, Table)

    fields = Section(name=section.name, keys=(key,)).read(table, notes)

    assert notes.findings == ()
    assert key in fields


@pytest.mark.parametrize("path", EXAMPLES, ids=named)
def test_examples_have_no_findings(path: Path) -> None:
    compiled = FloeDialect().flows(path.read_text(), path.name)

    assert compiled.findings == ()
    assert compiled.flows or path.name in (
        "flyte.yml",
        "host.yml",
        "utask.yml",
    )  # whose flows are elsewhere


def test_examples_show_every_key_of_tasks_and_triggers() -> None:
    text = "\n".join(path.read_text() for path in (*EXAMPLES, *TESTS))

    unseen = {
        key.name
        for section, key in KEYS
        if section is not vocabulary.COMMON_MAP and f"{key.name}:" not in text
    }

    assert unseen == set()


@pytest.mark.parametrize("path", [*EXAMPLES, *TESTS, *COMPAT], ids=named)
def test_the_schema_takes_what_the_reader_takes(path: Path) -> None:
    assert broken_rules(path.read_text()) == []


@pytest.mark.parametrize(
    "document",
    [
        "id: a",
        "{id: a, flow-file: x, tasks: []}",
        "{id: a, flow-file: x, colour: red}",
        "{flow-file: x}",
        "{common: {slots: many}}",
        "flows: [{id: a}, {id: b, ver: 0, flow-file: x}]",
        "{id: a, tasks: [{id: x, type: exec}]}",
        "{id: a, tasks: [{id: x, type: exe, listen: trigger.good}]}",
        "{id: a, tasks: [{id: x, type: exec, listen: trigger.good, opts: {url: x}}]}",
        "{id: a, tasks: [{id: x, type: timer, listen: trigger.good}]}",
        "{id: a, tasks: [{id: x, class: merge, listen: trigger.good}]}",
        "{id: a, flow-file: x, triggers: [{id: s, type: data, opts: {period: 5}}]}",
        "{id: a, flow-file: x, triggers: [{id: s, type: data, opts: {form: {fields: [{id: x, type: bool, value: 3}]}}}]}",  # noqa: E501 - one document
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(document: str) -> None:
    assert FloeDialect().flows(document, "f").errors or "common" in document
    assert broken_rules(document) != []


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
