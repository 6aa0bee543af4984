"""Words of other hosts: which are heard, and which have to be said again."""

import asyncio

import pytest

from floe.host.inputs import Incoming, LogRead, Mark, Surroundings
from floe.hub import loop as loop_module
from floe.hub import peer_gateway
from floe.hub.hub import Hub
from floe.hub.peer_gateway import PeerGateway
from floe.model.ids import HostId, RunRef, StoreId
from floe.model.peer_message import Envelope, Message, Ping, Rows
from floe.store.base import LedgerWrite
from tests.hands import RefusingStore, a_hub
from tests.make_peers import a_hello, a_ping, some_peers
from tests.make_store import a_run, a_summary


def of_h2(message: Message) -> Envelope:
    return Envelope(
        from_host=HostId("h2"),
        from_store=StoreId("aaaa"),
        to_host=None,
        to_store=None,
        message=message,
    )


async def heard(hub: Hub, message: Message) -> int:
    """How many words more wait for the writer when another host has said something."""
    peers = some_peers()
    post = PeerGateway(hub.loop.core, hub.store, peers, hub.loop)
    post.open(a_hello(hub.host.id, hub.store.store_id), hub.sync)
    try:
        waited = len(hub.loop)
        post.receive(of_h2(message))
        return len(hub.loop) - waited
    finally:
        await peers.close()


ROWS = Rows(after=0, upto=3, rows=(a_summary(a_run(1, host="h2", store="aaaa")),))


@pytest.mark.parametrize("message", [a_ping(), ROWS], ids=[Ping.__name__, Rows.__name__])
async def test_message_of_another_host_waits_for_the_writer(message: Message) -> None:
    async with a_hub() as hub:
        assert await heard(hub, message) == 1


@pytest.mark.parametrize("message", [a_ping(), ROWS], ids=[Ping.__name__, Rows.__name__])
async def test_message_for_which_there_is_no_room_is_not_kept(
    message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RefusingStore()
    async with a_hub(store=store) as hub:
        monkeypatch.setattr(loop_module, "INBOX_MAX", 1)
        hub.loop.put(Incoming(input=Mark(rows=())))

        assert await heard(hub, message) == 0


async def test_rows_for_which_there_was_no_room_are_received_when_they_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with a_hub() as hub:
        with monkeypatch.context() as full:
            full.setattr(loop_module, "INBOX_MAX", 0)
            await heard(hub, ROWS)

        assert await heard(hub, ROWS) == 1


async def test_surroundings_go_with_a_step_only_when_they_changed() -> None:
    peers = some_peers()
    async with a_hub() as hub:
        post = PeerGateway(hub.loop.core, hub.store, peers, hub.loop)
        post.open(a_hello(hub.host.id, hub.store.store_id), hub.sync)

        first = await post.completed([])
        second = await post.completed([])
        hub.sync.has_gone_back = True
        third = await post.completed([])
        await peers.close()

    assert second == []
    assert [isinstance(a.input, Surroundings) for a in (*first, *third)] == [True, True]
    assert isinstance(third[0].input, Surroundings)
    assert third[0].input.has_gone_back


async def test_log_that_waits_for_the_writer_is_not_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(peer_gateway, "LOGS_S", 0.0)
    monkeypatch.setattr(loop_module, "STORE_RETRY_S", 0.0)
    store = RefusingStore()
    async with a_hub(store=store, peers=some_peers(), host={"peers": 1}) as hub:
        wanted = RunRef(hub.host.id, hub.store.store_id, 1)
        monkeypatch.setattr(hub.loop.core, "wanted_logs", lambda now: [wanted])
        store.refusals, most = 1000, 0
        hub.loop.put(Incoming(input=Mark(rows=(LedgerWrite(kind="mark", key="x", value=1),))))
        for _ in range(100):
            await asyncio.sleep(0)
            most = max(most, sum(isinstance(one.input, LogRead) for one in hub.loop._inbox))
        store.refusals = 0

    assert most == 1
