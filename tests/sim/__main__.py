"""The command behind scripts/sim: many trials, what they covered, and the story of one."""

import argparse
import gc
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from itertools import count, islice

from tests.sim.bugs import BUGS
from tests.sim.report import Tally, short_story_of, story_of
from tests.sim.trial import trial

CHUNK = 50
"""Trials that a process plays before it is heard of."""

COLLECT_AFTER = 100_000
"""Objects that a process makes before it looks for cycles: a trial makes few, the look is 6 % of it
by default."""


def main() -> int:
    """Play what the command line asks for; 1 if an invariant was broken."""
    options = _parser().parse_args()
    if options.seed is not None:
        return _replay(options.seed, options.bug, moves=options.moves)
    chunks = _chunks(options.first, None if options.for_ever else options.seeds)
    tally = Tally()
    with ProcessPoolExecutor(options.jobs) as pool, suppress(KeyboardInterrupt):
        waiting = [
            pool.submit(play, seeds, options.bug, options.moves)
            for seeds in islice(chunks, options.jobs)
        ]
        while waiting:
            tally.add(waiting.pop(0).result())
            _progress(tally)
            if tally.broken:
                break
            waiting += [
                pool.submit(play, seeds, options.bug, options.moves) for seeds in islice(chunks, 1)
            ]
        for future in waiting:
            future.cancel()
    sys.stderr.write("\n")
    _show(f"{tally.line()}\n\n{tally.table()}\n")
    for seed in sorted(tally.broken):
        _log(seed, options.bug, moves=options.moves)
    return 1 if tally.broken else 0


def play(seeds: range, bug: str, moves: bool) -> Tally:
    """Play some seeds in this process, up to the first that breaks something."""
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 20)
    tally = Tally()
    for seed in seeds:
        tally.count(trial(seed, bug=BUGS[bug] if bug else None, moves=moves))
        if tally.broken:
            break
    return tally


def _replay(seed: int, bug: str, *, moves: bool) -> int:
    verdict = trial(seed, bug=BUGS[bug] if bug else None, moves=moves, story=True)
    _show(f"{story_of(verdict)}\n")
    return 1 if verdict.broken else 0


def _log(seed: int, bug: str, *, moves: bool) -> None:
    """Say in short what a seed broke, and how to see all of it."""
    verdict = trial(seed, bug=BUGS[bug] if bug else None, moves=moves, story=True)
    again = f"scripts/sim --seed {seed}{f' --bug {bug}' if bug else ''}{' --moves' * moves}"
    _show(f"\nBROKEN by seed {seed}; all of its story: {again}\n{short_story_of(verdict)}\n")


def _chunks(first: int, number: int | None) -> Iterator[range]:
    if number is None:
        yield from (range(n, n + CHUNK) for n in count(first, CHUNK))
        return
    last = first + number
    yield from (range(n, min(n + CHUNK, last)) for n in range(first, last, CHUNK))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "scripts/sim",
        description="Play simulated clusters, each from a seed, and see that no invariant is "
        "broken. Stops at the first seed that breaks one, tells its story in short and "
        "exits with 1. A seed replays exactly, whatever the machine.",
        epilog="What is played and checked, and what the table says: docs/cluster-simulation.md",
    )
    parser.add_argument("--seeds", type=int, default=1000, help="how many trials (1000)")
    parser.add_argument("--from", type=int, default=1, dest="first", help="the first seed (1)")
    parser.add_argument("--seed", type=int, help="play one trial and tell its whole story")
    parser.add_argument("--jobs", type=int, default=1, help="processes (1)")
    parser.add_argument(
        "--moves", action="store_true", help="play runs that move from drained hosts above all"
    )
    parser.add_argument("--for-ever", action="store_true", help="go on until something breaks")
    bugs = f"break the hub on purpose: {', '.join(BUGS)}"
    parser.add_argument("--bug", choices=BUGS, default="", metavar="BUG", help=bugs)
    return parser


def _progress(tally: Tally) -> None:
    sys.stderr.write(f"\r{tally.line()} ")
    sys.stderr.flush()


def _show(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
