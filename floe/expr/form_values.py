"""Values that people and machines give, held against the form that asked for them.

What comes out is typed by the form and nothing else: it is data, and never becomes code.
"""

from collections.abc import Mapping
from typing import Final

from floe.expr.patterns import unmatched
from floe.model.codec import from_text, to_text
from floe.model.errors import TooLarge, ValuesInvalid
from floe.model.form import Field, Form
from floe.model.ids import Json
from floe.model.number import exact_number, within
from floe.model.secret import HIDDEN, masked

VALUES_MAX: Final = 1024 * 1024
"""Bytes of all values together, as JSON."""

UNKNOWN_MAX: Final = 20
"""Unknown fields that are named; looking for what was meant takes time for each."""
NAME_MAX: Final = 63

_BOOLS: Final[Mapping[str, bool]] = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


def checked_values(
    form: Form, values: Mapping[str, Json], *, complete: bool = True
) -> dict[str, Json]:
    """The values that a form takes, with its prefilled ones where nothing was given.

    `complete`: whether required fields must be there (not so for a rejection). Raises
    ValuesInvalid with every field that is wrong, TooLarge.
    """
    fields = {f.id: f for f in form.fields}
    taken: dict[str, Json] = {}
    wrong: dict[str, str] = {}
    unknown = sorted(values.keys() - fields.keys())
    for name in unknown[:UNKNOWN_MAX]:
        wrong[_shown(name)] = _unknown(_shown(name), fields)
    if len(unknown) > UNKNOWN_MAX:
        wrong["…"] = f"{len(unknown) - UNKNOWN_MAX} more that the form has not"
    for name, field in fields.items():
        given = values.get(name)
        is_text = field.type in ("text", "string")
        if given is None or (given == "" and not is_text):
            given = field.value
        if given is None or given == "":
            if field.required and complete:
                wrong[name] = "a value is required"
            elif given is not None and is_text:
                taken[name] = given
            continue
        try:
            taken[name] = _matched(field, _typed(field, _unmasked(field, given)))
        except ValueError as error:
            wrong[name] = str(error)
    if wrong:
        raise ValuesInvalid(dict(sorted(wrong.items())))
    check_values_size(taken)
    return taken


def check_values_size(values: Mapping[str, Json]) -> None:
    """Refuse values that are too large together, or that no store can hold.

    Raises TooLarge, ValuesInvalid.
    """
    wrong: dict[str, str] = {}
    size = 0
    for name, value in values.items():
        try:
            size += len(to_text({name: value}).encode())
        except (ValueError, RecursionError):
            wrong[_shown(name)] = "must not contain NaN, Infinity, lone surrogates or cyclic values"
    if wrong:
        raise ValuesInvalid(wrong)
    if size > VALUES_MAX:
        raise TooLarge(f"the values have {size} bytes; at most {VALUES_MAX} are allowed")


def _unmasked(field: Field, given: Json) -> Json:
    """The value of a form itself, where it comes back as it is shown: with its password hidden."""
    if HIDDEN not in str(given) or field.type == "list":
        return given
    own = {one for one in (field.value, *field.choices) if masked(one) == given}
    return own.pop() if len(own) == 1 else given


def _typed(field: Field, given: Json) -> Json:
    match field.type, given:
        case "bool", bool():
            return given
        case "bool", str() if given.strip().lower() in _BOOLS:
            return _BOOLS[given.strip().lower()]
        case "bool", _:
            raise ValueError("true or false is expected")
        case "number", bool():
            raise ValueError("a number is expected")
        case "number", int() | float():
            within(given)
            return given
        case "number", str():
            return exact_number(given)
        case "choice", str() if given in field.choices:
            return given
        case "choice", _:
            raise ValueError("one of " + ", ".join(field.choices) + " is expected")
        case "list", list() | tuple():
            return given
        case "list", str():
            return _listed(given)
        case "list", _:
            raise ValueError("a list is expected")
        case "string", str() if "\n" in given:
            raise ValueError("a single line is expected")
        case "string" | "text", str():
            return given
        case "string" | "text", int() | float() if not isinstance(given, bool):
            return str(given)
        case _:
            raise ValueError("a text is expected")


def _listed(text: str) -> Json:
    """A list as people write it: JSON, a value on each line, or values with commas between them."""
    if text.lstrip().startswith("["):
        try:
            return from_text(text)
        except ValueError:
            raise ValueError("a list as JSON, or values separated by commas, is expected") from None
    parts = text.splitlines() if "\n" in text.strip() else text.split(",")
    return [part.strip() for part in parts if part.strip()]


def _matched(field: Field, value: Json) -> Json:
    """The value itself, if it fits the pattern of its field. Raises ValueError with the reason."""
    if field.pattern and (fault := unmatched(field.pattern, value)):
        raise ValueError(fault)
    return value


def _shown(name: str) -> str:
    """A name from outside, short and printable."""
    clean = name[:NAME_MAX].encode(errors="backslashreplace").decode()
    return clean + ("…" if len(name) > NAME_MAX else "")


def _unknown(name: str, fields: Mapping[str, Field]) -> str:
    from difflib import get_close_matches  # needed for errors only

    near = get_close_matches(name, fields, n=1)
    if near:
        return f"the form has no such field; did you mean {near[0]}?"
    return "the form has no such field" + (f"; it has {', '.join(fields)}" if fields else "")
