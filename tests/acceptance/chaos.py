"""By hand, and long: many random deaths, a death at each passing of each point, a cluster in a
storm, or two hosts with packs of flyte, or with packs in Python.

scripts/chaos runs it. It is no test: it has no end but the one that is asked for.
"""

import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from tests.acceptance import flyte_storm
from tests.acceptance.cluster import clustered
from tests.acceptance.cluster_chaos import storm
from tests.acceptance.crash_host import POINTS
from tests.acceptance.journal_storm import JournalStorm
from tests.acceptance.storm import Storm
from tests.acceptance.trial import RUNNING, Death, Trial, Verdict, serving, table

AT_ONCE = 3


def main() -> int:
    """Run what the command line asks for; 1 where anything was not as it must be."""
    parser = ArgumentParser(prog="scripts/chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="random deaths  [100]")
    parser.add_argument("--seed", type=int, default=1, help="of the moments of all faults  [1]")
    parser.add_argument("--points", action="store_true", help="each passing of each point instead")
    parser.add_argument("--hosts", type=int, default=1, help="more: a cluster in a storm  [1]")
    parser.add_argument("--runs", type=int, default=500, help="of a cluster  [500]")
    parser.add_argument("--minutes", type=float, default=5, help="in which they start  [5]")
    parser.add_argument(
        "--netns", action="store_true", help="hosts in network namespaces (needs root and iptables)"
    )
    parser.add_argument("--flyte", action="store_true", help="two hosts and packs of flyte instead")
    parser.add_argument("--packs", action="store_true", help="two hosts and packs with journals")
    parser.add_argument("--keep", type=Path, help="a new folder to leave logs and stores in")
    asked = parser.parse_args()
    with ExitStack() as stack:
        if not (folder := asked.keep):
            made = tempfile.TemporaryDirectory(prefix="floe-chaos-")
            folder = Path(stack.enter_context(made))
        if asked.flyte or asked.packs:
            complaints = with_packs(folder, asked)
        elif asked.hosts > 1:
            complaints = in_cluster(folder / "cluster", asked)
        elif asked.points:
            complaints = every_passing(folder)
        else:
            complaints = at_random(folder, asked)
    sys.stdout.writelines(f"{complaint}\n" for complaint in complaints)
    return bool(complaints)


def in_cluster(folder: Path, asked: Namespace) -> list[str]:
    """Several hosts that die and lose one another while runs are triggered at all of them."""
    tally = storm(
        folder,
        hosts=asked.hosts,
        runs=asked.runs,
        minutes=asked.minutes,
        seed=asked.seed,
        in_namespaces=asked.netns,
    )
    sys.stdout.write(f"{tally}\n")
    return tally.complaints


def with_packs(folder: Path, asked: Namespace) -> list[str]:
    """Two hosts, and packs that take actions, all of which die again and again."""
    with clustered(folder / "cluster", tags=flyte_storm.HOSTS) as (cluster, _):
        kind = JournalStorm if asked.packs else flyte_storm.Storm
        storm = kind(cluster, folder, asked.seed, say=print)
        tally = storm.rage(asked.minutes * 60, flyte_storm.PAUSE_S)
    sys.stdout.write(f"{tally}\n")
    return tally.complaints


def at_random(folder: Path, asked: Namespace) -> list[str]:
    """One host that dies again and again."""
    tally = Storm(folder, asked.seed).rage(asked.kills)
    sys.stdout.write(f"{tally}\n")
    return tally.complaints


def every_passing(folder: Path) -> list[str]:
    """Kill a host at the first, second, … passing of each point, as often as runs pass it."""
    with serving() as served, ThreadPoolExecutor(AT_ONCE) as pool:
        alive = Trial(folder / "alive", served, []).judge()

        def judged(death: Death) -> Verdict:
            deaths = [death] if alive.passed[death.point] else [RUNNING, death]
            return Trial(folder / f"{death.point}-{death.nth}", served, deaths).judge()

        deaths = [
            Death(point, nth)
            for point in POINTS
            for nth in range(1, (alive.passed[point] or 1) + 1)
        ]
        verdicts = [alive, *pool.map(judged, deaths)]
    passed = sum((verdict.passed for verdict in verdicts), Counter[str]())
    died = Counter(point for verdict in verdicts for point in verdict.died)
    unreached = [point for verdict in verdicts for point in verdict.unreached]
    sys.stdout.write(f"{table(POINTS, passed, died)}\n")
    sys.stdout.write(f"{died.total()} deaths; not passed so often: {unreached or 'none'}\n")
    return [complaint for verdict in verdicts for complaint in verdict.complaints]


if __name__ == "__main__":
    sys.exit(main())
