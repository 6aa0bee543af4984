"""Changed copies of runs and of the states of their nodes."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def changer(cls: type[T]) -> Callable[..., T]:
    """A faster `dataclasses.replace` for one class without slots: 1 instead of 14 µs for a Run.

    Each step of a run calls it about six times.
    """
    new = object.__new__

    def changed(old: T, /, **changes: object) -> T:
        assert changes.keys() <= old.__dict__.keys(), "only fields change"
        made = new(cls)
        made.__dict__ = {**old.__dict__, **changes}
        return made

    return changed
