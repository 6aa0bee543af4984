"""The keys that take values of the run are those of the vocabulary, and the docs name them all."""

import re
from pathlib import Path

import pytest

from floe.dialects.floe.filled_keys import FILLED, WHERE
from floe.dialects.registry import dialect

PAGE = (Path(__file__).parents[4] / "docs/flows.md").read_text()


def test_hint_names_each_key_that_takes_values() -> None:
    assert {name for names in FILLED.values() for name in names} <= set(
        re.findall(r"`([a-z-]+)`", WHERE)
    )


@pytest.mark.parametrize(
    ("type_", "keys"),
    [
        ("exec", {"args", "env"}),
        ("notify", {"text", "subject"}),
        ("ssh", {"host", "user", "dir", "args", "env", "upload", "download"}),
        ("flow", {"values", "host"}),
        ("timer", set()),
    ],
)
def test_keys_are_those_of_the_vocabulary(type_: str, keys: set[str]) -> None:
    assert set(FILLED[type_]) == keys


def test_docs_name_each_key_that_takes_values() -> None:
    table = PAGE[PAGE.index("| takes values | takes none |") : PAGE.index("In a task with items,")]
    taking = "".join(row.split("|")[0] for row in table.split("\n|")[1:])
    named = set(re.findall(r"`([a-z]+)`", taking))

    assert {name for names in FILLED.values() for name in names} <= named


@pytest.mark.parametrize(
    "opts",
    [
        "type: notify, opts: {slack: $S, text: x, subject: '{{ values.no }}'}",
        "type: ssh, opts: {host: h, cmd: ls, download: [{from: a, to: '{{ values.no }}'}]}",
        "type: http, opts: {url: 'http://h/', auth: {user: '{{ values.no }}', password: {secret: P}}}",  # noqa: E501
    ],
)
def test_value_that_no_run_gives_is_found_in_each_key(opts: str) -> None:
    head = "id: a\ntriggers: [{id: s, type: data}]\ntasks:\n"
    text = f"{head}  - {{id: t, listen: trigger.good, {opts}}}\n"

    found = dialect().flows(text, "a.yml").findings

    assert "no trigger of this flow gives the value `no`" in [one.what for one in found]
