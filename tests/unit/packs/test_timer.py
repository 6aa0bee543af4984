"""The pack for times: when a timer is due, and what becomes of events that were missed."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim

from floe.packs.shipped.configuration import WrongSetting
from floe.packs.shipped.due import WrongTime, cron, every
from floe.packs.shipped.timer import due_after, timer_pack
from floe.packs.testing import MemoryServer

NOON = datetime(2026, 11, 30, 12, 0, 30, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("90s", "2026-11-30T12:01:30"),
        ("1m", "2026-11-30T12:01:00"),
        ("7", "2026-11-30T12:00:36"),
        ("2h", "2026-11-30T14:00:00"),
        ("1d", "2026-12-01T00:00:00"),
    ],
)
def test_equal_times_are_counted_from_1970_so_that_nothing_drifts(text: str, due: str) -> None:
    assert every(text).after(NOON) == at(due)


def test_time_that_is_just_due_is_followed_by_the_next_one() -> None:
    assert every("1m").after(at("2026-11-30T12:01:00")) == at("2026-11-30T12:02:00")


@pytest.mark.parametrize("text", ["", "0", "0s", "-1m", "1.5h", "m", "1w", "9999999999"])
def test_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(WrongTime, match="is no time such as 90s"):
        every(text)


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("* * * * *", "2026-11-30T12:01:00"),
        ("*/15 * * * *", "2026-11-30T12:15:00"),
        ("0 9 * * *", "2026-12-01T09:00:00"),
        ("30 9 * * mon-fri", "2026-12-01T09:30:00"),
        ("0 0 1 * *", "2026-12-01T00:00:00"),
        ("0 0 29 feb *", "2028-02-29T00:00:00"),
        ("0 12 13 * fri", "2026-12-04T12:00:00"),
        ("0 0 * * 7", "2026-12-06T00:00:00"),
        ("5/20 * * * *", "2026-11-30T12:05:00"),
        ("0,30 8-10/2 * JAN SUN", "2027-01-03T08:00:00"),
    ],
)
def test_fields_of_cron_name_the_next_minute(text: str, due: str) -> None:
    assert cron(text).after(NOON) == at(due)


@pytest.mark.parametrize(
    "text",
    [
        *("* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *"),
        *("* * * * 8", "*/0 * * * *", "5-1 * * * *", "x * * * *", "1- * * * *", "-1 * * * *"),
        *("", ", * * * *", "0 0 30 feb *", "* * * * mon-xyz", "²/1 * * * *"),
    ],
)
def test_fields_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(WrongTime):
        cron(text)


def test_unknown_time_zone_is_refused() -> None:
    with pytest.raises(WrongTime, match="knows no time zone Mars/Base"):
        cron("* * * * *", "Mars/Base")


@pytest.mark.parametrize(
    "text",
    ["30 2 * * *", "0 2 * * *", "30 1 * * *", "*/20 * * * *", "15 */6 * * *"],
)
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
@pytest.mark.parametrize("begin", ["2026-03-06", "2026-03-27", "2026-04-03", "2026-10-02"])
@pytest.mark.parametrize("later", [0, 22])
def test_times_at_the_change_of_clocks_are_those_of_the_library_of_hosts(
    text: str, zone: str, begin: str, later: int
) -> None:
    first = datetime.fromisoformat(begin).replace(tzinfo=ZoneInfo(zone)) + timedelta(days=later)
    known, plan, due = CronSim(text, first), cron(text, zone), first

    for _ in range(40):
        due = plan.after(due)
        expected = next(known).astimezone(UTC)
        assert due == expected


def test_clock_that_is_set_back_by_half_an_hour_moves_no_later_time() -> None:
    plan = cron("15 */6 * * *", "Australia/Lord_Howe")

    assert plan.after(at("2026-04-04T14:00:00")) == at("2026-04-04T19:45:00")


def test_newest_time_that_is_due_has_the_number_of_those_before_it() -> None:
    plan = every("1m")

    assert due_after(plan, at("2026-11-30T11:57:00"), NOON) == (at("2026-11-30T12:00:00"), 2)
    assert due_after(plan, at("2026-11-30T12:00:00"), NOON) == (at("2026-11-30T12:01:00"), 0)


def test_missed_times_are_counted_for_a_day() -> None:
    assert due_after(every("1h"), at("2020-01-01T00:00:00"), NOON) == (
        at("2026-11-30T12:00:00"),
        23,
    )


def ticks(server: MemoryServer, count: int) -> list[Any]:
    server.wait_for(lambda: len(server.events) >= count, f"{count} events")
    return [event.payload for event in server.events[:count]]


@pytest.mark.slow
def test_events_are_one_interval_apart() -> None:
    with MemoryServer() as server:
        pack = timer_pack({"TIMER_EVERY": "1s"})
        with pack.in_background(server.settings()):
            found = ticks(server, 3)

    times = [datetime.fromisoformat(one["time"]) for one in found]
    assert [b - a for a, b in pairwise(times)] == [timedelta(seconds=1)] * 2
    assert [(one["timer"], one["missed"]) for one in found] == [("every", 0)] * 3


@pytest.mark.slow
def test_event_is_sent_again_until_the_server_has_it() -> None:
    with MemoryServer() as server:
        server.fail("/events", 503)
        with timer_pack({"TIMER_EVERY": "5s"}).in_background(server.settings()):
            [tick] = ticks(server, 1)
        tried = [one.body["payload"] for one in server.requests if one.path.endswith("/events")]

    assert tried == [tick, tick]


@pytest.mark.slow
def test_restart_counts_what_it_missed(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    old = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=100)
    state.write_text(json.dumps({"every": old.isoformat()}))
    with MemoryServer() as server:
        pack = timer_pack({"TIMER_EVERY": "1s", "TIMER_STATE": str(state)})
        with pack.in_background(server.settings()):
            tick, following = ticks(server, 2)

    assert (tick["missed"] >= 99, following["missed"]) == (True, 0)
    assert json.loads(state.read_text())["every"] >= tick["time"][:19]


@pytest.mark.slow
@pytest.mark.parametrize("text", ["", "[]", "{", '{"every": 5}', '{"every": "2999-01-01"}'])
def test_file_of_times_that_is_none_is_no_hindrance(tmp_path: Path, text: str) -> None:
    (tmp_path / "state").write_text(text)
    with MemoryServer() as server:
        pack = timer_pack({"TIMER_EVERY": "1s", "TIMER_STATE": f"{tmp_path}/state"})
        with pack.in_background(server.settings()):
            assert ticks(server, 1)[0]["missed"] == 0


def test_pack_without_settings_is_that_of_flyte() -> None:
    pack = timer_pack({})

    assert (pack.name, pack.registration()["events"]) == ("Ticker", [{"name": "Tick"}])


def test_timers_of_a_file_have_events_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / "timer.toml"
    file.write_text(
        '[timers.night]\ncron = "0 3 * * *"\nzone = "Europe/Berlin"\nevent = "Night"\n'
        '[timers.often]\nevery = "10s"\n'
    )
    pack = timer_pack({"TIMER_CONFIG": str(file)})

    assert [one["name"] for one in pack.registration()["events"]] == ["Night", "Tick"]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('[timers.x]\nevery = "1m"\ncron = "* * * * *"', "needs one of every and cron"),
        ("[timers.x]", "needs one of every and cron"),
        ('[timers.x]\nevery = "soon"', "timers.x: 'soon' is no time"),
        ('[timers.x]\ncron = "0 0 30 2 *"', "timers.x: it is not due within 8 years"),
    ],
)
def test_timer_that_is_none_is_refused_at_the_start(tmp_path: Path, text: str, wrong: str) -> None:
    (tmp_path / "timer.toml").write_text(text)

    with pytest.raises(WrongSetting, match=wrong):
        timer_pack({"TIMER_CONFIG": f"{tmp_path}/timer.toml"})
