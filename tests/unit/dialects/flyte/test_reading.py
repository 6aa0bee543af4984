"""Flows of flyte as documents: what the schema refuses, what Go refuses, and what both take."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # its stubs are not among our tools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floe.dialects.flyte.reading import flow_of
from floe.model.ids import Json

DATA = Path(__file__).parents[3] / "data" / "flyte"
SCHEMA = json.loads((DATA / "flow-schema.json").read_text())

NAMED: dict[str, Json] = {"name": "E", "packName": "P"}
STEP: dict[str, Json] = {"event": NAMED, "command": NAMED}


def a_flow(**step: Json) -> Json:
    return {"name": "f", "steps": [{**STEP, **step}]}


def faults_of(value: Json) -> list[str]:
    found = flow_of(value)
    assert (found.flow is None) == bool(found.faults)
    return [f"{fault.by} {fault}" for fault in found.faults]


def test_a_whole_flow_is_read() -> None:
    step: Json = {
        **{"id": "s", "dependsOn": ["r"], "context": {"c": "{{ 1 }}"}, "criteria": "true"},
        "event": {**NAMED, "packLabels": {"env": "dev"}},
        "command": {**NAMED, "packLabels": {"a": "b"}, "input": {"x": [1, None]}, "labels": {}},
        "unknown": 1,
    }

    flow = flow_of({"name": "f", "description": "d", "steps": [step], "labels": {"a": 1}}).flow

    assert flow is not None
    assert (flow.name, flow.description, len(flow.steps)) == ("f", "d", 1)
    read = flow.steps[0]
    assert (read.id, read.depends_on, read.context) == ("s", ("r",), {"c": "{{ 1 }}"})
    assert (read.criteria, read.event.pack_labels) == ("true", {"env": "dev"})
    assert (read.command.pack_labels, read.command.input) == ({"a": "b"}, {"x": [1, None]})


@pytest.mark.parametrize("value", [{"name": "", "steps": []}, a_flow(), a_flow(dependsOn=None)])
def test_flyte_takes_it(value: Json) -> None:
    assert faults_of(value) == []


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (None, "schema an object is needed, not null"),
        ([], "schema an object is needed, not a list"),
        ({"steps": []}, "schema `name` is missing"),
        ({"name": "f", "steps": None}, "schema steps: a list is needed, not null"),
        ({"name": "f\n", "steps": []}, "schema name: the text has a newline"),
        ({"name": 5, "steps": []}, "schema name: a text is needed, not a number"),
        ({"name": "f", "steps": [5]}, "schema steps[0]: an object is needed, not a number"),
        (a_flow(criteria=True), "schema steps[0].criteria: a text is needed, not true or false"),
        (a_flow(context=None), "schema steps[0].context: an object is needed, not null"),
        (a_flow(event={"name": "E"}), "schema steps[0].event: `packName` is missing"),
        (a_flow(id=5), "types steps[0].id: a text is needed, not a number"),
        ({"name": "f", "id": 5, "steps": []}, "types id: a text is needed, not a number"),
        (a_flow(dependsOn="a"), "types steps[0].dependsOn: a list is needed, not a text"),
        (a_flow(dependsOn=[1]), "types steps[0].dependsOn[0]: a text is needed, not a number"),
        (a_flow(context={"n": 5}), "types steps[0].context.n: a text is needed, not a number"),
        (
            a_flow(event={**NAMED, "packLabels": {"a": True}}),
            "types steps[0].event.packLabels.a: a text is needed, not true or false",
        ),
        (
            a_flow(command={**NAMED, "packLabels": []}),
            "types steps[0].command.packLabels: an object is needed, not a list",
        ),
    ],
)
def test_a_fault_has_a_place_and_a_reason(value: Json, fault: str) -> None:
    assert faults_of(value) == [fault]


def test_a_name_in_a_different_case_is_a_hint() -> None:
    (fault,) = flow_of({"Name": "f", "steps": []}).faults

    assert fault.hint == "`Name` is written in a different case"


def test_go_takes_names_in_any_case_and_the_last_of_several() -> None:
    flow = flow_of(
        {
            **{"name": "a", "NAME": "b", "steps": [], "Description": "d", "DESCRIPTION": None},
            "Steps": [{"event": NAMED, "Event": {"NAME": "F"}, "command": NAMED, "ID": "s"}],
        }
    ).flow

    assert flow is not None
    assert (flow.name, flow.description) == ("b", "d")
    assert (flow.steps[0].event.name, flow.steps[0].event.pack_name) == ("F", "P")
    assert flow.steps[0].id == "s"


def test_null_in_labels_and_contexts_is_an_empty_text() -> None:
    flow = flow_of(a_flow(context={"a": None}, id=None)).flow

    assert flow is not None
    assert (flow.steps[0].context, flow.steps[0].id) == ({"a": ""}, "")


KEYS = st.sampled_from(["name", "packName", "steps", "event", "command", "criteria", "x"])
ANY = st.none() | st.booleans() | st.integers() | st.sampled_from(["", "a", "a\n", "\n"])
NAMES = st.fixed_dictionaries({"name": ANY, "packName": ANY}) | st.dictionaries(KEYS, ANY)
NEARLY = st.fixed_dictionaries(
    {}, optional={"event": NAMES | ANY, "command": NAMES, "context": ANY | NAMES, "criteria": ANY}
)
FLOWS = st.fixed_dictionaries(
    {}, optional={"name": ANY, "steps": ANY | st.lists(NEARLY, max_size=2), "description": ANY}
)


def strict(schema: Any) -> Any:
    """The schema with patterns as Go reads them: `$` is the end, also behind a newline."""
    text = json.dumps(schema).replace("^(.*)$", r"\\A(.*)\\Z")
    return json.loads(text)


VALIDATOR = jsonschema.Draft7Validator(strict({k: v for k, v in SCHEMA.items() if k != "$id"}))


@given(FLOWS)
@settings(max_examples=500, deadline=None)
def test_the_schema_refuses_what_flytes_schema_refuses(value: Json) -> None:
    is_refused = any(fault.by == "schema" for fault in flow_of(value).faults)

    assert is_refused == (not VALIDATOR.is_valid(value))


def test_the_schema_has_no_keywords_that_the_reader_lacks() -> None:
    words = set(re.findall(r'"(\w+)":', json.dumps(SCHEMA)))

    assert words <= {
        *("definitions", "type", "title", "required", "properties", "items", "pattern"),
        *("default", "examples", "name", "description", "steps", "event", "packName", "context"),
        *("criteria", "command", "input"),
    }
