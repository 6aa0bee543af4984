"""Reads YAML as Go's yaml.v2 does, for dialects whose documents were written for programs in Go.

The value is what becomes of a document that is converted to JSON: the first document of the text
counts, the last of several equal keys wins, and every key is text. The tree has positions for
findings, and is bounded: the size of a text, its nesting, and its values after aliases.

Source: yaml.v2 2.2.2 and later releases; `go_scalars` has what differs between them.
"""

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Final, NamedTuple

import yaml

from floe.dialects.go_scalars import Profile, Value, json_number, key_text, resolve
from floe.dialects.notes import Notes, Position
from floe.model.ids import Json
from floe.model.nouns import dataclass

GO_YAML_BYTES_MAX: Final = 4 << 20
"""Characters of a text."""

GO_YAML_NODES_MAX: Final = 100_000
"""Keys and values of a document, after its aliases are expanded."""

GO_YAML_NESTING_MAX: Final = 60

QUOTE: Final = r"\'"
"""An escape that yaml.v2 knows and the parser here does not."""

BELL: Final = r"\a"
"""What the parser reads in its place."""

QUOTES_MAX: Final = 10_000_000
"""Characters that are parsed again because of such escapes."""

MERGE: Final = "<<"
MERGE_TAG: Final = "tag:yaml.org,2002:merge"


@dataclass(frozen=True, slots=True)
class GoScalar:
    """In the tree of a YAML document as Go reads it: one value."""

    at: Position
    value: Value
    inset: int | None = field(default=None, compare=False)
    """Columns before the text, 1 for a quote; None for a text of several lines."""

    def position_of(self, offset: int) -> Position:
        """Where a character of its text is; its start, if it has several lines."""
        if self.inset is None:
            return self.at
        return Position(self.at.line, self.at.col + self.inset + offset)


@dataclass(frozen=True, slots=True)
class GoItems:
    """In the tree of a YAML document as Go reads it: a list."""

    at: Position
    items: "tuple[GoTree, ...]"


class GoEntry(NamedTuple):
    """In the tree of a YAML document as Go reads it: the position of a key, and its value."""

    key_at: Position
    value: "GoTree"


@dataclass(frozen=True, slots=True)
class GoTable:
    """In the tree of a YAML document as Go reads it: a map by the texts of its keys."""

    at: Position
    entries: Mapping[str, GoEntry]


GoTree = GoScalar | GoItems | GoTable


def parse_go_yaml(text: str, profile: Profile, notes: Notes) -> GoTree | None:
    """The tree of the first document of a text; None, with findings, if Go refuses it.

    An empty text is the value null.
    """
    text = text.removeprefix("\ufeff")
    if len(text) > GO_YAML_BYTES_MAX:
        notes.error(Position(), f"larger than {GO_YAML_BYTES_MAX} bytes")
        return None
    quotes = set[int]()
    while True:
        builder = _GoTreeBuilder(text, profile, quotes)
        try:
            return builder.document(yaml.parse(text, Loader=yaml.CSafeLoader))
        except _Refused as e:
            notes.error(e.at, e.what, e.hint)
        except yaml.MarkedYAMLError as e:
            at = _escaped_quote(e, text)
            if at is not None and len(quotes) * len(text) <= QUOTES_MAX:
                quotes.add(at)
                text = f"{text[:at]}{BELL}{text[at + 2 :]}"
                continue
            from floe.dialects.syntax import note_syntax_error  # needed for errors only

            note_syntax_error(e, text, None, notes)
        except yaml.YAMLError as e:
            notes.error(Position(), f"not YAML: {e}")
        return None


def json_value(tree: GoTree) -> Json:
    """The JSON value of a tree, with the numbers that Go writes."""
    if isinstance(tree, GoScalar):
        value = tree.value
        return json_number(value) if isinstance(value, float) else value
    if isinstance(tree, GoItems):
        return [json_value(item) for item in tree.items]
    return {key: json_value(entry.value) for key, entry in tree.entries.items()}


def tree_of(value: Json, at: Position) -> GoTree:
    """The tree of a JSON value, all of it at one position."""
    if isinstance(value, Mapping):
        return GoTable(at, {key: GoEntry(at, tree_of(one, at)) for key, one in value.items()})
    if isinstance(value, Sequence) and not isinstance(value, str):
        return GoItems(at, tuple(tree_of(one, at) for one in value))
    return GoScalar(at, value)


def _escaped_quote(error: yaml.MarkedYAMLError, text: str) -> int | None:
    r"""Where a `\'` is that the parser does not know; None for any other error."""
    mark = error.problem_mark
    if mark is None or error.problem != "found unknown escape character":
        return None
    return mark.index if text.startswith(QUOTE, mark.index) else None


