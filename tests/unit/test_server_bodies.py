"""What requests carry is checked before it is believed."""

import json

import pytest

from floe.model.errors import ValuesInvalid, Yours
from floe.server.bodies import DEPTH_MAX, parse
from floe.server.fields import KEY_MAX, UNKNOWN_MAX, Fields


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def test_json_is_read() -> None:
    assert parse(b'{"a": [1, 2.5, null, true, "\\u00e9"]}') == {"a": [1, 2.5, None, True, "é"]}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "invalid JSON: "),
        (b"{", "invalid JSON: "),
        (b'{"a": 1, "a": 2}', "'a' occurs twice"),
        (b'{"x": {"a": 1, "a": 1}}', "'a' occurs twice"),
        (b"[NaN]", "NaN is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b"[1e999]", "too large"),
        (b"[" + b"9" * 5000 + b"]", "invalid JSON: "),
        (b'"\\ud800"', "invalid JSON: "),
        (b'"\xff"', "invalid JSON: "),
    ],
)
def test_what_is_no_good_json_is_refused_with_the_reason(text: bytes, reason: str) -> None:
    with pytest.raises(Yours, match=reason):
        parse(text)


@pytest.mark.parametrize("depth", [DEPTH_MAX + 1, 900, 200_000])
def test_a_body_that_is_too_deep_is_refused(depth: int) -> None:
    with pytest.raises(Yours, match="deeper than 64"):
        parse(nested(depth))


def test_a_body_may_be_as_deep_as_documented() -> None:
    assert json.dumps(parse(nested(DEPTH_MAX))).encode() == nested(DEPTH_MAX)


def test_an_unknown_key_is_refused_with_the_nearest_one() -> None:
    fields = Fields({"whi": "tired"})
    fields.text("why")

    with pytest.raises(ValuesInvalid) as caught:
        fields.done()

    assert caught.value.fields == {"whi": "no such key; did you mean why?"}


def test_all_that_is_wrong_is_reported_at_once_with_its_place() -> None:
    fields = Fields({"ref": {"id": 5, "version": 1}, "run": []})
    ref = fields.sub("ref")
    ref.text("id")
    ref.integer("ver", 0, 1, 9)
    fields.text("run")

    with pytest.raises(ValuesInvalid) as caught:
        fields.done()

    assert caught.value.fields == {
        "ref.id": "a text is required",
        "ref.version": "no such key; did you mean ver?",
        "run": "a text is required",
    }


def test_keys_in_any_case_are_one_key() -> None:
    fields = Fields({"Ref": {"ID": "build"}}, any_case=True)

    assert fields.sub("ref").text("id") == "build"
    fields.done()


def test_a_key_in_two_cases_is_refused() -> None:
    fields = Fields({"Run": "h1-1", "run": "h1-2"}, any_case=True)
    fields.text("run")

    with pytest.raises(ValuesInvalid, match="twice"):
        fields.done()


@pytest.mark.timeout(60)  # each key held against all others, it would be half an hour
@pytest.mark.parametrize("twice", [b'"k0":0', b'"k199999":0'])
def test_key_twice_among_very_many_is_found_at_once(twice: bytes) -> None:
    keys = b",".join(b'"k%d":0' % number for number in range(200_000))

    with pytest.raises(Yours, match="occurs twice"):
        parse(b"{" + keys + b"," + twice + b"}")


def test_of_very_many_unknown_keys_some_are_named() -> None:
    fields = Fields({f"tokem{number:06}": 0 for number in range(100_000)})
    fields.text("token")

    with pytest.raises(ValuesInvalid) as caught:
        fields.done()

    assert len(caught.value.fields) == UNKNOWN_MAX + 1
    assert caught.value.fields["…"] == "99980 more unknown keys"


def test_long_key_is_not_repeated_as_a_whole() -> None:
    with pytest.raises(ValuesInvalid) as caught:
        Fields({"k" * 1_000_000: 0}).done()

    assert list(caught.value.fields) == ["k" * KEY_MAX]


@pytest.mark.parametrize("value", ["--5", "+5", "1_0", "5 ", "\N{SUPERSCRIPT TWO}", "-", "1e1"])
def test_a_text_that_is_nearly_a_number_is_refused(value: str) -> None:
    fields = Fields({"limit": value})
    fields.integer("limit", 50, -500, 500)

    with pytest.raises(ValuesInvalid, match="whole number"):
        fields.done()


@pytest.mark.parametrize("value", ["0", "501", "1.5", "x", "", True, 1.0, "9" * 5000])
def test_a_number_out_of_bounds_is_refused(value: str | float) -> None:
    fields = Fields({"limit": value})
    fields.integer("limit", 50, 1, 500)

    with pytest.raises(ValuesInvalid, match="from 1 to 500"):
        fields.done()


@pytest.mark.parametrize(("value", "read"), [("true", True), ("false", False), (True, True)])
def test_a_flag_is_read(value: str | bool, read: bool) -> None:
    assert Fields({"good": value}).flag("good") is read
