"""Checks that a value has the type it claims, before input from outside is trusted."""

import dataclasses
import functools
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from floe.model.number import NUMBER_END

Check = Callable[[Any], bool]


def fits(cls: type, value: object) -> bool:
    """Whether a value is an instance of a class, including all its fields.

    For a `Literal` any text fits, since a newer floe may know more of them.
    """
    return _check(cls)(value)


@functools.cache
def _check(hint: Any) -> Check:
    if isinstance(hint, typing.NewType):
        return _check(hint.__supertype__)
    args, origin = typing.get_args(hint), typing.get_origin(hint)
    if hint is int:
        return _is_whole
    if hint is float:
        return lambda v: isinstance(v, int | float) and not isinstance(v, bool)
    if hint in (str, bool, type(None)):
        return lambda v: isinstance(v, hint)
    if dataclasses.is_dataclass(hint):
        return _of_class(hint)
    if origin in (typing.Union, types.UnionType):
        return _any_of(args)
    if origin is typing.Literal:
        return lambda v: isinstance(v, type(args[0]))
    if origin in (tuple, frozenset, Sequence):
        kind = (list, tuple) if origin is Sequence else origin
        return lambda v: isinstance(v, kind) and all(map(_check(args[0]), v))
    if origin is Mapping:
        key, item = args
        return lambda v: (
            isinstance(v, Mapping)
            and all(map(_check(key), v))
            and all(map(_check(item), v.values()))
        )
    return lambda _: True


def _is_whole(value: object) -> bool:
    return (
        isinstance(value, int) and not isinstance(value, bool) and -NUMBER_END <= value < NUMBER_END
    )


def _any_of(hints: Sequence[Any]) -> Check:
    checks = _Checks(hints)
    return lambda value: any(check(value) for check in checks.all)


def _of_class(cls: Any) -> Check:
    hints = typing.get_type_hints(cls)
    names = [f.name for f in dataclasses.fields(cls) if f.init]
    checks = _Checks([hints[name] for name in names])

    def of_class(value: object) -> bool:
        return isinstance(value, cls) and all(
            check(getattr(value, name)) for name, check in zip(names, checks.all, strict=True)
        )

    return of_class


class _Checks:
    """The checks of some types, made at their first use: a class may have itself in a field."""

    def __init__(self, hints: Sequence[Any]) -> None:
        self._hints = hints

    @functools.cached_property
    def all(self) -> Sequence[Check]:
        """In the order of the types."""
        return [_check(hint) for hint in self._hints]
