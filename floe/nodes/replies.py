"""Replies of servers to the requests of tasks, and what becomes of them: output and outputs."""

import codecs
import re
from collections.abc import Mapping
from functools import partial
from typing import Final

from floe.expr.errors import ExpressionError
from floe.expr.fuel import RESULT_BYTES_MAX, Fuel
from floe.expr.paths import value_at
from floe.expr.values import as_text, size
from floe.kernel.judge import code_of, fault_text, value_of_part
from floe.model.http import HttpOutput
from floe.model.ids import Json
from floe.model.nouns import dataclass

OUTPUT_BYTES_MAX: Final = 64 * 1024
"""Of a body that becomes an output; the log of the task has longer ones."""

_JSON: Final = re.compile(r"application/(?:[\w.+-]+\+)?json", re.IGNORECASE)
_CHARSET: Final = re.compile(r";\s*charset=\"?([\w-]+)\"?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpReply:
    """A complete reply of a server."""

    status: int
    reason: str
    headers: Mapping[str, str]
    """By name in lower case; the values of one that comes several times, joined by commas."""
    fields: tuple[tuple[str, str], ...] = ()
    """The headers as the server sent them, in order."""
    body: bytes

    @property
    def status_text(self) -> str:
        """`404 Not Found`."""
        return f"{self.status} {self.reason}".strip()

    @property
    def content_type(self) -> str:
        """The type of the body as the server names it; empty if it does not."""
        return self.headers.get("content-type", "")


def outputs_of(reply: HttpReply) -> tuple[dict[str, Json], str]:
    """The outputs of a reply: `status`, `headers` and `body`, and why `body` is not among them.

    JSON by its type is an output with its types; any other body is text.
    """
    found: dict[str, Json] = {"status": reply.status, "headers": dict(reply.headers)}
    if not reply.body:
        return found, ""
    if len(reply.body) > OUTPUT_BYTES_MAX:
        kept = OUTPUT_BYTES_MAX // 1024
        return found, f"the body is no output: it has {len(reply.body)} bytes, more than {kept} KiB"
    body, why = body_of(reply)
    return ({**found, "body": body} if body is not None else found), why


def named_outputs(reply: HttpReply, outputs: tuple[HttpOutput, ...]) -> tuple[dict[str, Json], str]:
    """The named outputs of a reply with `status`, and why one of them has no value."""
    found: dict[str, Json] = {"status": reply.status}
    body, _ = body_of(reply) if reply.body else ("", "")
    seen: dict[str, Json] = {"status": reply.status, "headers": dict(reply.headers), "body": body}
    for output in outputs:
        fuel, parts = Fuel(), output.value.parts
        try:
            values = [
                value_of_part(part, partial(value_at, seen), fuel) if part.is_value else part.text
                for part in parts
            ]
            is_typed = len(parts) == 1
            found[output.id] = values[0] if is_typed else "".join(as_text(v, fuel) for v in values)
        except ExpressionError as fault:
            code = next(map(code_of, filter(lambda part: part.is_value, parts)), "")
            return found, f"output {output.id}: {fault_text(code, fault)}"
    if size(found, Fuel(RESULT_BYTES_MAX)) > RESULT_BYTES_MAX:
        return {"status": reply.status}, "the outputs of a request have at most 1 MiB together"
    return found, ""


def body_of(reply: HttpReply) -> tuple[Json, str]:
    """The body of a reply as a value, or why it is none or only text."""
    text = _text_of(reply)
    if text is None:
        return None, "the body is no output: it is not text"
    if not _JSON.match(reply.content_type):
        return text, ""
    from floe.expr.flow.text_filters import parse_json  # most flows have no expression

    try:
        return parse_json(text, Fuel(2 * len(text) + 64)), ""
    except ExpressionError:
        return text, "the body is not the JSON that its type promises; it stays text"


def _text_of(reply: HttpReply) -> str | None:
    charset = _CHARSET.search(reply.content_type)
    try:
        return reply.body.decode(codecs.lookup(charset[1] if charset else "utf-8").name)
    except (LookupError, UnicodeError):
        return None
