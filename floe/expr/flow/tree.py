"""The parts of an expression, as the parser finds them; `at` is the place in its text."""

from collections.abc import Mapping
from dataclasses import field

from floe.model.ids import Json
from floe.model.nouns import dataclass
from floe.model.template import Path


@dataclass(frozen=True, slots=True)
class Literal:
    """In an expression's tree: `3`, `'text'`, `true`, `null`."""

    at: int
    value: Json


@dataclass(frozen=True, slots=True)
class Named:
    """In an expression's tree: a name and the plain steps behind it: `values.list[0].url`."""

    at: int
    path: Path


@dataclass(frozen=True, slots=True)
class Index:
    """In an expression's tree: `[expression]`, or `.name` behind something that is not a path."""

    at: int
    key: "Part"


@dataclass(frozen=True, slots=True)
class Slice:
    """In an expression's tree: `[start:stop:step]`."""

    at: int
    start: "Part | None"
    stop: "Part | None"
    step: "Part | None"


@dataclass(frozen=True, slots=True)
class Within:
    """In an expression's tree: a part of a value, by steps."""

    at: int
    of: "Part"
    steps: tuple[Index | Slice, ...]


@dataclass(frozen=True, slots=True)
class ListPart:
    """In an expression's tree: `[a, b]`."""

    at: int
    items: tuple["Part", ...]


@dataclass(frozen=True, slots=True)
class MapPart:
    """In an expression's tree: `{'a': 1}`."""

    at: int
    pairs: tuple[tuple["Part", "Part"], ...]


@dataclass(frozen=True, slots=True)
class Prefix:
    """In an expression's tree: `not`, `-` or `+` before a part."""

    at: int
    sign: str
    of: "Part"


@dataclass(frozen=True, slots=True)
class Operand:
    """In an expression's tree: an operator and the part behind it."""

    at: int
    sign: str
    of: "Part"


@dataclass(frozen=True, slots=True)
class Chain:
    """In an expression's tree: operators of one level, from left to right: `a + b - c`."""

    at: int
    first: "Part"
    rest: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class IfElse:
    """In an expression's tree: `then if test else other`."""

    at: int
    then: "Part"
    test: "Part"
    other: "Part"


@dataclass(frozen=True, slots=True)
class FilterCall:
    """In an expression's tree: the name of a filter or test, and its arguments."""

    at: int
    name: str
    args: tuple["Part", ...] = ()
    named: Mapping[str, "Part"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Filtered:
    """In an expression's tree: `value|filter|filter(argument)`."""

    at: int
    of: "Part"
    calls: tuple[FilterCall, ...]


@dataclass(frozen=True, slots=True)
class Tested:
    """In an expression's tree: `value is test`, `value is not test`."""

    at: int
    of: "Part"
    call: FilterCall
    negated: bool


Part = Literal | Named | Within | ListPart | MapPart | Prefix | Chain | IfElse | Filtered | Tested
