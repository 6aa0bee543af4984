"""The command line: `floe`. Each command is a separate file, loaded when it is called.

Rule of this file: it imports next to nothing. Imports are most of the cost of a short command.
"""

import gc
import sys
from collections.abc import Sequence

FIRST_GARBAGE = 200_000
"""Objects that are created, and not freed, before the first search for circles among them. What
a start creates stays, mostly modules, and the searches took 8 % of the import of a host."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    gc.set_threshold(FIRST_GARBAGE)  # a host lowers it once it is ready
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["trigger"]:
        from floe.cli.plain_trigger import start

        if (left := start(words)) is None:
            sys.exit(0)
        words = left
    elif words[:1] == ["host"]:
        from floe.cli import plain_host

        if (left := plain_host.start(words)) is None:
            sys.exit(0)
        words = left
    from floe.cli.commands import run

    run(words)
