"""Where a server may listen."""

from pathlib import Path

import pytest

from floe.model.errors import Yours
from floe.server.endpoint import Endpoint, endpoint
from floe.server.settings import Bind


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080),
        ("127.9.9.9:1", "127.9.9.9", 1),
        ("localhost:0", "localhost", 0),
        ("[::1]:443", "::1", 443),
    ],
)
def test_a_loopback_address_needs_no_tls(address: str, host: str, port: int) -> None:
    assert endpoint(Bind(address=address), insecure=False) == Endpoint(host, port, None)


@pytest.mark.parametrize("address", ["0.0.0.0:80", ":80", "[::]:80", "10.0.0.1:80", "build:80"])
def test_an_address_that_others_reach_needs_tls_or_insecure(address: str) -> None:
    with pytest.raises(Yours) as caught:
        endpoint(Bind(address=address), insecure=False)

    assert "--insecure" in caught.value.hint
    assert endpoint(Bind(address=address), insecure=True).port == 80


@pytest.mark.parametrize("address", ["", "8080", "127.0.0.1", "127.0.0.1:", "h:x", "h:70000"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(Yours, match="not an address"):
        endpoint(Bind(address=address), insecure=True)


def test_a_certificate_without_key_is_refused() -> None:
    with pytest.raises(Yours, match="both"):
        endpoint(Bind(address="127.0.0.1:0", cert=Path("c.pem")), insecure=False)


def test_a_certificate_that_cannot_be_read_is_named() -> None:
    bind = Bind(address="127.0.0.1:0", cert=Path("none.pem"), key=Path("none.key"))

    with pytest.raises(Yours, match=r"none\.pem"):
        endpoint(bind, insecure=False)
