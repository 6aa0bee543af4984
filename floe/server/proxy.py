"""The request as a trusted proxy received it. Pure: no proxy is trusted by default.

Source: MDN on X-Forwarded-For ("selecting an IP address"), -Proto and -Host; X-Forwarded-Port as
Traefik and AWS send it.
"""

import ipaddress
import re
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

SCHEMES: Final = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
"""Some proxies send the scheme of a websocket."""
DEFAULT_PORTS: Final = {"http": 80, "https": 443}

HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")


class ProxyHeaders(Protocol):
    """A request's headers; names in any case."""

    def getall(self, key: str, default: Sequence[str], /) -> Sequence[str]:
        """All values of a header, in order."""
        ...


class SentRequest(NamedTuple):
    """A request as its client sent it, before any proxy."""

    remote: str
    """Address of the client."""
    scheme: str
    host: str
    """The client's name for the server, with the port unless it is the scheme's default."""


class Proxies:
    """The proxies whose headers about a request count."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks: tuple[IpNetwork, ...] = tuple(map(ipaddress.ip_network, networks))

    def __bool__(self) -> bool:
        return bool(self._networks)

    def trusts(self, address: str) -> bool:
        """Whether an address belongs to a trusted proxy."""
        ip = parse_address(address)
        return ip is not None and any(ip in network for network in self._networks)

    def seen(self, connected: SentRequest, headers: ProxyHeaders) -> SentRequest:
        """The request as the client sent it, derived from the connection and the headers.

        Without a trusted proxy at the other end, that is the connection's own data. In
        X-Forwarded-For each proxy appends the address before it: the last address that is not a
        trusted proxy is the client's, and the client may have invented the ones before it.
        """
        if not self.trusts(connected.remote):
            return connected
        scheme = SCHEMES.get(_first(headers, "X-Forwarded-Proto").lower(), connected.scheme)
        host = _first(headers, "X-Forwarded-Host")
        if not HOST.fullmatch(host):
            host = connected.host
        port = _first(headers, "X-Forwarded-Port")
        if host.endswith("]") or ":" not in host:
            is_other = re.fullmatch(r"[0-9]{1,5}", port) and int(port) != DEFAULT_PORTS[scheme]
            host = f"{host}:{int(port)}" if is_other else host
        return SentRequest(self._client(connected.remote, headers), scheme, host)

    def _client(self, remote: str, headers: ProxyHeaders) -> str:
        client = remote
        for entry in reversed(_all(headers, "X-Forwarded-For")):
            ip = parse_address(entry)
            if ip is None:  # `unknown`, or arbitrary text from outside
                break
            client = str(ip)
            if not self.trusts(client):
                break
        return client


def parse_address(text: str) -> Address | None:
    """An IP address as a proxy reports it, also with a port or a zone."""
    bare = re.fullmatch(r"\[([^]]*)\](?::[0-9]+)?|([0-9.]+):[0-9]+", text)
    text = (bare[1] or bare[2]) if bare else text
    try:
        ip = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (ip.ipv4_mapped or ip) if isinstance(ip, ipaddress.IPv6Address) else ip


def _all(headers: ProxyHeaders, name: str) -> list[str]:
    """The members of a list header, over all its lines."""
    return [part.strip() for line in headers.getall(name, ()) for part in line.split(",")]


def _first(headers: ProxyHeaders, name: str) -> str:
    return next(iter(_all(headers, name)), "")
