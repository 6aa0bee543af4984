"""What the connections to other hosts are told at their start. Assembled by `app`."""

import ssl
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from floe.model.message import PROTOCOL
from floe.model.secret import Secret
from floe.peers.base import Protocols

PROTOCOLS: Final = Protocols(PROTOCOL, PROTOCOL)
"""Those that this floe speaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerSettings:
    """Where the others are, what is shown to them, and how long to bear with them."""

    urls: tuple[str, ...] = ()
    """As configured; this host's own may be among them."""
    token: Secret
    """Of the cluster."""
    base_url: str = "/build/api"
    """Of the others' APIs, where their URL has no path of its own."""
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    """None: the certificates that the system trusts."""
    connect_s: float = 5.0
    """Seconds from the first byte of a connection to its first frame."""
    backoff_first_s: float = 0.2
    backoff_max_s: float = 5.0
    """Seconds between two tries, doubled each time; a quarter more or less by chance."""
    ping_s: float = 2.0
    """Seconds between two signs of life."""
    silence_s: float = 10.0
    """Seconds without any sign of life, or for one frame to be taken, until a connection ends."""
    self_s: float = 60.0
    """Seconds until a URL that led to this host is looked at again."""
    answer_s: float = 60.0
    """Seconds for the head of a relayed answer."""

    def api(self, url: str) -> str:
        """Where the API of the host at a URL begins."""
        there = urlsplit(url)
        path = there.path.rstrip("/") or self.base_url
        return f"{there.scheme}://{there.netloc}{path}"
