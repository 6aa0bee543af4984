"""What reaches a terminal."""

import json
import re
from datetime import UTC, datetime

import pytest

from floe.cli.formats import (
    Painted,
    age,
    ahead,
    as_json,
    as_of,
    clean,
    clock,
    label_of,
    printable,
    ran,
    ran_of,
    reason,
    size,
    span,
    state,
    table,
)
from floe.cli.log import to_terminal

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "hostile",
    [
        "\x1b[2Jx",
        "\x1b]0;title\x07x",
        "\x1b]52;c;aGk=\x1b\\x",
        "\x9b2Jx",
        "a\rb",
        "\x1b[31mx\x1b[0m",
        "\u202ex",
        "\x08\x08x",
    ],
)
def test_clean_leaves_nothing_that_a_terminal_obeys(hostile: str) -> None:
    assert clean(hostile).isprintable()


def test_clean_spells_out_what_it_takes_away() -> None:
    assert clean("a\u202eb\x85c\u2028d\u200be") == "a\\u202eb\\u0085c\\u2028d\\u200be"


def test_json_has_nothing_that_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    as_json({"why": "\x9b2J\u202e\x7f\u2028\x1b\ud800"})

    printed = capsys.readouterr().out
    assert printed.replace("\n", "").isprintable()
    assert json.loads(printed) == {"why": "\x9b2J\u202e\x7f\u2028\x1b\ud800"}


def test_clean_is_one_line() -> None:
    assert clean("a\nb\tc é ✔") == "a b c é ✔"


def test_a_text_that_begins_like_a_colour_is_not_taken_for_paint() -> None:
    assert "\x1b" not in clean("\x1b[8mhidden")


def test_printable_keeps_lines_and_colours_alone() -> None:
    printed = "a\x1b[1;31mred\x1b[0m\x1b[2J\x1b]0;t\x07\tb\n\x1b(B\x9b2Jc\x07\x1b"

    assert printable(printed) == "a\x1b[1;31mred\x1b[0m\tb\n2Jc"


def test_log_in_a_terminal_puts_escapes_together_before_it_judges_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write = to_terminal()

    for chunk in (b"a\x1b", b"[31", b"mred\x1b[", b"2Jb\xc3", b"\xa9\x1b]0;ti", b"tle\x07c\r\n"):
        write(chunk)

    assert capsys.readouterr().out == "a\x1b[31mredb\u00e9c\r\n"


def test_sequence_without_end_is_not_kept_for_ever(capsys: pytest.CaptureFixture[str]) -> None:
    write = to_terminal()

    for chunk in (b"\x1b[", b"1" * 65_536, b"1" * 65_536):
        write(chunk)

    assert len(capsys.readouterr().out) > 65_536


def test_table_is_clean_but_for_what_floe_painted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda *_: False)

    table(("STATE", "WHY"), [(state("good"), "\x1b[2Jwhy")])

    assert capsys.readouterr().out.splitlines()[1] == "\x1b[32mgood\x1b[0m   \\u001b[2Jwhy"


def test_table_gives_way_on_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")

    table(("RUN", "STATE", "WHY"), [("h1-1", Painted("good"), "漢字 and many more words " * 9)])

    assert all(len(line) <= 40 for line in capsys.readouterr().out.splitlines())


def test_table_is_whole_where_no_terminal_is(capsys: pytest.CaptureFixture[str]) -> None:
    table(("RUN", "WHY"), [("h1-1", "x" * 500)])

    assert "x" * 500 in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "< 1 ms"),
        (0, "< 1 ms"),
        (0.0042, "4 ms"),
        (1.24, "1.2 s"),
        (12.4, "12 s"),
        (59.7, "1 m 00 s"),
        (185, "3 m 05 s"),
        (7800, "2 h 10 m"),
        (356_400, "4 d 3 h"),
    ],
)
def test_span_is_as_people_write_it(seconds: float, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("at", "text"),
    [(None, ""), ("2026-11-21T10:00:00.000Z", "now"), ("2026-11-21T09:59:00.000Z", "1 m 00 s ago")],
)
def test_age_is_the_distance_from_now(at: str | None, text: str) -> None:
    assert age(at, NOW) == text


@pytest.mark.parametrize(
    ("at", "text"),
    [("2026-11-21T10:03:05.000Z", "in 3 m 05 s"), ("2026-11-21T09:59:00.000Z", "now")],
)
def test_instant_ahead_is_a_span_until_it_is_due(at: str, text: str) -> None:
    assert ahead(at, NOW) == text


def test_what_is_shown_of_a_host_is_as_old_as_its_last_message() -> None:
    assert as_of("h3", "2026-11-21T09:59:46.000Z", NOW) == "h3 as of 14 s ago"
    assert as_of("h3", None, NOW) == "h3 has sent nothing yet"


def test_reason_of_a_node_that_waits_is_its_time() -> None:
    assert (
        reason({"state": "waiting", "why": "", "due": "2126-11-21T10:00:00.000Z"})[:6] == "until "
    )


def test_clock_shows_how_far_away_an_instant_is() -> None:
    past = clock("2026-11-21T09:59:48.000Z", NOW)
    future = clock("2026-11-21T10:02:05.000Z", NOW)

    assert past.endswith(":59:48 (12 s ago)")
    assert future.endswith(":02:05 (in 2 m 05 s)")


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1400, "1.4 kB"), (12_000, "12 kB"), (5 * 10**12, "5000 GB")],
)
def test_size_is_short(count: int, text: str) -> None:
    assert size(count) == text


def test_approval_names_who_when_and_with_what() -> None:
    node = {
        "state": "good",
        "by": "admin:bob",
        "ended_at": "2026-11-29T16:51:00Z",
        "outputs": {"ticket": "OPS-77", "token": "abc", "remark": "", "tested": True},
    }

    said = reason(node)

    assert re.fullmatch(r"approved by admin:bob, \d\d:\d1, ticket OPS-77, tested true", said)


def test_nodes_that_ran_are_counted_only_where_some_were_skipped() -> None:
    assert (ran(4, 2), ran(6, 0)) == ("4 of 6 ran", "")


def test_nodes_that_were_neither_run_nor_skipped_are_counted_apart() -> None:
    assert ran(4, 2, never=1) == "4 ran, 2 skipped, 1 never ran"


def test_run_of_a_host_that_does_not_count_nodes_has_no_figure() -> None:
    assert ran_of({"id": "h1-12"}) == ""


def test_label_of_a_resting_run_shows_when_it_goes_on() -> None:
    past = "2001-01-01T00:00:00.000Z"

    assert label_of({"label": "BLOCKED", "due": past}) == "BLOCKED, goes on now"


def test_label_sends_nothing_to_the_terminal() -> None:
    assert "\x1b" not in label_of({"label": "BLOCKED\x1b[2J"})


def test_run_of_an_older_host_has_no_label() -> None:
    assert label_of({"id": "h1-12"}) == ""