class _Refused(Exception):
    def __init__(self, at: Position, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.at, self.what, self.hint = at, what, hint


class _GoTreeBuilder:
    """Builds the tree of one document from the parser's events, within the limits."""

    def __init__(self, text: str, profile: Profile, quotes: Collection[int]) -> None:
        """`quotes`: where the text has a bell in place of an escaped quote."""
        self._text = text
        self._profile = profile
        self._quotes = quotes
        self._anchors: dict[str, tuple[GoTree, int] | None] = {}
        self._nodes = 0

    def document(self, events: Iterator[yaml.Event]) -> GoTree:
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent) and event.version not in (None, (1, 1)):
                raise _Refused(_mark(event), "this reader knows YAML 1.1 only")
            if isinstance(event, yaml.NodeEvent):
                return self._node(event, events, 0, is_flow=False)
        return GoScalar(Position(1, 1), None)

    def _node(
        self, event: yaml.NodeEvent, events: Iterator[yaml.Event], depth: int, *, is_flow: bool
    ) -> GoTree:
        at = _mark(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor, at)
        self._count(1, at)
        if depth > GO_YAML_NESTING_MAX:
            raise _Refused(at, f"nested deeper than {GO_YAML_NESTING_MAX} levels")
        before = self._nodes
        if event.anchor:
            self._anchors[event.anchor] = None
        tree: GoTree
        if isinstance(event, yaml.ScalarEvent):
            tree = self._scalar(event, at, is_flow=is_flow)
            if isinstance(tree.value, float) and not math.isfinite(tree.value):
                raise _Refused(at, f"JSON has no number for `{event.value}`", "quote it")
        else:
            assert isinstance(event, yaml.CollectionStartEvent), "no other event begins a node"
            is_flow = bool(event.flow_style)
            parts = self._parts(events, depth + 1, is_flow=is_flow)
            if isinstance(event, yaml.SequenceStartEvent):
                tree = GoItems(at, tuple(tree for _, tree in parts))
            else:
                tree = self._table(parts, at)
        if event.anchor:
            self._anchors[event.anchor] = (tree, self._nodes - before + 1)
        return tree

    def _parts(
        self, events: Iterator[yaml.Event], depth: int, *, is_flow: bool
    ) -> "Iterator[_Part]":
        for event in events:
            if not isinstance(event, yaml.NodeEvent):
                return
            yield _Part(event, self._node(event, events, depth, is_flow=is_flow))

    def _alias(self, name: str | None, at: Position) -> GoTree:
        if name is None or name not in self._anchors:
            hint = f"quote a text that begins with `*`, or write `&{name}` where it is defined"
            raise _Refused(at, f"the anchor for `*{name}` is not defined", hint)
        anchored = self._anchors[name]
        if anchored is None:
            raise _Refused(at, f"`*{name}` is used inside its own anchor")
        tree, nodes = anchored
        self._count(nodes, at)
        return tree

    def _count(self, nodes: int, at: Position) -> None:
        self._nodes += nodes
        if self._nodes > GO_YAML_NODES_MAX:
            hint = "each use of an alias counts again"
            raise _Refused(at, f"more than {GO_YAML_NODES_MAX} keys and values", hint)

    def _scalar(self, event: yaml.ScalarEvent, at: Position, *, is_flow: bool) -> GoScalar:
        end = event.end_mark
        assert end is not None, "the parser marks every event"
        self._check_signs(event, at, end.index, is_flow=is_flow)
        if self._quotes and event.style == '"':
            event.value = self._with_quotes(event, end.index)
        tag = None if event.tag in (None, "!") else event.tag
        value: Value = event.value
        if event.implicit[0] or tag:
            try:
                value = resolve(event.value, tag, self._profile)
            except ValueError as e:
                raise _Refused(at, str(e)) from None
        inset = (1 if event.style else 0) if at.line == end.line + 1 else None
        return GoScalar(at, value, inset)

    def _with_quotes(self, event: yaml.ScalarEvent, end: int) -> str:
        """The text of a scalar, with the quotes in place of their bells."""
        start = event.start_mark
        assert start is not None, "the parser marks every event"
        escapes = _ESCAPE.finditer(self._text, start.index + 1, end)
        bells = (found.start() for found in escapes if found[1] in _BELLS)
        return re.sub("\a", lambda _: "'" if next(bells) in self._quotes else "\a", event.value)

    def _check_signs(
        self, event: yaml.ScalarEvent, at: Position, end: int, *, is_flow: bool
    ) -> None:
        """Refuse what the parser here knows and yaml.v2 does not."""
        start = event.start_mark
        assert start is not None, "the parser marks every event"
        escapes = _ESCAPE.finditer(self._text, start.index + 1, end) if event.style == '"' else ()
        if any(found[1] == "/" for found in escapes):
            raise _Refused(at, r"`\/` is no escape here", "write / alone")
        if is_flow and not event.style and "?" in event.value:
            raise _Refused(at, "a text with `?` between brackets needs quotes")

    def _table(self, parts: "Iterator[_Part]", at: Position) -> GoTable:
        entries: dict[str, GoEntry] = {}
        for event, key in parts:
            value = next(parts).tree
            if _is_merge(event):
                self._merge(value, entries)
                continue
            text = key_text(key.value) if isinstance(key, GoScalar) else None
            if text is None:
                raise _Refused(key.at, "a key must be text", "quote it")
            entries[text] = GoEntry(key.at, value)
        return GoTable(at, entries)

    def _merge(self, value: GoTree, entries: dict[str, GoEntry]) -> None:
        """Take over the entries of other maps. They replace keys above `<<`, as yaml.v2 does."""
        tables = value.items[::-1] if isinstance(value, GoItems) else (value,)
        for table in tables:
            if not isinstance(table, GoTable):
                raise _Refused(table.at, "`<<` takes a map", "write `<<: *name` of a map")
            entries.update(table.entries)


class _Part(NamedTuple):
    event: yaml.NodeEvent
    tree: GoTree


_ESCAPE: Final = re.compile(r"\\(x..|u.{4}|U.{8}|.)", re.DOTALL)
_BELLS: Final = frozenset({"a", "x07", "u0007", "U00000007"})
"""The escapes of a bell, which no text has as it is."""


def _is_merge(event: yaml.NodeEvent) -> bool:
    if not isinstance(event, yaml.ScalarEvent) or event.value != MERGE:
        return False
    return event.implicit[0] or event.tag == MERGE_TAG


def _mark(event: yaml.Event) -> Position:
    mark = event.start_mark
    assert mark is not None, "the parser marks every event"
    return Position(mark.line + 1, mark.column + 1)
