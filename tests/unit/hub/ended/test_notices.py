"""Owed notices are sent once, tried again, and known after a restart."""

from collections.abc import Mapping
from typing import Any

import pytest

from floe.hub.hub import Hub
from floe.model.errors import StoreFailed
from floe.model.flow import Flow
from floe.model.ids import RunRef
from floe.model.notice import Notice, NoticeMessage
from floe.model.summary import Summary
from floe.nodes.base import NoticeRefused
from floe.store.memory import MemoryStore
from tests.hands import HandClock, Hands, a_hub, over, settled, until
from tests.make import a_flow, a_node, an_end
from tests.make_notices import a_notice


class Heard:
    """In the place of a sender: what was sent, and the refusals to come."""

    def __init__(self, *refusals: Exception) -> None:
        self.messages: list[NoticeMessage] = []
        self.refusals = list(refusals)

    async def send(self, notice: Notice, message: NoticeMessage) -> None:
        self.messages.append(message)
        if self.refusals:
            raise self.refusals.pop(0)


class UnreadableStore(MemoryStore):
    """A store in which no row is found for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.failures = 0

    async def find(self, run: RunRef) -> Summary | None:
        if self.failures:
            self.failures -= 1
            raise StoreFailed("the disk hangs", "wait")
        return await super().find(run)


def told(*notices: Notice) -> Flow:
    return a_flow(a_node("build"), an_end(), on_end=notices or (a_notice(),))


async def end(hub: Hub, hands: Hands, status: int) -> str:
    """Start a run and end it."""
    run = (await hub.trigger("flow", values={}, by="alice")).id
    await settled(hub)
    hands.exit("build", status)
    await until(over(hub, run))
    return run


async def states(hub: Hub, run: str) -> list[str]:
    found = await hub.reads.notices_of(run)
    return [one.state for one in found.notices] if found else []


async def rows(store: MemoryStore) -> Mapping[str, Any]:
    return {kind: await store.ledger(kind) for kind in ("notices", "notified")}


async def test_bad_run_is_reported_once_and_stays_known() -> None:
    heard, hands, store = Heard(), Hands(), MemoryStore()
    async with a_hub(told(), hands=hands, notifier=heard, store=store) as hub:
        run = await end(hub, hands, 1)
        await until(lambda: heard.messages)
        await settled(hub)

        assert await states(hub, run) == ["sent"]
        assert [len(found) for found in (await rows(store)).values()] == [0, 1]
    assert [message.run for message in heard.messages] == [run]


async def test_link_leads_to_the_page_of_the_run() -> None:
    heard, hands = Heard(), Hands()
    parts = {"notifier": heard, "public_url": "https://ci.example.com"}
    async with a_hub(told(), hands=hands, **parts) as hub:
        run = await end(hub, hands, 1)
        await until(lambda: heard.messages)

    assert heard.messages[0].link == f"https://ci.example.com/app/dash/runs/{run}"


async def test_good_run_is_reported_only_after_a_bad_one() -> None:
    heard, hands, store = Heard(), Hands(), MemoryStore()
    clock = HandClock()
    async with a_hub(told(), hands=hands, notifier=heard, store=store, clock=clock) as hub:
        await end(hub, hands, 0)
        clock.advance(1)
        await end(hub, hands, 1)
        await until(lambda: heard.messages)
        clock.advance(1)
        await end(hub, hands, 0)
        await until(lambda: len(heard.messages) == 2)
        clock.advance(1)
        last = await end(hub, hands, 0)
        await settled(hub)

        assert await states(hub, last) == []
    assert [m.recovered for m in heard.messages] == [False, True]


async def test_refused_notice_is_tried_again_when_it_is_due() -> None:
    heard, hands, clock = Heard(NoticeRefused("503")), Hands(), HandClock()
    async with a_hub(told(), hands=hands, notifier=heard, clock=clock) as hub:
        run = await end(hub, hands, 1)
        await until(lambda: heard.messages)
        await settled(hub)
        before = await states(hub, run)

        clock.advance(5)
        await until(lambda: len(heard.messages) == 2)
        await settled(hub)

        assert (before, await states(hub, run)) == (["owed"], ["sent"])
    assert heard.messages[0] == heard.messages[1]


async def test_one_refusal_does_not_keep_others_from_being_sent() -> None:
    heard, hands = Heard(NoticeRefused("404", is_final=True)), Hands()
    flow = told(a_notice(), a_notice(channel="teams"))
    async with a_hub(flow, hands=hands, notifier=heard) as hub:
        run = await end(hub, hands, 1)
        await until(lambda: len(heard.messages) == 2)
        await settled(hub)

        assert await states(hub, run) == ["failed", "sent"]


async def test_sender_that_breaks_stops_nothing() -> None:
    heard, hands = Heard(RuntimeError("a bug")), Hands()
    async with a_hub(told(), hands=hands, notifier=heard) as hub:
        run = await end(hub, hands, 1)
        await until(lambda: heard.messages)
        await settled(hub)

        assert await states(hub, run) == ["failed"]


async def test_owed_notice_is_sent_after_a_restart() -> None:
    first, second = Heard(NoticeRefused("away")), Heard()
    hands, store, clock = Hands(), MemoryStore(), HandClock()
    others: dict[str, Any] = {"hands": hands, "store": store, "clock": clock}
    async with a_hub(told(), notifier=first, **others) as hub:
        await end(hub, hands, 1)
        await until(lambda: first.messages)
        await settled(hub)

    clock.slip(60)
    async with a_hub(told(), notifier=second, **others):
        await until(lambda: second.messages)

    assert second.messages == first.messages


async def test_store_that_cannot_be_read_delays_a_notice() -> None:
    heard, hands, store, clock = Heard(), Hands(), UnreadableStore(), HandClock()
    async with a_hub(told(), hands=hands, notifier=heard, store=store, clock=clock) as hub:
        store.failures = 1
        await end(hub, hands, 1)
        await until(lambda: not store.failures)
        await settled(hub)

        clock.advance(60)
        await until(lambda: heard.messages)


@pytest.mark.parametrize("host", [{"notifies": False}])
async def test_hub_of_one_run_notifies_nobody(host: dict[str, Any]) -> None:
    heard, hands, store = Heard(), Hands(), MemoryStore()
    async with a_hub(told(), hands=hands, notifier=heard, store=store, host=host) as hub:
        run = await end(hub, hands, 1)
        await settled(hub)

        assert await states(hub, run) == []
    assert heard.messages == []
