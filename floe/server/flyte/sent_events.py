"""The events that people sent, by the Idempotency-Keys of their requests."""

import asyncio
from collections import OrderedDict
from typing import Final

KEPT_MAX: Final = 1000
"""Keys that this process remembers."""


class SentEvents:
    """Which events of the inbox are known by a key. One is sent at a time."""

    def __init__(self) -> None:
        self.one = asyncio.Lock()
        self._numbers: OrderedDict[str, int] = OrderedDict()

    def find(self, once: str) -> int | None:
        """The number of the event that was sent with a key; None for none."""
        return self._numbers.get(once) if once else None

    def note(self, once: str, number: int) -> None:
        """An event was sent with a key."""
        if once:
            self._numbers[once] = number
        if len(self._numbers) > KEPT_MAX:
            self._numbers.popitem(last=False)
