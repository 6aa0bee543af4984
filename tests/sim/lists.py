"""The lists of a simulated host: the hub's own directory on a simulated disk.

`DirectorySync` waits for nothing here: each of its coroutines ends when it is called.
"""

from collections.abc import Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from floe.feed.directory_sync import DirectorySync
from floe.host.inputs import Incoming, Input, Reply
from floe.model.ids import HostId, Json, RunRef, StoreId
from floe.model.peer_message import Message
from floe.model.summary import Summary
from floe.store.base import Change, RunPage, RunQuery, RunStore
from tests.sim.disk import Disk

if TYPE_CHECKING:
    from tests.sim.machine import Machine

NO_REPLY = Reply(ticket=0, run=None, changed=True)


class DiskStore:
    """What the directory reads of a store."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self.skipped = range(0)

    @property
    def store_id(self) -> StoreId:
        """The id of the disk."""
        return self._disk.store

    async def head(self) -> int:
        """As in the port."""
        return self._disk.head

    async def ledger(self, kind: str) -> Mapping[str, Json]:
        """As in the port."""
        return self._disk.ledger(kind)

    async def row(self, kind: str, key: str) -> Json:
        """As in the port."""
        return self._disk.row(kind, key)

    async def changes(self, after: int, limit: int) -> Sequence[Change]:
        """As in the port."""
        return self._disk.changes(after)[:limit]

    async def find(self, run: RunRef) -> Summary | None:
        """As in the port."""
        return self._disk.rows.get(run)

    async def runs(self, query: RunQuery) -> RunPage:
        """As in the port, of one page."""
        rows = self._disk.rows.values()
        return RunPage(runs=tuple(row for row in rows if row.state in query.states))


def store_of(disk: Disk) -> RunStore:
    """A disk as the directory reads it."""
    return cast(RunStore, DiskStore(disk))


def lists_of(machine: "Machine") -> DirectorySync:
    """The lists of a host that starts."""

    async def ask(word: Input) -> Reply:
        machine.say(word)
        return NO_REPLY

    def put(word: Incoming) -> None:
        machine.say(word.input)

    def send(host: HostId | None, message: Message) -> None:
        machine.send_rows(host, message)

    store = store_of(machine.disk)
    lists = DirectorySync(store, machine.now, put, ask, send, finish, lambda: None)
    finish(lists.open())
    finish(lists._end_lost())
    return lists


def finish(coroutine: Coroutine[object, object, None]) -> None:
    """Run what waits for nothing to its end."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise AssertionError("it waits for something")
