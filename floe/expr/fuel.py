"""Bounds of an evaluation, the same for every interpreter: fuel, and the size of a result.

Each step, each element and each `CHARS_MADE` characters are paid for before they are made, so an
evaluation ends in bounded time and memory.
"""

from typing import Final

from floe.expr.errors import TooMuch

CONDITION_FUEL: Final = 5_000
"""Of a condition or a part of a template."""

CHARS_MADE: Final = 64
"""Characters that one unit makes."""

CHARS_READ: Final = 1024
"""Characters that one unit searches or compares."""

RESULT_BYTES_MAX: Final = 1 << 20
"""Of a result as JSON, and of each text on the way to it."""

DEPTH_MAX: Final = 64
"""Levels of an expression, and of lists and maps in a result."""


class Fuel:
    """What an evaluation may still spend."""

    __slots__ = ("left",)

    def __init__(self, left: int = CONDITION_FUEL) -> None:
        self.left = left

    def spend(self, amount: int) -> None:
        """Pay for so many steps or elements. Raises TooMuch."""
        self.left -= amount
        if self.left < 0:
            raise TooMuch("the expression takes too many steps", "make it, or its values, smaller")

    def make(self, chars: int) -> None:
        """Pay for a text of this length. Raises TooMuch."""
        if chars > RESULT_BYTES_MAX:
            raise TooMuch("the expression makes a text of more than 1 MiB")
        self.spend(chars // CHARS_MADE)

    def search(self, chars: int) -> None:
        """Pay for reading a text of this length. Raises TooMuch."""
        self.spend(chars // CHARS_READ)
