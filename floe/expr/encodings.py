"""Puts values into the texts of requests: each stays inside the place where it stands.

Source: RFC 9110, section 5.5; RFC 8259, section 7; docs/flows.md, "http".
"""

import re
from typing import Final, Protocol
from urllib.parse import quote_plus

from floe.expr.errors import ExpressionError
from floe.expr.fuel import Fuel
from floe.expr.urls import in_url
from floe.expr.values import as_json, as_text
from floe.model.codec import to_text
from floe.model.ids import Json

_UNSENT: Final = re.compile(r"[^\t\x20-\x7e]")
_QUOTES: Final = re.compile(r'\\.|"', re.DOTALL)


class Encoding(Protocol):
    """Encodes the values of one template; it sees the parts in their order."""

    def text(self, text: str) -> None:
        """Take a part that is plain text, and stays as it is in this encoding."""
        ...

    def value(self, value: Json, fuel: Fuel) -> str:
        """Encode a value as it stands behind the parts before it. Raises ExpressionError."""
        ...


class PlainEncoding:
    """The encoding for a body that is any text."""

    def text(self, text: str) -> None:
        pass

    def value(self, value: Json, fuel: Fuel) -> str:
        """A text as it is, any other type as JSON."""
        return as_text(value, fuel)


class UrlEncoding:
    """The encoding for a URL."""

    def __init__(self) -> None:
        self._before = ""

    def text(self, text: str) -> None:
        self._before += text

    def value(self, value: Json, fuel: Fuel) -> str:
        """A value that stays in its part of the URL."""
        found = in_url(self._before, encodable(as_text(value, fuel)))
        self._before += found
        return found


class HeaderEncoding(PlainEncoding):
    """The encoding for a header."""

    def value(self, value: Json, fuel: Fuel) -> str:
        """A value that does not end the header."""
        text = as_text(value, fuel)
        if fault := header_fault(text):
            raise ExpressionError(f"a header cannot have {fault}", "headers are plain ASCII")
        return text


class FormEncoding(PlainEncoding):
    """The encoding for a form."""

    def value(self, value: Json, fuel: Fuel) -> str:
        """A text as it is, any other type as JSON; then percent-encoded."""
        text = encodable(as_text(value, fuel))
        fuel.make(3 * len(text))
        return quote_plus(text)


class JsonEncoding:
    """The encoding for JSON: in a string a value is text, anywhere else it keeps its type."""

    def __init__(self) -> None:
        self._is_inside = False

    def text(self, text: str) -> None:
        quotes = sum(found == '"' for found in _QUOTES.findall(text))
        self._is_inside ^= quotes % 2 == 1

    def value(self, value: Json, fuel: Fuel) -> str:
        """A value as JSON, or as a part of a JSON string."""
        return json_text(as_text(value, fuel)) if self._is_inside else as_json(value, fuel)


def header_fault(text: str) -> str:
    """What the value of a header cannot hold; empty if it can be sent."""
    found = _UNSENT.search(text)
    if found is None:
        return ""
    return "a line break" if found[0] in "\r\n" else f"the character {found[0]!a}"


def json_text(text: str) -> str:
    """The encoding of a text in a JSON string, without the quotes."""
    return to_text(text)[1:-1]


def encodable(text: str) -> str:
    """A text whose encoding a command or a server takes. Raises ExpressionError."""
    if "\0" in text:
        raise ExpressionError("a text with a NUL character cannot be passed on")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ExpressionError("a text with half of a surrogate pair cannot be passed on") from None
    return text
