"""Names: of flows, nodes, hosts, stores, runs and attempts; and instants.

Ids are types that the `*_id` functions check at every border, raising `IdInvalid`, so that no
string from outside becomes a path or a key unchecked.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NewType, Self

from floe.model.errors import IdInvalid
from floe.model.nouns import dataclass
from floe.model.whole import whole

FlowId = NewType("FlowId", str)
NodeId = NewType("NodeId", str)
HostId = NewType("HostId", str)
StoreId = NewType("StoreId", str)

Instant = NewType("Instant", int)
"""Milliseconds since 1970-01-01T00:00:00Z."""

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
"""A value that JSON can carry."""

Shape = dict[str, Any]
"""A JSON object that is being made, or that a reply carried."""

ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
HOST: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
STORE: Final = re.compile(r"[a-z0-9]{4,32}")
NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")
"""Form fields and node outputs."""

_RUN: Final = re.compile(rf"({HOST.pattern})-([1-9][0-9]{{0,17}})(?:@({STORE.pattern}))?")


def flow_id(text: str) -> FlowId:
    """Parse a flow id. Raises IdInvalid."""
    return FlowId(_matched(ID, "flow id", text))


def node_id(text: str) -> NodeId:
    """Parse a node or trigger id. Raises IdInvalid."""
    return NodeId(_matched(ID, "node id", text))


def host_id(text: str) -> HostId:
    """Parse a host name. Raises IdInvalid."""
    return HostId(_matched(HOST, "host name", text))


def address_key(host: HostId, store: StoreId | None) -> str:
    """The id of a host with its store: `h2@k3f9`."""
    return f"{host}@{store}"


def address_of(key: str) -> tuple[HostId, StoreId]:
    """The ids in `h2@k3f9`: host and store."""
    host, _, store = key.rpartition("@")
    return HostId(host), StoreId(store)


@dataclass(frozen=True, slots=True, order=True)
class RunRef:
    """The id of a run, globally unique: the store that adopted it and a serial there.

    Printed as `h1-12`. The `key`, `h1-12@k3f9`, also distinguishes two stores of one host name;
    stores, paths and messages use it.

    Source: protocol, Identity.
    """

    host: HostId
    store: StoreId
    serial: int

    def __str__(self) -> str:
        return f"{self.host}-{self.serial}"

    @property
    def adopter(self) -> tuple[HostId, StoreId]:
        """The host that adopted it, and the store of that host."""
        return self.host, self.store

    @property
    def key(self) -> str:
        """The unique id of this run as text."""
        return f"{self.host}-{self.serial}@{self.store}"

    @classmethod
    def parse(cls, text: str, default_store: StoreId | None = None) -> Self:
        """Parse a run's id: `h1-12@k3f9`, or `h1-12` with a default store. Raises IdInvalid."""
        match = _RUN.fullmatch(text)
        store = (match and match[3]) or default_store
        if not match or not store:
            raise IdInvalid("run id", text, "a run id looks like h1-12")
        return cls(HostId(match[1]), StoreId(store), int(match[2]))


def ref_of(key: str) -> RunRef | None:
    """The id of a run in a key from outside; None for a text that is no key."""
    try:
        return RunRef.parse(key)
    except IdInvalid:
        return None


NO_ITEM: Final = -1
"""The item of a node without items."""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """The id of one attempt of one node of one run, for its effects and reports.

    Effects of the run as a whole have an empty node and zeros.
    """

    run: RunRef
    epoch: int
    node: NodeId
    visit: int
    attempt: int
    item: int = NO_ITEM

    def __str__(self) -> str:
        return f"{self.run.key}.{self.epoch}.{self.name}"

    @property
    def name(self) -> str:
        """The id of the attempt within its run and epoch: `build.1.2`; `build.1.2.i7` for items."""
        item = "" if self.item == NO_ITEM else f".i{self.item}"
        return f"{self.node}.{self.visit}.{self.attempt}{item}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the text of a key of an attempt. Raises IdInvalid."""
        before, _, last = text.rpartition(".")
        parts = (before if last.startswith("i") else text).rsplit(".", 4)
        counted = (*parts[1:2], *parts[3:], *((last[1:],) if last.startswith("i") else ()))
        numbers = [number for part in counted if (number := whole(part)) is not None]
        if len(parts) != 5 or len(numbers) != len(counted) or min(numbers) < 0:
            raise IdInvalid("attempt key", text, "run.epoch.node.visit.attempt")
        node = node_id(parts[2]) if parts[2] else NodeId("")
        epoch, visit, attempt, item = (*numbers, NO_ITEM)[:4]
        return cls(RunRef.parse(parts[0]), epoch, node, visit, attempt, item)


def _matched(pattern: re.Pattern[str], what: str, text: str) -> str:
    if not pattern.fullmatch(text):
        raise IdInvalid(what, text, f"it must match {pattern.pattern}")
    return text
