"""The current flows of flyte by the events that open their runs, and the items that they read."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Final, cast

from floe.dialects.base import Around, SharedRowReader
from floe.dialects.flyte.compiled import compiled, is_trigger, step_of
from floe.model.codec import digest_of, to_text
from floe.model.errors import World
from floe.model.flow import Flow
from floe.model.ids import Json, Shape
from floe.model.named_row import name_of_row, part_kind, row_key, value_of_row
from floe.model.shared_row import SharedRow

FLOW: Final = "flyte.flow"
"""The kind of the rows with the uuid of the current version of each flow, by its name."""
VERSION: Final = "flyte.version"
"""The kind of the rows with the documents of all versions, by uuid."""
ITEM: Final = "flyte.item"
"""The kind of the rows with the items of the datastore, by key."""

READS: Final = re.compile(r"\btemplate\b|datastore\s*(?:\(\s*(?:'([^'\\]*)'|\"([^\"\\]*)\")\s*\))?")
"""A template that reads items: one whose key is in the text, or any, as an inner template may."""

AROUND_BYTES_MAX: Final = 16 << 20
"""Bytes of the items that the judgements of one flow read; the rest is not in their datastore."""

Listens = tuple[str, str]
"""The pack and the name of an event."""


class CurrentFlows:
    """The flows of the rows of a host, compiled. One that did not change is not read again."""

    def __init__(self) -> None:
        self._number = -1
        self._versions: dict[str, tuple[str, Flow]] = {}
        """The compiled current versions, with their digests, by uuid."""
        self._by_event: dict[Listens, dict[str, Flow]] = {}
        self._around: dict[str, Around | None] = {}
        """What the judgements of a flow read of the rows, by digest."""
        self._around_number = -1

    async def flows_of(self, event: Json, rows: SharedRowReader) -> Mapping[str, Flow]:
        """The flows with a step that an event may open a run with. Raises World."""
        self._read(rows)
        asked = cast(Shape, event)
        return self._by_event.get((asked["pack"]["name"], asked["event"]), {})

    def around(self, flow: Flow, digest: str, rows: SharedRowReader) -> Around | None:
        """The items of the datastore that the templates of a flow read; None if they read none."""
        if rows.number != self._around_number:
            self._around, self._around_number = {}, rows.number
        if digest not in self._around:
            self._around[digest] = _items_of(flow, rows)
        return self._around[digest]

    def _read(self, rows: SharedRowReader) -> None:
        """Take in the rows, if they have changed."""
        if rows.number == self._number:
            return
        try:
            versions = dict(self._current(rows))
        except LookupError as error:
            raise World(str(error), "the keeper sends the rest") from None
        by_event: dict[Listens, dict[str, Flow]] = {}
        for digest, flow in versions.values():
            for listens in dict.fromkeys(_events_of(flow)):
                by_event.setdefault(listens, {})[digest] = flow
        self._versions, self._by_event = versions, by_event
        self._number = rows.number

    def _current(self, rows: SharedRowReader) -> Iterator[tuple[str, tuple[str, Flow]]]:
        parts = {row.key: row for row in rows.of_kind(part_kind(VERSION))}
        versions = {row.key: row for row in rows.of_kind(VERSION)}
        for row in rows.of_kind(FLOW):
            uuid = str(value_of_row(row, _no_part))
            if (known := self._versions.get(uuid)) is None:
                version = versions.get(row_key(uuid))
                if version is None:
                    raise LookupError(f"the version {uuid} of a flow is not in this copy")
                flow = compiled(cast(Shape, value_of_row(version, parts.get)), uuid)
                known = digest_of(flow), flow
            yield uuid, known


def _events_of(flow: Flow) -> Iterator[Listens]:
    for step in map(step_of, flow.nodes):
        if is_trigger(step):
            yield step["event"]["packName"], step["event"]["name"]


def _items_of(flow: Flow, rows: SharedRowReader) -> Around | None:
    keys = {found[1] or found[2] for found in READS.finditer(_text_of(flow))}
    if not keys:
        return None
    parts = {row.key: row for row in rows.of_kind(part_kind(ITEM))}
    found: dict[str, Json] = {}
    room = AROUND_BYTES_MAX
    for row in rows.of_kind(ITEM):
        name = name_of_row(row)
        if None not in keys and name not in keys:
            continue
        with suppress(LookupError):  # it comes with the rest of the copy
            item = cast(Shape, value_of_row(row, parts.get))
            room -= len(name) + len(item["content"])
            if room >= 0:
                found[name] = [item["contentType"], item["content"]]
    body = to_text(found).encode()
    return Around(sha256(body).hexdigest(), body)


def _text_of(flow: Flow) -> str:
    return "\n".join(_texts(cast(Json, [step_of(node) for node in flow.nodes])))


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from _texts(member)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _no_part(key: str) -> SharedRow | None:
    return None
