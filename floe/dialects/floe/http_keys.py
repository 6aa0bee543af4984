"""The keys of an http task. It has no behaviour, as `vocabulary`."""

from typing import Final

from floe.dialects.floe.http_kinds import FormBodyKind, HeadersKind, JsonBodyKind
from floe.dialects.floe.templates import FilledText
from floe.dialects.kinds import Duration, Text
from floe.dialects.section import KeySpec, Section
from floe.model.http import HttpHeader
from floe.model.template import Template

NO_TEXT: Final[str | Template] = ""
NO_BODY: Final[str | Template | None] = None
NO_HEADERS: Final[tuple[HttpHeader, ...]] = ()

HTTP_URL: Final = KeySpec(
    name="url",
    kind=FilledText(Text(r"https?://[^\s/]\S*", "an http:// or https:// URL"), may_begin=True),
    default=NO_TEXT,
    required=True,
    doc="Where to send the request, with values in it. It is sent byte for byte as written.",
    example="url: 'https://api.example.com/v1/apps/{{ values.app }}'",
)
METHOD: Final = KeySpec(
    name="method",
    kind=Text(r"(?!CONNECT$|TRACE$)[A-Z]{1,20}", "GET, HEAD, POST, PUT, PATCH, DELETE, …"),
    default="",
    absent="`POST` with a body, else `GET`",
    doc="The method.",
    example="method: PUT",
)
HEADERS: Final = KeySpec(
    name="headers",
    kind=HeadersKind(),
    default=NO_HEADERS,
    doc="Headers by name, with values in them.",
    example="headers: {Accept: application/json, X-Run: '{{ run.id }}'}",
)
JSON_BODY: Final = KeySpec(
    name="json",
    kind=JsonBodyKind(),
    default=NO_BODY,
    doc="The body as any JSON, with values in its texts. A text that is one expression keeps the "
    "type of its value.",
    example="json: {version: '{{ values.version }}', replicas: 3}",
)
FORM_BODY: Final = KeySpec(
    name="form",
    kind=FormBodyKind(),
    default=NO_BODY,
    doc="The body as a form: names with a text each, or a list of texts, with values in them.",
    example="form: {branch: '{{ values.branch }}', tag: [a, b]}",
)
BODY: Final = KeySpec(
    name="body",
    kind=FilledText(),
    default=NO_BODY,
    doc="The body as text, with values in it.",
    example="body: 'deploy {{ values.version }}'",
)
HTTP_TIMEOUT: Final = KeySpec(
    name="timeout",
    kind=Duration(),
    default=30.0,
    absent="`30s`",
    doc="Time limit from the look-up of the name to the end of the reply; then the task ends with "
    "`error`.",
    example="timeout: 5s",
)
HTTP: Final = Section(
    name="`opts` of an http task",
    keys=(HTTP_URL, METHOD, HEADERS, JSON_BODY, FORM_BODY, BODY, HTTP_TIMEOUT),
    doc="Sends a request over http or https and judges the status of the reply.",
)
