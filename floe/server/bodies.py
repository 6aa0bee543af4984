"""Bodies, queries and their fields, checked before use."""

import asyncio
import difflib
import json
import math
from collections import Counter
from collections.abc import Mapping
from typing import Final, NoReturn, TypeVar

from aiohttp import web

from floe.model.errors import IdInvalid, TooLarge, ValuesInvalid, Yours
from floe.model.refs import Json
from floe.model.whole import whole
from floe.server.app_keys import BODY, CALLER, STRANGERS
from floe.server.problems import Unsupported

T = TypeVar("T")

Container = dict[str, Json] | list[Json]

BODY_MAX: Final = 2 * 1024 * 1024
"""Bytes of a request's body."""

BODY_S: Final = 30.0
"""Seconds a client may take to send it."""

DEPTH_MAX: Final = 64
"""Levels of lists and objects in one another."""

UNKNOWN_MAX: Final = 20
"""Unknown keys that are named in an error: the search for a similar key costs time for each."""

WRONG_MAX: Final = 50
"""Errors reported about one request."""

KEY_MAX: Final = 80
"""Characters of a key that an error repeats."""

ONCE_MAX: Final = 200
"""Characters of an Idempotency-Key."""


async def raw_body(request: web.Request, most: int = BODY_MAX) -> bytes:
    """The body as sent. Raises TooLarge, before reading if the length is announced."""
    if BODY in request:
        return request[BODY]
    if (request.content_length or 0) > most:
        raise _too_large(most)
    try:
        async with asyncio.timeout(BODY_S) as timeout:
            if CALLER in request:
                return await _read(request, most)
            with request.app[STRANGERS].one(timeout):
                return await _read(request, most)
    except web.RequestPayloadError as error:
        raise Yours(f"the body is incomplete or malformed: {error}") from None
    except TimeoutError:
        raise web.HTTPRequestTimeout(text=f"no complete body within {BODY_S:g} s") from None


async def _read(request: web.Request, most: int) -> bytes:
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # so that aiohttp still sends the reply's own status
    body = bytearray()
    async for data in request.content.iter_any():
        body += data
        if len(body) > most:
            raise _too_large(most)
    return bytes(body)


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"the body exceeds {most} bytes")


async def json_body(
    request: web.Request, *, any_case: bool = False, most: int = BODY_MAX
) -> "Fields":
    """The JSON object of a request; an empty one without a body.

    `any_case`: keys are converted to lower case. Raises TooLarge, Unsupported or Yours.
    """
    body = await raw_body(request, most)
    if not body and not request.body_exists:
        return Fields({})
    if encoding := request.headers.get("Content-Encoding"):
        raise Unsupported(f"a body in {encoding[:20]} is not accepted", "send it unencoded")
    if request.content_type != "application/json":
        raise Unsupported(f"{request.content_type} is not accepted here", "send application/json")
    shape = parse(body)
    if not isinstance(shape, Mapping):
        raise Yours("the body must be a JSON object")
    return Fields(shape, any_case=any_case)


def parse(text: bytes) -> Json:
    """Parse strict JSON: no duplicate keys, finite numbers, no lone surrogates.

    Raises Yours.
    """
    try:
        value: Json = json.loads(
            text.decode(),
            object_pairs_hook=_object,
            parse_float=_finite,
            parse_constant=_no_constant,
        )
        _check_depth(value)
        json.dumps(value, ensure_ascii=False).encode()  # refuses lone surrogates
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise Yours(f"invalid JSON: {error}") from None
    return value


def _too_deep() -> Yours:
    return Yours(f"the body is nested deeper than {DEPTH_MAX} levels")


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    shape: dict[str, Json] = {}
    for key, value in pairs:
        if key in shape:
            raise ValueError(f"key {key[:80]!r} occurs twice")
        shape[key] = value
    return shape


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"number {text[:80]} is too large")
    return number


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _check_depth(value: Json) -> None:
    level = _nested([value])
    for _ in range(DEPTH_MAX):
        level = [child for parent in level for child in _nested(parent)]
        if not level:
            return
    raise _too_deep()


def _nested(parent: "Container") -> "list[Container]":
    children = parent.values() if isinstance(parent, dict) else parent
    return [child for child in children if isinstance(child, dict | list)]


