"""Deliberate bugs, to see that the invariants bite. None of them is ever in the product."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """A fault of the hub, and the invariant that tells of it."""

    name: str
    breaks: str
    """How the verdict begins."""
    seeds: range
    """Among these at least one shows it."""
    at_work: Callable[[], AbstractContextManager[None]]
    """Breaks the hub until it is left."""


@contextmanager
def patched(owner: Any, **others: Any) -> Iterator[None]:
    """Replace attributes of a class or module for a while."""
    before = {name: owner.__dict__[name] for name in others}
    for name, value in others.items():
        setattr(owner, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(owner, name, value)


BUGS: Final[Mapping[str, Bug]] = {}
