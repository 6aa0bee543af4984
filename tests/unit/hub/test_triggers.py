"""Triggers of clocks and repositories: when they are due, what is missed, what a change starts."""

from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from floe.hub.flows import FlowBook
from floe.hub.triggers import Triggers, due_after, missed, ticks, trigger_values, wanted
from floe.hub.words import Addressed, Mark, Start
from floe.model.errors import Theirs
from floe.model.flow import Flow, Git, Trigger
from floe.model.refs import FlowId, Instant, Json, NodeId
from floe.store.base import LedgerWrite
from tests.hands import HandClock, NoRefs
from tests.make import a_flow

URL = "https://example.org/r.git"
HASHES = {name: name[-1] * 40 for name in ("refs/heads/a", "refs/heads/b", "refs/tags/c")}
WATCH = "flow@1/tick"
POLL = "flow@1/poll"


def at(text: str) -> Instant:
    return Instant(int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000))


def told(instant: Instant) -> str:
    return datetime.fromtimestamp(instant / 1000, UTC).strftime("%m-%d %H:%M:%S")


def a_tick(**others: Any) -> Trigger:
    return Trigger(**({"id": NodeId("tick"), "type": "timer", "name": "tick"} | others))


def a_poll(**others: Any) -> Trigger:
    made: dict[str, Any] = {"id": NodeId("poll"), "type": "poll-git", "name": "poll"}
    return Trigger(**(made | {"git": Git(url=URL, key_file="/key"), "refs": "refs/*"} | others))


def a_watched(*triggers: Trigger, **others: Any) -> Flow:
    return a_flow(triggers=triggers, **others)


class Site:
    """Triggers whose clock and repositories a test moves, and what they said."""

    def __init__(
        self, *flows: Flow, marks: Mapping[str, Json] | None = None, now: str = "2026-11-25T10:00"
    ) -> None:
        self.clock = HandClock(at(now))
        self.refs = NoRefs()
        self.refs.found = dict(HASHES)
        self.said: list[Addressed] = []
        self.work: list[Coroutine[object, object, None]] = []
        self.stored: dict[str, Json] = dict(marks or {})
        self.triggers = Triggers(
            self.clock, self.refs, self.work.append, self.hear, dict(self.stored)
        )
        self.triggers.watch(FlowBook(flows=flows))

    def hear(self, word: Addressed) -> None:
        self.said.append(word)
        for row in self.rows(word):
            if row.kind == "mark":
                self.stored[row.key] = row.value

    @staticmethod
    def rows(word: Addressed) -> tuple[LedgerWrite, ...]:
        assert isinstance(word.word, Start | Mark)
        return word.word.marks if isinstance(word.word, Start) else word.word.rows

    @property
    def starts(self) -> list[Start]:
        return [w.word for w in self.said if isinstance(w.word, Start)]

    @property
    def missed(self) -> list[Json]:
        return [r.value for w in self.said for r in self.rows(w) if r.kind == "missed"]

    async def polled(self, seconds: float = 0.0) -> list[Start]:
        """The starts of what is polled within some seconds."""
        before = len(self.starts)
        self.clock.advance(seconds)
        work, self.work[:] = list(self.work), []
        for look in work:
            await look
        return self.starts[before:]


# --- instants ---


def test_period_is_due_at_its_multiples_since_1970() -> None:
    every = a_tick(period_s=900.0)

    assert told(due_after(every, at("2026-11-25T10:07:31"))) == "11-25 10:15:00"
    assert told(due_after(every, at("2026-11-25T10:15:00"))) == "11-25 10:30:00"


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
        due = due_after(daily, due)
        found.append(told(due))

    assert found == dues


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("cron", ["30 2 * * *", "*/20 * * * *", "0 */2 * * *", "30 1 * * *"])
def test_ticks_of_a_cron_grow_and_are_found_again_from_each(zone: str, cron: str) -> None:
    trigger = a_tick(cron=cron, timezone=zone)

    for start in ("2026-03-28T00:00", "2026-04-04T00:00", "2026-10-03T00:00", "2026-10-31T20:00"):
        dues = [due for due, _ in zip(ticks(trigger, at(start)), range(80), strict=False)]
        assert dues == sorted(set(dues))
        assert [due_after(trigger, due) for due in dues[:-1]] == dues[1:]