class Fields:
    """An object or a query, read key by key; `done` refuses invalid and unread keys."""

    def __init__(
        self,
        shape: Mapping[str, Json],
        *,
        any_case: bool = False,
        parent: "Fields | None" = None,
        at: str = "",
    ) -> None:
        self._any_case = any_case
        self._at = at
        self._known: list[str] = []
        self._wrong: dict[str, str] = parent._wrong if parent else {}
        self._subs: list[Fields] = []
        self._shape: dict[str, Json] = {}
        for key, value in shape.items():
            name = key.lower() if any_case else key
            if name in self._shape:
                self.wrong(name, "occurs twice")
            self._shape[name] = value

    def __contains__(self, key: str) -> bool:
        return self._shape.get(key) is not None

    def text(self, key: str, default: str | None = "") -> str:
        """A text; with `default` None it is required and not empty."""
        value = self._take(key)
        if value is None and default is not None:
            return default
        if isinstance(value, str) and (value or default is not None):
            return value
        return self._instead(key, "a text is required", "")

    def integer(self, key: str, default: int, low: int, high: int) -> int:
        """A whole number within bounds, also written as a text."""
        value = self._take(key)
        if isinstance(value, str):
            number = whole(value)
            value = value if number is None else number
        if value is None:
            return default
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        return self._instead(key, f"a whole number from {low} to {high} is expected", default)

    def number(self, key: str, default: float, low: float, high: float) -> float:
        """A number within bounds."""
        value = self._take(key)
        if value is None:
            return default
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return value
        return self._instead(key, f"a number from {low:g} to {high:g} is expected", default)

    def flag(self, key: str) -> bool | None:
        """True or false, also written as a text; None if absent."""
        value = self._take(key)
        if value is None or isinstance(value, bool):
            return value
        if value in ("true", "false"):
            return value == "true"
        return self._instead(key, "true or false is expected", None)

    def mapping(self, key: str) -> Mapping[str, Json]:
        """An object with arbitrary keys; empty if absent."""
        value = self._take(key)
        if value is None or isinstance(value, Mapping):
            return value or {}
        return self._instead(key, "an object is expected", {})

    def sub(self, key: str) -> "Fields":
        """A nested object; its errors are reported with those of this one."""
        at = f"{self._at}{key}."
        fields = Fields(self.mapping(key), any_case=self._any_case, parent=self, at=at)
        self._subs.append(fields)
        return fields

    def wrong(self, key: str, what: str) -> None:
        """Report an error about a key. Errors beyond WRONG_MAX are dropped."""
        if len(self._wrong) < WRONG_MAX:
            self._wrong[self._at + key[:KEY_MAX]] = what

    def done(self) -> None:
        """Raise ValuesInvalid with all errors, including unknown keys."""
        self._refuse_unknown()
        if self._wrong:
            raise ValuesInvalid(self._wrong)

    def _refuse_unknown(self) -> None:
        unknown = sorted(self._shape.keys() - set(self._known))
        for key in unknown[:UNKNOWN_MAX]:
            near = difflib.get_close_matches(key[:KEY_MAX], self._known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            self.wrong(key, "no such key" + hint)
        if len(unknown) > UNKNOWN_MAX:
            self.wrong("…", f"{len(unknown) - UNKNOWN_MAX} more unknown keys")
        for sub in self._subs:
            sub._refuse_unknown()

    def _take(self, key: str) -> Json:
        self._known.append(key)
        return self._shape.get(key)

    def _instead(self, key: str, what: str, instead: T) -> T:
        self.wrong(key, what)
        return instead


def query(request: web.Request) -> Fields:
    """The query of a request. `done` refuses a duplicate key along with other errors."""
    shape = dict(request.query)
    fields = Fields(shape)
    if len(shape) < len(request.query):
        for key, count in Counter(key for key, _ in request.query.items()).items():
            if count > 1:
                fields.wrong(key, "occurs twice")
    return fields


def once_of(request: web.Request, *about: str) -> str:
    """The caller's Idempotency-Key for this address and the operation `about`; empty for none.

    The operation is part of the key, so the same key for a different operation is not a repetition.
    Raises IdInvalid.
    """
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > ONCE_MAX or not key.isascii() or not (key.isprintable()):
        raise IdInvalid("idempotency key", key, f"up to {ONCE_MAX} printable ASCII characters")
    return " ".join(("key:", request.path, *about, key)) if key else ""
