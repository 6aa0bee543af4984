"""The command line: `floe`. Each command is a separate file, loaded when it is called.

Rule of this file: it imports next to nothing. Imports are most of the cost of a short command.
"""

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["trigger"]:
        from floe.cli.plain_trigger import start

        if (left := start(words)) is None:
            sys.exit(0)
        words = left
    from floe.cli.commands import run

    run(words)
