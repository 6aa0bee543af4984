"""Generates the JSON Schema of floe documents, for editors, from the vocabulary."""

from typing import Final

from floe.dialects.floe.case_keys import (
    ATTEMPTS,
    CASE,
    CASE_EXPECT,
    CASE_GIVEN,
    EXPECT,
    GIVEN,
    GIVEN_ITEMS,
    RESULT,
    TESTS_DOCUMENT,
)
from floe.dialects.floe.tasks import OPTS_OF
from floe.dialects.floe.triggers import TRIGGER_TYPES
from floe.dialects.floe.vocabulary import (
    BUCKET_MAP,
    CHOICES,
    CLASS,
    COMMON,
    COMMON_BUCKET,
    COMMON_FLYTE,
    COMMON_MAP,
    COMMON_ON_END,
    COMMON_SMTP,
    COMMON_UTASK,
    FIELD_TYPE,
    FIELDS,
    FLOW,
    FLOW_FILE,
    FLOWS,
    FLYTE_MAP,
    FORM,
    FORM_FIELD,
    FORM_MAP,
    HOST_CONFIG,
    ID,
    MAIL,
    MAIL_MAP,
    MERGE,
    NAME,
    NOTICE,
    ON_END,
    OPTS,
    SMTP_MAP,
    TASK,
    TASK_TYPE,
    TASKS,
    TESTS,
    TRIGGER,
    TRIGGER_TYPE,
    TRIGGERS,
    UTASK_MAP,
    VALUE,
)
from floe.dialects.kinds import Schema
from floe.dialects.section import KeySpec, Section

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> Schema:
    """The schema of a host config, of a document that is one flow, or of a file of tests."""
    is_config = {"anyOf": [{"required": [COMMON.name]}, {"required": [FLOWS.name]}]}
    has_nodes = {"anyOf": [_needs(TASKS), _needs(FLOW_FILE)]}
    return {
        "$schema": DRAFT,
        "title": "floe",
        "description": "A host config, one flow, or tests of flows.",
        "if": is_config,
        "then": _section(HOST_CONFIG, {COMMON: _ref_to("common"), FLOWS: _list("flow")}),
        "else": {
            "if": {"allOf": [_needs(TESTS), {"not": has_nodes}]},
            "then": _section(TESTS_DOCUMENT, {TESTS: _list("test")}),
            "else": {"allOf": [_ref_to("flow"), has_nodes]},
        },
        "$defs": {
            "common": _section(
                COMMON_MAP,
                {
                    COMMON_ON_END: _list("notice"),
                    COMMON_SMTP: SMTP_MAP.schema(),
                    COMMON_BUCKET: BUCKET_MAP.schema(),
                    COMMON_FLYTE: FLYTE_MAP.schema(),
                    COMMON_UTASK: UTASK_MAP.schema(),
                },
            ),
            "notice": _section(NOTICE, {MAIL: MAIL_MAP.schema()}),
            "flow": _flow(),
            "trigger": _trigger(),
            "node": {"if": _is(CLASS, "merge"), "then": _merge(), "else": _task()},
            "form": _section(FORM_MAP, {FIELDS: _list("field")}),
            "field": _field(),
            "test": _section(CASE, {CASE_GIVEN: _given(), CASE_EXPECT: EXPECT.schema()}),
            "given": {
                "anyOf": [
                    RESULT.kind.schema(),
                    _section(GIVEN, {ATTEMPTS: _list("given"), GIVEN_ITEMS: _list("given")}),
                ]
            },
        },
    }


def _flow() -> Schema:
    flow = _section(
        FLOW,
        {
            TRIGGERS: _list("trigger"),
            TASKS: _list("node"),
            ON_END: _list("notice"),
            TESTS: _list("test"),
        },
    )
    return flow | {"anyOf": [_needs(ID), _needs(NAME)]} | {"not": _needs(TASKS, FLOW_FILE)}


def _given() -> Schema:
    return {"additionalProperties": _ref_to("given")}


def _trigger() -> Schema:
    of_type = [_opts(TRIGGER_TYPE, name, section) for name, (_, section) in TRIGGER_TYPES.items()]
    return _section(TRIGGER) | {"anyOf": [_needs(ID), _needs(NAME)], "allOf": of_type}


def _task() -> Schema:
    of_type = [_opts(TASK_TYPE, name, section) for name, section in OPTS_OF.items()]
    return _section(TASK) | {"anyOf": [_needs(ID), _needs(NAME)], "allOf": of_type}


def _merge() -> Schema:
    return _section(MERGE) | {"anyOf": [_needs(ID), _needs(NAME)]}


def _field() -> Schema:
    number = _value_if("number", "number", _value("string"))
    choices = {"if": _is(FIELD_TYPE, "choice"), "then": _needs(CHOICES)}
    return _section(FORM_FIELD) | {"allOf": [_value_if("bool", "boolean", number), choices]}


def _value_if(field_type: str, json_type: str, otherwise: Schema) -> Schema:
    return {"if": _is(FIELD_TYPE, field_type), "then": _value(json_type), "else": otherwise}


def _value(json_type: str) -> Schema:
    return {"properties": {VALUE.name: {"type": json_type}}}


def _opts(type_: KeySpec[object], name: str, section: Section) -> Schema:
    """The schema of `opts` for one type."""
    opts = _section(section, {FORM: _ref_to("form")} if FORM in section.keys else {})
    then: Schema = {"properties": {OPTS.name: opts}}
    return {"if": _is(type_, name), "then": then | (_needs(OPTS) if "required" in opts else {})}


def _section(section: Section, parts: dict[KeySpec[object], Schema] | None = None) -> Schema:
    schema = section.schema()
    for key, part in (parts or {}).items():
        schema["properties"][key.name] |= part
    return schema


def _is(key: KeySpec[object], value: str) -> Schema:
    return {"properties": {key.name: {"const": value}}, "required": [key.name]}


def _needs(*keys: KeySpec[object]) -> Schema:
    return {"required": [key.name for key in keys]}


def _list(name: str) -> Schema:
    return {"type": "array", "items": _ref_to(name)}


def _ref_to(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}
