"""Addresses that requests and messages must not reach: those of the config, and the own API."""

import ipaddress
import socket
from collections.abc import Collection, Iterable
from typing import Any, Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

OWN_API: Final = "own-api"
NETWORKS: Final = {
    "link-local": ("169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128"),
    "loopback": ("127.0.0.0/8", "::1/128"),
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"),
}
"""Networks by the names that a config may use. The last of `link-local` is the metadata service of
AWS, which has an address of its own in IPv6."""

_TRANSLATED: Final = ipaddress.IPv6Network("64:ff9b::/96")


class ForbiddenAddresses:
    """Judges addresses when a connection is made, so that no name can hide one."""

    def __init__(self, names: Collection[str] = (), own_ports: Iterable[int] = ()) -> None:
        """`names`: networks, names of `NETWORKS` and `own-api`, which is `own_ports` here."""
        texts = {name: NETWORKS.get(name, (name,)) for name in names if name != OWN_API}
        self._networks: list[tuple[str, Network]] = [
            (name, ipaddress.ip_network(text)) for name, each in texts.items() for text in each
        ]
        self._own_ports = frozenset(own_ports) if OWN_API in names else frozenset()

    def fault(self, host: str, port: int) -> str:
        """Why no request may go to this IP address and port; empty if one may."""
        address = _address(host)
        for name, network in self._networks:
            if address.version == network.version and address in network:
                return f"{address} is forbidden for requests here: `http-forbid` has {name}"
        if port in self._own_ports and is_of_this_machine(address):
            return f"port {port} of {address} is this host's API, which `http-forbid` has"
        return ""


NOTHING_FORBIDDEN: Final = ForbiddenAddresses()


class AddressGuard:
    """Refuses the connections of one request to forbidden addresses, and keeps the reason."""

    def __init__(self, forbidden: ForbiddenAddresses) -> None:
        self._forbidden = forbidden
        self.fault = ""

    def socket(self, info: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
        """A socket for an address that was looked up, or written in the URL. Raises OSError."""
        family, type_, proto, _, address = info
        self._check(address[0], address[1])
        return socket.socket(family, type_, proto)

    def check_written(self, host: str, port: int) -> None:
        """Refuse a forbidden address in a URL; a proxy may look up names. Raises OSError."""
        try:
            written = str(ipaddress.ip_address(host.strip("[]")))
        except ValueError:
            return
        self._check(written, port)

    def _check(self, address: str, port: int) -> None:
        self.fault = self._forbidden.fault(address, port)
        if self.fault:
            raise ConnectionRefusedError(self.fault)


def is_of_this_machine(address: Address) -> bool:
    """Whether an address is of this machine, and so may be forbidden."""
    if address.is_loopback or address.is_unspecified:
        return True
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True


def _address(host: str) -> Address:
    """An IP address; of an IPv6 address that stands for an IPv4 address, that one."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return inner or address
    return address