def test_zone_decides_when_a_cron_is_due() -> None:
    after = at("2026-11-25T10:00")
    zones = ("UTC", "Asia/Kolkata", "America/New_York")

    dues = [told(due_after(a_tick(cron="0 8 * * *", timezone=zone), after)) for zone in zones]

    assert dues == ["11-26 08:00:00", "11-26 02:30:00", "11-25 13:00:00"]


@pytest.mark.parametrize(
    "trigger", [a_tick(period_s=600.0), a_tick(cron="*/10 * * * *", timezone="Europe/Berlin")]
)
def test_missed_ticks_have_their_first_last_and_number(trigger: Trigger) -> None:
    found = missed(trigger, at("2026-11-25T10:00"), at("2026-11-25T10:40"))

    assert found == (at("2026-11-25T10:10"), at("2026-11-25T10:40"), 4)
    assert missed(trigger, at("2026-11-25T10:00"), at("2026-11-25T10:09")) is None


# --- timers ---


def test_tick_starts_a_run_and_its_mark_goes_with_it() -> None:
    site = Site(a_watched(a_tick(period_s=60.0)))

    site.clock.advance(61)

    [start] = site.starts
    assert (start.trigger, start.by) == ("tick", "trigger:tick")
    assert start.marks == (LedgerWrite(kind="mark", key=WATCH, value=at("2026-11-25T10:01")),)


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
    site = Site(a_watched(a_tick(period_s=600.0)), marks={WATCH: at("2026-11-25T08:00")})

    assert site.starts == []
    assert site.missed == [
        {
            "from": at("2026-11-25T08:10"),
            "to": at("2026-11-25T10:00"),
            "count": 12,
            "reason": "no host was running",
        }
    ]
    assert site.stored[WATCH] == at("2026-11-25T10:00")


def test_ticks_missed_asleep_are_recorded_with_the_one_that_fires() -> None:
    site = Site(a_watched(a_tick(period_s=60.0)))

    site.clock.jump(600)

    [start] = site.starts
    [row] = site.missed
    assert isinstance(row, Mapping)
    assert (row["count"], row["reason"]) == (9, "the host was asleep or busy")
    assert [m.kind for m in start.marks] == ["mark", "mark", "missed"]
    assert site.stored[WATCH] == at("2026-11-25T10:10")


def test_timer_that_never_fired_misses_nothing_unnoticed() -> None:
    flow = a_watched(a_tick(cron="0 3 * * *"))
    first = Site(flow)

    second = Site(flow, marks=first.stored, now="2026-11-28T10:00")

    [row] = second.missed
    assert isinstance(row, Mapping)
    assert row["count"] == 3


def test_clock_that_was_set_back_repeats_no_tick() -> None:
    site = Site(a_watched(a_tick(period_s=60.0)), marks={WATCH: at("2026-11-25T11:00")})

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


def test_ticks_of_a_flow_that_was_out_of_the_config_say_so() -> None:
    flow = a_watched(a_tick(period_s=60.0))
    site = Site(flow)

    site.triggers.watch(FlowBook())
    site.clock.advance(300)
    site.triggers.watch(FlowBook(flows=(flow,)))

    [row] = site.missed
    assert isinstance(row, Mapping)
    assert (row["count"], row["reason"]) == (5, "its flow was not in the config")


# --- polls ---


async def test_first_poll_records_and_starts_nothing() -> None:
    site = Site(a_watched(a_poll()))

    assert await site.polled() == []
    assert site.stored == {f"{POLL}:{URL}": HASHES}


async def test_change_of_a_ref_starts_one_run_for_its_tip() -> None:
    site = Site(a_watched(a_poll()))
    await site.polled()
    site.refs.found["refs/heads/a"] = "f" * 40

    [start] = await site.polled(10)
    again = await site.polled(10)

    assert start.values == {"url": URL, "branch": "a", "ref": "refs/heads/a", "hash": "f" * 40}
    assert start.by == "trigger:poll"
    assert start.marks[0].value == HASHES | {"refs/heads/a": "f" * 40}
    assert again == []


