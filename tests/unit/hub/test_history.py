"""Runs read from their logs, with their flows."""

from collections.abc import Sequence

from floe.hub.history import History
from floe.model.errors import StoreFailed
from floe.model.ids import RunRef
from floe.store.base import Stored
from floe.store.memory import MemoryStore
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

    assert first is second


async def test_archived_runs_are_read_together() -> None:
    hands = Hands()
    async with a_hub(FLOW, hands=hands) as hub:
        name = (await hub.trigger("flow", values={}, by="alice")).id
        await settled(hub)
        hands.exit("build")
        await until(over(hub, name))
        history, ref = History(hub.store, hub.flows.exact), hub.reads.ref(name)

        await history.read_together([ref, RunRef.parse("h1-99@none")])

        assert history._packed.keys() == {ref}
        assert await history.run(ref) == await hub.history.run(ref)


async def test_run_that_was_removed_is_not_kept() -> None:
    hands = Hands()
    async with a_hub(FLOW, hands=hands) as hub:
        name = (await hub.trigger("flow", values={}, by="alice")).id
        await settled(hub)
        hands.exit("build")
        await until(over(hub, name))
        history, ref = History(hub.store, hub.flows.exact), hub.reads.ref(name)
        await history.read_together([ref])

        history.removed([ref])

        assert not history._packed


async def test_runs_of_a_store_that_fails_are_left_to_their_readers() -> None:
    history = History(RefusedReads(), lambda *_: None)

    await history.read_together([RunRef.parse("h1-1@k3f9")])

    assert not history._packed


class RefusedReads(MemoryStore):
    async def histories(self, runs: Sequence[RunRef]) -> Sequence[Sequence[Stored]]:
        raise StoreFailed("the disk does not answer")
