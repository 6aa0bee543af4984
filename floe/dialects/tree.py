"""Parses YAML into a tree with positions; everything that is not allowed becomes a finding.

The tree is built from the parser's events: no object is constructed, a scalar keeps its source
text, and this module itself checks duplicate keys, tags, aliases, depth and size. The meaning of
keys and values is in `kinds` and in a dialect's vocabulary.

Source: YAML 1.1, as PyYAML resolves plain scalars.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Final, Literal, NamedTuple

import yaml

from floe.dialects.blanks import ODD_BLANK, blank_finding
from floe.dialects.notes import Notes, Position
from floe.model.nouns import dataclass

DOCUMENT_BYTES_MAX: Final = 1 << 20
NODES_MAX: Final = 50_000
"""Keys and values of a document, after its aliases are expanded."""
NESTING_MAX: Final = 40

ScalarKind = Literal["text", "boolean", "whole number", "number", "date", "nothing"]


@dataclass(frozen=True, slots=True)
class Scalar:
    """In a document's tree: one value, as its source text and the type that YAML gives it."""

    at: Position
    text: str
    kind: ScalarKind
    inset: int | None = field(default=None, compare=False)
    """Columns before the text, 1 for a quote; None for a text of several lines."""

    def position_of(self, offset: int) -> Position:
        """Where a character of a scalar of the tree is; its start, if it has several lines."""
        if self.inset is None:
            return self.at
        return Position(self.at.line, self.at.col + self.inset + offset)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is written in the tree: the key counts as not given."""
        return self.kind == "nothing" and not self.text


@dataclass(frozen=True, slots=True)
class Items:
    """In a document's tree: a list."""

    at: Position
    items: "tuple[Tree, ...]"


class Entry(NamedTuple):
    """In a document's tree: the position of a key, and its value."""

    key_at: Position
    value: "Tree"


@dataclass(frozen=True, slots=True)
class Table:
    """In a document's tree: a map by the source text of its keys."""

    at: Position
    entries: Mapping[str, Entry]
    errors: int = 0
    """The number of YAML errors in this map and in everything below it."""


Tree = Scalar | Items | Table


