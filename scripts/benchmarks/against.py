"""Two states of floe in one sitting: processor time of the same work, in turn.

Hosts of both run at once. What else the machine does costs both the same, and hardly anything: the
time is that of the processes themselves, not of the clock.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from scripts.benchmarks import flows, machine
from scripts.benchmarks.figures import Floor, Row, most
from scripts.benchmarks.host import FLOE, Host
from scripts.benchmarks.plan import Plan

PACK_S: Final = 0.4
"""Seconds in which the last runs are packed, before a host is asked whether all are."""

TRIGGERS: Final = 100
"""One after the other, each when the answer to the one before is there."""

WORSE: Final = 1.03


def against(plan: Plan, checkout: Path) -> list[Row]:
    """Chain, fan-out, queue and triggers, beside a different checkout that has a `.venv`."""
    programs = {"this": FLOE, "other": checkout / ".venv/bin/floe"}
    with ExitStack() as stack:
        sides = []
        for name, program in programs.items():
            one = plan.within(name)
            host = Host(one.folder, flows.config(one.folder, one.stamp), program=program)
            sides.append((one, stack.enter_context(host)))
        return [
            row for name, (units, work) in WORKS.items() for row in _rows(name, units, work, sides)
        ]


def _rows(
    name: str, units: int, work: Callable[[Plan, Host], None], sides: list[tuple[Plan, Host]]
) -> list[Row]:
    this, other = [], []
    for plan, host in sides:
        work(plan, host)
    for turn in sides[0][0].rounds(2 * sides[0][0].repeats):
        used = [0.0, 0.0]
        for side in (0, 1) if turn % 2 else (1, 0):
            plan, host = sides[side]
            host.reconnect()
            before_s = _used_s(host)
            work(plan, host)
            time.sleep(PACK_S)
            used[side] = (_used_s(host) - before_s) * 1e3 / units
            host.reconnect()
            host.wait_rest()
        this.append(used[0])
        other.append(used[1])
    ratios = [mine / theirs for mine, theirs in zip(this, other, strict=True)]
    return [
        Row(f"{name}: CPU of hub and warden", this, "ms", floor=Floor("other", other)),
        Row(f"{name}: beside the other, by pairs", ratios, "×", budget=most(WORSE)),
    ]


def _used_s(host: Host) -> float:
    return sum(map(machine.process_cpu_s, (host.hub, host.warden)))


def _chain(plan: Plan, host: Host) -> None:
    plan.stamped("chain", 2, lambda: host.trigger("chain"))


def _fan(plan: Plan, host: Host) -> None:
    plan.stamped("fan", 2, lambda: host.trigger("fan"))


def _queue(plan: Plan, host: Host) -> None:
    plan.stamped("one", flows.RUNS, lambda: host.trigger_many("one", flows.RUNS))


def _triggers(plan: Plan, host: Host) -> None:
    def all_of_them() -> None:
        for _ in range(TRIGGERS):
            host.trigger("one")

    plan.stamped("one", TRIGGERS, all_of_them)


WORKS: Final = {
    f"a step of a chain of {flows.STEPS}": (flows.STEPS, _chain),
    f"a node of a fan-out of {flows.WIDTH}": (flows.WIDTH, _fan),
    f"one of {flows.RUNS} runs queued at once": (flows.RUNS, _queue),
    f"one of {TRIGGERS} runs, one after the other": (TRIGGERS, _triggers),
}
