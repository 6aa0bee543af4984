"""Secrets are found in every form, and nothing else is masked."""

import base64
import json
import re
import shlex
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floe.expr.masking import NO_MASKS, Masks, value_fault
from floe.model.secret import Secret
from floe.model.secret_name import SecretName

VALUES = {
    "plain": "npm_0123456789",
    "signs": "p@ss/w0rd+&='\"\\%\t",
    "blanks": "correct horse battery staple",
    "umlauts": "Straße-ünïcödé-🔑",
    "lines": "first line\nsecond/line\n\nfourth 'line'\n",
    "nul": "zero\0inside",
}


def masks(*values: str) -> Masks:
    return Masks((SecretName(f"S{n}"), Secret(value)) for n, value in enumerate(values))


def forms(value: str) -> dict[str, str]:
    escaped = json.dumps(value)[1:-1]
    raw = value.encode()
    return {
        "as it is": value,
        "JSON": escaped,
        "JSON as UTF-8": json.dumps(value, ensure_ascii=False)[1:-1],
        "JSON in JSON": json.dumps(escaped)[1:-1],
        "JSON with slashes": escaped.replace("/", "\\/"),
        "URL": quote(value, safe=""),
        "URL with slashes": quote(value),
        "form": quote_plus(value),
        "URL in lower case": re.sub("%..", lambda hex: hex[0].lower(), quote(value, safe="")),
        "base64": base64.b64encode(raw).decode(),
        "base64 of a password": base64.b64encode(b"user:" + raw).decode(),
        "base64 in the middle": base64.b64encode(b"ab" + raw + b"cd").decode(),
        "base64 for URLs": base64.urlsafe_b64encode(raw).decode(),
        "base64 in lines": base64.encodebytes(b"x" * 40 + raw + b"y" * 40).decode(),
        "a shell's": shlex.quote(value).replace("'\"'\"'", "'\\''")[1:-1],
    }


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("form", forms(""))
def test_secret_is_found_in_each_form(name: str, form: str) -> None:
    value = VALUES[name].strip()
    text = forms(value)[form] if form != "a shell's" or "'" in value else value

    shown = masks(VALUES[name]).masked(f"<{text}>".encode()).decode(errors="replace")

    assert value not in shown
    assert shown.count("*") >= len(value.encode()) * 0.9


@pytest.mark.parametrize("before", range(3))
def test_base64_of_a_secret_leaves_no_more_than_two_characters(before: int) -> None:
    coded = base64.b64encode(b"x" * before + b"npm_0123456789")

    shown = masks("npm_0123456789").masked(coded).rstrip(b"=")

    assert len(shown.replace(b"*", b"")) <= 4


BASIC = base64.b64encode(b"alice:npm_0123456789").decode()


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (
            f"> Authorization: Basic {BASIC}\r\n",
            "> Authorization: Basic ****************************\r\n",
        ),
        (f'{{"auth": "basic {BASIC}"}}', '{"auth": "basic ****************************"}'),
        (f"Basic {BASIC[:10]}\n{BASIC[10:]} end", "Basic **********\n****************** end"),
        ("Basic YWxpY2U6eA== end", "Basic YWxpY2U6eA== end"),
    ],
    ids=["header", "JSON", "in lines", "without a secret"],
)
def test_token_of_a_basic_login_is_masked_whole(written: str, shown: str) -> None:
    assert masks("npm_0123456789").masked(written.encode()).decode() == shown


def test_user_of_a_basic_login_is_held_until_its_end_is_known() -> None:
    found, text = masks("npm_0123456789"), f"Basic {BASIC}".encode()

    assert [found.held(text[:cut]) for cut in range(7, len(text))] == [*range(1, len(BASIC))]


def test_mask_is_as_long_as_the_secret_and_keeps_line_ends() -> None:
    shown = masks("first line\nx\nthird line").masked(b"[first line\nx\nthird line]")

    assert shown == b"[**********\n*\n**********]"


def test_each_long_line_of_a_value_is_masked_alone() -> None:
    shown = masks(VALUES["lines"]).masked(b"second/line, fourth 'line', fourth")

    assert shown == b"***********, *************, fourth"


def test_frame_of_a_key_is_no_secret() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\n-----END KEY-----\n"

    shown = masks(key).masked(b"-----BEGIN KEY----- MIIEvQIBADANBgkqhkiG")

    assert shown == b"-----BEGIN KEY----- ********************"


