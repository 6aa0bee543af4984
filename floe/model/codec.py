"""Converts values to JSON shapes and back, by the types of their fields.

Writing leaves out fields that equal their default; reading ignores unknown fields. So an older
floe can read what it knows of a newer log, and old logs stay readable. A member of a union of
classes carries its class name as `kind`.
"""

import dataclasses
import functools
import json
import operator
import types
import typing
from collections.abc import Callable, Mapping, Sequence, Set
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final, TypeVar, cast

import msgspec

from floe.model.event import Event
from floe.model.flow import Flow
from floe.model.ids import Instant, Json, Shape

T = TypeVar("T")
Body = str | bytes
"""An event as stores keep it and hosts send it: its JSON text, or bytes that hold it."""

_encoding: Final = json.JSONEncoder(
    separators=(",", ":"), ensure_ascii=False, check_circular=False, allow_nan=False
)
_parts: Final[Callable[[object, int], Sequence[str]]] = cast(Any, json.encoder).c_make_encoder(
    None, _encoding.default, json.encoder.encode_basestring, None, ":", ",", False, False, False
)
"""The same in C, made once: `JSONEncoder` makes it for each text."""


_shown: Final = msgspec.json.Encoder().encode


def to_text(value: object) -> str:
    """Encode a JSON shape as compact text. Raises ValueError for NaN and infinities."""
    return "".join(_parts(value, 0))


def shown_text(value: object) -> str:
    """Encode a JSON shape for readers alone, in a quarter of the time; some floats differ.

    Only for values that a store has taken: NaN would become null.
    """
    try:
        return _shown(value).decode()
    except (UnicodeEncodeError, TypeError, OverflowError):  # half a character, a class of texts
        return to_text(value)


def from_text(text: str | bytes) -> Json:
    """Decode the text of a JSON shape. Raises ValueError."""
    return cast(Json, json.loads(text))


def encode(value: object) -> Shape:
    """Encode a frozen dataclass as its JSON shape, without its defaults."""
    cls: Any = type(value)
    return _encoder(cls)(value)


def decode(cls: type[T], shape: Mapping[str, Json]) -> T:
    """Decode the JSON shape of a dataclass. Raises KeyError, TypeError or ValueError."""
    return cast(T, _decoder(cast(Any, cls))(shape))


def encode_event(event: Event) -> Shape:
    """The JSON shape of an event's fields; the store keeps its name separately."""
    return encode(event)


def event_text(event: Event) -> str:
    """`to_text` of the JSON shape of an event's fields. Raises ValueError for NaN and infinities.

    Most events have no number but whole ones: `msgspec` writes these to the letter as `json` does,
    in a fifth of the time.
    """
    cls: Any = type(event)
    shape = _encoder(cls)(event)
    for name in _numbered(cls):
        if shape.get(name):
            return to_text(shape)
    return shown_text(shape)


def decode_event(name: str, shape: Mapping[str, Json]) -> Event:
    """An event from its name and fields. Raises KeyError for a name from a newer floe."""
    return cast(Event, _decoder(EVENTS[name])(shape))


EVENTS: Final[Mapping[str, type]] = {cls.__name__: cls for cls in typing.get_args(Event)}


def digest_of(flow: Flow) -> str:
    """The name of a stored flow: `sha256:` and the hash of its encoding by this codec."""
    text = json.dumps(encode(flow), sort_keys=True, separators=(",", ":"))
    return "sha256:" + sha256(text.encode()).hexdigest()


def iso(at: Instant | None) -> str | None:
    """Encode an instant as in API, CLI and feed: `2026-11-21T10:00:00.123Z`."""
    if at is None:
        return None
    seconds, ms = divmod(at, 1000)
    return f"{_second(seconds)}.{ms:03d}Z"


@functools.lru_cache(maxsize=64)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@functools.cache
def _encoder(cls: Any) -> Callable[[Any], Shape]:
    hints = typing.get_type_hints(cls)
    plan = [
        (f.name, _default(f), _shape_out(hints[f.name])) for f in dataclasses.fields(cls) if f.init
    ]

    fields_of = _fields_of([name for name, _, _ in plan])

    def encoded(value: Any) -> Shape:
        shape: Shape = {}
        for (name, default, out), field in zip(plan, fields_of(value)):  # noqa: B905  # of its plan
            if field is not default and field != default:
                shape[name] = field if out is None else out(field)
        return shape

    return encoded


