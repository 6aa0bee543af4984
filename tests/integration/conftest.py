"""What the tests of git nodes share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from floe.nodes.commands import Commands
from floe.nodes.preparation import CommandSettings
from tests.integration.gits import House, Repository


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    settings = CommandSettings(host="h1", workspace_root=tmp_path)
    commands = Commands(tmp_path, settings)
    await commands.open()
    yield House(tmp_path, commands)
    await commands.shutdown()


@pytest.fixture
def remote(tmp_path: Path) -> Repository:
    """`main` has two commits, `topic` one more on the first."""
    remote = Repository(tmp_path / "remote" / "repo.git")
    remote.commit(a_txt="1\n")
    remote.branch("topic")
    remote.commit(b_txt="topic\n")
    remote.git("checkout", "--quiet", "main")
    remote.commit(a_txt="2\n")
    return remote
