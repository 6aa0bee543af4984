"""The measured flows, as configs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

STEPS = 100
WIDTH = 200
THOUSAND = 1000
AGAIN = 300
RUNS = 500
LINE = "0" * 99
LINES = 1_000_000
TICKS, TICK_MS = 200, 10

KEEP = {"runs": 0, "days": 0, "bytes": 0, "workspaces": "all"}
"""Nothing is removed while something else is measured."""

SMALL = """
flows:
  - id: hello
    ver: 1
    triggers: [{name: start, type: data}]
    tasks: [{name: greet, type: exec, listen: trigger.good, opts: {cmd: echo hello}}]
"""


def config(folder: Path, stamp: Path, common: Mapping[str, object] | None = None) -> str:
    """A config with every flow; timestamps go to `<flow>.stamps` in a folder."""

    def stamped(flow: str) -> dict[str, object]:
        return {"cmd": f"{stamp} {folder}/{flow}.stamps"}

    def true() -> dict[str, object]:
        return {"cmd": "true"}

    chain = [stamped("chain"), *(true() for _ in range(STEPS - 2)), stamped("chain")]
    flows: dict[str, Sequence[object]] = {
        "one": [_task("step", "trigger.good", stamped("one"))],
        "chain": [_task(f"s{n}", _after(f"s{n - 1}", n), opts) for n, opts in enumerate(chain)],
        "fan": [
            _task("first", "trigger.good", stamped("fan")),
            *(_task(f"t{n}", "task.first.good", true()) for n in range(WIDTH)),
            {
                "name": "all",
                "class": "merge",
                "type": "all",
                "wait": [f"task.t{n}.good" for n in range(WIDTH)],
            },
            _task("last", "merge.all.good", stamped("fan")),
        ],
        "each": _each(WIDTH, stamped("each"), true()),
        "thousand": _each(THOUSAND, stamped("thousand"), true()),
        "again": [
            *(_task(f"t{n}", "trigger.good", true()) for n in range(AGAIN - 1)),
            {
                "name": "all",
                "class": "merge",
                "type": "all",
                "wait": [f"task.t{n}.good" for n in range(AGAIN - 1)],
            },
            _task("last", "merge.all.good", {"shell": f"{stamp} {folder}/again.stamps; exit 1"}),
        ],
        "log": [_task("step", "trigger.good", {"shell": f"yes {LINE} | head -n {LINES}"})],
        "ticks": [_task("step", "trigger.good", {"cmd": f"{stamp} /dev/stdout {TICKS} {TICK_MS}"})],
    }
    away = _flow("away", [_task("step", "trigger.good", stamped("away"))])
    every = [*(_flow(id, tasks) for id, tasks in flows.items()), {**away, "host-tags": ["h2"]}]
    return yaml.safe_dump({"common": {"keep": KEEP, **(common or {})}, "flows": every})


def _each(items: int, stamped: dict[str, object], true: dict[str, object]) -> list[object]:
    """A step, one for each of many items, and a step."""
    return [
        _task("first", "trigger.good", stamped),
        {**_task("all", "task.first.good", true), "foreach": list(range(items))},
        _task("last", "task.all.good", stamped),
    ]


def _after(node: str, place: int) -> str:
    return f"task.{node}.good" if place else "trigger.good"


def _flow(id: str, tasks: Sequence[object]) -> dict[str, object]:
    triggers = [{"name": "start", "type": "data"}]
    return {"id": id, "ver": 1, "triggers": triggers, "tasks": list(tasks)}


def _task(name: str, listen: str, opts: dict[str, object]) -> dict[str, object]:
    return {"name": name, "type": "exec", "listen": listen, "opts": opts}
