"""What the API of flyte keeps: packs, flows and items, as shared rows of the cluster."""

from contextlib import suppress
from typing import Final

from aiohttp import web

from floe.hub.hub import Hub
from floe.hub.shared.named_rows import NamedRows
from floe.model.errors import KeeperAway
from floe.peers.base import Peers
from floe.server.flyte.ids import FlyteIds
from floe.server.flyte.presence import PACK, Presence


class FlyteSite:
    """The packs, flows and items of a cluster, as one host of it reads and writes them."""

    def __init__(self, hub: Hub, peers: Peers | None = None) -> None:
        """`peers` is None for a single host."""
        self.hub = hub
        self.peers = peers
        self.ids = FlyteIds(hub)
        shared = hub.shared
        self.packs = NamedRows(shared, PACK)
        """By id: the document of a pack."""
        self.flows = NamedRows(shared, "flyte.flow")
        """By name: the uuid of the current version of a flow."""
        self.versions = NamedRows(shared, "flyte.version")
        """By uuid: the document of a version of a flow. A run that began with it may need it later,
        so none is deleted."""
        self.items = NamedRows(shared, "flyte.item")
        """By key: the bytes of an item of the datastore."""
        self.presence = Presence(hub)


async def caught_up(rows: NamedRows) -> None:
    """Let a list be complete, or be that of this host's copy while the keeper is away."""
    with suppress(KeeperAway):
        await rows.catch_up()


FLYTE_SITE: Final = web.AppKey("flyte_site", FlyteSite)
