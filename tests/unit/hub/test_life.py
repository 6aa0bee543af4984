"""A hub from opening to closing."""

import pytest

from floe.model.errors import StoreFailed
from floe.store.memory import MemoryStore
from tests.hands import Hands, a_hub, settled
from tests.make import a_flow, a_node, an_end

FLOW = a_flow(a_node("build"), an_end(on="task.build.good"))


class Shut(MemoryStore):
    """A store that cannot be opened."""

    async def open(self) -> None:
        raise StoreFailed("the disk is gone", "mount it")


async def test_hub_whose_store_does_not_open_opens_no_executor() -> None:
    hands = Hands()

    with pytest.raises(StoreFailed, match="the disk is gone"):
        async with a_hub(FLOW, store=Shut(), hands=hands):
            pytest.fail("it opened")

    assert hands.started == []


async def test_run_that_waited_goes_on_in_the_next_hub_of_the_store() -> None:
    store, hands = MemoryStore(), Hands()
    async with a_hub(a_flow(host_tags=("gpu",)), store=store, hands=hands) as hub:
        run = (await hub.trigger("flow", values={}, by="alice")).id
        await settled(hub)

    async with a_hub(a_flow(host_tags=("gpu",)), store=store, hands=hands) as hub:
        phase = (await hub.reads.run(run)).phase

    assert phase == "pending"
