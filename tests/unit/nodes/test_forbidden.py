"""Addresses that requests must not reach, however they are written."""

import pytest

from floe.dialects.floe.addresses import ADDRESS_NAMES
from floe.nodes.forbidden import NETWORKS, ForbiddenAddresses

BY_DEFAULT = ForbiddenAddresses(("own-api", "link-local"), (8080,))


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
    ],
)
def test_link_local_address_is_forbidden_in_every_form(address: str) -> None:
    assert "`http-forbid` has link-local" in BY_DEFAULT.fault(address, 80)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::"])
def test_own_api_is_forbidden_at_every_address_of_this_machine(address: str) -> None:
    assert "is this host's API" in BY_DEFAULT.fault(address, 8080)
    assert BY_DEFAULT.fault(address, 8081) == ""


def test_own_port_of_a_different_machine_is_none_of_this_host() -> None:
    assert BY_DEFAULT.fault("192.0.2.1", 8080) == ""


def test_networks_are_forbidden_by_name_and_as_written() -> None:
    forbidden = ForbiddenAddresses(("private", "203.0.113.0/24"))

    assert "has private" in forbidden.fault("10.1.2.3", 443)
    assert "has 203.0.113.0/24" in forbidden.fault("203.0.113.7", 443)
    assert forbidden.fault("198.51.100.1", 443) == ""


def test_every_name_of_the_config_has_addresses() -> None:
    assert {*NETWORKS, "own-api"} == {*ADDRESS_NAMES}
