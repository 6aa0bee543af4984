"""Colours and weights are followed through an output as a terminal would."""

import pytest

from floe.server.colours import SEQUENCE_MAX, styled


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [
        ("", "plain", ""),
        ("1;32", "plain", "1;32"),
        ("", "\x1b[1m\x1b[32m", "1;32"),
        ("1", "\x1b[0m\x1b[31m", "31"),
        ("1;31", "\x1b[m", ""),
        ("1;31", "\x1b[;4m", "4"),
        ("31", "\x1b[32m \x1b[33m \x1b[32m", "32"),
        ("1;2;3;4;7;31;41", "\x1b[22;23;24;27;39;49m", ""),
        ("", "\x1b[38;5;208;1m", "38;5;208;1"),
        ("", "\x1b[48:2:1:2:3m\x1b[97m", "48;2;1;2;3;97"),
        ("", "\x1b[38;5m\x1b[1m", "38;5;0;1"),
        ("31;1", "\x1b[38;9;4m", "1"),
        ("", "\x1b[101m\x1b[999m\x1b[2J\x1b[K\x1b[31", "101"),
        ("", "\x1b[" + "1;" * 200 + "m", ""),
    ],
)
def test_style_after_an_output_is(before: str, text: str, after: str) -> None:
    assert styled(before, text.encode()) == after


def test_bytes_read_twice_change_nothing() -> None:
    data = b"".join(b"\x1b[%dm%d" % (code, code) for code in (1, 31, 22, 42, 0, 3, 33, 4, 24))
    once = styled("", data)

    again = [styled(once, data[-back:]) for back in range(1, min(len(data), SEQUENCE_MAX))]

    assert set(again) == {once}
