"""Hides the passwords that people gave to a run of a dialect, wherever an answer has them.

The log keeps them, since the steps of the run need them. An answer shows `***` for each, also
where a step printed it or an error quotes it.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from floe.expr.masking import VALUE_CHARS_MIN, Masks
from floe.model.ids import Json, Shape
from floe.model.run import Run
from floe.model.secret import HIDDEN, Secret
from floe.model.secret_name import SecretName

GIVEN: Final = ("input", "resolver_input", "values")
"""Where the values of a run have what people gave: below these names, which nest."""

KEPT: Final = 256
"""Sets of passwords whose masks are kept."""


def without_passwords(run: Run, shape: Shape) -> Shape:
    """What an answer shows of a run, without the passwords of the run."""
    found = tuple(dict.fromkeys(_passwords(run)))
    return _hidden(shape, frozenset(found), _masks(found)) if found else shape


def _passwords(run: Run) -> Iterator[str]:
    names = run.flow.passwords if run.flow is not None else ()
    if not names:
        return
    given = [run.values]
    if run.passes is not None and run.passes.resolution is not None:
        given.append(run.passes.resolution.values)
    for values in given:
        yield from _named(values, names)


def _named(values: Mapping[str, Json], names: tuple[str, ...]) -> Iterator[str]:
    """The texts of some names, as far as they are below what people gave."""
    for part in GIVEN:
        below = values.get(part)
        if isinstance(below, Mapping):
            yield from _named(below, names)
            for name in names:
                yield from _texts(below.get(name))


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str) and value:
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


@lru_cache(KEPT)
def _masks(passwords: tuple[str, ...]) -> Masks:
    """The masks of those that are long enough to be found within a text."""
    name = SecretName("PASSWORD")
    return Masks((name, Secret(one)) for one in passwords if len(one.strip()) >= VALUE_CHARS_MIN)


def _hidden(value: Any, passwords: frozenset[str], masks: Masks) -> Any:
    if isinstance(value, str):
        return HIDDEN if value in passwords else masks.text(value)
    if isinstance(value, Mapping):
        return {masks.text(key): _hidden(one, passwords, masks) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(one, passwords, masks) for one in value]
    return value
