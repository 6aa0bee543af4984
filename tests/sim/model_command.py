"""The command of a model: many of its trials, or the story of one."""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable

Play = Callable[[int, str], tuple[str, Counter[str]]]
"""Plays a trial by its seed and a deliberate bug, empty for none: the invariant that it breaks,
empty for none, and what happened how often."""


def play_many(about: str | None, play: Play, bugs: Iterable[str], story: Play | None = None) -> int:
    """Play what the command line asks for; 1 if an invariant was broken.

    `about` is the text of the module. `story` plays a trial and prints what happens in it.
    """
    parser = argparse.ArgumentParser(description=(about or "").split("\n")[0])
    parser.add_argument("--seeds", type=int, default=1000, help="trials  [1000]")
    parser.add_argument("--from", type=int, default=1, dest="first", help="the first seed  [1]")
    parser.add_argument("--seed", type=int, help="one trial, with its story")
    parser.add_argument("--bug", choices=["", *bugs], default="", help="play a deliberate bug")
    given = parser.parse_args()
    seeds, one = range(given.first, given.first + given.seeds), play
    if given.seed is not None:
        seeds, one = range(given.seed, given.seed + 1), story or play
    counts: Counter[str] = Counter()
    for seed in seeds:
        broken, counted = one(seed, given.bug)
        counts += counted
        if broken:
            sys.stdout.write(f"seed {seed}: {broken}\n")
            return 1
    sys.stdout.write(f"{len(seeds)} trials, none broken\n")
    sys.stdout.write("".join(f"  {name}: {n}\n" for name, n in sorted(counts.items())))
    return 0