def decoded(data: bytes, notes: Notes) -> str | None:
    """The text of a document, for its tree; None, with a finding, if it is not UTF-8."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        notes.error(Position(1, 1), "the file is UTF-16", "save it as UTF-8")
        return None
    try:
        return data.decode()
    except UnicodeDecodeError as e:
        before = data[: e.start]
        line = before.count(b"\n") + 1
        col = len(before[before.rfind(b"\n") + 1 :].decode(errors="replace")) + 1
        notes.error(
            Position(line, col), f"byte 0x{data[e.start]:02x} is not UTF-8", "save it as UTF-8"
        )
        return None


def parse_yaml(text: str, notes: Notes) -> Tree | None:
    """The tree of a document; None, with findings, if it cannot be parsed."""
    if text.startswith("\ufeff"):
        hint = "save it as UTF-8 without BOM"
        notes.warning(Position(1, 1), "the file begins with a byte order mark", hint)
        text = text[1:]
    if not _is_clean(text, notes):
        return None
    builder = _TreeBuilder(notes)
    try:
        return builder.document(yaml.parse(text, Loader=yaml.CSafeLoader))
    except _Refused as e:
        notes.error(e.at, e.what, e.hint)
    except yaml.MarkedYAMLError as e:
        refused = _refused_before(e, text, notes)
        if refused is None:
            from floe.dialects.syntax import note_syntax_error  # needed for errors only

            note_syntax_error(e, text, builder.quoted, notes)
        else:
            notes.error(refused.at, refused.what, refused.hint)
    except yaml.YAMLError as e:
        notes.error(Position(), f"not YAML: {e}")
    return None


_UNPRINTABLE: Final = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)


def _is_clean(text: str, notes: Notes) -> bool:
    if len(text) > DOCUMENT_BYTES_MAX:
        notes.error(
            Position(), f"larger than {DOCUMENT_BYTES_MAX} bytes", "split it into flow-files"
        )
        return False
    found = _UNPRINTABLE.search(text)
    if found is None:
        return True
    line = text.count("\n", 0, found.start()) + 1
    col = found.start() - text.rfind("\n", 0, found.start())
    name = {"\0": "a NUL byte", "\ufeff": "a second byte order mark"}.get(found[0])
    what = f"YAML cannot contain {name or f'the control character U+{ord(found[0]):04X}'}"
    notes.error(Position(line, col), what, 'remove it, or write it as an escape in "quotes"')
    return False


class _Refused(Exception):
    def __init__(self, at: Position, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.at, self.what, self.hint = at, what, hint


def _refused_before(error: yaml.MarkedYAMLError, text: str, notes: Notes) -> _Refused | None:
    """Find an error of floe's own that comes before the parser's error.

    The parser reads ahead, and how far depends on its release. It can report nesting as too deep
    before floe sees it, so the text before the parser's error is read again on its own.
    """
    if error.problem_mark is None:
        return None
    try:
        read = yaml.parse(text[: error.problem_mark.index], Loader=yaml.CSafeLoader)
        _TreeBuilder(Notes(notes.file)).document(read)
    except _Refused as e:
        return e
    except yaml.YAMLError:
        pass  # an error at the cut, not of the document
    return None


class _TreeBuilder:
    """Builds the tree of one document from the parser's events, within the limits."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._anchors: dict[str, tuple[Tree, int] | None] = {}
        self._unused: dict[str, Position] = {}
        """Anchors that no alias has used yet."""
        self._nodes = 0
        self.quoted: tuple[Position, Position] | None = None
        """Where the last quoted text of several lines begins and ends."""

    def document(self, events: Iterator[yaml.Event]) -> Tree | None:
        root: Tree | None = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent) and root is not None:
                hint = "one file holds one document: remove the '---'"
                raise _Refused(self._mark(event), "a second document begins here", hint)
            if isinstance(event, yaml.NodeEvent):
                root = self._node(event, events, 0)
        for name, at in self._unused.items():
            what = f"no alias uses the anchor `&{name}`, and it is not part of the text"
            self._notes.warning(at, what, "quote a text that begins with `&`")
        if root is None or (isinstance(root, Scalar) and root.is_empty):
            self._notes.error(Position(), "the document is empty")
            return None
        return root

    def _node(self, event: yaml.NodeEvent, events: Iterator[yaml.Event], depth: int) -> Tree:
        at = self._mark(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor, at)
        self._count(1, at)
        if depth > NESTING_MAX:
            raise _Refused(at, f"nested deeper than {NESTING_MAX} levels")
        before, errors = self._nodes, self._notes.errors
        if event.anchor:
            self._anchors[event.anchor] = None
            self._unused[event.anchor] = at
        self._check_tag(event, at)
        tree: Tree
        if isinstance(event, yaml.ScalarEvent):
            tree = self._scalar(event, at)
        elif isinstance(event, yaml.SequenceStartEvent):
            tree = Items(at, tuple(self._items(events, depth + 1)))
        else:
            tree = self._table(events, at, depth + 1, errors)
        if event.anchor:
            self._anchors[event.anchor] = (tree, self._nodes - before + 1)
        return tree

    def _alias(self, name: str | None, at: Position) -> Tree:
        if name is None or name not in self._anchors:
            hint = f"quote a text that begins with `*`, or write `&{name}` where it is defined"
            raise _Refused(at, f"the anchor for `*{name}` is not defined", hint)
        anchored = self._anchors[name]
        self._unused.pop(name, None)
        if anchored is None:
            raise _Refused(at, f"`*{name}` is used inside its own anchor")
        tree, nodes = anchored
        self._count(nodes, at)
        return tree

    def _count(self, nodes: int, at: Position) -> None:
        self._nodes += nodes
        if self._nodes > NODES_MAX:
            hint = "each use of an alias counts again"
            raise _Refused(at, f"more than {NODES_MAX} keys and values", hint)

    def _check_tag(self, event: yaml.NodeEvent, at: Position) -> None:
        tag = getattr(event, "tag", None)
        if tag and tag not in _TAGS[type(event)]:
            shown = tag.replace("tag:yaml.org,2002:", "!!")
            hint = "remove it, or quote the text that begins with `!`"
            self._notes.error(at, f"the YAML tag `{shown}` is not allowed here", hint)
        elif tag == "!" and isinstance(event, yaml.ScalarEvent) and not event.style:
            self._notes.error(
                at, "a text that begins with `!` needs quotes", f'"! {event.value[:60]}"'
            )

    def _scalar(self, event: yaml.ScalarEvent, at: Position) -> Scalar:
        text = event.value
        if "\0" in text:
            self._notes.error(at, "a value cannot contain a NUL")
        end = self._end(event)
        if event.style in ("'", '"'):
            self.quoted = (at, end) if at.line < end.line else self.quoted
        elif event.style not in ("|", ">") and (found := _HIDDEN_BLANK.match(text)):
            where = Position(at.line, at.col + found.start(1))
            self._notes.error(where, *blank_finding(found[1]))
        tag = event.tag
        if not tag or tag == "!":
            tag = _resolve(text) if event.implicit[0] and not tag else _STR
        inset = (1 if event.style else 0) if at.line == end.line else None
        return Scalar(at, text, _KINDS.get(tag, "text"), inset)

    def _items(self, events: Iterator[yaml.Event], depth: int) -> Iterator[Tree]:
        for event in events:
            if not isinstance(event, yaml.NodeEvent):
                return
            yield self._node(event, events, depth)

    def _table(self, events: Iterator[yaml.Event], at: Position, depth: int, errors: int) -> Table:
        entries: dict[str, Entry] = {}
        merged: dict[str, Entry] = {}
        parts = self._items(events, depth)
        for key in parts:
            value = next(parts)
            if not isinstance(key, Scalar):
                self._notes.error(key.at, "a key must be text", _NOT_A_KEY)
            elif found := ODD_BLANK.search(key.text):
                self._notes.error(
                    Position(key.at.line, key.at.col + found.start()), *blank_finding(found[0])
                )
            elif key.text == "<<" and key.kind == "text":
                self._merge(value, merged)
            elif key.text in entries:
                first = entries[key.text].key_at.line
                self._notes.error(
                    key.at, f"`{key.text[:60]}` is given twice, first in line {first}", "remove one"
                )
            else:
                entries[key.text] = Entry(key.at, value)
        return Table(at, {**merged, **entries}, self._notes.errors - errors)

    def _merge(self, value: Tree, merged: dict[str, Entry]) -> None:
        for table in value.items if isinstance(value, Items) else (value,):
            if isinstance(table, Table):
                for key, entry in table.entries.items():
                    merged.setdefault(key, entry)
            else:
                self._notes.error(table.at, "`<<` takes a map", "write `<<: *name` of a map")

    def _end(self, event: yaml.Event) -> Position:
        mark = event.end_mark
        assert mark is not None  # the parser marks every event
        return Position(mark.line + 1, mark.column + 1)

    def _mark(self, event: yaml.Event) -> Position:
        mark = event.start_mark
        assert mark is not None  # the parser marks every event
        return Position(mark.line + 1, mark.column + 1)


