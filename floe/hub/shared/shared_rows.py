"""Reads and writes of shared rows: from this host's copy, or by the keeper."""

from collections.abc import Callable
from typing import NoReturn
from uuid import uuid4

from floe.host.inputs import CatchUp, Reply, WriteRow
from floe.host.shared.table import SHARED
from floe.host.step_result import StepResult
from floe.hub.clock import Clock
from floe.hub.loop import Loop
from floe.model.errors import Conflict, KeeperAway, Yours
from floe.model.ids import HostId, Json
from floe.model.shared_row import SharedRow, row_fault


class SharedRows:
    """The shared rows. A row that this host's copy lacks may exist: only the keeper knows."""

    def __init__(self, loop: Loop, clock: Clock) -> None:
        self._loop = loop
        self._clock = clock
        self.changed: list[Callable[[], None]] = []
        """Called after each stored change of a row."""

    @property
    def keeper(self) -> HostId:
        """The host that writes the rows."""
        return self._loop.core.sharing.keeper

    @property
    def is_own(self) -> bool:
        """Whether this host is the keeper."""
        return self.keeper == self._loop.core.site.id

    @property
    def is_split(self) -> bool:
        """Whether each host of the cluster keeps rows of its own: no keeper is configured."""
        site = self._loop.core.site
        return bool(site.settings.peers) and site.keeper is None

    @property
    def count(self) -> int:
        """The number of rows with a value."""
        return self._loop.core.shared_rows.count

    def age(self) -> str:
        """Why the copy here may be old, as a sentence; empty while the keeper answers."""
        return self._loop.core.sharing.age(self._clock.now())

    def local(self, kind: str, key: str) -> SharedRow | None:
        """A row as this host's copy has it, also a deleted one; None if the copy has none."""
        return self._loop.core.shared_rows.get(kind, key)

    def of_kind(self, kind: str) -> list[SharedRow]:
        """The rows of a kind in this host's copy, the oldest write first."""
        return self._loop.core.shared_rows.of_kind(kind)

    def deleted(self, kind: str) -> list[str]:
        """The keys of the deleted rows of a kind in this host's copy."""
        return self._loop.core.shared_rows.deleted(kind)

    async def find(self, kind: str, key: str, *, reached: int = 0) -> SharedRow | None:
        """A row, also a deleted one; None if the cluster has none.

        `reached`: the number of a write that the caller knows; an older copy does not count.
        Raises KeeperAway where only the keeper knows, and Busy.
        """
        found, state = self.local(kind, key), self._loop.core.shared_rows.state
        if found is not None and state.number >= reached:
            return found
        await self.catch_up(kind)
        return self.local(kind, key)

    async def catch_up(self, kind: str) -> int:
        """Wait until this host's copy has all that the keeper has now; return the last number.

        `kind` is for the text of the error. Raises KeeperAway, Busy.
        """
        reply = await self._loop.ask(CatchUp())
        return reply.number if reply.changed else self._refused(reply, kind)

    async def write(
        self, kind: str, key: str, value: Json, *, by: str, expected: int | None
    ) -> int:
        """Write a row, or delete it (None); return the number that this host's copy has then.

        `expected`: the number of the row that it replaces, 0 for none; None for whichever there
        is. Raises Conflict where a different row is there, Yours, KeeperAway, Busy, StoreFailed.
        """
        if fault := row_fault(kind, key, value):
            raise Yours(fault)
        request = WriteRow(
            request=uuid4().hex, name=(kind, key), value=value, by=by, expected=expected
        )
        reply = await self._loop.ask(request)
        return reply.number if reply.changed else self._refused(reply, kind)

    def stored(self, decided: StepResult) -> None:
        """Report the changes of a step that is stored."""
        if any(row.kind == SHARED for row in decided.ledger):
            for call in self.changed:
                call()

    def _refused(self, reply: Reply, kind: str) -> NoReturn:
        if reply.is_away:
            what = f"{self.keeper} keeps the {kind}s and {reply.why}"
            raise KeeperAway(what, "floe hosts shows the state of each host", host=self.keeper)
        raise Conflict(reply.why)
