"""A simulated clock that is set: no seed breaks an invariant, and each bug breaks one."""

from collections import Counter
from collections.abc import Callable, Iterator

import pytest
import structlog

from floe.host.ticks import DoneTicks, tick_after
from floe.hub.clock import Timers, WallClock
from tests.sim.clocks import Broken, trial

SEEDS = range(1, 41)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Hundreds of missed ticks are nobody's news here."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    yield
    structlog.configure(**before)


def broken(seeds: range = SEEDS) -> str:
    """The first invariant that some seeds break; empty for none."""
    for seed in seeds:
        try:
            trial(seed)
        except Broken as error:
            return str(error).partition(":")[0]
    return ""


@pytest.mark.slow
@pytest.mark.parametrize("first", SEEDS[::10])
def test_no_invariant_is_broken_by_a_clock_that_is_set(first: int) -> None:
    assert broken(range(first, first + 10)) == ""


@pytest.mark.slow
def test_trials_meet_every_fault() -> None:
    met: Counter[str] = Counter()
    for seed in SEEDS[:10]:
        met += trial(seed).counts

    faults = ("jump", "blink", "sleep", "die", "hold", "refuse", "believed", "waits", "starts")
    assert [fault for fault in faults if not met[fault]] == []


BUGS: dict[str, tuple[type, str, Callable[..., object], str]] = {
    "jump-counts-at-once": (
        WallClock,
        "now",
        lambda self: self._wall(),
        "nothing_is_early",
    ),
    "timers-stay-where-they-were": (
        Timers,
        "move",
        lambda self, by_ms: None,
        "nothing_is_",
    ),
    "missed-ticks-stay-missed": (
        DoneTicks,
        "to_come",
        lambda self, now: [],
        "no_tick_is_fired_and_missed",
    ),
    "later-spans-are-unknown": (
        DoneTicks,
        "next_due",
        lambda self, trigger: tick_after(trigger, self.last),
        "each_tick_fires_once",
    ),
    "clock-set-forward-ends-the-gap": (
        DoneTicks,
        "at",
        lambda self, now: self.up_to(max(now, self.last)),
        "no_timer_waits_for_what_never_was",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS)
def test_each_bug_breaks_an_invariant(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    of, name, does, invariant = BUGS[bug]
    monkeypatch.setattr(of, name, does)

    assert broken().startswith(invariant)
