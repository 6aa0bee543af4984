"""Files in a multipart form, as flyte's clients send the items of the datastore.

Source: RFC 7578, RFC 2046 5.1.
"""

from email.message import Message
from typing import Final, NamedTuple

from floe.model.errors import Yours

BREAK: Final = b"\r\n"


class FormPart(NamedTuple):
    """One part of a form."""

    name: str
    filename: str
    """Empty for a plain field."""
    content_type: str
    content: bytes


def form_parts(content_type: str, body: bytes) -> list[FormPart]:
    """The parts of a form, in order. Raises Yours if it is not one, or is not complete."""
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_boundary()
    if header.get_content_type() != "multipart/form-data" or not boundary:
        raise Yours("the body is not multipart/form-data")
    _, *sections = (BREAK + body).split(BREAK + b"--" + boundary.encode())
    parts = list[FormPart]()
    for section in sections:
        if section.startswith(b"--"):
            return parts
        head, found, content = section.partition(BREAK)[2].partition(BREAK + BREAK)
        if section.startswith(BREAK + BREAK):  # a part without headers
            head, found, content = b"", BREAK, section[2 * len(BREAK) :]
        if not found:
            break
        parts.append(_part(head, content))
    raise Yours("the form is not complete")


def _part(head: bytes, content: bytes) -> FormPart:
    fields = Message()
    for line in head.decode(errors="replace").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip() and name.lower() not in fields and value.strip().isprintable():
            fields[name.strip()] = value.strip()
    found = fields.get_param("name", "", "content-disposition")
    return FormPart(
        name=found if isinstance(found, str) else "",
        filename=fields.get_filename("") or "",
        content_type=str(fields.get("Content-Type", "")),
        content=content,
    )
