"""`scripts/bench`: measure and print the table."""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from scripts.benchmarks import machine, measures
from scripts.benchmarks.against import against
from scripts.benchmarks.cluster import cluster
from scripts.benchmarks.core import core
from scripts.benchmarks.evaluators import evaluators
from scripts.benchmarks.facets import facets
from scripts.benchmarks.feed import feed
from scripts.benchmarks.figures import Row, table
from scripts.benchmarks.flyte import flyte
from scripts.benchmarks.output import output
from scripts.benchmarks.packs import packs
from scripts.benchmarks.plan import Plan
from scripts.benchmarks.prune import prune
from scripts.benchmarks.resting import resting
from scripts.benchmarks.utask import utask

MEASURES: Final[Mapping[str, Callable[[Plan], list[Row]]]] = {
    "chain": measures.chain,
    "latency": measures.latency,
    "fan": measures.fan,
    "items": measures.items,
    "rerun": measures.rerun,
    "queue": measures.queue,
    "client": measures.client,
    "output": output,
    "cold": measures.cold,
    "cli": measures.cli,
    "feed": feed,
    "cluster": cluster,
    "prune": prune,
    "evaluators": evaluators,
    "facets": facets,
    "resting": resting,
    "core": core,
    "flyte": flyte,
    "packs": packs,
    "utask": utask,
}


DISK: Final = "/var/tmp"  # noqa: S108 - a folder with a random name is made in it
"""On a real disk; /tmp may be in memory, or full of other programs' deleted files."""


class Help(argparse.HelpFormatter):
    """Help in the style of the other scripts."""

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, prefix or "Usage: ")


def main() -> None:
    """Measure the requested parts, one after the other."""
    asked = _asked()
    # Otherwise every start would compile floe again, which a user's host does only once.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="floe-bench-", dir=asked.dir) as name:
        folder = Path(name)
        stamp, made_of = machine.make_stamp(folder)
        plan = Plan(
            folder=folder,
            stamp=stamp,
            repeats=2 if asked.quick else 7,
            triggers=20 if asked.quick else 100,
            fans=5 if asked.quick else 100 if asked.full else 20,
            history=1_000 if asked.quick else 100_000 if asked.full else 10_000,
        )
        head = f"{machine.machine(folder)}; stamps by {made_of}; {time.strftime('%Y-%m-%d %H:%M')}"
        rows: list[Row] = []
        try:
            for name, measure in _measures(asked).items():
                quiet = machine.wait_quiet(asked.wait)
                sys.stderr.write(f"== {name}: before it, {quiet}\n")
                rows += measure(plan)
        finally:  # earlier results stay valid if a later measure fails
            sys.stdout.write(f"{head}\n\n{table(rows)}\n")
            if asked.json:
                told = {"machine": head, "rows": [row.shape() for row in rows]}
                (asked.here / asked.json).write_text(json.dumps(told, indent=1))


def _measures(asked: argparse.Namespace) -> Mapping[str, Callable[[Plan], list[Row]]]:
    if asked.against is not None:
        checkout = (asked.here / asked.against).resolve()
        return {f"against {checkout}": lambda plan: against(plan, checkout)}
    return {name: MEASURES[name] for name in asked.only}


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        usage="scripts/bench [--only NAME,…] [--quick | --full] [OPTION…]",
        description="Measure a host on this machine beside what the machine does without floe. "
        "docs/benchmarks.md says what each line means.",
        formatter_class=lambda prog: Help(prog, width=100),
    )
    # The shell's directory, which the wrapper has left: FILE is relative to it.
    parser.add_argument("--from", dest="here", type=Path, default=Path(), help=argparse.SUPPRESS)
    names = ", ".join(MEASURES)
    parser.add_argument("--only", type=_names, default=list(MEASURES), help=f"a choice of {names}")
    parser.add_argument(
        "--against",
        type=Path,
        metavar="DIR",
        help="only the processor time of the same work of a different checkout, in turn",
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="few rounds, 1,000 runs of history")
    size.add_argument("--full", action="store_true", help="100 fan-outs, 100,000 runs of history")
    parser.add_argument("--json", metavar="FILE", help="write every figure to this file too")
    parser.add_argument("--dir", default=DISK, help=f"where to measure, on a real disk  [{DISK}]")
    parser.add_argument(
        "--wait",
        type=float,
        default=0,
        metavar="S",
        help="before each measure, wait at most this many seconds for a quiet machine",
    )
    return parser.parse_args()


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in MEASURES]:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}")
    return names


if __name__ == "__main__":
    main()
