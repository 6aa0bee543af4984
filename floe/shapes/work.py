"""The work of a node as people see it: texts with their values, without secrets."""

from typing import cast

from floe.expr.template import part_as_written
from floe.model.call import OutsideWork
from floe.model.callback import Callback
from floe.model.codec import encode
from floe.model.http import HttpAuth, HttpHeader, HttpOutput
from floe.model.ids import Json, Shape
from floe.model.notify import Notify
from floe.model.secret import HIDDEN
from floe.model.secret_name import SecretRef
from floe.model.ssh import FileCopy
from floe.model.template import Template, TemplatePart
from floe.model.work import Work


def work_shape(work: Work) -> Shape:
    """The kind and the fields of work."""
    if isinstance(work, Notify):  # its URL is a secret
        texts = {"text": text_shape(work.text), "subject": text_shape(work.subject)}
        return {"kind": "Notify", "place": work.place, **texts}
    shape = {"kind": type(work).__name__, **encode(work)}
    if isinstance(work, Callback) and work.request:
        shape["request"] = work_shape(work.request)
    if isinstance(work, OutsideWork) and work.texts:
        given = text_shape(work.texts.input), text_shape(work.texts.labels)
        shape["texts"] = dict(zip(("input", "labels"), given, strict=True))
    for name in shape.keys() - {"kind"}:
        value = getattr(work, name)
        if isinstance(value, Template | tuple | HttpAuth):
            shape[name] = text_shape(value)
    return shape


def text_shape(value: object) -> Json:
    """A text of a node's work as people see it, with its values, or as it is written."""
    match value:
        case Template(parts=parts):
            return "".join(map(_shown_part, parts))
        case tuple():
            return [*map(text_shape, value)]
        case HttpHeader(name=name, secret=SecretRef(secret=secret)):
            return {"name": name, "secret": secret}
        case HttpHeader(name=name, value=text):
            return {"name": name, "value": text_shape(text)}
        case HttpOutput(id=id, value=text):
            return {"id": id, "value": text_shape(text)}
        case HttpAuth(bearer=SecretRef(secret=secret)):
            return {"bearer": secret}
        case HttpAuth(user=user, password=password):
            return {"user": text_shape(user), "password": password.secret if password else ""}
        case FileCopy(source=source, target=target):
            return {"from": text_shape(source), "to": text_shape(target)}
        case _:
            return cast("Json", value)


def _shown_part(part: TemplatePart) -> str:
    if part.data is None:
        return part_as_written(part)
    return HIDDEN if part.is_secret else part.data
