"""Renders the texts of a template: titles, tags, configurations, results.

A text without `{{` is itself and costs nothing; a short one is read once.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from floe.dialects.utask.places import told, told_of_reading
from floe.expr.errors import ExpressionError
from floe.expr.fuel import Fuel
from floe.expr.gotext.calls import TemplateWorld
from floe.expr.gotext.go_values import Value
from floe.expr.gotext.numbers import number_text
from floe.expr.gotext.printing import NO_VALUE
from floe.expr.gotext.template import TEMPLATE_FUEL, GoTemplate, parse
from floe.model.ids import Json

KEPT_CHARS_MAX: Final = 4096
"""Longest text whose template is kept, so that those that are kept have a bounded size."""

Render = Callable[[str], str]
"""Renders a text with the data of a step or task. Raises ExpressionError."""


def exact(value: Json) -> Value:
    """A value of JSON for a template: a number is its text. It is a copy, for `set` changes it."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return {key: exact(one) for key, one in value.items()}
    return [exact(one) for one in value]


def renderer(data: Value, world: TemplateWorld, fuel: Fuel | None = None) -> Render:
    """A renderer with data, which `exact` made; each text has fuel of its own unless it is given.

    What it raises names the mistake as uTask does: `Templating error: …`.
    """

    def render(text: str) -> str:
        if "{{" not in text:
            return text
        try:
            template = read(text)
        except ExpressionError as error:
            what = f"Templating error: {told_of_reading(text, error)}"
            raise ExpressionError(what, error.hint, error.offset) from error
        try:
            return template.render(data, world, fuel or Fuel(TEMPLATE_FUEL))
        except ExpressionError as error:
            what = f"Templating error: {told(text, error)}"
            raise ExpressionError(what, error.hint, error.offset) from error

    return render


def read(text: str) -> GoTemplate:
    """A template of a text. Raises ExpressionError."""
    return _kept(text) if len(text) <= KEPT_CHARS_MAX else parse(text)


_kept: Final = lru_cache(maxsize=1024)(parse)


def render_leaves(value: Json, render: Render) -> Json:
    """A value of which all texts are rendered; keys are not. Raises ExpressionError."""
    if isinstance(value, str):
        return render(value)
    if isinstance(value, Mapping):
        return {key: render_leaves(one, render) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [render_leaves(one, render) for one in value]
    return value


def render_result(result_format: Mapping[str, Json], render: Render) -> dict[str, Json]:
    """The result of a task: keys and texts are rendered, also in maps; lists stay as they are."""
    made: dict[str, Json] = {}
    for key, value in result_format.items():
        if isinstance(value, str):
            made[render(key)] = render(value)
        elif isinstance(value, Mapping):
            made[render(key)] = render_result(value, render)
        else:
            made[render(key)] = value
    return made


def render_compared(text: str, render: Render) -> str:
    """A side of a comparison: what has no value is empty. Raises ExpressionError."""
    return render(text).replace(NO_VALUE, "")
