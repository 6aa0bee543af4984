"""When the client of the warden writes its requests."""

import asyncio
import json
from pathlib import Path
from typing import cast

import pytest

from floe.nodes.warden import Spawn, WardenClient
from floe.nodes.warden_link import WardenConnection


class Link:
    """A connection that keeps what is written, as one list of keys for each write."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.transport = self
        self.writes: list[list[str]] = []

    def write(self, data: bytes) -> None:
        self.writes.append([json.loads(line)["key"] for line in data.splitlines()])


@pytest.fixture
async def link() -> Link:
    return Link()


@pytest.fixture
async def client(link: Link, tmp_path: Path) -> WardenClient:
    client = WardenClient(tmp_path, lambda report: None, lambda: None)
    client._link = cast(WardenConnection, link)
    return client


def a_command(key: str) -> Spawn:
    return Spawn(
        key=key,
        argv=("true",),
        env={},
        cwd="/",
        output="/tmp/out",
        timeout_s=None,
        grace_s=1.0,
        output_max=0,
        attach=False,
    )


async def test_first_command_of_an_iteration_is_written_at_once(
    client: WardenClient, link: Link
) -> None:
    client.spawn(a_command("a"))

    assert link.writes == [["a"]]


async def test_further_commands_of_an_iteration_are_one_write(
    client: WardenClient, link: Link
) -> None:
    for key in "abc":
        client.spawn(a_command(key))
    await asyncio.sleep(0)

    assert link.writes == [["a"], ["b", "c"]]


async def test_first_command_of_the_next_iteration_is_written_at_once(
    client: WardenClient, link: Link
) -> None:
    client.spawn(a_command("a"))
    await asyncio.sleep(0)

    client.spawn(a_command("b"))

    assert link.writes == [["a"], ["b"]]


async def test_requests_before_the_first_command_are_in_its_write(
    client: WardenClient, link: Link
) -> None:
    client.spawn(a_command("a"))
    await asyncio.sleep(0)

    client.stop("a")
    client.spawn(a_command("b"))

    assert link.writes == [["a"], ["a", "b"]]
