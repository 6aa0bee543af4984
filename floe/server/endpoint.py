"""An address to listen at, with its certificate."""

import asyncio
import ssl
from typing import NamedTuple

from floe.model.errors import Yours
from floe.server.settings import Bind, is_loopback, split_address


class Endpoint(NamedTuple):
    """An address to listen at."""

    host: str
    """Empty for all interfaces."""
    port: int
    tls: ssl.SSLContext | None

    def __str__(self) -> str:
        return f"{self.host or '0.0.0.0'}:{self.port}"  # noqa: S104  # a text, not a bind

    def addresses(self, listener: asyncio.Server) -> set[tuple[str, int]]:
        """The addresses of its listener as connections see them."""
        names = [socket.getsockname() for socket in listener.sockets]
        return {(name[0] if self.host else "", name[1]) for name in names}


def endpoint(bind: Bind, *, insecure: bool) -> Endpoint:
    """Read an address. Raises Yours if it is invalid or would expose tokens."""
    try:
        host, port = split_address(bind.address)
    except ValueError:
        hint = "write host:port, as in 127.0.0.1:8080"
        raise Yours(f"{bind.address!r} is not an address", hint) from None
    tls = _tls(bind)
    if tls is None and not insecure and not is_loopback(host):
        raise Yours(
            f"{bind.address} can be reached from outside, and without TLS tokens could be read",
            "give a certificate and its key, or use --insecure if a proxy in front does TLS",
        )
    return Endpoint(host, port, tls)


def _tls(bind: Bind) -> ssl.SSLContext | None:
    if bind.cert is None and bind.key is None:
        return None
    if bind.cert is None or bind.key is None:
        raise Yours(f"TLS at {bind.address} needs both a certificate and its key")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(bind.cert, bind.key, password=_no_password)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        what = f"cannot use the certificate {bind.cert} with the key {bind.key}: {error}"
        raise Yours(what, "both are PEM files; the key has no password") from None
    return context


def _no_password() -> str:
    raise ValueError("the key has a password")
