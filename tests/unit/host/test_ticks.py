"""When ticks are due, and which were missed."""

from floe.host.ticks import MISSED_MAX, DoneTicks, done_ticks_of, missed_ticks, tick_after
from floe.host.watches import Watch
from floe.model.ids import FlowId, Instant, NodeId
from tests.make_triggers import a_tick

WATCH = Watch(FlowId("flow"), 1, NodeId("tick"))
MINUTE = 60_000
EACH_MINUTE = a_tick(period_s=60.0)


def test_period_is_counted_from_1970() -> None:
    assert tick_after(EACH_MINUTE, Instant(MINUTE - 1)) == MINUTE
    assert tick_after(EACH_MINUTE, Instant(MINUTE)) == 2 * MINUTE


def test_span_that_was_done_before_is_passed_over() -> None:
    others = ((Instant(2 * MINUTE), Instant(5 * MINUTE)),)
    done = DoneTicks(since=Instant(0), last=Instant(2 * MINUTE), others=others)

    assert done.next_due(EACH_MINUTE) == 6 * MINUTE


def test_missed_ticks_are_counted_with_the_first_and_the_last() -> None:
    assert missed_ticks(EACH_MINUTE, Instant(0), Instant(10 * MINUTE + 1)) == (
        MINUTE,
        10 * MINUTE,
        10,
    )


def test_nothing_is_missed_before_the_first_tick() -> None:
    assert missed_ticks(EACH_MINUTE, Instant(0), Instant(MINUTE - 1)) is None


def test_ticks_of_a_cron_are_counted_up_to_a_limit() -> None:
    cron = a_tick(cron="* * * * *", timezone="UTC")

    found = missed_ticks(cron, Instant(0), Instant(2 * MISSED_MAX * MINUTE))

    assert found is not None
    assert found[2] == MISSED_MAX


def test_rows_of_a_timer_are_read_back_as_they_were_written() -> None:
    done = DoneTicks(since=Instant(5), last=Instant(9), others=((Instant(1), Instant(3)),))
    rows: dict[str, dict[str, object]] = {}
    for row in done.rows(WATCH, None):
        rows.setdefault(row.kind, {})[row.key] = row.value

    assert done_ticks_of(rows) == {WATCH: done}  # type: ignore[arg-type]  # values are Json
