"""The keys of the request of a call, which has its address in it. It has no behaviour."""

from dataclasses import replace
from typing import Final

from floe.dialects.floe.http_keys import (
    AUTH,
    BODY,
    CA_FILE,
    EXPECTED,
    FORM_BODY,
    HEADERS,
    HTTP_TIMEOUT,
    HTTP_URL,
    JSON_BODY,
    METHOD,
    REDIRECTS,
    RETRY_ON,
    VERIFY,
)
from floe.dialects.floe.http_kinds import FormBodyKind, HeadersKind, JsonBodyKind
from floe.dialects.floe.templates import FilledText
from floe.dialects.kinds import Text
from floe.kernel.judge import CALLBACK

_URL: Final = Text(r"https?://[^\s/]\S*", "an http:// or https:// URL")
_FILLED: Final = FilledText(also=(CALLBACK,))

CALL_URL: Final = replace(
    HTTP_URL,
    kind=FilledText(_URL, may_begin=True, also=(CALLBACK,)),
    required=False,
    absent="no request: people pass the address on",
    doc="Whom to tell the address, which is `{{ callback }}`.",
    example="url: https://review.example.com/jobs",
)
CALL_HEADERS: Final = replace(HEADERS, kind=HeadersKind(_FILLED))
CALL_JSON: Final = replace(
    JSON_BODY,
    kind=JsonBodyKind(_FILLED),
    example="json: {version: '{{ values.version }}', answer_to: '{{ callback }}'}",
)
CALL_FORM: Final = replace(
    FORM_BODY, kind=FormBodyKind(_FILLED), example="form: {answer_to: '{{ callback }}'}"
)
CALL_BODY: Final = replace(BODY, kind=_FILLED, example="body: 'Approve: {{ callback }}'")
CALL_TIMEOUT: Final = replace(
    HTTP_TIMEOUT, doc="Time limit of the request; that of the answer is `timeout` of the task."
)
OF_REQUEST: Final = (
    CALL_URL,
    METHOD,
    CALL_HEADERS,
    CALL_JSON,
    CALL_FORM,
    CALL_BODY,
    AUTH,
    EXPECTED,
    RETRY_ON,
    CALL_TIMEOUT,
    REDIRECTS,
    CA_FILE,
    VERIFY,
)
"""The keys of the request of a call."""