def test_longer_of_two_secrets_is_masked_whole() -> None:
    assert masks("abcdef", "abcdefghij").masked(b"abcdefghij") == b"**********"


def test_secrets_that_overlap_are_masked_both() -> None:
    assert masks("abcdefgh", "efghijkl").masked(b"-abcdefghijkl-") == b"-************-"


def test_secret_that_begins_within_the_beginning_of_a_different_one_is_found() -> None:
    assert masks("abcdXXXX", "cdefghij").masked(b"abcdefghij") == b"ab********"


def test_texts_show_three_stars() -> None:
    assert masks("npm_0123456789").text("a npm_0123456789 b") == "a *** b"


def test_names_and_values_of_json_are_masked() -> None:
    shape = {"a npm_0123": ["npm_0123", 1, None, {"b": "x npm_0123"}]}

    assert masks("npm_0123").json(shape) == {"a ***": ["***", 1, None, {"b": "x ***"}]}


def test_secret_in_a_value_is_named() -> None:
    two = masks("npm_0123456789", "a 'quoted' one")

    assert two.named_in({"a": ["x", "it is a 'quoted' one"]}) == "S1"
    assert two.named_in({"a": base64.b64encode(b"npm_0123456789").decode()}) == "S0"
    assert two.named_in({"a": "nothing"}) is None


def test_nothing_is_masked_without_secrets() -> None:
    assert not NO_MASKS
    assert NO_MASKS.masked(b"npm_0123") == b"npm_0123"
    assert (NO_MASKS.overlap, NO_MASKS.held(b"npm"), NO_MASKS.named_in("npm")) == (0, 0, None)


@pytest.mark.parametrize("value", VALUES.values())
@pytest.mark.parametrize("form", ["as it is", "base64", "base64 in lines", "URL"])
def test_any_beginning_of_a_secret_at_the_end_is_held(value: str, form: str) -> None:
    found = masks(value)
    text = f"x{forms(value.strip())[form]}".encode()
    ((start, end),) = found.spans(text)[:1]

    assert all(found.held(text[:cut]) >= cut - start for cut in range(start + 1, end))


def test_end_that_begins_no_secret_is_not_held() -> None:
    assert masks("npm_0123").held(b"npm_0123 npm_02") == 0


@given(st.lists(st.text(min_size=6, max_size=40).filter(lambda v: not value_fault(v)), min_size=1))
def test_no_value_is_left_in_a_text(values: list[str]) -> None:
    text = "·".join(values)

    shown = masks(*values).masked(text.encode())

    assert len(shown) == len(text.encode())
    assert [value for value in values if value.strip().encode() in shown and value.strip("*")] == []


@given(st.data())
def test_text_in_overlapping_parts_is_masked_as_the_whole(data: st.DataObject) -> None:
    found = masks("aabaab", "abcabc", "first\nsecond")
    text = data.draw(st.text("abc\n", max_size=60)).encode() + b"first\nsecond"
    cut = data.draw(st.integers(0, len(text)))
    size = found.overlap

    left = found.masked(text[: cut + size])[:cut]
    right = found.masked(text[max(0, cut - size) :])[min(cut, size) :]

    assert left + right == found.masked(text)


@pytest.mark.parametrize("value", ["", "12345", "  12345 ", "\n\n\n\n\n\n\n"])
def test_value_that_is_too_short_is_refused(value: str) -> None:
    assert "fewer than 6 characters" in value_fault(value)


def test_value_that_is_too_long_or_no_text_is_refused() -> None:
    assert "32768 bytes" in value_fault("x" * 32769)
    assert "UTF-8" in value_fault("secret\udcff")
    assert value_fault("x" * 32768) == ""


def test_secret_of_one_repeated_character_is_masked_in_linear_work() -> None:
    value = "a" * 5000

    assert masks(value).masked(b"a" * 50_000) == b"*" * 50_000


def test_two_hundred_secrets_with_one_beginning_are_found_in_a_large_output() -> None:
    values = [f"npm_{n:04}-{n * n}-token" for n in range(200)]
    text = b"nothing to see here\n" * 5_000 + "\n".join(values).encode()

    shown = masks(*values).masked(text)

    assert b"token" not in shown
    assert shown.count(b"nothing to see here") == 5_000
