"""Keeps the keys of sealed runs in step with the key file of the host.

The file may get a new key at the top: then the keys of all runs are wrapped again, a few at a time.
It may lack a key that runs need: those are listed and left alone, and continue once it is there.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Final

import structlog

from floe.host.inputs import Child, Incoming, Input, RunKeysWrapped, SealKeys, Start
from floe.host.opening_inputs import OpenJudged, OpenRun
from floe.host.site import Site
from floe.host.starts import is_sealed
from floe.hub.flows import FlowBook
from floe.hub.history import History
from floe.model.ids import RunRef
from floe.store.base import RunStore
from floe.store.sealing import RUN_KEY, HostSeals

log = structlog.get_logger()

LOOK_S: Final = 2.0
"""Seconds between two looks at the key file."""

BATCH: Final = 256
"""Keys of runs that are wrapped again in one transaction."""


class RunKeys:
    """The keys of the sealed runs of a host at work."""

    def __init__(
        self,
        seals: HostSeals,
        store: RunStore,
        history: History,
        ask: Callable[[Input], Awaitable[object]],
        recall: Callable[[Collection[RunRef]], Awaitable[None]],
    ) -> None:
        """`ask` waits until the effect of an input is stored; `recall` reads runs into the core."""
        self._seals = seals
        self._store = store
        self._history = history
        self._ask = ask
        self._recall = recall
        self._one = asyncio.Lock()

    async def prepared(self, inputs: Sequence[Incoming]) -> None:
        """Before a step: have a key of the host, where one of its inputs needs the first."""
        if not self._seals.newest and any(map(_is_sealed, inputs)):
            await asyncio.to_thread(self._seals.prepare)

    async def watch(self) -> None:
        """Follow the key file, until cancelled. Raises FloeError."""
        told = self._seals.known
        while True:
            if self._seals.newest or self._history.unreadable:
                await asyncio.to_thread(self._seals.look)
                if self._seals.known != told:
                    await self._ask(SealKeys(keys=self._seals.known))
                    told = self._seals.known
                await self.read_again()
                await self.wrap_again()
            await asyncio.sleep(LOOK_S)

    async def read_again(self) -> None:
        """Continue the runs whose keys are back."""
        missing = tuple(self._history.unreadable)
        found = [ref for ref in missing if await self._history.is_readable(ref)]
        if found:
            log.info("runs.key_back", runs=[str(ref) for ref in found])
            await self._recall(found)

    async def wrap_again(self) -> int:
        """Wrap all keys of runs with the newest key of the host; return how many were not."""
        count = 0
        async with self._one:
            while rows := await asyncio.to_thread(self._seals.outdated, BATCH):
                await self._ask(RunKeysWrapped(rows=rows))
                self._seals.rewrapped(rows)
                count += len(rows)
        if count:
            log.info("runs.keys_wrapped", runs=count, key=self._seals.newest)
        return count


def _is_sealed(incoming: Incoming) -> bool:
    given = incoming.input
    if isinstance(given, OpenJudged):
        return any(is_sealed(one) for event in given.events for one in event.opens)
    start = given.start if isinstance(given, Child) else given
    # The child of a sealed run has a parent whose key was made, so there is a key.
    return isinstance(start, Start | OpenRun) and is_sealed(start)


async def hold_back(site: Site, history: History, store: RunStore) -> None:
    """At a start: let the core know the runs whose keys are missing, and hold what they hold."""
    site.unreadable = history.unreadable
    for ref in history.unreadable:
        row = await store.find(ref)
        if row is None or row.state != "active" or (row.store or ref.store) != site.store:
            continue
        if flow := await history.flow(row.digest):
            site.table.reserve(ref, flow)


async def load_run_keys(seals: HostSeals, store: RunStore, book: FlowBook) -> None:
    """Load the keys of runs at a start, and those of the host where a flow or a run needs them."""
    seals.load(await store.ledger(RUN_KEY))
    if any(flow.seal for flow in book.flows) or seals.uses():
        await asyncio.to_thread(seals.prepare)
        if problem := seals.problem():
            log.error("runs.no_key", problem=problem)
