"""YAML as Go reads it: the recorded results of both programs, positions, limits."""

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floe.dialects.go_scalars import FLYTE, UTASK, Profile
from floe.dialects.go_yaml import (
    GO_YAML_BYTES_MAX,
    GO_YAML_NESTING_MAX,
    GO_YAML_NODES_MAX,
    GoEntry,
    GoItems,
    GoScalar,
    GoTable,
    GoTree,
    json_value,
    parse_go_yaml,
)
from floe.dialects.notes import Notes, Position
from tests.recorded import cases

PROFILES: Final = {"flyte": FLYTE, "utask": UTASK}


def read(text: str, profile: Profile = FLYTE) -> tuple[GoTree | None, list[str]]:
    notes = Notes("f")
    tree = parse_go_yaml(text, profile, notes)
    return tree, [str(finding) for finding in notes.findings]


def value(text: str, profile: Profile = FLYTE) -> object:
    tree, findings = read(text, profile)
    assert tree is not None, findings
    return json_value(tree)


def exact(shape: object) -> object:
    """A value in which True is not 1."""
    if isinstance(shape, dict):
        return {key: exact(member) for key, member in shape.items()}
    if isinstance(shape, list):
        return [exact(member) for member in shape]
    return (type(shape).__name__, shape) if isinstance(shape, bool) else shape


@pytest.mark.parametrize("case", cases("flyte/vectors/yaml.json"))
def test_value_is_what_flyte_made_of_the_text(case: dict[str, Any]) -> None:
    check(case, FLYTE)


@pytest.mark.parametrize("case", cases("utask/vectors/yaml.json"))
def test_value_is_what_utask_made_of_the_text(case: dict[str, Any]) -> None:
    check(case, UTASK)


def check(case: dict[str, Any], profile: Profile) -> None:
    tree, findings = read(case["yaml"], profile)

    if "json" in case:
        assert tree is not None, findings
        assert exact(json_value(tree)) == exact(case["json"])
    else:
        assert tree is None
        assert len(findings) == 1


def test_a_tree_has_the_position_of_each_key_and_value() -> None:
    tree, _ = read("a:\n  - 'b'\n")

    b = GoScalar(Position(2, 5), "b")
    items = GoItems(Position(2, 3), (b,))
    assert tree == GoTable(Position(1, 1), {"a": GoEntry(Position(1, 1), items)})


@pytest.mark.parametrize(("text", "col"), [("a: bcd", 6), ("a: 'bcd'", 7), ("a: |\n  bcd\n", 4)])
def test_a_scalar_has_the_position_of_a_character_of_its_text(text: str, col: int) -> None:
    tree, _ = read(text)

    assert isinstance(tree, GoTable)
    scalar = tree.entries["a"].value
    assert isinstance(scalar, GoScalar)
    assert scalar.position_of(2) == Position(1, col)


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("1e3", "1e3", 1000),
        ("5.", "5.", 5),
        ("-5.e2", "-5.e2", -500),
        (".5e3", 500, 500),
        ("-.5", -0.5, -0.5),
        ("-017", -15, -15),
        ("+0x1F", 31, 31),
        ("0x", "0x", "0x"),
        ("-_", "-_", "-_"),
        ("0", 0, 0),
        ("00", 0, 0),
        ("08.5", 8.5, 8.5),
        ("1" * 5000, "1" * 5000, "1" * 5000),
    ],
)
def test_numbers_are_those_of_the_release_of_the_parser(
    text: str, old: object, new: object
) -> None:
    assert value(text, FLYTE) == old
    assert value(text, UTASK) == new


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("1.5", "1.5"),
        ("1234567.5", "1.2345675e+06"),
        ("123456.0", "123456"),
        ("0.00001", "1e-05"),
        ("-0.0", "-0"),
        ("1.0e+300", ".inf"),
        ("0.1", "0.1"),
    ],
)
def test_a_number_as_a_key_is_the_shortest_text_with_32_bits(key: str, text: str) -> None:
    assert value(f"{key}: a") == {text: "a"}


@pytest.mark.parametrize("key", ["~", "[a]", "{a: b}", "12345678901234567890", ""])
def test_a_key_that_go_has_no_text_for_is_refused(key: str) -> None:
    _, (finding,) = read(f"? {key}\n: b")

    assert "a key must be text" in finding


