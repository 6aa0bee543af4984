"""Builds the work of an http task from its `opts`."""

from typing import Final

from floe.dialects.floe.http_keys import (
    BODY,
    FORM_BODY,
    HEADERS,
    HTTP_TIMEOUT,
    HTTP_URL,
    JSON_BODY,
    METHOD,
)
from floe.dialects.notes import Notes
from floe.dialects.section import SectionValues
from floe.model.http import BodyType, Http

_BODIES: Final[tuple[BodyType, ...]] = ("json", "form", "text")


def read_http(opts: SectionValues, name: str, notes: Notes) -> Http:
    """The request of an http task."""
    keys = zip((JSON_BODY, FORM_BODY, BODY), _BODIES, strict=True)
    bodies = [(key, type_) for key, type_ in keys if key in opts]
    for key, _ in bodies[1:]:
        what = f"`{bodies[0][0].name}` and `{key.name}` are both given"
        notes.error(opts.at_of(key), what, "a request has one body; remove one")
    body, body_type = (opts[bodies[0][0]], bodies[0][1]) if bodies else (None, "text")
    return Http(
        url=opts[HTTP_URL],
        method=opts[METHOD] or ("GET" if body is None else "POST"),
        headers=opts[HEADERS],
        body=body,
        body_type=body_type,
        timeout_s=opts[HTTP_TIMEOUT],
    )
