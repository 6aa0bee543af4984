"""Settings of the connections to other hosts. Assembled by `app`."""

import dataclasses
import ssl
from dataclasses import field
from typing import Final
from urllib.parse import urlsplit

from floe.model.peer_message import PROTOCOL
from floe.model.secret import Secret
from floe.peers.base import Protocols

PROTOCOLS: Final = Protocols(PROTOCOL, PROTOCOL)
"""The versions that this floe supports."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PeerSettings:
    """The addresses of the other hosts, the credentials for them, and time limits."""

    urls: tuple[str, ...] = ()
    """As configured; this host's own may be among them."""
    token: Secret
    """The cluster's token."""
    base_url: str = "/build/api"
    """Path of the other hosts' APIs, unless their URL has a path."""
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    """None: the certificates that the system trusts."""
    connect_s: float = 5.0
    """Seconds from the first byte of a connection to its first frame."""
    backoff_first_s: float = 0.2
    backoff_max_s: float = 5.0
    """Seconds between two attempts, doubled each time; varied randomly by up to a quarter."""
    ping_s: float = 2.0
    """Seconds between two pings."""
    silence_s: float = 10.0
    """Seconds without incoming data, or for sending one frame, after which a connection ends."""
    self_s: float = 60.0
    """Seconds until a URL that led to this host is checked again."""
    answer_s: float = 60.0
    """Seconds for the head of a relayed reply."""

    def api(self, url: str) -> str:
        """The start of the API at a URL."""
        there = urlsplit(url)
        path = there.path.rstrip("/") or self.base_url
        return f"{there.scheme}://{there.netloc}{path}"