async def test_new_ref_starts_one_run_and_a_deleted_one_none() -> None:
    site = Site(a_watched(a_poll()))
    await site.polled()
    site.refs.found = {k: v for k, v in HASHES.items() if k != "refs/heads/b"}
    site.refs.found["refs/tags/v1"] = "e" * 40

    [start] = await site.polled(10)

    assert start.values["branch"] == "v1"
    assert site.stored[f"{POLL}:{URL}"] == site.refs.found


async def test_each_of_many_changes_is_marked_with_its_own_start() -> None:
    site = Site(a_watched(a_poll()))
    await site.polled()
    site.refs.found = dict.fromkeys(HASHES, "d" * 40)

    starts = await site.polled(10)

    changed = [
        sum(v == "d" * 40 for v in value.values())
        for value in (s.marks[0].value for s in starts)
        if isinstance(value, Mapping)
    ]
    assert changed == [1, 2, 3]


async def test_restart_between_two_starts_of_a_poll_repeats_none() -> None:
    flow = a_watched(a_poll())
    site = Site(flow)
    await site.polled()
    site.refs.found = dict.fromkeys(HASHES, "d" * 40)
    first, *_ = await site.polled(10)
    [stored] = first.marks

    again = Site(flow, marks={stored.key: stored.value})
    again.refs.found = dict(site.refs.found)

    assert len(await again.polled()) == 2


async def test_restart_starts_nothing_twice() -> None:
    flow = a_watched(a_poll())
    site = Site(flow)
    await site.polled()
    site.refs.found["refs/heads/a"] = "f" * 40
    await site.polled(10)

    again = Site(flow, marks=site.stored)
    again.refs.found = dict(site.refs.found)

    assert await again.polled() == []


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("refs/heads/.*", ["refs/tags/c"]),
        ("heads", ["refs/heads/a", "refs/heads/b", "refs/tags/c"]),
        ("refs/heads/a|refs/tags/c", ["refs/heads/b"]),
        ("", ["refs/heads/a", "refs/heads/b", "refs/tags/c"]),
    ],
)
def test_excluded_refs_match_as_a_whole(pattern: str, left: list[str]) -> None:
    assert list(wanted(a_poll(exclude_refs=pattern), HASHES)) == left


async def test_failing_poll_is_shown_logged_once_and_goes_on() -> None:
    site = Site(a_watched(a_poll()))
    await site.polled()
    site.refs.problem = Theirs("no answer")

    with capture_logs() as logs:
        for _ in range(3):
            await site.polled(10)
        shown = dict(site.triggers.problems)
        site.refs.problem = None
        site.refs.found["refs/heads/a"] = "f" * 40
        starts = await site.polled(10)

    assert list(shown.values()) == ["no answer"]
    assert [line["event"] for line in logs] == ["trigger.poll_failed", "trigger.poll_works"]
    assert (site.triggers.problems, len(starts)) == ({}, 1)


async def test_poll_of_a_trigger_that_was_dropped_meanwhile_starts_nothing() -> None:
    site = Site(a_watched(a_poll()))
    await site.polled()
    site.refs.found["refs/heads/a"] = "f" * 40
    site.clock.advance(10)

    site.triggers.watch(FlowBook())

    assert await site.polled() == []


async def test_poll_is_for_the_flow_as_it_is_when_it_answers() -> None:
    site = Site(a_watched(a_poll()))
    await site.polled()
    site.refs.found["refs/heads/a"] = "f" * 40
    site.clock.advance(10)
    newer = a_watched(a_poll(), name="newer")

    site.triggers.watch(FlowBook(flows=(newer,)))
    [start] = await site.polled()

    assert start.flow is newer
    assert start.digest == FlowBook(flows=(newer,)).digest_of(newer)


async def test_poll_of_a_repository_that_was_exchanged_is_thrown_away() -> None:
    site = Site(a_watched(a_poll()))
    site.clock.advance(0)
    other = a_poll(git=Git(url="https://example.org/other.git"))

    site.triggers.watch(FlowBook(flows=(a_watched(other),)))
    await site.polled()
    unmarked = dict(site.stored)
    await site.polled(10)

    assert unmarked == {}
    assert list(site.stored) == [f"{POLL}:https://example.org/other.git"]


async def test_slow_poll_is_not_asked_again_meanwhile() -> None:
    site = Site(a_watched(a_poll(period_s=1.0)))

    site.clock.advance(30)

    assert len(site.work) == 1
    await site.polled()