_HIDDEN_BLANK: Final = re.compile(rf"(?:-|[\w.-]+:)?({ODD_BLANK.pattern})")
_NOT_A_KEY: Final = 'a text that begins with `{` or `[` needs quotes, as in "{{ws}}/bin"'
_STR: Final = "tag:yaml.org,2002:str"
_KINDS: Final[Mapping[str, ScalarKind]] = {
    "tag:yaml.org,2002:bool": "boolean",
    "tag:yaml.org,2002:int": "whole number",
    "tag:yaml.org,2002:float": "number",
    "tag:yaml.org,2002:null": "nothing",
    "tag:yaml.org,2002:timestamp": "date",
}
_TAGS: Final[Mapping[type, frozenset[str]]] = {
    yaml.ScalarEvent: frozenset({"!", _STR, *_KINDS}) - {"tag:yaml.org,2002:timestamp"},
    yaml.SequenceStartEvent: frozenset({"!", "tag:yaml.org,2002:seq"}),
    yaml.MappingStartEvent: frozenset({"!", "tag:yaml.org,2002:map"}),
}
_IMPLICIT: Final = yaml.resolver.Resolver.yaml_implicit_resolvers


def _resolve(text: str) -> str:
    """The YAML tag of a plain scalar."""
    for tag, pattern in _IMPLICIT.get(text[:1], ()):
        if pattern.match(text):
            return str(tag)
    return _STR
