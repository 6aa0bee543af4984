"""Tricks of text are spelt out, and nothing else."""

import json

import pytest

from floe.model.visible import visible, visible_json

TRICKS = {
    "a newline": "\n",
    "a carriage return": "\r",
    "an escape": "\x1b",
    "a bell": "\x07",
    "a delete": "\x7f",
    "a NUL": "\0",
    "C1's escape": "\x9b",
    "C1's next line": "\x85",
    "a line separator": "\u2028",
    "a paragraph separator": "\u2029",
    "right to left": "\u202e",
    "an isolate": "\u2066",
    "a mark of Arabic": "\u061c",
    "a space of no width": "\u200b",
    "a joiner of words": "\u2060",
    "a byte order mark": "\ufeff",
    "a soft hyphen": "\xad",
    "a filler": "\u3164",
    "a tag": "\U000e0041",
    "half a character": "\ud800",
}

HARMLESS = [
    "",
    "abc",
    "é ü ☃",
    "日本語",
    "🦊",
    "👩\u200d💻",
    "e\u0301",
    "❤\ufe0f",
    "\u05e2\u05d1\u05e8\u05d9\u05ea",  # from right to left, and nothing turns that around
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian, with a joiner of its own
]


@pytest.mark.parametrize("name", TRICKS)
def test_trick_is_spelt_out(name: str) -> None:
    text = visible(f"a{TRICKS[name]}b")

    assert text.isprintable()
    assert text.startswith("a\\")
    assert text.endswith("b")


@pytest.mark.parametrize("text", HARMLESS)
def test_writing_of_people_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


def test_trick_that_is_kept_stays() -> None:
    assert visible("a\n\x1b", keep="\n") == "a\n\\u001b"


def test_joiner_outside_of_what_it_joins_is_spelt_out() -> None:
    assert visible("ad\u200dmin") == "ad\\u200dmin"


@pytest.mark.parametrize("name", TRICKS)
def test_json_with_a_trick_has_the_same_values_and_shows_it(name: str) -> None:
    shape = {f"a{TRICKS[name]}": [f"{TRICKS[name]}b"]}

    text = visible_json(json.dumps(shape, ensure_ascii=False))

    assert text.isprintable()
    assert json.loads(text) == shape


def test_json_keeps_its_own_lines() -> None:
    assert visible_json('{\n  "a": "é\x85"\n}') == '{\n  "a": "é\\u0085"\n}'
