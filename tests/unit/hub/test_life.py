"""A hub from opening to closing."""

import pytest

from floe.model.errors import StoreFailed
from floe.store.memory import MemoryStore
from tests.hands import Hands, a_hub, settled
from tests.make import a_flow, a_node, an_end
from tests.make_peers import some_peers

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


async def test_run_that_is_read_again_may_be_offered_with_its_log() -> None:
    flow = a_flow(host_tags=("gpu",))
    async with a_hub(flow, peers=some_peers(), host={"peers": 1}) as hub:
        ref = hub.reads.ref((await hub.trigger("flow", values={}, by="alice")).id)
        await settled(hub)
        cluster = hub.loop.core.cluster
        assert cluster is not None
        facts = cluster.adopter.facts
        logged = facts[ref]
        facts.put(ref, None)
        hub.history.unreadable[ref] = "its key is missing"

        await hub.run_keys.read_again()

        assert facts[ref] == logged
