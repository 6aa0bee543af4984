"""Semantic versions and the constraints on them, as sprig's `semver` and `semverCompare` read them.

Source: https://masterminds.github.io/sprig/semver.html, https://semver.org.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from floe.expr.errors import ExpressionError
from floe.expr.fuel import Fuel
from floe.expr.gotext.calls import Function, function
from floe.expr.gotext.go_values import GoNamed, Value
from floe.model.nouns import dataclass

_VERSION: Final = re.compile(
    r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?"
    r"(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?",
    re.ASCII,
)
_NUMBER: Final = r"(?:[0-9]+|[xX*])"
_PART: Final = (
    rf"v?{_NUMBER}(?:\.{_NUMBER})?(?:\.{_NUMBER})?(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?"
)
_CONSTRAINT: Final = re.compile(rf"\s*(=<|=>|<=|>=|!=|~>|[=<>~^]?)\s*({_PART})\s*,?", re.ASCII)
_RANGE: Final = re.compile(rf"\s*({_PART})\s+-\s+({_PART})\s*", re.ASCII)
_NUMBER_MAX: Final = 1 << 64
_TEXT_MAX: Final = 256
"""Characters of a version or a constraint."""


@dataclass(frozen=True, slots=True)
class _Numbers:
    """The numbers and the prerelease of a version."""

    major: int
    minor: int
    patch: int
    prerelease: str = ""


class Version(GoNamed):
    """Go's *semver.Version."""

    __slots__ = ("metadata", "numbers", "original")
    go_type = "*semver.Version"
    go_kind = "ptr"

    def __init__(self, numbers: _Numbers, metadata: str, original: str) -> None:
        self.numbers, self.metadata, self.original = numbers, metadata, original

    def text(self) -> str:
        """The version, with all three numbers."""
        one = self.numbers
        text = f"{one.major}.{one.minor}.{one.patch}"
        text += f"-{one.prerelease}" if one.prerelease else ""
        return text + (f"+{self.metadata}" if self.metadata else "")

    def json(self) -> str:
        """The same in quotes."""
        return f'"{self.text()}"'


def read_version(text: str) -> Version:
    """A version; minor and patch may be missing. Raises ExpressionError."""
    found = _VERSION.fullmatch(text) if len(text) <= _TEXT_MAX else None
    if not found:
        raise ExpressionError("Invalid Semantic Version")
    major, minor, patch = (int(number or 0) for number in found.groups()[:3])
    prerelease, metadata = found[4] or "", found[5] or ""
    if max(major, minor, patch) >= _NUMBER_MAX:
        raise ExpressionError("Invalid Semantic Version")
    if any(re.fullmatch(r"0\d+", one, re.ASCII) for one in prerelease.split(".")):
        raise ExpressionError("Version segment starts with 0")
    return Version(_Numbers(major, minor, patch, prerelease), metadata, text)


def _rank(one: _Numbers) -> tuple[Value, ...]:
    """What orders versions: a prerelease is before its version, its numbers before its texts."""
    parts = [
        (0, int(part), "") if part.isdigit() else (1, 0, part)
        for part in one.prerelease.split(".")
        if part
    ]
    return (one.major, one.minor, one.patch, not one.prerelease, parts)


def compared(left: _Numbers, right: _Numbers) -> int:
    """-1, 0 or 1 as the left version is before, equal or after the right one."""
    one, other = _rank(left), _rank(right)
    return (one > other) - (one < other)


@dataclass(frozen=True, slots=True)
class _Constraint:
    """A sign and a version; the numbers from `free` on (0 to 2) may be any."""

    sign: str
    bound: _Numbers
    free: int

    def admits(self, one: _Numbers) -> bool:
        """Whether a version meets it."""
        if one.prerelease and not self.bound.prerelease:
            return False
        return _SIGNS[self.sign](self, one)


def _is_equal(constraint: _Constraint, one: _Numbers) -> bool:
    if constraint.free < 3:
        return _is_tilde(constraint, one)
    return compared(one, constraint.bound) == 0


def _is_other(constraint: _Constraint, one: _Numbers) -> bool:
    if constraint.free < 3:
        bound = constraint.bound
        pairs = ((one.major, bound.major), (one.minor, bound.minor), (one.patch, bound.patch))
        return any(left != right for left, right in pairs[: constraint.free])
    return compared(one, constraint.bound) != 0


def _is_greater(constraint: _Constraint, one: _Numbers) -> bool:
    bound = constraint.bound
    if constraint.free == 3 or one.major < bound.major:
        return compared(one, bound) > 0
    if one.major > bound.major:
        return True
    return constraint.free == 2 and one.minor > bound.minor


def _is_less_or_equal(constraint: _Constraint, one: _Numbers) -> bool:
    bound = constraint.bound
    if constraint.free == 3:
        return compared(one, bound) <= 0
    if one.major > bound.major:
        return constraint.free == 0
    return not (one.major == bound.major and one.minor > bound.minor and constraint.free == 2)


