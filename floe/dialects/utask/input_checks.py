"""Checks the inputs of a template, and values that are given for them."""

from collections.abc import Iterator
from typing import Final

from floe.dialects.notes import Notes
from floe.dialects.utask.document import INPUT_TYPES, UtaskInput
from floe.expr.byte_patterns import BytesPattern
from floe.expr.fuel import Fuel
from floe.expr.gotext.numbers import number_text
from floe.expr.patterns import fault_of
from floe.model.ids import Json

VALUE_CHARS_MAX: Final = 100_000
"""Longest text of a value."""

VALUE_FUEL: Final = 10_000_000
"""Of a pattern that is looked for in a value: enough for the longest value."""

_EXPECTED: Final = {"number": "number", "bool": "boolean"}


def check_input(one: UtaskInput, notes: Notes) -> None:
    """Note the mistakes of an input."""
    if one.regex is not None and one.legal_values:
        notes.error(
            one.place("regex"),
            f"input '{one.name}' has both `regex` and `legal_values`",
            "keep one of them",
        )
    if one.regex is not None and (fault := fault_of(one.regex)):
        notes.error(one.place("regex"), f"Invalid regex for input '{one.name}': {fault}")
        return
    if one.type and one.type not in INPUT_TYPES:
        names = " ".join(INPUT_TYPES)
        notes.error(one.place("type"), f"Invalid input type '{one.type}': must be either [{names}]")
        return
    for value in one.legal_values:
        if value is not None and (fault := _type_fault(one, value)):
            notes.error(one.place("legal_values"), fault)
    if one.default is not None:
        for fault in value_faults(one, one.default):
            notes.error(one.place("default"), fault)


def value_faults(one: UtaskInput, value: Json) -> Iterator[str]:
    """What is wrong with a value of an input."""
    if not one.collection:
        yield from _scalar_faults(one, value)
    elif not isinstance(value, list):
        yield f"Input '{one.name}' is expected to be an array"
    else:
        for element in value:
            if element not in (None, ""):
                yield from _scalar_faults(one, element)


def _type_fault(one: UtaskInput, value: Json) -> str:
    match one.type:
        case "number":
            fits = isinstance(value, int | float) and not isinstance(value, bool)
        case "bool":
            fits = isinstance(value, bool)
        case _:
            fits = isinstance(value, str)
    return (
        ""
        if fits
        else f"Invalid value '{one.name}': expected a {_EXPECTED.get(one.type, 'string')}"
    )


def _scalar_faults(one: UtaskInput, value: Json) -> Iterator[str]:
    if fault := _type_fault(one, value):
        yield fault
        return
    text = _text_of(value)
    if len(text) > VALUE_CHARS_MAX:
        yield f"Invalid input '{one.name}': longer than {VALUE_CHARS_MAX} characters"
    elif one.legal_values:
        if not any(_is_same(value, legal) for legal in one.legal_values):
            legal = " ".join(map(_text_of, one.legal_values))
            yield f"Invalid input '{one.name}': '{text}' is not a legal value ([{legal}])"
    elif one.regex is not None:
        if not _is_found(one.regex, text):
            yield f"Invalid input '{one.name}': '{text}' doesnt comply with regex '{one.regex}'"
    elif '"' in text:
        yield f"Invalid input '{one.name}': cannot contain double quotes"


def _is_found(pattern: str, text: str) -> bool:
    """Whether a pattern matches a part of a text."""
    fuel = Fuel(VALUE_FUEL)
    data = text.encode(errors="replace")
    return BytesPattern(pattern.encode(errors="replace"), fuel).search(data, 0, fuel) is not None


def _is_same(value: Json, legal: Json) -> bool:
    """Equal in type, and numbers by their texts: 1 is not 1.0."""
    return type(value) is type(legal) and value == legal


def _text_of(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(number_text(value))
    return "<nil>" if value is None else str(value)
