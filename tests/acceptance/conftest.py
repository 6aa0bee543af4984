"""Hosts for acceptance tests."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.product import Host

HostOf = Callable[[str], Host]


@pytest.fixture
def host_of(tmp_path: Path) -> Iterator[HostOf]:
    """Makes the test's host from a config and starts it; at the end nothing of it is left."""
    hosts: list[Host] = []

    def made(config: str) -> Host:
        hosts.append(Host(tmp_path, config))
        hosts[-1].start()
        return hosts[-1]

    try:
        yield made
    finally:
        for host in hosts:
            host.close()
