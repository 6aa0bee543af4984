"""The open actions of a cluster by pack and command: how many wait for a pack, or for a result."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from floe.dialects.pack_work import is_queue, labels_in, pack_of
from floe.hub.hub import Hub
from floe.model.codec import iso
from floe.model.ids import Shape
from floe.server.flyte.calls import Asked


class OpenActions(NamedTuple):
    """The open actions of one kind at one host."""

    pack: str
    """The name of the packs that may take them."""
    command: str
    labels: Mapping[str, str]
    """That a pack needs; none of those that are taken."""
    by: str
    """The id of the pack that has taken them; empty for new ones."""
    number: int
    since: str
    """Since when the oldest is new, or taken."""

    @property
    def asked(self) -> Asked:
        """Pack and command."""
        return self.pack, self.command


Backlog = Mapping[str, Sequence[OpenActions]]
"""By the name of a pack."""


def backlog_here(hub: Hub) -> list[Shape]:
    """The open actions of this host, as a host tells others."""
    table, host = hub.loop.core.table, hub.reads.host
    return [
        {
            "host": host,
            "pack": pack_of(work.queue),
            "command": work.name,
            "labels": labels_in(work.labels),
            "by": work.by,
            "number": work.number,
            "since": iso(work.since),
        }
        for counts in (table.offers.counts(), table.takes.counts())
        for work in counts
        if is_queue(work.queue)
    ]


def open_actions(shapes: Sequence[Shape]) -> Iterator[OpenActions]:
    """The same read again, of all hosts."""
    for one in shapes:
        yield OpenActions(
            one["pack"], one["command"], one["labels"], one["by"], one["number"], one["since"]
        )


def grouped(actions: Iterator[OpenActions]) -> Backlog:
    """The same by the name of their packs."""
    found: dict[str, list[OpenActions]] = {}
    for one in actions:
        found.setdefault(one.pack, []).append(one)
    return found


def counts_shape(actions: Sequence[OpenActions]) -> Shape:
    """How many are new and taken, and since when the oldest of each is."""
    new = [one for one in actions if not one.by]
    taken = [one for one in actions if one.by]
    return {
        "new": sum(one.number for one in new),
        "new_since": min((one.since for one in new), default=None),
        "taken": sum(one.number for one in taken),
        "taken_since": min((one.since for one in taken), default=None),
    }
