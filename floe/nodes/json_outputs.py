"""Reads the outputs that a command wrote as JSON; what it wrote may be anything."""

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from floe.expr.errors import ExpressionError
from floe.expr.fuel import Fuel
from floe.expr.values import size
from floe.model.errors import Yours
from floe.model.ids import NAME, Json
from floe.model.number import NUMBER_END

FILE: Final = "FLOE_OUTPUTS.json"
DIGITS_MAX: Final = 20
"""Of a whole number, so that a long one is never computed."""


VALUES_MAX: Final = 10_000
"""Values in all outputs of an attempt, those in lists and maps included."""

_PIECE: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[{,]')


def pieces_of(data: bytes) -> int:
    """How many pieces outputs as JSON have at least: values and names, counted at no cost."""
    return data.count(b",") + data.count(b"[") + data.count(b"{")


def parsed(data: bytes) -> dict[str, Json]:
    """Outputs by name, from a JSON object. An empty file has none.

    Raises Yours for anything else, for a name that no output can have or that comes twice, for a
    number that does not fit into 64 bits, for more than 64 levels, and for more than `VALUES_MAX`
    values.
    """
    if not data.strip():
        return {}
    _check_count(data)
    try:
        found = json.loads(
            data.decode(),
            object_pairs_hook=_map,
            parse_int=_whole,
            parse_float=_number,
            parse_constant=_no_number,
        )
        size(found, Fuel(2 * len(data)))
    except json.JSONDecodeError as error:
        raise _fault(f"is not JSON: {error.msg}, at {error.lineno}:{error.colno}") from None
    except UnicodeDecodeError:
        raise _fault("is not UTF-8") from None
    except RecursionError:
        raise _fault("has too many levels") from None
    except ExpressionError as error:
        raise _fault(f"cannot be read: {error.what}") from None
    if not isinstance(found, dict):
        raise _fault('is not a JSON object, such as {"url": "https://…"}')
    for name in found:
        if not NAME.fullmatch(name):
            raise _fault(f"has the name {name[:60]!r}, which no output can have")
    return found


def _check_count(data: bytes) -> None:
    """Refuse too many values before they are made. A text counts as one, whatever is in it."""
    if pieces_of(data) <= VALUES_MAX:
        return
    values = texts = 0
    for piece in _PIECE.finditer(data):
        if piece[0].startswith(b'"'):
            texts += 1
        else:
            values += 1
        if values > VALUES_MAX or texts > 2 * VALUES_MAX:  # a value of a map has a name
            raise _fault(f"has more than {VALUES_MAX} values")


def _fault(what: str) -> Yours:
    return Yours(f"{FILE} {what}", "write one JSON object, for instance by `jq -n`")


def _map(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise _fault(f"has the name {twice[:60]!r} twice")
    return found


def _whole(text: str) -> int:
    number = int(text) if len(text) <= DIGITS_MAX else NUMBER_END
    if not -NUMBER_END < number < NUMBER_END:
        raise _fault(f"has a whole number of more than 64 bits, {text[:24]}")
    return number


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _fault(f"has a number that is too large, {text[:24]}")
    return number


def _no_number(text: str) -> float:
    raise _fault(f"has {text}, which is no JSON")
