"""Runs read from their logs, with their flows."""

from floe.hub.history import PACKED_MAX, History
from floe.model.ids import RunRef
from tests.hands import Hands, a_hub, over, settled, until
from tests.make import a_flow, a_node, an_end

FLOW = a_flow(a_node("build"), an_end(on="task.build.good"))


async def test_run_is_read_as_it_was_after_an_event() -> None:
    async with a_hub(FLOW) as hub:
        row = (await hub.trigger("flow", values={}, by="alice")).row
        await settled(hub)

        before = await hub.history.folded(RunRef.parse(row.key), 1)

    assert before is not None
    assert (before.seq, before.phase) == (1, "pending")


async def test_run_without_a_log_is_none() -> None:
    async with a_hub(FLOW) as hub:
        assert await hub.history.run(RunRef.parse("h1-99@none")) is None


async def test_run_that_is_not_over_is_unfinished_with_its_flow() -> None:
    async with a_hub(FLOW) as hub:
        await hub.trigger("flow", values={}, by="alice")
        await settled(hub)

        [run] = await hub.history.unfinished()

    assert run.flow == FLOW


async def test_archived_run_is_folded_once_and_kept() -> None:
    hands = Hands()
    async with a_hub(FLOW, hands=hands) as hub:
        name = (await hub.trigger("flow", values={}, by="alice")).id
        await settled(hub)
        hands.exit("build")
        await until(over(hub, name))
        history = History(hub.store, hub.flows.exact)
        ref = hub.reads.ref(name)

        first, second = await history.run(ref), await history.run(ref)

    assert PACKED_MAX > 1
    assert first is second
