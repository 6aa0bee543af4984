"""The work of a node as people see it: texts with their values, without secrets."""

from floe.expr.template import part_as_written
from floe.model.codec import encode
from floe.model.flow import Work
from floe.model.ids import Shape
from floe.model.secret import HIDDEN
from floe.model.template import Template, TemplatePart, has_template


def work_shape(work: Work) -> Shape:
    """The kind and the fields of work."""
    shape = {"kind": type(work).__name__, **encode(work)}
    for name in shape.keys() - {"kind"}:
        value = getattr(work, name)
        if has_template((value,)):
            shape[name] = [*map(_shown, value)] if isinstance(value, tuple) else _shown(value)
    return shape


def _shown(text: object) -> object:
    return "".join(map(_shown_part, text.parts)) if isinstance(text, Template) else text


def _shown_part(part: TemplatePart) -> str:
    if part.data is None:
        return part_as_written(part)
    return HIDDEN if part.is_secret else part.data
