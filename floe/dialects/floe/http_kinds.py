"""The kinds of value of a request: headers, forms and JSON, all with values in their texts.

A form and JSON are read into one text, as it is sent, with the values in their places.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote_plus

from floe.dialects.floe.json_values import json_of
from floe.dialects.floe.secrets import SecretRefKind
from floe.dialects.floe.templates import FilledText, mentioned, read_template
from floe.dialects.kinds import ListOf, Schema, Size, Text, Unfit, quoted, scalar
from floe.dialects.notes import Notes, Position
from floe.dialects.tree import Items, Scalar, Table, Tree
from floe.expr.encodings import header_fault, json_text
from floe.model.codec import to_text
from floe.model.http import HttpHeader, HttpOutput
from floe.model.ids import NAME
from floe.model.nouns import dataclass
from floe.model.template import Template, TemplatePart
from floe.model.template import Text as FlowText

HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
"""Of a header. Source: RFC 9110, section 5.6.2."""

FRAMING: Final = (
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
)
"""Headers that frame the message or are for the next server; floe writes them."""

REPLY: Final = ("status", "headers", "body")
"""What an output of a request sees."""

_FILLED: Final = FilledText()
_BEARER: Final = "auth: {bearer: {secret: API_TOKEN}}"
_STATUS: Final = r"[1-5](?:[0-9]{2}|xx)"


@dataclass(frozen=True)
class HeadersKind:
    """Kind of value of http tasks: headers by name."""

    filled: FilledText = _FILLED
    label: str = "map"
    takes_values: bool = True

    def read(self, tree: Tree, key: str, notes: Notes) -> tuple[HttpHeader, ...]:
        if not isinstance(tree, Table):
            raise Unfit(tree.at, f"`{key}` takes a map", f"{key}: {{Accept: application/json}}")
        found: dict[str, HttpHeader] = {}
        for name, (key_at, value) in tree.entries.items():
            if not HEADER.fullmatch(name):
                raise Unfit(key_at, f"a header cannot have the name {quoted(name)}")
            if name.lower() in FRAMING:
                raise Unfit(key_at, f"floe writes the header {quoted(name)} itself", "remove it")
            if name.lower() in found:
                raise Unfit(key_at, f"the header {quoted(name)} is given twice", "remove one")
            if isinstance(value, Table):
                secret = SecretRefKind().read(value, name, notes)
                found[name.lower()] = HttpHeader(name=name, secret=secret)
                continue
            text = _text(value, name, notes, self.filled)
            if fault := header_fault("".join(part.text for part in _parts(text))):
                raise Unfit(value.at, f"a header cannot have {fault}", "headers are plain ASCII")
            if name.lower() == "authorization":
                notes.warning(value.at, "this header is stored and shown as it is", _BEARER)
            found[name.lower()] = HttpHeader(name=name, value=text)
        return tuple(found.values())

    def schema(self) -> Schema:
        text = {"type": ["string", "number", "boolean"]}
        return {
            "type": "object",
            "additionalProperties": {"anyOf": [text, SecretRefKind().schema()]},
        }


@dataclass(frozen=True)
class FormBodyKind:
    """Kind of value of http tasks: a form: names with a value each, or a list of values."""

    filled: FilledText = _FILLED
    label: str = "map"
    takes_values: bool = True

    def read(self, tree: Tree, key: str, notes: Notes) -> FlowText:
        if not isinstance(tree, Table):
            raise Unfit(tree.at, f"`{key}` takes a map", f"{key}: {{user: floe}}")
        return _joined(self._pieces(tree, notes))

    def schema(self) -> Schema:
        return {"type": "object"}

    def _pieces(self, table: Table, notes: Notes) -> Iterator[TemplatePart]:
        is_first = True
        for name, (_, tree) in table.entries.items():
            for value in tree.items if isinstance(tree, Items) else (tree,):
                yield TemplatePart(text=("" if is_first else "&") + quote_plus(name) + "=")
                is_first = False
                for part in _parts(_text(value, name, notes, self.filled)):
                    yield part if part.is_value else TemplatePart(text=quote_plus(part.text))


@dataclass(frozen=True)
class JsonBodyKind:
    """Kind of value of http tasks: any JSON.

    A text that is one expression becomes its value, with its type.
    """

    filled: FilledText = _FILLED
    label: str = "any"
    takes_values: bool = True

    def read(self, tree: Tree, key: str, notes: Notes) -> FlowText:
        return _joined(self._pieces(tree, key, notes))

    def schema(self) -> Schema:
        return {}

    def _pieces(self, tree: Tree, key: str, notes: Notes) -> Iterator[TemplatePart]:
        match tree:
            case Items(items=items):
                yield TemplatePart(text="[")
                for at, item in enumerate(items):
                    yield TemplatePart(text="," if at else "")
                    yield from self._pieces(item, key, notes)
                yield TemplatePart(text="]")
            case Table(entries=entries):
                yield TemplatePart(text="{")
                for at, (name, entry) in enumerate(entries.items()):
                    yield TemplatePart(text=("," if at else "") + to_text(name) + ":")
                    yield from self._pieces(entry.value, name, notes)
                yield TemplatePart(text="}")
            case Scalar(kind="text", text=text) if "{{" in text:
                yield from _json_string(_parts(self.filled.read(tree, key, notes)))
            case Scalar(kind="nothing"):
                yield TemplatePart(text="null")
            case _:
                yield TemplatePart(text=to_text(json_of(tree, key)))


@dataclass(frozen=True)
class StatusKind:
    """Kind of value of http tasks: a status such as 204, or all of a hundred: 2xx."""

    label: str = "status"

    def read(self, tree: Tree, key: str, notes: Notes) -> str:
        written = scalar(tree, key, "a status")
        if not re.fullmatch(_STATUS, written.text):
            what = f"`{key}` takes a status, not {quoted(written.text)}"
            raise Unfit(written.at, what, "200, or 2xx for all from 200 to 299")
        return written.text

    def schema(self) -> Schema:
        text = {"type": "string", "pattern": f"^{_STATUS}$"}
        return {"anyOf": [{"type": "integer", "minimum": 100, "maximum": 599}, text]}


@dataclass(frozen=True)
class StatusesKind:
    """Kind of value of http tasks: a status, or a list of them."""

    label: str = "status or list of them"

    def read(self, tree: Tree, key: str, notes: Notes) -> tuple[str, ...]:
        if isinstance(tree, Scalar):
            return (StatusKind().read(tree, key, notes),)
        return ListOf(StatusKind(), unique=True, least=1).read(tree, key, notes)

    def schema(self) -> Schema:
        each = StatusKind().schema()
        return {"anyOf": [each, ListOf(StatusKind(), unique=True, least=1).schema()]}


@dataclass(frozen=True)
class BoundedSize:
    """Kind of value of http tasks: bytes, from 1 to a bound."""

    most: int
    label: str = "size"

    def read(self, tree: Tree, key: str, notes: Notes) -> int:
        size = Size().read(tree, key, notes)
        if not 1 <= size <= self.most:
            assert isinstance(tree, Scalar), "a size is a scalar"
            what = f"`{key}` cannot be {quoted(tree.text)}"
            raise Unfit(tree.at, what, f"from 1 byte to {self.most >> 20}MiB")
        return size

    def schema(self) -> Schema:
        return Size().schema()


@dataclass(frozen=True)
class ReplyOutputsKind:
    """Kind of value of http tasks: outputs by name, from the reply."""

    label: str = "map"

    def read(self, tree: Tree, key: str, notes: Notes) -> tuple[HttpOutput, ...]:
        if not isinstance(tree, Table) or not tree.entries:
            raise Unfit(tree.at, f"`{key}` takes a map", f"{key}: {{id: '{{{{ body.id }}}}'}}")
        return tuple(
            self._output(name, entry.key_at, entry.value, notes)
            for name, entry in tree.entries.items()
        )

    def schema(self) -> Schema:
        return {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1}

    def _output(self, name: str, at: Position, tree: Tree, notes: Notes) -> HttpOutput:
        if not NAME.fullmatch(name):
            raise Unfit(at, f"an output cannot have the name {quoted(name)}", OUTPUT_LIKE)
        Text().read(tree, name, notes)
        assert isinstance(tree, Scalar), "text is a scalar"
        text = read_template(tree, notes, REPLY)
        for one in mentioned(text):
            if one.path[0] not in REPLY:
                what = f"an output of a request does not see `{one.path[0]}`"
                raise Unfit(one.at, what, f"it sees {', '.join(REPLY)} of the reply")
        return HttpOutput(id=name, value=text.template)


OUTPUT_LIKE: Final = "letters, digits, _ and -, at most 63, no digit first"


def _json_string(parts: tuple[TemplatePart, ...]) -> Iterator[TemplatePart]:
    if len(parts) == 1 and parts[0].is_value:
        yield parts[0]
        return
    yield TemplatePart(text='"')
    for part in parts:
        yield part if part.is_value else TemplatePart(text=json_text(part.text))
    yield TemplatePart(text='"')


def _text(tree: Tree, key: str, notes: Notes, filled: FilledText) -> FlowText:
    """A text with values in it; numbers, true and false are texts too. Raises Unfit."""
    if isinstance(tree, Scalar) and tree.kind in ("boolean", "whole number", "number"):
        return tree.text
    return filled.read(tree, key, notes)


def _parts(text: FlowText) -> tuple[TemplatePart, ...]:
    return text.parts if isinstance(text, Template) else (TemplatePart(text=text),)


def _joined(pieces: Iterable[TemplatePart]) -> FlowText:
    """One text of these pieces; texts that touch are one part."""
    parts = list[TemplatePart]()
    for piece in pieces:
        if parts and not piece.is_value and not parts[-1].is_value:
            parts[-1] = TemplatePart(text=parts[-1].text + piece.text)
        else:
            parts.append(piece)
    if any(part.is_value for part in parts):
        return Template(parts=tuple(part for part in parts if part.is_value or part.text))
    return "".join(part.text for part in parts)
