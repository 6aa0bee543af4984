"""What a rendering has at hand: names, bounds, output, and what it gets from outside."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from floe.expr.errors import TooMuch
from floe.expr.fuel import RESULT_BYTES_MAX, Fuel
from floe.expr.pongo2.moments import Moment
from floe.expr.pongo2.values import Value


class StoredItem(NamedTuple):
    """An item of flyte's datastore, as a template reads it."""

    content_type: str
    content: bytes


class TemplateSurroundings(Protocol):
    """What a template gets from outside: the datastore, chance and the time."""

    def item(self, key: str) -> StoredItem | None:
        """The item of the datastore with this key."""

    def below(self, end: int) -> int:
        """A number by chance, from 0 to below `end`, which is positive."""

    def now(self) -> Moment:
        """The time."""


class Rendering:
    """A rendering with all templates that it renders on the way."""

    __slots__ = ("depth", "fuel", "surroundings")

    def __init__(self, fuel: Fuel, surroundings: TemplateSurroundings) -> None:
        self.fuel, self.surroundings = fuel, surroundings
        self.depth = 0
        """How many macros and inner templates are open."""


class RenderedText:
    """Collects text of at most 1 MiB."""

    __slots__ = ("_parts", "_size")

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._size = 0

    def write(self, text: str) -> None:
        """Add text. Raises TooMuch."""
        self._size += len(text)
        if self._size > RESULT_BYTES_MAX:
            raise TooMuch("the template makes a text of more than 1 MiB")
        self._parts.append(text)

    def text(self) -> str:
        """All text."""
        return "".join(self._parts)


class TemplateScope:
    """The names that a part of a template sees: those that tags set, then those that are given."""

    __slots__ = ("escapes", "given", "rendering", "set", "states")

    def __init__(self, given: Mapping[str, Value], rendering: Rendering) -> None:
        self.given, self.rendering = given, rendering
        self.set: dict[str, Value] = {}
        self.escapes = True
        self.states: dict[int, list[Value]] = {}
        """Of `cycle` and `ifchanged`, by the number of the tag."""

    def child(self) -> "TemplateScope":
        """A scope whose own names do not reach this one."""
        self.rendering.fuel.spend(len(self.set) // 32)
        made = TemplateScope(self.given, self.rendering)
        made.set = self.set.copy()
        made.escapes, made.states = self.escapes, self.states
        return made

    def find(self, name: str) -> Value:
        """The value of a name; empty if it has none."""
        found = self.set.get(name, self)
        return self.given.get(name) if isinstance(found, TemplateScope) else found


Evaluate = Callable[[TemplateScope], Value]
"""A compiled expression."""

Node = Callable[[TemplateScope, RenderedText], None]
"""A compiled part of a template: it writes its text."""