def _is_tilde(constraint: _Constraint, one: _Numbers) -> bool:
    bound = constraint.bound
    if compared(one, bound) < 0:
        return False
    if constraint.free == 0 or (constraint.free == 3 and bound == _Numbers(0, 0, 0)):
        return True
    return one.major == bound.major and (one.minor == bound.minor or constraint.free == 1)


def _is_caret(constraint: _Constraint, one: _Numbers) -> bool:
    bound, free = constraint.bound, constraint.free
    if compared(one, bound) < 0:
        return False
    if free == 0:
        return True
    if bound.major > 0 or free == 1 or one.major > 0:
        return one.major == bound.major
    if bound.minor > 0 or free == 2:
        return one.minor == bound.minor
    return one.minor == 0 and one.patch == bound.patch


_SIGNS: Final[Mapping[str, Callable[[_Constraint, _Numbers], bool]]] = {
    "": _is_equal,
    "=": _is_equal,
    "!=": _is_other,
    ">": _is_greater,
    "<": lambda constraint, one: compared(one, constraint.bound) < 0,
    ">=": lambda constraint, one: compared(one, constraint.bound) >= 0,
    "=>": lambda constraint, one: compared(one, constraint.bound) >= 0,
    "<=": _is_less_or_equal,
    "=<": _is_less_or_equal,
    "~": _is_tilde,
    "~>": _is_tilde,
    "^": _is_caret,
}


def meets(constraints: str, version: str, fuel: Fuel) -> bool:
    """Whether a version meets constraints: `>=1.2 <2 || ^3.1`. Raises ExpressionError."""
    if len(constraints) > _TEXT_MAX:
        raise ExpressionError("improper constraint")
    fuel.spend(len(constraints))
    groups = [_group(part) for part in constraints.split("||")]
    one = read_version(version).numbers
    return any(all(constraint.admits(one) for constraint in group) for group in groups)


def _group(text: str) -> list[_Constraint]:
    """Constraints of which all must hold."""
    text = _RANGE.sub(r" >=\1 <=\2 ", text)
    found, at = [], 0
    while text[at:].strip():
        one = _CONSTRAINT.match(text, at)
        if not one or not one[0]:
            raise ExpressionError("improper constraint")
        found.append(_constraint(one[1], one[2]))
        at = one.end()
    if not found:
        raise ExpressionError("improper constraint")
    return found


def _constraint(sign: str, text: str) -> _Constraint:
    core = re.split(r"[-+]", text.removeprefix("v"), maxsplit=1)
    numbers = core[0].split(".")
    free = next((at for at, one in enumerate(numbers) if one in "xX*"), len(numbers))
    filled = ".".join([*numbers[:free], *("0",) * (3 - free)])
    if free == 0:
        return _Constraint(">=" if sign != "!=" else sign, _Numbers(0, 0, 0), 0)
    suffix = text.removeprefix("v")[len(core[0]) :]
    return _Constraint(sign, read_version(filled + suffix).numbers, free)


def _next(version: Version, part: str) -> Version:
    """The next major, minor or patch version."""
    one = version.numbers
    match part:
        case "major":
            numbers = _Numbers(one.major + 1, 0, 0)
        case "minor":
            numbers = _Numbers(one.major, one.minor + 1, 0)
        case _:
            patch = one.patch if one.prerelease else one.patch + 1
            numbers = _Numbers(one.major, one.minor, patch)
    made = Version(numbers, "", "")
    made.original = ("v" if version.original.startswith("v") else "") + made.text()
    return made


def _order(sign: Callable[[int], bool]) -> Function:
    return function("any", lambda _, one, other: sign(_compared_to(one, other)))


def _compared_to(one: Version, other: Value) -> int:
    if not isinstance(other, Version):
        raise ExpressionError("wrong type for value; expected *semver.Version")
    return compared(one.numbers, other.numbers)


VERSION_METHODS: Final[dict[str, Function]] = {
    "Compare": function("any", lambda _, one, other: _compared_to(one, other)),
    "Equal": _order(lambda order: order == 0),
    "GreaterThan": _order(lambda order: order > 0),
    "GreaterThanEqual": _order(lambda order: order >= 0),
    "IncMajor": function("", lambda _, one: _next(one, "major")),
    "IncMinor": function("", lambda _, one: _next(one, "minor")),
    "IncPatch": function("", lambda _, one: _next(one, "patch")),
    "LessThan": _order(lambda order: order < 0),
    "LessThanEqual": _order(lambda order: order <= 0),
    "Major": function("", lambda _, one: one.numbers.major),
    "Metadata": function("", lambda _, one: one.metadata),
    "Minor": function("", lambda _, one: one.numbers.minor),
    "Original": function("", lambda _, one: one.original),
    "Patch": function("", lambda _, one: one.numbers.patch),
    "Prerelease": function("", lambda _, one: one.numbers.prerelease),
    "String": function("", lambda _, one: one.text()),
}

VERSIONS: Final[dict[str, Function]] = {
    "semver": function("text", lambda _, text: read_version(text)),
    "semverCompare": function(
        "text text", lambda scope, constraint, version: meets(constraint, version, scope.fuel)
    ),
}
