"""Whatever the document: findings with places inside it, never an exception."""

import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floe.dialects.floe import vocabulary
from floe.dialects.floe.dialect import FloeDialect
from floe.model.finding import Finding
from floe.model.flow import Flow

ROOT = Path(__file__).parents[4]
SEEDS = [
    path.read_text()
    for path in sorted([*(ROOT / "configs").rglob("*.yml"), *(ROOT / "tests/data").rglob("*.yml")])
]
DIALECT = FloeDialect()
TAGS = ["task.a.good", "merge.a.bad", "trigger.good"]
VALUES = [
    "[]",
    "[[]]",
    "{}",
    "{a: b}",
    "[{}]",
    "''",
    "'-'",
    "no",
    "null",
    "-1",
    "1.5",
    "1:30",
    "2026-11-21",
    ".inf",
    "{{ws}}",
    "../..",
    "!!str",
]
KEYS = [*vocabulary.FLOW.by_name, *vocabulary.TASK.by_name, "wait", "flows", "common", "merge"]
WORDS = [*":-[]{}#|>&*!?%@'\"\\,~\0\ufeff\t\n é𝄞", "<<: *a", "&a ", "*a", *TAGS, *VALUES, *KEYS]
VALUE = re.compile(r"(?<=: )[^\n,}\]#]+")
edits = st.lists(
    st.tuples(
        st.sampled_from(("cut", "put", "set", "double", "shuffle")),
        st.integers(0, 10**6),
        st.sampled_from(WORDS),
    ),
    min_size=1,
    max_size=8,
)


def edited(text: str, changes: list[tuple[str, int, str]]) -> str:
    """A document after somebody's clumsy hands."""
    for how, number, word in changes:
        lines = text.split("\n")
        at, line = number % (len(text) + 1), number % len(lines)
        if how == "cut":
            text = text[:at] + text[at + 1 + number % 7 :]
        elif how == "put":
            text = text[:at] + word + text[at:]
        elif how == "set" and (values := list(VALUE.finditer(text))):
            value = values[number % len(values)]
            text = text[: value.start()] + word + text[value.end() :]
        elif how == "double":
            text = "\n".join([*lines[: line + 1], *lines[line:]])
        elif how == "shuffle" and number % 5 == 0:
            random.Random(number).shuffle(lines)
            text = "\n".join(lines)
    return text


def is_inside(finding: Finding, text: str) -> bool:
    """Whether a finding's place is one of the document's, or means all of it."""
    if finding.line == 0:
        return finding.col == 0
    lines = text.split("\n")
    on_line = 1 <= finding.line <= len(lines)
    return on_line and 1 <= finding.col <= len(lines[finding.line - 1]) + 1


@given(seed=st.sampled_from(SEEDS), changes=edits)
@settings(max_examples=150, deadline=None)
def test_a_changed_document_is_flows_or_findings_in_place(
    seed: str, changes: list[tuple[str, int, str]]
) -> None:
    text = edited(seed, changes)

    compiled = DIALECT.flows(text, "f.yml")

    assert compiled.flows or compiled.findings or "flows" in text or "common" in text
    assert [f for f in compiled.findings if not is_inside(f, text)] == []


@given(text=st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_text_is_flows_or_findings(text: str) -> None:
    compiled = DIALECT.flow_file(text, "f.yml", BASE)

    assert compiled.flows or compiled.errors


BASE: Flow = DIALECT.flows("{id: f, flow-file: x.yml}", "f.yml").flows[0]


@pytest.mark.parametrize(
    "value", ["5", "no", "[]", "[[]]", "{}", "{a: b}", "[{}]", "''", "~", "'\\0'", "&a [*a]"]
)
@pytest.mark.parametrize(
    "key",
    [*vocabulary.FLOW.by_name, "flows", "common", "opts"],
)
def test_any_shape_under_any_key_is_reported(key: str, value: str) -> None:
    compiled = DIALECT.flows(f"{key}: {value}\n", "f.yml")

    assert compiled.errors or key in ("flows", "common")