def test_entries_of_a_merge_replace_the_keys_above_it_only() -> None:
    text = "base: &b {a: 1, b: 1}\nof:\n  a: 2\n  <<: *b\n  b: 2\n"

    assert value(text) == {"base": {"a": 1, "b": 1}, "of": {"a": 1, "b": 2}}


def test_the_first_of_several_merged_maps_wins() -> None:
    assert value("{<<: [{a: 1}, {a: 2, b: 2}]}") == {"a": 1, "b": 2}


@pytest.mark.parametrize("text", ["<<: a", "<<: [a]", "<<: [[a]]"])
def test_what_is_no_map_is_not_merged(text: str) -> None:
    _, (finding,) = read(text)

    assert "takes a map" in finding


@pytest.mark.parametrize(("text", "merged"), [("'<<': {a: 1}", False), ("<<: {a: 1}", True)])
def test_quotes_make_the_merge_key_an_ordinary_one(text: str, merged: bool) -> None:
    assert value(text) == ({"a": 1} if merged else {"<<": {"a": 1}})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("!!float 5", 5.0),
        ("!!str 5", "5"),
        ("! '5'", 5),
        ("!!timestamp 2020-01-01", "2020-01-01"),
        ("!!null ''", None),
        ("!!omap [a]", ["a"]),
        ('!!binary "/w=="', "\ufffd"),
        ("!x {a: 1}", {"a": 1}),
    ],
)
def test_a_tag_chooses_the_type_or_is_ignored(text: str, found: object) -> None:
    assert value(text) == found


@pytest.mark.parametrize("text", ["!!int 1.5", "!!timestamp x", "!!binary '*'", "!!bool 1"])
def test_a_tag_that_conflicts_with_its_value_is_refused(text: str) -> None:
    tree, findings = read(text)

    assert tree is None
    assert len(findings) == 1


@pytest.mark.parametrize(
    "text",
    [
        '"😀 \\/"',
        '["\\\\", "a\\/b"]',
        "[a?]",
        "{a?: 1}",
        "&a [*a]",
        "[*a]",
        "a: .nan",
        r'"\q"',
        r'"\'\q"',
    ],
)
def test_what_only_other_parsers_accept_is_refused(text: str) -> None:
    tree, findings = read(text)

    assert tree is None
    assert len(findings) == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('"\\\\/"', "\\/"),
        ("a?", "a?"),
        (r'"\'a\'"', "'a'"),
        (r'["\\\'", "\a\'\x07\'", "😀\'"]', ["\\'", "\a'\a'", "😀'"]),
        ("['a?']", ["a?"]),
        ("[http://a/b]", ["http://a/b"]),
        ("a:\tb", {"a": "b"}),
        ("", None),
        ("\ufeff- 1", [1]),
        ("a: 1\n---\n[", {"a": 1}),
    ],
)
def test_what_resembles_an_error_is_read(text: str, found: object) -> None:
    assert value(text) == found


def test_aliases_are_counted_as_often_as_they_are_used() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]

    _, (finding,) = read("\n".join(lines))

    assert f"more than {GO_YAML_NODES_MAX} keys and values" in finding


def test_deep_nesting_is_refused() -> None:
    _, (finding,) = read("[" * (GO_YAML_NESTING_MAX + 2) + "]" * (GO_YAML_NESTING_MAX + 2))

    assert f"nested deeper than {GO_YAML_NESTING_MAX} levels" in finding


def test_a_long_text_is_refused_before_it_is_read() -> None:
    _, (finding,) = read(" " * (GO_YAML_BYTES_MAX + 1))

    assert "larger than" in finding


@given(st.text(alphabet="ab01.:-?[]{}&*!|>'\"%@\\/# \n\t<~_+eny\x00é😀", max_size=40))
def test_any_text_is_a_value_of_json_or_a_finding(text: str) -> None:
    for profile in PROFILES.values():
        tree, findings = read(text, profile)
        assert (tree is None) == bool(findings)
        if tree is not None:
            json.dumps(json_value(tree), allow_nan=False)
