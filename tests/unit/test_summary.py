"""A row of the directory is written down in four places; here they agree on every column.

The fifth, webapp/types/schemas.d.ts, is made of the schemas.
"""

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from floe.model.children import Above, Parent
from floe.model.ids import FlowId, Instant
from floe.model.summary import Summary, summary_of
from floe.server import json_schema, schemas
from floe.shapes.runs import summary_shape
from floe.store.sql import migrations, queries
from floe.store.upgrades import add_functions
from scripts.api_types import FILE, text
from tests.make import a_flow, a_node, a_run, after, exited, the_key

COLUMNS = [field.name for field in fields(Summary)]
TYPES = get_type_hints(Summary)
OF_THE_STORE = {"search": ("TEXT", True), "pos": ("INTEGER", False)}
"""Columns that no reader sees."""
INTERNAL = {"store", "terms", "rerun_of", "digest", "output_bytes", "awaited", "edition", "facets"}
"""Fields that are no part of the answer: `key` names the store of the log, only a search reads
`terms`, `parent` shows `awaited`, only stores read `edition`, only the removal of runs reads the
others, and facets are for the lists of dialects."""


def base(declared: Any) -> tuple[Any, bool]:
    """The plain type behind a declared one, and whether None is allowed."""
    args = get_args(declared)
    is_optional = type(None) in args and get_origin(declared) is not None
    if is_optional:
        (declared,) = (arg for arg in args if arg is not type(None))
    if declared is Instant:
        return Instant, is_optional
    while supertype := getattr(declared, "__supertype__", None):
        declared = supertype
    return (str if get_origin(declared) else declared), is_optional  # facets: a text of the store


def listed(sql: str) -> Sequence[str]:
    return re.findall(r"[:\w]+", sql)


def selected(name: str) -> Sequence[str]:
    (columns,) = re.findall(r"SELECT (.*?)\s+FROM runs", queries()[name], re.DOTALL)
    return listed(columns)


def test_table_has_a_column_of_its_type_for_each_field() -> None:
    with sqlite3.connect(":memory:") as connection:
        add_functions(connection)
        for script in migrations():
            connection.executescript(script)
        rows = connection.execute("PRAGMA table_info(runs)").fetchall()
    connection.close()

    found = {name: (kind, bool(not_null)) for _, name, kind, not_null, *_ in rows}
    expected = {
        name: ("TEXT" if kind is str else "INTEGER", not is_optional)
        for name, (kind, is_optional) in ((name, base(TYPES[name])) for name in COLUMNS)
    }
    assert found == expected | OF_THE_STORE


@pytest.mark.parametrize("query", ["find", "page"])
def test_query_reads_the_columns_in_the_order_of_the_fields(query: str) -> None:
    assert selected(query) == COLUMNS


def test_changes_are_read_in_the_order_of_the_fields_after_their_position() -> None:
    assert selected("changes") == ["pos", *COLUMNS]


def test_row_is_put_with_every_column() -> None:
    sql = queries()["put_run"]
    (into, values, updates) = re.findall(
        r"INTO runs \((.*?)\) VALUES \((.*?)\).* DO UPDATE SET(.*)WHERE", sql, re.DOTALL
    )[0]
    updated = re.findall(r"(\w+) = (?:coalesce\((?:nullif\()?)?excluded\.(\w+)", updates)

    assert listed(into) == [*COLUMNS, *OF_THE_STORE]
    assert values.count("?") == len(listed(into))
    assert updated == [(name, name) for name in listed(into) if name != "key"]


def test_ended_run_counts_the_nodes_that_ran_and_those_that_were_skipped() -> None:
    maybe = a_node("maybe", condition="false")
    run = a_run(a_flow(a_node("build"), maybe, a_node("after", on="task.maybe.good")))
    before = summary_of(run)

    row = summary_of(after(run, exited(run, "build")))

    assert (before.ran, before.skipped) == (0, 0)
    assert (row.ran, row.skipped) == (1, 2)


def test_answer_has_each_field() -> None:
    shown = summary_shape(summary_of(a_run()), str)

    assert list(shown) == [name for name in COLUMNS if name not in INTERNAL]


def test_schema_has_each_field_with_its_type() -> None:
    kinds = {
        str: json_schema.TEXT,
        bool: json_schema.FLAG,
        int: json_schema.COUNT,
        Instant: json_schema.INSTANT,
    }

    def expected(name: str) -> json_schema.Schema:
        kind, is_optional = base(TYPES[name])
        return json_schema.maybe(kinds[kind]) if is_optional else kinds[kind]

    def coarse(schema: json_schema.Schema) -> json_schema.Schema:
        if "enum" in schema:
            return json_schema.TEXT
        if "anyOf" in schema:
            return json_schema.maybe(coarse(schema["anyOf"][0]))
        return json_schema.COUNT if schema == json_schema.POSITIVE else schema

    found = {name: coarse(schema) for name, schema in schemas.SUMMARY.items()}
    parent = {"parent": json_schema.maybe(json_schema.ref("ParentRun"))}
    columns = [name for name in COLUMNS if name not in INTERNAL]
    assert found == {name: expected(name) for name in columns} | parent


@pytest.mark.parametrize("name", ["state", "phase"])
def test_schema_has_each_value_of_a_choice(name: str) -> None:
    assert set(schemas.SUMMARY[name]["enum"]) == set(get_args(TYPES[name]))


def test_types_of_the_dashboard_are_made_of_the_schemas() -> None:
    assert FILE.read_text() == text(), "scripts/api-types writes them"


def test_row_of_a_child_names_the_attempt_and_whether_that_waits() -> None:
    key = str(the_key(a_run(), "build"))
    above = Above(run=a_run().ref.key, flow=FlowId("release"))

    row = summary_of(replace(a_run(), parent=Parent(key=key, waits=True, above=(above,))))

    assert (row.parent, row.awaited) == (key, True)
    assert (summary_of(a_run()).parent, summary_of(a_run()).awaited) == ("", False)
