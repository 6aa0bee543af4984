"""Inputs of commands: JSON becomes the type that a handler names.

Templates of flows give texts, so a text becomes a number or a truth where the type asks for one.
"""

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints


class WrongInput(ValueError):
    """An input that does not have the type of its handler. The text names the place in it."""


def read(kind: Any, value: Any, place: str = "input") -> Any:
    """The value as a dataclass, model of pydantic, list, dict, union, literal, enum or scalar."""
    if kind is Any or kind is object:
        return value
    if hasattr(kind, "model_validate"):
        return _model(kind, value, place)
    if is_dataclass(kind) and isinstance(kind, type):
        return _record(kind, value, place)
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _one_of(parts, value, place)
    if origin is Literal:
        return _checked(value in parts, value, place, f"one of {', '.join(map(str, parts))}")
    if (origin or kind) is list:
        _checked(isinstance(value, list), value, place, "a list")
        of = parts[0] if parts else Any
        return [read(of, one, f"{place}[{index}]") for index, one in enumerate(value)]
    if (origin or kind) is dict:
        _checked(isinstance(value, dict), value, place, "an object")
        of = parts[1] if parts else Any
        return {key: read(of, one, f"{place}.{key}") for key, one in value.items()}
    if isinstance(kind, type) and issubclass(kind, Enum):
        members = [member.value for member in kind]
        return kind(_checked(value in members, value, place, f"one of {members}"))
    if kind not in _SCALARS:
        raise TypeError(
            f"{kind} is no type of an input: use a dataclass, a list, a dict or a scalar"
        )
    return _scalar(kind, value, place)


def _model(kind: Any, value: Any, place: str) -> Any:
    try:
        return kind.model_validate(value)
    except ValueError as error:
        raise WrongInput(f"{place}: {error}") from error


def _record(kind: Any, value: Any, place: str) -> Any:
    """A dataclass; members that it does not have are left out."""
    _checked(isinstance(value, dict), value, place, "an object")
    hints, given = get_type_hints(kind), {}
    for field in (one for one in fields(kind) if one.init):
        if field.name in value:
            given[field.name] = read(hints[field.name], value[field.name], f"{place}.{field.name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise WrongInput(f"{place}.{field.name} is missing")
    return kind(**given)


def _one_of(kinds: tuple[Any, ...], value: Any, place: str) -> Any:
    """The first type that takes the value; one that is exactly its type goes first."""
    faults = []
    for kind in sorted(kinds, key=lambda kind: kind is not type(value)):
        try:
            return read(kind, value, place)
        except WrongInput as fault:
            faults.append(str(fault))
    raise WrongInput("; or ".join(faults))


def _checked(is_right: bool, value: Any, place: str, wanted: str) -> Any:
    if not is_right:
        raise WrongInput(f"{place} is {_NAMES.get(type(value), 'a value')}, not {wanted}")
    return value


def _whole(value: Any) -> int:
    if isinstance(value, str):
        return int(value) if "." not in value else _whole(float(value))
    if isinstance(value, bool) or value != int(value):
        raise ValueError(value)
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError(value)  # noqa: TRY004
    return float(value)


def _truth(value: Any) -> bool:
    return value if isinstance(value, bool) else {"true": True, "false": False}[value.lower()]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(value)  # noqa: TRY004
    return value


def _nothing(value: Any) -> None:
    if value is not None:
        raise ValueError(value)


_SCALARS: Final[Mapping[Any, tuple[Callable[[Any], Any], str]]] = {
    int: (_whole, "a whole number"),
    float: (_number, "a number"),
    bool: (_truth, "true or false"),
    str: (_text, "a text"),
    type(None): (_nothing, "null"),
}
_NAMES: Final[Mapping[type, str]] = {
    str: "a text",
    int: "a number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


def _scalar(kind: Any, value: Any, place: str) -> Any:
    convert, wanted = _SCALARS[kind]
    try:
        return convert(value)
    except (ValueError, TypeError, LookupError, OverflowError, AttributeError):
        return _checked(False, value, place, wanted)
