"""Timers: when they are due, what is missed, what a reload and a restart leave."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from floe.host.ticks import MISSED_MAX, missed_ticks, tick_after, ticks
from floe.host.trigger_values import trigger_values
from floe.hub.flows import FlowBook
from floe.model.flow import Trigger
from floe.model.ids import FlowId, Instant
from floe.model.work import Git
from floe.store.base import LedgerWrite
from tests.make_triggers import URL, Site, a_poll, a_tick, a_watched, at

MARK = ("mark", "flow@1/tick")


def told(instant: Instant) -> str:
    return datetime.fromtimestamp(instant / 1000, UTC).strftime("%m-%d %H:%M:%S")


# --- instants ---


def test_period_is_due_at_its_multiples_since_1970() -> None:
    every = a_tick(period_s=900.0)

    assert told(tick_after(every, at("2026-11-25T10:07:31"))) == "11-25 10:15:00"
    assert told(tick_after(every, at("2026-11-25T10:15:00"))) == "11-25 10:30:00"


@pytest.mark.parametrize(
    ("cron", "after", "dues"),
    [
        # Spring: 02:30 does not exist on March 29, 2026 in Berlin.
        ("30 2 * * *", "2026-03-27T12:00", ["03-28 01:30:00", "03-29 01:00:00", "03-30 00:30:00"]),
        # Autumn: 02:30 is there twice on October 25; a daily job runs once.
        ("30 2 * * *", "2026-10-24T12:00", ["10-25 00:30:00", "10-26 01:30:00"]),
        ("0 12 * * *", "2026-03-28T00:00", ["03-28 11:00:00", "03-29 10:00:00"]),
        ("0 9 * * 1-5", "2026-11-27T12:00", ["11-30 08:00:00"]),
    ],
)
def test_cron_follows_the_clocks_of_its_zone(cron: str, after: str, dues: list[str]) -> None:
    daily = a_tick(cron=cron, timezone="Europe/Berlin")

    due, found = at(after), []
    for _ in dues:
        due = tick_after(daily, due)
        found.append(told(due))

    assert found == dues


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("cron", ["30 2 * * *", "*/20 * * * *", "0 */2 * * *", "30 1 * * *"])
def test_ticks_of_a_cron_grow_and_are_found_again_from_each(zone: str, cron: str) -> None:
    trigger = a_tick(cron=cron, timezone=zone)

    for start in ("2026-03-28T00:00", "2026-04-04T00:00", "2026-10-03T00:00", "2026-10-31T20:00"):
        dues = [due for due, _ in zip(ticks(trigger, at(start)), range(80), strict=False)]
        assert dues == sorted(set(dues))
        assert [tick_after(trigger, due) for due in dues[:-1]] == dues[1:]


def test_zone_decides_when_a_cron_is_due() -> None:
    after = at("2026-11-25T10:00")
    zones = ("UTC", "Asia/Kolkata", "America/New_York")

    dues = [told(tick_after(a_tick(cron="0 8 * * *", timezone=zone), after)) for zone in zones]

    assert dues == ["11-26 08:00:00", "11-26 02:30:00", "11-25 13:00:00"]


@pytest.mark.parametrize(
    "trigger", [a_tick(period_s=600.0), a_tick(cron="*/10 * * * *", timezone="Europe/Berlin")]
)
def test_missed_ticks_have_their_first_last_and_number(trigger: Trigger) -> None:
    found = missed_ticks(trigger, at("2026-11-25T10:00"), at("2026-11-25T10:40"))

    assert found == (at("2026-11-25T10:10"), at("2026-11-25T10:40"), 4)
    assert missed_ticks(trigger, at("2026-11-25T10:00"), at("2026-11-25T10:09")) is None


@pytest.mark.parametrize("cron", ["* * * * *", "30 2 * * *", "0 0 1 1 *", "*/7 1-3 * * 0"])
def test_last_of_many_missed_ticks_is_found_however_many_there_are(cron: str) -> None:
    trigger = a_tick(cron=cron, timezone="Europe/Berlin")
    after, until = at("2016-03-01T00:00"), at("2026-11-25T10:00:30")

    found = missed_ticks(trigger, after, until)

    assert found is not None
    first, last, count = found
    assert (first, last <= until) == (tick_after(trigger, after), True)
    assert tick_after(trigger, last) > until
    assert 0 < count <= MISSED_MAX


# --- timers ---


def test_tick_starts_a_run_and_its_mark_goes_with_it() -> None:
    site = Site(a_watched(a_tick(period_s=60.0)))

    site.clock.advance(61)

    [start] = site.starts
    assert (start.trigger, start.by) == ("tick", "trigger:tick")
    assert start.marks == (LedgerWrite(kind="mark", key=MARK[1], value=at("2026-11-25T10:01")),)


def test_every_tick_fires_once() -> None:
    site = Site(a_watched(a_tick(period_s=60.0)))

    site.clock.advance(600)

    dues = [start.marks[0].value for start in site.starts]
    assert dues == [at(f"2026-11-25T10:{minute:02}") for minute in range(1, 11)]


def test_tick_carries_the_repository_of_its_trigger_but_never_the_key() -> None:
    git = Git(url=URL, branch="main", key_file="/key")
    site = Site(a_watched(a_tick(period_s=60.0, git=git)))

    site.clock.advance(60)

    assert site.starts[0].values == {"url": URL, "branch": "main"} == trigger_values(git)


def test_ticks_missed_while_no_host_ran_are_one_row_and_start_nothing() -> None:
    site = Site(a_watched(a_tick(period_s=600.0)), ledger={MARK: at("2026-11-25T08:00")})

    assert site.starts == []
    assert site.missed == [
        {
            "from": at("2026-11-25T08:10"),
            "to": at("2026-11-25T10:00"),
            "count": 12,
            "reason": "no host was running",
        }
    ]
    assert site.ledger()[MARK] == at("2026-11-25T10:00")


def test_ticks_missed_asleep_are_recorded_with_the_one_that_fires() -> None:
    site = Site(a_watched(a_tick(period_s=60.0)))

    site.clock.jump(600)

    [start] = site.starts
    [row] = site.missed
    assert isinstance(row, Mapping)
    assert (row["count"], row["reason"]) == (9, "the host was asleep or busy")
    assert [m.kind for m in start.marks] == ["mark", "mark", "missed"]
    assert site.ledger()[MARK] == at("2026-11-25T10:10")


def test_timer_that_never_fired_misses_nothing_unnoticed() -> None:
    flow = a_watched(a_tick(cron="0 3 * * *"))
    first = Site(flow)

    second = Site(flow, ledger=first.ledger(), now="2026-11-28T10:00")

    [row] = second.missed
    assert isinstance(row, Mapping)
    assert row["count"] == 3


def test_clock_that_was_set_back_repeats_no_tick() -> None:
    site = Site(a_watched(a_tick(period_s=60.0)), ledger={MARK: at("2026-11-25T11:00")})

    site.clock.advance(3660)

    assert [s.marks[0].value for s in site.starts] == [at("2026-11-25T11:01")]


def test_closed_triggers_start_nothing() -> None:
    site = Site(a_watched(a_tick(period_s=60.0)))

    site.triggers.close()
    site.clock.advance(600)

    assert site.starts == []


# --- reload ---


def test_reload_lets_go_of_what_is_no_longer_there_and_keeps_the_rest() -> None:
    kept = a_watched(a_tick(period_s=60.0))
    dropped = a_watched(a_tick(period_s=60.0), id=FlowId("dropped"))
    site = Site(kept, dropped)

    site.triggers.watch(FlowBook(flows=(kept,)))
    site.clock.advance(60)

    assert [start.flow.id for start in site.starts] == ["flow"]
    assert site.triggers.next_due(dropped, dropped.triggers[0]) is None


def test_reload_takes_over_a_new_period() -> None:
    site = Site(a_watched(a_tick(period_s=60.0)))

    site.triggers.watch(FlowBook(flows=(a_watched(a_tick(period_s=3600.0)),)))
    site.clock.advance(600)

    assert site.starts == []


def test_reload_at_the_instant_of_a_tick_misses_nothing() -> None:
    flow = a_watched(a_tick(period_s=60.0))
    site = Site(flow)
    site.clock.slip(60)

    site.triggers.watch(FlowBook(flows=(flow,)))

    assert (len(site.starts), site.missed) == (1, [])


def test_ticks_of_a_flow_that_was_out_of_the_config_report_it() -> None:
    flow = a_watched(a_tick(period_s=60.0))
    site = Site(flow)

    site.triggers.watch(FlowBook())
    site.clock.advance(300)
    site.triggers.watch(FlowBook(flows=(flow,)))

    [row] = site.missed
    assert isinstance(row, Mapping)
    assert (row["count"], row["reason"]) == (5, "its flow was not in the config")


def test_timer_that_is_held_back_is_logged_once_and_when_it_fires_again() -> None:
    site = Site(a_watched(a_tick(period_s=1.0)))

    with capture_logs() as logs:
        site.held = "this host has lost its store"
        for _ in range(5):
            site.clock.advance(1)
        site.held = ""
        site.clock.advance(1)

    assert [line["event"] for line in logs] == ["trigger.held_back", "trigger.fires_again"]


def test_ticks_missed_while_a_timer_is_held_back_are_one_entry_of_the_inbox() -> None:
    site = Site(a_watched(a_tick(period_s=1.0)))
    before = len(site.said)

    site.held = "this host has lost its store"
    for _ in range(100):
        site.clock.advance(1)
    while_held = len(site.said) - before
    site.held = ""
    site.clock.advance(1)

    assert (while_held, len(site.starts)) == (0, 1)
    [row] = site.missed
    assert isinstance(row, Mapping)
    assert (row["count"], row["reason"]) == (100, "this host has lost its store")


def test_ticks_missed_while_a_timer_is_held_back_are_recorded_at_a_stop() -> None:
    flow = a_watched(a_tick(period_s=1.0))
    site = Site(flow)

    site.held = "this host has lost its store"
    site.clock.advance(3)
    site.clock.advance(3)
    site.restart(flow)

    assert [row["count"] for row in site.missed if isinstance(row, Mapping)] == [6]


# --- a clock that is set ---

MINUTE = a_tick(period_s=60.0)
DAYS = 24 * 3600.0


def fired(site: Site) -> list[str]:
    """The due instants that started runs, by their marks."""
    return [
        told(Instant(s.marks[0].value)) for s in site.starts if isinstance(s.marks[0].value, int)
    ]


@pytest.mark.parametrize("by_s", [2.0, 45.0, 400.0])
def test_tick_that_the_clock_was_set_past_is_a_little_late(by_s: float) -> None:
    site = Site(a_watched(MINUTE))
    site.clock.advance(30)

    site.set_clock(by_s)
    site.clock.advance(60)

    missed_count = sum(int(str(row["count"])) for row in site.missed if isinstance(row, Mapping))
    assert fired(site)[0] == "11-25 10:01:00"
    assert len(fired(site)) + missed_count == int((90 + by_s) // 60)


def test_clock_set_forward_by_much_starts_nothing_of_what_it_went_past() -> None:
    site = Site(a_watched(MINUTE))
    site.clock.advance(90)

    site.set_clock(365 * DAYS)
    site.clock.advance(60)

    [row] = site.missed
    assert isinstance(row, Mapping)
    assert (row["count"], row["reason"]) == (365 * 24 * 60, "the clock was set forward")
    assert fired(site) == ["11-25 10:01:00", "11-25 10:02:00"]


@pytest.mark.parametrize("restarts", [False, True])
def test_clock_that_was_a_year_ahead_for_a_while_fires_each_tick_once(restarts: bool) -> None:
    site = Site(a_watched(MINUTE))
    site.clock.advance(90)
    site.set_clock(365 * DAYS)
    site.clock.advance(60)

    if restarts:
        site.clock.set(-365 * DAYS)
        site.restart(a_watched(MINUTE))
    else:
        site.set_clock(-365 * DAYS)
    site.clock.advance(120)

    assert fired(site) == ["11-25 10:01:00", "11-25 10:02:00", "11-25 10:03:00", "11-25 10:04:00"]
    [row] = [value for (kind, _), value in site.ledger().items() if kind == "missed"]
    assert isinstance(row, Mapping)
    assert (row["from"], row["count"]) == (at("2026-11-25T10:02"), 1)


def test_ticks_that_the_clock_went_back_before_are_not_missed_any_more() -> None:
    site = Site(a_watched(MINUTE))
    site.set_clock(1 * DAYS)

    site.set_clock(-0.5 * DAYS)

    [(_, row)] = [(k, v) for k, v in site.ledger().items() if k[0] == "missed"]
    assert isinstance(row, Mapping)
    assert (row["from"], row["to"]) == (at("2026-11-25T10:01"), at("2026-11-25T22:00"))
    assert row["count"] == 12 * 60


def test_clock_set_back_repeats_no_tick_and_shows_what_it_waits_for() -> None:
    flow = a_watched(MINUTE)
    site = Site(flow)
    site.clock.advance(600)

    site.set_clock(-300)
    waits = dict(site.triggers.problems)
    site.clock.advance(360)

    assert len(site.starts) == len(set(fired(site))) == 11
    assert ["waits until 2026-11-25T10:11:00" in text for text in waits.values()] == [True]
    assert site.triggers.problems == {}


def test_clock_that_was_wrong_from_the_start_misses_and_then_goes_on() -> None:
    site = Site(a_watched(MINUTE), now="1970-01-01T00:00:30")
    site.clock.advance(60)

    site.set_clock(at("2026-11-25T10:00:30") / 1000)
    site.clock.advance(60)

    assert fired(site) == ["01-01 00:01:00", "11-25 10:03:00"]


def test_first_start_with_a_clock_ahead_keeps_no_tick_back_when_it_is_right() -> None:
    site = Site(a_watched(MINUTE), now="2036-11-25T10:00")
    site.clock.advance(60)

    site.set_clock(-3650 * DAYS)
    site.clock.advance(60)

    assert len(site.starts) == 2
    assert site.triggers.problems == {}


async def test_poll_that_fails_in_an_unforeseen_way_is_named_and_due_again() -> None:
    flow = a_watched(a_poll(period_s=60.0))
    site = Site(flow)
    site.refs.problem = RuntimeError("what nobody foresaw")

    await site.polled()

    assert [*site.triggers.problems.values()] == [
        "RuntimeError: what nobody foresaw; the log has the traceback"
    ]
    due = site.triggers.next_due(flow, flow.triggers[0])
    assert due == site.clock.now() + 60_000


@pytest.mark.parametrize("by_s", [365 * DAYS, -365 * DAYS, 5.0, -5.0])
async def test_poll_is_due_after_as_long_a_time_whatever_the_clock(by_s: float) -> None:
    flow = a_watched(a_poll(period_s=60.0))
    site = Site(flow)
    await site.polled()
    site.clock.advance(30)

    site.set_clock(by_s)
    due = site.triggers.next_due(flow, flow.triggers[0])
    early = len(site.work)
    site.clock.advance(30)

    assert due == site.clock.now()
    assert (early, len(site.work)) == (0, 1)
    await site.polled()


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
@pytest.mark.parametrize("start", ["2026-03-28T12:00", "2026-10-24T12:00"])
def test_clock_set_back_over_the_change_of_clocks_repeats_no_tick(zone: str, start: str) -> None:
    site = Site(a_watched(a_tick(cron="30 2 * * *", timezone=zone)), now=start)
    for _ in range(4):
        site.clock.advance(14 * 3600)
        site.set_clock(-2 * 3600)

    assert len(fired(site)) == len(set(fired(site))) == 2


def test_ticks_missed_before_a_new_version_of_the_flow_are_recorded() -> None:
    first = Site(a_watched(MINUTE))

    second = Site(a_watched(MINUTE, ver=2), ledger=first.ledger(), now="2026-11-25T10:30")

    [row] = second.missed
    assert isinstance(row, Mapping)
    assert row["count"] == 30
    assert {key for kind, key in second.ledger() if kind != "missed"} == {"flow@2/tick"}
