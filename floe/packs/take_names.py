"""The names of takes: a server that knows a name gives the same action to its second take.

So an action whose take was not answered, or that is not in the journal yet, is found again. A name
is *in doubt* until the server said that it has no action, or the journal has that.
"""

from collections.abc import Iterable
from typing import Final

AT_ONCE: Final = 8
"""The most takes at the same time. So many names are in doubt after the end of a process."""


class TakeNames:
    """The numbers of takes. A number is used again until it gave an action."""

    def __init__(self, next: int = 0, loose: Iterable[int] = ()) -> None:
        """`next`: the first number that no journal has. `loose`: those before it without action."""
        self._next = next
        self._loose = set(loose)
        self._doubtful: list[int] = []
        self._clean: list[int] = []

    @property
    def is_in_doubt(self) -> bool:
        """Whether a number that no take has may have an action."""
        return bool(self._doubtful)

    def doubt_all(self) -> None:
        """An earlier process may have got actions by the last numbers that it began with."""
        while len(self._loose) < AT_ONCE:
            self._new()
        self._doubtful, self._clean = sorted(self._loose), []

    def begin(self) -> int:
        """A number for a take that begins: first those that are in doubt."""
        for free in (self._doubtful, self._clean):
            if free:
                return free.pop(0)
        return self._new()

    def got_nothing(self, number: int) -> None:
        """The server has no action for a number."""
        self._clean.append(number)

    def failed(self, number: int) -> None:
        """A take ended without an answer that tells."""
        self._doubtful.append(number)

    def used(self, number: int) -> None:
        """The journal has the action of a number, or there will be none."""
        while self._next <= number:
            self._new()
        self._loose.discard(number)

    def shape(self) -> dict[str, object]:
        """What a journal keeps of them."""
        return {"takes": self._next, "loose": sorted(self._loose)}

    def _new(self) -> int:
        self._next += 1
        self._loose.add(self._next - 1)
        return self._next - 1
