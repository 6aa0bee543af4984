"""What an evaluator process keeps between judgements: the newest runs and flows, within bytes."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class KeptValues(Generic[T]):
    """Values by key. The ones that were used longest ago go first; the newest always stays."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0
        self._values: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Hashable) -> T | None:
        """The value of a key; None for none."""
        if (found := self._values.get(key)) is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def add(self, key: Hashable, value: T, size: int) -> None:
        """Keep a value in place of the one before it, and `size` bytes more than that took."""
        before = self._values.pop(key, None)
        total = size + (before[1] if before else 0)
        self._values[key] = (value, total)
        self._bytes += size
        while self._bytes > self._bytes_max and len(self._values) > 1:
            _, (_, freed) = self._values.popitem(last=False)
            self._bytes -= freed

    def drop(self, key: Hashable) -> None:
        """Keep the value of a key no longer."""
        if found := self._values.pop(key, None):
            self._bytes -= found[1]
