"""Fuzz every route of a real host and its feed, with and without credentials.

scripts/fuzz runs it. One seed makes the same requests on any machine; the figures at the end are
for docs/reliability.md. 1 where anything was wrong: a status 5xx that is not declared, no answer,
one that took more than 2 s alone, a problem that is no problem+json, a traceback, a host that died
or grew.
"""

import sys
import tempfile
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from contextlib import ExitStack
from pathlib import Path

from tests.fuzz.target import target
from tests.fuzz.trial import Trial, case


def main() -> int:
    """Fuzz for as long as the command line says, or one case of a seed."""
    parser = ArgumentParser(
        prog="scripts/fuzz", description=__doc__, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=5, help="how long  [5]")
    parser.add_argument("--seed", type=int, default=1, help="of all requests  [1]")
    parser.add_argument("--case", type=int, help="only this one of the seed, alone")
    parser.add_argument("--keep", type=Path, help="a new folder to leave the host's log in")
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = asked.keep or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="floe-fuzz-"))
        )
        at = stack.enter_context(target(folder))
        trial = Trial(at, asked.seed, lambda text: print(text, flush=True))  # noqa: T201  # a command
        if asked.case is not None:
            sent, source = case(asked.seed, asked.case, at)
            sys.stdout.write(f"{sent.data!r}\n{at.ask(sent, source)}\n")
            trial.round(range(asked.case, asked.case + 1))
        else:
            trial.rounds(time.monotonic() + asked.minutes * 60)
        sys.stdout.write(f"seed {asked.seed}, {asked.minutes:g} min: {trial.tally.line()}\n")
    return bool(trial.tally.faults)


if __name__ == "__main__":
    sys.exit(main())
