"""Hosts that speak to one another, in one process, over real sockets."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from floe.feed.directory import DirectorySource
from floe.model.ids import HostId, Instant, StoreId
from floe.model.peer_message import Envelope, Message, Offer, Ping
from floe.model.secret import Secret
from floe.peers.base import Hello, Offered, Protocols, Seen
from floe.peers.http import HttpPeers
from floe.peers.settings import PROTOCOLS, PeerSettings
from floe.server.settings import Bind
from tests.make import a_flow
from tests.make_server import Site, a_site, until
from tests.ports import free_port as free_port  # who builds hosts needs ports

CLUSTER: Final = "battery-staple"
H2: Final = HostId("h2")
H3: Final = HostId("h3")


@dataclass
class Host:
    """A served hub and its peers, and what they received."""

    me: Hello
    peers: HttpPeers
    site: Site
    received: list[Envelope] = field(default_factory=list)
    unsent: list[Envelope] = field(default_factory=list)

    def send(self, message: Message, to: "Host | HostId | None" = None) -> Envelope:
        """Send a message to a host, or to all."""
        envelope = Envelope(
            from_host=self.me.host,
            from_store=self.me.store,
            to_host=to.me.host if isinstance(to, Host) else to,
            to_store=to.me.store if isinstance(to, Host) else None,
            message=message,
        )
        self.peers.send(envelope)
        return envelope

    async def meets(self, *hosts: HostId) -> None:
        """Wait until these hosts are connected, and let the hub know them."""
        await until(lambda: set(hosts) <= {s.host for s in self.peers.seen() if s.is_open})
        for one in self.peers.seen():
            if one.host and one.store:
                self.site.hub.sync.directory.met(DirectorySource(one.host, one.store))

    def at(self, url: str) -> Seen:
        """What is seen at a URL."""
        return next(one for one in self.peers.seen() if one.url == url)

    async def until_problem(self, url: str, part: str) -> None:
        """Wait until a problem at a URL has this in it."""
        await until(lambda: part in self.at(url).problem)


def url_of(port: int) -> str:
    """Where a host at a port of this machine is."""
    return f"http://127.0.0.1:{port}"


QUICK: Final[Mapping[str, float]] = {
    "backoff_first_s": 0.01,
    "backoff_max_s": 0.05,
    "ping_s": 0.05,
    "self_s": 0.05,
}
"""As patient as a test."""


def some_peers(*urls: str, token: str = CLUSTER, **settings: Any) -> HttpPeers:
    """Peers that know some URLs."""
    return HttpPeers(PeerSettings(urls=urls, token=Secret(token), **{**QUICK, **settings}))


def a_hello(
    host: HostId, store: StoreId, *, process: str = "", protocols: Protocols = PROTOCOLS
) -> Hello:
    """Who a host is."""
    process = process or f"{host}-{store}"
    return Hello(host=host, store=store, process=process, version="0", protocols=protocols)


@asynccontextmanager
async def a_host(
    root: Path,
    name: HostId,
    port: int,
    *urls: str,
    sent: Offered = (),
    token: str = CLUSTER,
    protocols: Protocols = PROTOCOLS,
    store: str = "",
    process: str = "",
    served: Mapping[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[Host]:
    """A host at a port that knows some URLs."""
    peers = some_peers(*urls, token=token, **settings)
    bind = {
        "public": Bind(address=f"127.0.0.1:{port}"),
        "cluster": Secret(token),
        "stop_s": 0.1,
        **(served or {}),
    }
    try:
        async with a_site(root / name, settings=bind, host=name, peers=peers) as site:
            own = StoreId(store) if store else site.hub.store.store_id
            me = a_hello(name, own, process=process, protocols=protocols)
            host = Host(me, peers, site)
            peers.open(me, host.received.append, host.unsent.append, sent)
            yield host
    finally:
        await peers.close()


def a_ping(at: int = 1) -> Ping:
    """How a host is."""
    return Ping(at=Instant(at), tags=frozenset({"linux"}), slots=4)


def an_offer(run: str = "h1-1@k3f9", epoch: int = 1) -> Offer:
    """A run for somebody else."""
    return Offer(run=run, epoch=epoch, facts=(), flow=a_flow(), digest="sha256:0")
