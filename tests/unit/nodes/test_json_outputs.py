"""Outputs as JSON; the file may hold anything."""

import json

import pytest

from floe.model.errors import Yours
from floe.nodes.json_outputs import parsed


def test_types_stay() -> None:
    text = '{"n": 3, "x": 1.5, "yes": true, "none": null, "list": [1, "a"], "map": {"a b": {}}}'

    assert parsed(text.encode()) == json.loads(text)


@pytest.mark.parametrize("data", [b"", b" \n", b"{}"])
def test_empty_file_has_no_outputs(data: bytes) -> None:
    assert parsed(data) == {}


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"[1]", "is not a JSON object"),
        (b"3", "is not a JSON object"),
        (b'{"a": 1', "is not JSON: Expecting ',' delimiter, at 1:8"),
        (b"a=1\n", "is not JSON: Expecting value, at 1:1"),
        (b'{"a": "\xff"}', "is not UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "is not UTF-8"),
        (b'{"1a": 1}', "has the name '1a', which no output can have"),
        (b'{"a": 1, "a": 2}', "has the name 'a' twice"),
        (b'{"a": {"b": 1, "c": 2, "b": 1}}', "has the name 'b' twice"),
        (b'{"a": NaN}', "has NaN, which is no JSON"),
        (b'{"a": -Infinity}', "has -Infinity, which is no JSON"),
        (b'{"a": 1e999}', "has a number that is too large, 1e999"),
        (b'{"a": 9223372036854775808}', "has a whole number of more than 64 bits"),
        (b'{"a": ' + b"9" * 1_000_000 + b"}", "has a whole number of more than 64 bits"),
        (b'{"a": ' + b"[" * 65 + b"]" * 65 + b"}", "cannot be read: lists and maps have at most"),
        (b'{"a": ' + b"[" * 9_000, "has too many levels"),
        (b'{"a": ' * 9_000, "has too many levels"),
    ],
    ids=lambda part: part[:20].decode("latin1") if isinstance(part, bytes) else "",
)
def test_anything_else_is_refused(data: bytes, what: str) -> None:
    with pytest.raises(Yours) as fault:
        parsed(data)

    assert str(fault.value).startswith(f"FLOE_OUTPUTS.json {what}")
