"""The command line of `shell`, here and on the far side of an ssh node."""

from typing import Final

STRICT: Final = ("-e", "-o", "pipefail")
"""With these options bash ends at the first command that fails, even inside a pipe."""


def bash(shell: str, *, strict: bool) -> tuple[str, ...]:
    """The command line that runs a text."""
    return ("bash", *(STRICT if strict else ()), "-c", shell)
