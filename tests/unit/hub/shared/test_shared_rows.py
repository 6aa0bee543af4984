"""Reads and writes of shared rows at a host at work."""

import pytest

from floe.host.shared.copying import AWAY
from floe.model.errors import Conflict, KeeperAway, Yours
from floe.model.ids import HostId
from tests.hands import a_hub


async def test_row_is_written_and_read() -> None:
    async with a_hub() as hub:
        number = await hub.shared.write("t", "k", {"a": 1}, by="alice", expected=0)

        row = await hub.shared.find("t", "k", reached=number)

    assert row is not None
    assert (row.value, row.by, row.number) == ({"a": 1}, "alice", number)
    assert [one.key for one in hub.shared.of_kind("t")] == ["k"]


async def test_row_that_the_cluster_lacks_is_none() -> None:
    async with a_hub() as hub:
        assert await hub.shared.find("t", "k") is None


async def test_write_of_a_row_that_has_changed_is_a_conflict() -> None:
    async with a_hub() as hub:
        await hub.shared.write("t", "k", 1, by="alice", expected=0)

        with pytest.raises(Conflict, match="t k has changed in the meantime"):
            await hub.shared.write("t", "k", 2, by="alice", expected=0)


async def test_row_that_none_can_be_is_refused_before_it_is_sent() -> None:
    async with a_hub() as hub:
        with pytest.raises(Yours, match="a shared row has up to 65536"):
            await hub.shared.write("t", "k", "v" * 65536, by="alice", expected=0)


async def test_each_stored_change_is_reported() -> None:
    changes: list[int] = []
    async with a_hub() as hub:
        hub.shared.changed.append(lambda: changes.append(hub.shared.count))
        await hub.shared.write("t", "k", 1, by="alice", expected=0)
        await hub.drain(on=True)

    assert changes == [1]


async def test_keeper_that_is_away_is_named() -> None:
    async with a_hub(host={"peers": 1, "keeper": HostId("h2")}) as hub:
        with pytest.raises(KeeperAway) as raised:
            await hub.shared.find("token", "k")

    assert str(raised.value) == f"h2 keeps the tokens and {AWAY}"
    assert hub.shared.age() == "h2 has sent no message since this host started"
    assert not hub.shared.is_own
