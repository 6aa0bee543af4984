"""The keys of an http task. It has no behaviour, as `vocabulary`."""

from typing import Final

from floe.dialects.floe.http_kinds import (
    BoundedSize,
    FormBodyKind,
    HeadersKind,
    JsonBodyKind,
    ReplyOutputsKind,
    StatusesKind,
)
from floe.dialects.floe.secrets import SecretRefKind
from floe.dialects.floe.templates import FilledText
from floe.dialects.kinds import AnyMap, Duration, Flag, Text, Whole
from floe.dialects.section import KeySpec, Section
from floe.dialects.tree import Table
from floe.model.http import SUCCESS, HttpHeader, HttpOutput
from floe.model.secret_name import SecretRef
from floe.model.template import Template

NO_TEXT: Final[str | Template] = ""
NO_BODY: Final[str | Template | None] = None
NO_HEADERS: Final[tuple[HttpHeader, ...]] = ()
NO_OUTPUTS: Final[tuple[HttpOutput, ...]] = ()
NO_STATUSES: Final[tuple[str, ...]] = ()
NO_SECRET: Final[SecretRef | None] = None
NO_MAP: Final[Table | None] = None

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
BEARER: Final = KeySpec(
    name="bearer",
    kind=SecretRefKind(),
    default=NO_SECRET,
    doc="The secret with a token.",
    example="bearer: {secret: API_TOKEN}",
)
AUTH_USER: Final = KeySpec(
    name="user",
    kind=FilledText(),
    default=NO_TEXT,
    doc="The user, with values in it.",
    example="user: floe",
)
AUTH_PASSWORD: Final = KeySpec(
    name="password",
    kind=SecretRefKind(),
    default=NO_SECRET,
    doc="The secret with the password of the user.",
    example="password: {secret: API_PASSWORD}",
)
AUTH_MAP: Final = Section(
    name="`auth`",
    keys=(BEARER, AUTH_USER, AUTH_PASSWORD),
    doc="Either `bearer`, or `user` and `password`.",
)
AUTH: Final = KeySpec(
    name="auth",
    kind=AnyMap(takes_values=True),
    default=NO_MAP,
    absent="none",
    doc="The credentials, which no log and no page shows.",
    example="auth: {bearer: {secret: API_TOKEN}}",
)
EXPECTED: Final = KeySpec(
    name="expect",
    kind=StatusesKind(),
    default=SUCCESS,
    absent="`2xx`",
    doc="Statuses that are good: a list, or one; `2xx` is all from 200 to 299.",
    example="expect: [2xx, 404]",
)
RETRY_ON: Final = KeySpec(
    name="retry-on",
    kind=StatusesKind(),
    default=NO_STATUSES,
    absent="none",
    doc="Statuses after which the same attempt sends the request again: at most 5 times, after 1, "
    "2, 4, 8 and 16 s, or after the `Retry-After` of the reply if that is at most 60 s.",
    example="retry-on: [429, 503]",
)
REPLY_OUTPUTS: Final = KeySpec(
    name="outputs",
    kind=ReplyOutputsKind(),
    default=NO_OUTPUTS,
    absent="`status`, `headers` and `body`",
    doc="Outputs by name, with expressions over `status`, `headers` and `body` of the reply; "
    "`status` is always one.",
    example="outputs: {id: '{{ body.id }}'}",
)
REDIRECTS: Final = KeySpec(
    name="redirects",
    kind=Whole(0, 10),
    default=0,
    doc="How many redirects are followed. Credentials and secrets go to the first server only.",
    example="redirects: 3",
)
BODY_MAX: Final = KeySpec(
    name="body-max",
    kind=BoundedSize(10 << 20),
    default=1 << 20,
    absent="1MiB",
    doc="The largest body of a reply, at most 10MiB; a larger one ends the task with `error`.",
    example="body-max: 5MiB",
)
CA_FILE: Final = KeySpec(
    name="ca-file",
    kind=Text(r"/\S.*", "an absolute path"),
    default="",
    absent="the system's certificates",
    doc="A PEM file of the host with further certificates to trust.",
    example="ca-file: /etc/floe/company-ca.pem",
)
VERIFY: Final = KeySpec(
    name="verify",
    kind=Flag(),
    default=True,
    doc="Check the certificate of the server.",
    example="verify: false",
)
HTTP: Final = Section(
    name="`opts` of an http task",
    keys=(
        HTTP_URL,
        METHOD,
        HEADERS,
        JSON_BODY,
        FORM_BODY,
        BODY,
        AUTH,
        EXPECTED,
        RETRY_ON,
        REPLY_OUTPUTS,
        HTTP_TIMEOUT,
        REDIRECTS,
        BODY_MAX,
        CA_FILE,
        VERIFY,
    ),
    doc="Sends a request over http or https and judges the status of the reply.",
)
