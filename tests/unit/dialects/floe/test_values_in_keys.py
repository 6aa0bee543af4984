"""Each key of a flow says whether it takes values of the run: `{{ values.v }}`."""

import pytest

from floe.dialects.floe import vocabulary
from floe.dialects.floe.templates import FilledText
from floe.dialects.kinds import AnyMap, ListOf, Text
from floe.dialects.notes import Notes
from floe.dialects.section import KeySpec, Section, SectionPart
from floe.dialects.tree import Table, parse_yaml

VALUES = {
    ("a flow", "env"),
    ("a flow", "run-name"),
    ("max-runs", "per"),
    ("a notice", "text"),
    ("a form", "text"),
    ("`opts` of an exec task", "args"),
    ("`opts` of an exec task", "env"),
    ("`opts` of a fetch task", "url"),
    ("`opts` of a fetch task", "checksum"),
    ("`opts` of an http task", "url"),
    ("`opts` of an http task", "json"),
    ("`opts` of an http task", "body"),
    ("`opts` of a pack task", "input"),
    ("`opts` of a call", "url"),
    ("`opts` of a call", "json"),
    ("`opts` of a call", "body"),
    ("`opts` of a notify task", "text"),
    ("`opts` of a notify task", "subject"),
    ("`opts` of an ssh task", "host"),
    ("`opts` of an ssh task", "user"),
    ("`opts` of an ssh task", "args"),
    ("`opts` of an ssh task", "dir"),
    ("`opts` of an ssh task", "env"),
    ("a copied file", "from"),
    ("a copied file", "to"),
    ("`opts` of a flow task", "host"),
}
"""The keys that take values. `outputs` of a flow does too: it is a map of such texts."""

BY_OTHERS = {("a field", "value")}
"""Keys whose kind depends on a different one; the reader of forms refuses values in them."""

SECTIONS = [one for one in vars(vocabulary).values() if isinstance(one, Section)]
KEYS = [
    (section, key)
    for section in SECTIONS
    for key in section.keys
    if not isinstance(key.kind, AnyMap | SectionPart)
    and not (isinstance(key.kind, ListOf) and isinstance(key.kind.item, AnyMap))
    and (section.name, key.name) not in BY_OTHERS
]
TEXTS = [(section, key) for section, key in KEYS if key.kind in (Text(), FilledText())]


def named(one: object) -> str:
    assert isinstance(one, Section | KeySpec)
    return one.name


def read(section: Section, key: KeySpec[object], value: str) -> Notes:
    """What the reader says about a value of a key."""
    notes = Notes("example")
    table = parse_yaml(f"{key.name}: {value}", notes)
    assert isinstance(table, Table)
    Section(name=section.name, keys=(key,)).read(table, notes)
    return notes


@pytest.mark.parametrize(("section", "key"), KEYS, ids=named)
def test_key_takes_a_value_of_the_run_or_reports_it(section: Section, key: KeySpec[object]) -> None:
    value = "A={{ values.v }}" if key.name == "env" else "{{ values.v }}"
    written = f"['{value}']" if isinstance(key.kind, ListOf) else f"'{value}'"

    notes = read(section, key, written)

    assert (notes.errors == 0) is ((section.name, key.name) in VALUES)


@pytest.mark.parametrize(("section", "key"), TEXTS, ids=named)
def test_text_leaves_the_braces_of_other_tools_alone(
    section: Section, key: KeySpec[object]
) -> None:
    assert read(section, key, "'{{.Names}} {{ json . }}'").findings == ()
