"""A port of a test is its own, whether a server listens there at the moment or not."""

import socket
import subprocess
import sys

import pytest

from tests.ports import free_port, free_ports

HERE = "127.0.0.1"
BINDS = "import socket, sys; socket.socket().bind((sys.argv[1], int(sys.argv[2])))"


def test_server_listens_on_its_port_again_and_again() -> None:
    port = free_port()

    for _ in range(3):
        socket.create_server((HERE, port)).close()


def test_server_listens_on_its_port_at_every_address() -> None:
    socket.create_server(("0.0.0.0", free_port())).close()


def test_port_is_given_once() -> None:
    ports = [free_port() for _ in range(100)]

    assert len(set(ports)) == len(ports)


@pytest.mark.parametrize("address", [HERE, "127.0.0.2"])
def test_port_is_no_other_processs_between_two_servers(address: str) -> None:
    port = free_port()
    socket.create_server((HERE, port)).close()

    other = subprocess.run([sys.executable, "-c", BINDS, address, str(port)], capture_output=True)

    assert b"Address already in use" in other.stderr


def test_port_without_a_server_refuses_connections() -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HERE, free_port()))


def test_both_of_two_ports_are_kept() -> None:
    first = free_ports(apart=10)

    for port in (first, first + 10):
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind((HERE, port))
