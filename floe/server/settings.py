"""The settings of the server. Assembled by `config`; nothing here reads files."""

import ipaddress
import re
from pathlib import Path
from typing import Final

from floe.model.nouns import dataclass
from floe.model.secret import Secret
from floe.server.flyte.policy import FlyteAccess

NO_SECRET: Final = Secret("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """In the settings: an address to listen at, with or without TLS."""

    address: str
    """`host:port`; without a host all interfaces; port 0 for any free one."""
    cert: Path | None = None
    """PEM file of the certificate chain; None for plain HTTP. Needs `key`."""
    key: Path | None = None
    """PEM file of the private key, unencrypted. Needs `cert`."""


def split_address(address: str) -> tuple[str, int]:
    """Host and port of an address in the settings: `host:port`, `[v6]:port` or `:port`."""
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]*)):([0-9]{1,5})", address)
    if not match or int(match[3]) > 65535:
        raise ValueError(f"`{address}` is not host:port")
    return match[1] or match[2], int(match[3])


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address of the settings. Names other than localhost
    count as reachable."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name, or every interface
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Addresses, admission, and time limits for clients without credentials."""

    admin: Secret
    """The administrator's token. Sessions and personal tokens are hashed with it, so that changing
    it ends them all."""
    cluster: Secret = NO_SECRET
    """The token that hosts send each other; empty: no other host is admitted."""
    base_url: str = "/build/api"
    """Path before every route of the API."""
    public: Bind = Bind(address="127.0.0.1:8080")
    private: Bind | None = None
    """A second address for the same routes. With one, other hosts are admitted only there."""
    flyte: Bind | None = None
    """An address for flyte's API alone, without floe's credentials. Default: none."""
    flyte_access: FlyteAccess | None = None
    """Who may use it there. Default: each caller that reaches it."""
    remove_packs_s: float | None = None
    """Seconds until the keeper deletes a silent pack of flyte; None for never."""
    utask: Bind | None = None
    """An address for uTask's API alone. Default: none."""
    insecure: bool = False
    """Allow an address that other machines can reach without TLS."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses and networks whose X-Forwarded-For, -Proto, -Host and -Port count."""
    dev_webapp: Path | None = None
    """Serve the dashboard from this folder, read at each request; None for the packaged one."""
    session_s: int = 7 * 24 * 3600
    """Seconds from login until a session ends."""
    login_tries: int = 10
    """Failed logins per address and window; the next gets 429."""
    wrong_tries: int = 100
    """Wrong tokens in headers per address and window; the next gets 429."""
    throttle_s: float = 60.0
    """Seconds of that window."""
    head_s: float = 15.0
    """Seconds from a connection to the end of its first request's head."""
    idle_s: float = 75.0
    """Seconds after which a connection without a complete request is closed."""
    stop_s: float = 2.0
    """Seconds that active requests get when the server stops."""
