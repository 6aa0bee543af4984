"""Builds the work of an http task from its `opts`."""

from typing import Final

from floe.dialects.floe.http_keys import (
    AUTH,
    AUTH_MAP,
    AUTH_PASSWORD,
    AUTH_USER,
    BEARER,
    BODY,
    BODY_MAX,
    CA_FILE,
    EXPECTED,
    FORM_BODY,
    HEADERS,
    HTTP_TIMEOUT,
    HTTP_URL,
    JSON_BODY,
    METHOD,
    REDIRECTS,
    REPLY_OUTPUTS,
    RETRY_ON,
    VERIFY,
)
from floe.dialects.notes import Notes
from floe.dialects.section import SectionValues
from floe.model.http import BodyType, Http, HttpAuth

_BODIES: Final[tuple[BodyType, ...]] = ("json", "form", "text")


def read_http(opts: SectionValues, name: str, notes: Notes) -> Http:
    """The request of an http task."""
    keys = zip((JSON_BODY, FORM_BODY, BODY), _BODIES, strict=True)
    bodies = [(key, type_) for key, type_ in keys if key in opts]
    for key, _ in bodies[1:]:
        what = f"`{bodies[0][0].name}` and `{key.name}` are both given"
        notes.error(opts.at_of(key), what, "a request has one body; remove one")
    body, body_type = (opts[bodies[0][0]], bodies[0][1]) if bodies else (None, "text")
    if not opts[VERIFY]:
        what = "the certificate of the server is not checked: anybody between can read and answer"
        notes.warning(opts.at_of(VERIFY), what, CA_FILE.example)
    return Http(
        url=opts[HTTP_URL],
        method=opts[METHOD] or ("GET" if body is None else "POST"),
        headers=opts[HEADERS],
        body=body,
        body_type=body_type,
        auth=_auth(opts, notes),
        timeout_s=opts[HTTP_TIMEOUT],
        expect=opts[EXPECTED],
        retry_on=opts[RETRY_ON],
        outputs=opts[REPLY_OUTPUTS],
        redirects=opts[REDIRECTS],
        body_max=opts[BODY_MAX],
        ca_file=opts[CA_FILE],
        verify=opts[VERIFY],
    )


def _auth(opts: SectionValues, notes: Notes) -> HttpAuth | None:
    written = opts[AUTH]
    if written is None:
        return None
    part = AUTH_MAP.read(written, notes)
    if any(header.name.lower() == "authorization" for header in opts[HEADERS]):
        what = "`auth` and the header `Authorization` are both given"
        notes.error(part.at, what, "remove the header")
    has_user = AUTH_USER in part or AUTH_PASSWORD in part
    if (BEARER in part) == has_user or (AUTH_USER in part) != (AUTH_PASSWORD in part):
        what = "`auth` needs either `bearer`, or `user` and `password`"
        notes.error(part.at, what, AUTH.example)
    return HttpAuth(bearer=part[BEARER], user=part[AUTH_USER], password=part[AUTH_PASSWORD])
