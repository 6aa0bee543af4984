"""What the API of flyte keeps: packs, flows and items, as shared rows of the cluster."""

import asyncio
from contextlib import suppress
from typing import Final

import structlog
from aiohttp import web

from floe.dialects.flyte.current_flows import FLOW, ITEM, VERSION
from floe.dialects.pack_work import ACTION
from floe.hub.hub import Hub
from floe.hub.shared.named_rows import NamedRows
from floe.model.errors import FloeError, KeeperAway
from floe.model.ids import Instant
from floe.model.named_row import name_of_row
from floe.peers.base import Peers
from floe.server.flyte.copies import Copies
from floe.server.flyte.flow_book import FlyteFlows
from floe.server.flyte.ids import FlyteIds
from floe.server.flyte.item_facts import ItemFacts
from floe.server.flyte.pack_book import PackBook
from floe.server.flyte.presence import PACK, Presence
from floe.server.flyte.sent_events import SentEvents
from floe.server.flyte.takers import takers_text

log = structlog.get_logger()

MINUTE_S: Final = 60.0

REPLACED_S: Final = 3600.0
"""Age of a version that no flow has, from which on no caller is about to make it a current one."""

TOGETHER: Final = 3
"""Minutes that all hosts answer, before the keeper deletes a pack."""


class FlyteSite:
    """The packs, flows and items of a cluster, as one host of it reads and writes them."""

    def __init__(self, hub: Hub, peers: Peers | None = None) -> None:
        """`peers` is None for a single host."""
        self.hub = hub
        self.peers = peers
        self.ids = FlyteIds(hub)
        self._shared = shared = hub.shared
        self.packs = NamedRows(shared, PACK)
        """By id: the document of a pack."""
        self.flows = NamedRows(shared, FLOW)
        """By name: the uuid of the current version of a flow."""
        self.versions = NamedRows(shared, VERSION)
        """By uuid: the document of a version of a flow. A run has its own copy of the version with
        which it began, so only current versions are needed."""
        self.items = NamedRows(shared, ITEM)
        """By key: the bytes of an item of the datastore."""
        self.item_facts = ItemFacts(self.items)
        self.presence = Presence(hub)
        self.pack_book = PackBook(self.packs, shared, self.presence)
        self.flow_book = FlyteFlows(shared)
        hub.reads.takers[ACTION] = lambda work: takers_text(work, self.pack_book)
        self.copies = Copies(hub, peers)
        self.sent = SentEvents()
        self._minutes = 0
        """In a row, after which all hosts of the cluster answered."""

    async def watch(self, remove_s: float | None) -> None:
        """Do the work of each minute, until cancelled."""
        while True:
            await asyncio.sleep(MINUTE_S)
            await self.note_minute(remove_s)

    async def note_minute(self, remove_s: float | None) -> None:
        """Write which packs this host has seen. At the keeper, delete the versions of flows that
        were replaced, and packs that no host has seen for some seconds: a host that was away may
        have seen them, and has time to write that first.
        """
        try:
            await self.presence.write()
            if self._shared.is_own:
                await self.remove_replaced(int(REPLACED_S * 1000))
            self._minutes = self._minutes + 1 if self._are_all_here() else 0
            if remove_s is not None and self._shared.is_own and self._minutes >= TOGETHER:
                await self.remove_silent(int(remove_s * 1000))
        except FloeError as error:
            log.info("flyte.presence_waits", error=str(error))

    def _are_all_here(self) -> bool:
        """Whether each host of the cluster is known and answers."""
        core = self.hub.loop.core
        away = any(member.stale for member in core.members.values())
        return bool(core.host_names()) and not away

    async def remove_replaced(self, age_ms: int) -> None:
        """Delete the versions, written before so long, that no flow has as its current one.

        A younger one may be that of a flow which is being written. Raises KeeperAway, Busy.
        """
        before = self.hub.clock.now() - age_ms
        current = {str(row.value) for row in self.flows.all()}
        for row in self._shared.of_kind(VERSION):
            if (uuid := name_of_row(row)) not in current and row.at <= before:
                await self.versions.delete(uuid, by="flyte")
                log.info("flyte.version_removed", version=uuid)

    async def remove_silent(self, silence_ms: int) -> None:
        """Delete the packs that no host has seen for so long. Raises KeeperAway, Busy."""
        before = self.hub.clock.now() - silence_ms
        for row in self.packs.all():
            if self.presence.last_seen(row.name, Instant(row.row.at)) < before:
                await self.packs.delete(row.name, by="flyte")
                log.info("flyte.pack_removed", pack=row.name)


async def caught_up(rows: NamedRows) -> None:
    """Let a list be complete, or be that of this host's copy while the keeper is away."""
    with suppress(KeeperAway):
        await rows.catch_up()


FLYTE_SITE: Final = web.AppKey("flyte_site", FlyteSite)
