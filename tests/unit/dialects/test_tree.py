"""YAML to a tree: places, source texts, limits."""

import pytest

from floe.dialects.notes import FINDINGS_MAX, Notes, Position
from floe.dialects.tree import (
    DOCUMENT_BYTES_MAX,
    NESTING_MAX,
    NODES_MAX,
    Entry,
    Items,
    Scalar,
    Table,
    Tree,
    decoded,
    parse_yaml,
)


def read(text: str) -> tuple[Tree | None, list[str]]:
    notes = Notes("f")
    tree = parse_yaml(text, notes)
    return tree, [str(finding) for finding in notes.findings]


def kind_of(text: str) -> str:
    tree, _ = read(f"[{text}]")
    assert isinstance(tree, Items)
    (item,) = tree.items
    assert isinstance(item, Scalar)
    return item.kind


def test_each_part_knows_its_place() -> None:
    tree, findings = read("a:\n  - b\n")

    b = Scalar(Position(2, 5), "b", "text")
    assert tree == Table(Position(1, 1), {"a": Entry(Position(1, 1), Items(Position(2, 3), (b,)))})
    assert findings == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("a", "text"),
        ('"5"', "text"),
        ("!!str 5", "text"),
        ("no", "boolean"),
        ("5", "whole number"),
        ("!!int '5'", "whole number"),
        ("1:30", "whole number"),
        ("1.10", "number"),
        (".inf", "number"),
        ("2026-11-21", "date"),
        ("~", "nothing"),
    ],
)
def test_shows_what_yaml_takes_a_scalar_for(text: str, kind: str) -> None:
    assert kind_of(text) == kind


def test_merge_keys_fill_in_what_is_not_given() -> None:
    tree, findings = read("base: &base {a: 1, b: 2}\nx: {<<: *base, b: 3}\n")

    assert isinstance(tree, Table)
    x = tree.entries["x"].value
    assert isinstance(x, Table)
    texts = {
        name: entry.value.text
        for name, entry in x.entries.items()
        if isinstance(entry.value, Scalar)
    }
    assert texts == {"a": "1", "b": "3"}
    assert findings == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\0b", "f:1:2: error: YAML cannot contain a NUL byte"),
        ("a: 1\nb: \x1b", "f:2:4: error: YAML cannot contain the control character U+001B"),
        ("a: \ud800", "f:1:4: error: YAML cannot contain the control character U+D800"),
        ('a: "\\0"', "f:1:4: error: a value cannot contain a NUL"),
        ("\ufeffa: 1", "f:1:1: warning: the file begins with a byte order mark"),
        ("? [a]\n: b", "f:1:3: error: a key must be text"),
        ("<<: 3", "f:1:5: error: `<<` takes a map"),
        ("a: 1\n...\n%YAML 1.2\n---\nb: 2", "f:3:1: error: a second document begins here"),
        pytest.param(
            "a" * (DOCUMENT_BYTES_MAX + 1), "f: error: larger than 1048576 bytes", id="bytes"
        ),
        pytest.param(
            "[" * (NESTING_MAX + 2), "f:1:42: error: nested deeper than 40 levels", id="deep"
        ),
        pytest.param(
            f"[{'1,' * NODES_MAX}]", "f:1:100000: error: more than 50000 keys and values", id="many"
        ),
    ],
)
def test_refuses(text: str, said: str) -> None:
    _, findings = read(text)

    assert [finding.partition("\n")[0] for finding in findings] == [said]


@pytest.mark.parametrize("levels", [NESTING_MAX + 2, 999, 1_000, 1_001, 100_000])
@pytest.mark.parametrize(
    ("opens", "at"),
    [
        ("[", "1:42"),
        ("{a: ", "1:162"),
        ("- ", "1:83"),
        ("? ", "1:83"),
        ("[\n", "42:1"),
        ("[[", "1:42"),
    ],
)
def test_deep_nest_is_floes_own_error_however_deep_the_parser_reads(
    opens: str, at: str, levels: int
) -> None:
    _, findings = read(opens * levels)

    assert findings == [f"f:{at}: error: nested deeper than 40 levels"]


def test_deep_nest_that_is_closed_is_refused_where_it_is_too_deep() -> None:
    _, findings = read("a:\n  - " + "[" * 5_000 + "]" * 5_000)

    assert findings == ["f:2:44: error: nested deeper than 40 levels"]


def test_mistake_after_a_nest_that_is_allowed_is_shown_itself() -> None:
    _, findings = read("a: [[[1]]]\nb: ]")

    assert findings[0].startswith("f:2:4: error: not YAML: ")


def test_counts_findings_past_the_limit() -> None:
    notes = Notes("f")
    for line in range(FINDINGS_MAX + 5):
        notes.error(Position(line + 1, 1), "wrong")

    findings = notes.findings

    assert len(findings) == FINDINGS_MAX + 1
    assert findings[-1].what == "5 more findings are not shown"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"a: 1\nb: caf\xe9", "f:2:7: error: byte 0xe9 is not UTF-8"),
        ("ä: \u20ac".encode() + b"\xff", "f:1:5: error: byte 0xff is not UTF-8"),
        ("a: 1".encode("utf-16"), "f:1:1: error: the file is UTF-16"),
    ],
)
def test_bytes_that_are_no_text_are_a_finding(data: bytes, said: str) -> None:
    notes = Notes("f")

    text = decoded(data, notes)

    assert text is None
    assert str(notes.findings[0]).partition("\n")[0] == said


def test_carriage_returns_at_line_ends_are_no_part_of_a_text() -> None:
    notes = Notes("f.yml")

    tree = parse_yaml("a: |\r\n  x\r\n  y\r\nb: c\r\n", notes)

    assert isinstance(tree, Table)
    assert [getattr(e.value, "text", "") for e in tree.entries.values()] == ["x\ny\n", "c"]
