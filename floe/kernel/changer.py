"""Changed copies of runs and of the states of their nodes."""

from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter
from typing import TypeVar

T = TypeVar("T")


def changer(cls: type[T]) -> Callable[..., T]:
    """A faster `dataclasses.replace` for one class with slots: 1.6 instead of 4.5 µs for a Run.

    Each step of a run calls it about six times, a third of the cost of a step.
    """
    names = [f.name for f in fields(cls)]  # type: ignore[arg-type]  # called for dataclasses only
    values = attrgetter(*names)
    setters = {name: getattr(cls, name).__set__ for name in names}
    in_order = tuple(setters.values())
    new = object.__new__

    def changed(old: T, /, **changes: object) -> T:
        made = new(cls)
        for set_, value in zip(in_order, values(old), strict=True):
            set_(made, value)
        for name, value in changes.items():
            setters[name](made, value)
        return made

    return changed
