"""Programs take outside work of a hub, answer it and give it back."""

import pytest

from floe.model.call import OutsideWork
from floe.model.errors import Conflict, IdInvalid, NotFound
from floe.model.ids import FlowId
from floe.model.signal import Answered
from tests.hands import a_hub, until
from tests.make import a_flow, a_node

POST = a_flow(a_node("a", OutsideWork(type="toy.post", queue="slack")), id=FlowId("posts"))
GOOD = Answered(good=True, outputs={})


async def test_second_answer_is_refused() -> None:
    async with a_hub(POST) as hub:
        await hub.trigger("posts", values={}, by="alice")
        await until(lambda: len(hub.loop.core.table.offers) > 0)
        work = await hub.outside.take("slack", by="pack")
        assert work is not None
        await hub.outside.answer(work.key, GOOD)

        with pytest.raises(Conflict, match="is not open for this answer"):
            await hub.outside.answer(work.key, GOOD)


async def test_named_take_without_its_work_is_over() -> None:
    async with a_hub(POST) as hub:
        await hub.trigger("posts", values={}, by="alice")
        await until(lambda: len(hub.loop.core.table.offers) > 0)
        work = await hub.outside.take("slack", by="pack", take="t1")
        assert work is not None
        await hub.outside.give_back(work.key, "t1")

        with pytest.raises(Conflict, match="the take t1 is over"):
            await hub.outside.take("slack", by="pack", take="t1")


async def test_keys_of_unknown_work_are_refused() -> None:
    async with a_hub(POST) as hub:
        with pytest.raises(NotFound):
            await hub.outside.answer("h1-9@k3f9.1.a.1.1", GOOD)
        with pytest.raises(IdInvalid):
            await hub.outside.give_back("?", "t1")


async def test_queue_without_work_gives_nothing() -> None:
    async with a_hub(POST) as hub:
        assert await hub.outside.take("slack", by="pack") is None
