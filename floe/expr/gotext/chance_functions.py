"""Functions of chance, which the surroundings give, and variables of the flow.

Source: https://masterminds.github.io/sprig/strings.html, /uuid.html; uTask's README, "Values".
"""

import base64
import string
from typing import Final

from floe.expr.errors import ExpressionError
from floe.expr.gotext.calls import Function, Scope, function
from floe.expr.gotext.go_values import GoNamed, Value

RANDOM_MAX: Final = 10_000
"""Characters or bytes of chance at a time."""

_VISIBLE: Final = "".join(map(chr, range(32, 127)))


class Uuid(GoNamed):
    """Go's uuid.UUID."""

    __slots__ = ("_text",)
    go_type = "uuid.UUID"
    go_kind = "array"

    def __init__(self, text: str) -> None:
        self._text = text

    def text(self) -> str:
        """The usual text."""
        return self._text

    def json(self) -> str:
        """The same in quotes."""
        return f'"{self._text}"'

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Uuid) and self._text == other.text()

    __hash__ = None  # type: ignore[assignment]  # a value of a template is no key


def _below(scope: Scope, end: int) -> int:
    """A number from 0 to before an end, each as likely as another."""
    scope.fuel.spend(1)
    return int.from_bytes(scope.surroundings.chance(16), "big") % end


def _random(chars: str) -> Function:
    def compute(scope: Scope, count: int) -> str:
        _check(count)
        scope.fuel.spend(count)
        data = scope.surroundings.chance(8 * count)
        numbers = (data[at : at + 8] for at in range(0, len(data), 8))
        return "".join(chars[int.from_bytes(one, "big") % len(chars)] for one in numbers)

    return function("int", compute)


def _check(count: int) -> None:
    if not 0 <= count <= RANDOM_MAX:
        raise ExpressionError(f"a random text has 0 to {RANDOM_MAX} characters")


def _random_bytes(scope: Scope, count: int) -> str:
    _check(count)
    scope.fuel.spend(count)
    return base64.b64encode(scope.surroundings.chance(count)).decode()


def _random_int(scope: Scope, low: int, end: int) -> int:
    if end <= low:
        raise ExpressionError("invalid argument to Intn")
    return low + _below(scope, end - low)


def _shuffled(scope: Scope, text: str) -> str:
    chars = list(text)
    for at in range(len(chars) - 1, 0, -1):
        other = _below(scope, at + 1)
        chars[at], chars[other] = chars[other], chars[at]
    return "".join(chars)


def _uuid_text(scope: Scope) -> str:
    data = bytearray(scope.surroundings.chance(16))
    data[6] = data[6] & 0x0F | 0x40
    data[8] = data[8] & 0x3F | 0x80
    text = data.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _fail(_: Scope, message: str) -> Value:
    raise ExpressionError(message)


def _eval(scope: Scope, name: str) -> Value:
    return scope.surroundings.variable(name, scope, is_kept=False)


def _eval_kept(scope: Scope, name: str) -> Value:
    return scope.surroundings.variable(name, scope, is_kept=True)


CHANCE: Final[dict[str, Function]] = {
    "eval": function("text", _eval),
    "evalCache": function("text", _eval_kept),
    "fail": function("text", _fail),
    "randAlpha": _random(string.ascii_letters),
    "randAlphaNum": _random(string.ascii_letters + string.digits),
    "randAscii": _random(_VISIBLE),
    "randBytes": function("int", _random_bytes),
    "randInt": function("int int", _random_int),
    "randNumeric": _random(string.digits),
    "shuffle": function("text", _shuffled),
    "uuid": function("", lambda scope: Uuid(_uuid_text(scope))),
    "uuidv4": function("", _uuid_text),
}
