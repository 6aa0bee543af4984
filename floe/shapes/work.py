"""The work of a node as people see it: texts with their values, without secrets."""

from typing import cast

from floe.expr.template import part_as_written
from floe.model.codec import encode
from floe.model.flow import Work
from floe.model.http import HttpHeader
from floe.model.ids import Json, Shape
from floe.model.secret import HIDDEN
from floe.model.template import Template, TemplatePart


def work_shape(work: Work) -> Shape:
    """The kind and the fields of work."""
    shape = {"kind": type(work).__name__, **encode(work)}
    for name in shape.keys() - {"kind"}:
        value = getattr(work, name)
        if isinstance(value, Template | tuple):
            shape[name] = text_shape(value)
    return shape


def text_shape(value: object) -> Json:
    """A text as people see it, with what its values came to, or as they are written."""
    match value:
        case Template(parts=parts):
            return "".join(map(_shown_part, parts))
        case tuple():
            return [*map(text_shape, value)]
        case HttpHeader(name=name, value=text):
            return {"name": name, "value": text_shape(text)}
        case _:
            return cast("Json", value)


def _shown_part(part: TemplatePart) -> str:
    if part.data is None:
        return part_as_written(part)
    return HIDDEN if part.is_secret else part.data
