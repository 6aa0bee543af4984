"""A request is the client's only as far as a trusted proxy vouches for it."""

import pytest
from multidict import CIMultiDict

from floe.server.origin import is_same_origin
from floe.server.proxy import Proxies, SentRequest

TRUSTED = ("10.0.0.1", "10.1.0.0/16", "fd00::/8")
CONNECTED = SentRequest("10.0.0.1", "http", "floe.example")


def seen(remote: str, *headers: tuple[str, str]) -> SentRequest:
    """What `Proxies` makes of a request over plain http."""
    return Proxies(TRUSTED).seen(CONNECTED._replace(remote=remote), CIMultiDict(headers))


FORGED = (
    ("X-Forwarded-For", "203.0.113.9"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "evil.example"),
    ("X-Forwarded-Port", "1"),
)


@pytest.mark.parametrize("remote", ["10.0.0.2", "10.2.0.1", "fe80::1", "::1", "", "/run/x.sock"])
def test_nothing_is_believed_of_a_stranger(remote: str) -> None:
    assert seen(remote, *FORGED) == CONNECTED._replace(remote=remote)


def test_nobody_is_trusted_unless_named() -> None:
    connected = CONNECTED._replace(remote="127.0.0.1")

    assert Proxies(()).seen(connected, CIMultiDict(FORGED)) == connected


@pytest.mark.parametrize("remote", ["10.0.0.1", "10.1.2.3", "::ffff:10.0.0.1", "fd00::5"])
def test_a_trusted_proxy_shows_what_the_client_sent(remote: str) -> None:
    told = seen(
        remote,
        ("X-Forwarded-For", "203.0.113.9"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "ci.example:8443"),
    )

    assert told == SentRequest("203.0.113.9", "https", "ci.example:8443")


@pytest.mark.parametrize(
    ("lines", "client"),
    [
        (["203.0.113.9"], "203.0.113.9"),
        (["1.1.1.1, 203.0.113.9"], "203.0.113.9"),
        (["1.1.1.1", "203.0.113.9"], "203.0.113.9"),
        (["1.1.1.1, 203.0.113.9, 10.1.0.5"], "203.0.113.9"),
        (["10.1.0.7, 10.1.0.5"], "10.1.0.7"),
        (["203.0.113.9:51234"], "203.0.113.9"),
        (["[2001:db8::1]:51234"], "2001:db8::1"),
        (["2001:db8::1"], "2001:db8::1"),
        (["::ffff:203.0.113.9"], "203.0.113.9"),
        (["unknown"], "10.0.0.1"),
        (["203.0.113.9, _hidden"], "10.0.0.1"),
        ([""], "10.0.0.1"),
        ([], "10.0.0.1"),
    ],
)
def test_the_client_is_the_last_that_is_no_proxy(lines: list[str], client: str) -> None:
    assert seen("10.0.0.1", *[("X-Forwarded-For", line) for line in lines]).remote == client


@pytest.mark.parametrize(
    ("said", "scheme"),
    [
        ("https", "https"),
        ("HTTPS", "https"),
        ("wss", "https"),
        ("ws", "http"),
        ("https, http", "https"),
        ("gopher", "http"),
        ("", "http"),
    ],
)
def test_the_scheme_is_the_clients(said: str, scheme: str) -> None:
    assert seen("10.0.0.1", ("X-Forwarded-Proto", said)).scheme == scheme


@pytest.mark.parametrize(
    ("host", "port", "shown"),
    [
        ("ci.example", "", "ci.example"),
        ("ci.example", "8443", "ci.example:8443"),
        ("ci.example", "443", "ci.example"),
        ("ci.example:8443", "443", "ci.example:8443"),
        ("[2001:db8::1]", "8443", "[2001:db8::1]:8443"),
        ("[2001:db8::1]:8443", "1", "[2001:db8::1]:8443"),
        ("ci.example, inner.example", "", "ci.example"),
        ("a b", "", "floe.example"),
        ("evil/path", "", "floe.example"),
        ("", "8443", "floe.example:8443"),
        ("", "none", "floe.example"),
    ],
)
def test_the_host_is_the_one_that_the_client_named(host: str, port: str, shown: str) -> None:
    told = seen(
        "10.0.0.1",
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", host),
        ("X-Forwarded-Port", port),
    )

    assert told.host == shown


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://ci.example", "ci.example"),
        ("https://ci.example", "ci.example:443"),
        ("https://ci.example", "CI.example"),
        ("https://ci.example:8443", "ci.example:8443"),
        ("https://[2001:db8::1]:8443", "[2001:DB8::1]:8443"),
    ],
)
def test_our_own_page_is_known_with_and_without_the_port(origin: str, host: str) -> None:
    assert is_same_origin(origin, "https", host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://ci.example:8443", "ci.example"),
        ("https://ci.example", "ci.example:8443"),
        ("https://ci.example", "ci.example:80"),
        ("https://ci.example.evil", "ci.example"),
        ("https://ci.example@evil", "ci.example"),
        ("https://ci.example/", "ci.example"),
        ("http://ci.example", "ci.example"),
        ("null", "ci.example"),
        ("", ""),
        ("https://", ""),
        ("https://a b", "a b"),
    ],
)
def test_a_page_of_elsewhere_is_not_ours(origin: str, host: str) -> None:
    assert not is_same_origin(origin, "https", host)