@functools.cache
def _numbered(cls: Any) -> tuple[str, ...]:
    """The fields of a class in which a number may be that is not whole."""
    hints = typing.get_type_hints(cls)
    return tuple(f.name for f in dataclasses.fields(cls) if _may_have_float(hints[f.name], set()))


def _may_have_float(hint: Any, seen: set[Any]) -> bool:
    if hint in (float, Json, Any, object):
        return True
    if dataclasses.is_dataclass(hint):
        if hint in seen:
            return False
        seen.add(hint)
        return any(_may_have_float(one, seen) for one in typing.get_type_hints(hint).values())
    return any(_may_have_float(one, seen) for one in typing.get_args(hint))


def _fields_of(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Reads the fields of an object in one call: there are hundreds in the events of a run."""
    if len(names) > 1:
        return operator.attrgetter(*names)
    return lambda value: tuple(getattr(value, name) for name in names)


def _default(field: "dataclasses.Field[Any]") -> object:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default  # MISSING equals no value, so such a field is always written


def _shape_out(hint: Any) -> Callable[[Any], Any] | None:
    """The function that writes a field of this type; None if the value is written unchanged."""
    if hint is Json or hint in (str, int, float, bool, None, type(None)):
        return None
    args = typing.get_args(hint)
    origin = typing.get_origin(hint)
    if dataclasses.is_dataclass(hint):
        return encode
    if origin in (typing.Union, types.UnionType):
        members = [a for a in args if a is not type(None)]
        classes = [a for a in members if dataclasses.is_dataclass(a)]
        if not classes:
            return None if all(_shape_out(m) is None for m in members) else _shape_out(members[0])
        if str in members:  # a text, or what is more than a text
            return lambda v: v if isinstance(v, str) else encode(v)
        if len(classes) == 1:
            return lambda v: None if v is None else encode(v)
        return lambda v: None if v is None else {"kind": type(v).__name__, **encode(v)}
    if origin in (frozenset, Set):
        return sorted
    if origin in (tuple, Sequence):
        inner = _shape_out(args[0])
        plain = list if origin is tuple else None
        return plain if inner is None else lambda v: [inner(x) for x in v]
    return None


@functools.cache
def _decoder(cls: Any) -> Callable[[Mapping[str, Any]], Any]:
    hints = typing.get_type_hints(cls)
    plan = [(f.name, _shape_in(hints[f.name])) for f in dataclasses.fields(cls) if f.init]

    def decoded(shape: Mapping[str, Any]) -> Any:
        return cls(
            **{
                name: shape[name] if into is None else into(shape[name])
                for name, into in plan
                if name in shape
            }
        )

    return decoded


def _shape_in(hint: Any) -> Callable[[Any], Any] | None:
    """The function that reads a field of this type; None if the value is used unchanged."""
    if hint is Json:
        return None
    args = typing.get_args(hint)
    origin = typing.get_origin(hint)
    if dataclasses.is_dataclass(hint):
        return cast(Callable[[Any], Any], _decoder(cast(Any, hint)))
    if origin in (typing.Union, types.UnionType):
        members = [a for a in args if a is not type(None)]
        classes: dict[str, Any] = {
            a.__name__: a for a in members if isinstance(a, type) and dataclasses.is_dataclass(a)
        }
        if not classes:
            inner = _shape_in(members[0])
            return None if inner is None else lambda v: None if v is None else inner(v)
        if str in members:
            richer = _decoder(next(iter(classes.values())))
            return lambda v: v if isinstance(v, str) else richer(v)
        if len(classes) == 1:
            only = _decoder(next(iter(classes.values())))
            return lambda v: None if v is None else only(v)
        return lambda v: None if v is None else _decoder(classes[v["kind"]])(v)
    if origin in (frozenset, Set):
        return frozenset
    if origin in (tuple, Sequence):
        item = _shape_in(args[0])
        plain = tuple if origin is tuple else None
        return plain if item is None else lambda v: tuple(item(x) for x in v)
    return None
