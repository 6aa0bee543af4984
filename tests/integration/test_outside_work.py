"""Calls and outside work in a hub with a real store, which is closed and opened again."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from floe.hub.hub import Hub
from floe.model.call import Call, OutsideWork, TakenWork
from floe.model.errors import Conflict, NotFound
from floe.model.event import WorkReturned
from floe.model.flow import Flow
from floe.model.ids import FlowId, Json, Key
from floe.model.signal import Answered
from floe.nodes.base import Job
from floe.nodes.calls import Calls
from floe.store.sqlite import SqliteStore
from tests.hands import Hands, a_hub, executors, over, settled, until
from tests.make import a_flow, a_node

POSTS = a_flow(
    a_node("a", Call(type="toy.echo", config={"text": "hi"})),
    a_node("b", OutsideWork(type="toy.post", config=["x"], queue="slack"), on="task.a.good"),
    a_node("c", Call(type="toy.echo", config={"text": "bye"}), on="task.b.good"),
    id=FlowId("posts"),
)


class Toy:
    """A dialect with one type of call, which waits while it is held."""

    def __init__(self) -> None:
        self.held: asyncio.Event | None = None
        self.calls = 0

    async def echo(self, job: Job) -> Answered:
        assert isinstance(job.work, Call)
        self.calls += 1
        if self.held:
            await self.held.wait()
        config = job.work.config
        assert isinstance(config, Mapping)
        return Answered(good=True, outputs=config, metadata={"calls": self.calls})


@asynccontextmanager
async def a_toy_hub(root: Path, toy: Toy | None = None, *flows: Flow) -> AsyncIterator[Hub]:
    brought = {"toy.echo": (toy or Toy()).echo}
    mapping = {**executors(Hands()), Call: Calls(brought)}
    store = SqliteStore(root / "floe.db")
    host = {"packs_at_end": True}
    async with a_hub(*(flows or (POSTS,)), executors=mapping, store=store, host=host) as hub:
        yield hub


async def started(hub: Hub, flow: str = "posts") -> str:
    """A run whose outside work is offered."""
    run = (await hub.trigger(flow, values={}, by="alice")).id
    await until(lambda: len(hub.loop.core.table.offers) > 0)
    return run


async def take(hub: Hub, name: str = "") -> TakenWork:
    taken = await hub.outside.take("slack", by="slack-pack", take=name)
    assert taken is not None
    return taken


def an_answer(**outputs: Json) -> Answered:
    return Answered(good=True, outputs=outputs)


async def test_run_of_calls_and_outside_work_ends_and_is_packed_without_a_file(
    tmp_path: Path,
) -> None:
    async with a_toy_hub(tmp_path) as hub:
        run = await started(hub)
        work = await take(hub)
        await hub.outside.answer(work.key, an_answer(url="https://x"), take=work.take)
        await until(over(hub, run))
        await settled(hub)

        row = await hub.reads.summary(hub.reads.ref(run))
        ended = await hub.reads.run(run)

    outputs = {node: state.outputs for node, state in ended.nodes.items()}
    assert (work.type, work.config, row.phase, row.good) == ("toy.post", ["x"], "packed", True)
    assert outputs == {"a": {"text": "hi"}, "b": {"url": "https://x"}, "c": {"text": "bye"}}


async def test_taken_work_is_answered_after_the_hub_was_closed(tmp_path: Path) -> None:
    async with a_toy_hub(tmp_path) as hub:
        run = await started(hub)
        work = await take(hub, "t1")
    async with a_toy_hub(tmp_path) as hub:
        again = await take(hub, "t1")
        other = await hub.outside.take("slack", by="other-pack")
        await hub.outside.answer(work.key, an_answer(), take="t1")
        with pytest.raises(Conflict, match="is not open for this answer"):
            await hub.outside.answer(work.key, an_answer(), take="t1")
        await until(over(hub, run))
        await settled(hub)

    assert (again, other) == (work, None)


async def test_taker_gets_work_of_the_name_that_it_wants(tmp_path: Path) -> None:
    works = {name: OutsideWork(type="toy.post", queue="slack", name=name) for name in ("a", "b")}
    flow = a_flow(*(a_node(name, work) for name, work in works.items()), id=FlowId("two"))
    async with a_toy_hub(tmp_path, None, flow) as hub:
        await started(hub, "two")
        names = ("b", "b", "")
        taken = [await hub.outside.take("slack", by="pack", name=name) for name in names]

    nodes = [Key.parse(work.key).node if work else None for work in taken]
    assert nodes == ["b", None, "a"]


async def test_work_that_is_given_back_is_taken_by_the_next(tmp_path: Path) -> None:
    async with a_toy_hub(tmp_path) as hub:
        run = await started(hub)
        first = await take(hub, "t1")
        changed = [await hub.outside.give_back(first.key, "t1") for _ in range(2)]
        second = await take(hub, "t2")

        with pytest.raises(Conflict, match="is not open"):
            await hub.outside.answer(first.key, an_answer(), take="t1")
        with pytest.raises(Conflict, match="the take t1 is over"):
            await hub.outside.take("slack", by="slack-pack", take="t1")
        log = [one.record.event for one in await hub.store.history(hub.reads.ref(run))]

    assert (changed, second.key) == ([True, False], first.key)
    assert [event.take for event in log if isinstance(event, WorkReturned)] == ["t1"]


async def test_taker_that_goes_away_while_its_take_is_stored_leaves_the_work_offered(
    tmp_path: Path,
) -> None:
    async with a_toy_hub(tmp_path) as hub:
        await started(hub)
        asking = asyncio.ensure_future(hub.outside.take("slack", by="slack-pack"))
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

        work = await take(hub)

    assert work.type == "toy.post"


async def test_answer_to_an_unknown_run_is_refused(tmp_path: Path) -> None:
    async with a_toy_hub(tmp_path) as hub:
        run = await started(hub)
        work = await take(hub)
        unknown = work.key.replace(run, "h1-99")

        with pytest.raises(NotFound):
            await hub.outside.answer(unknown, an_answer())


async def test_why_names_the_taker_and_the_host(tmp_path: Path) -> None:
    async with a_toy_hub(tmp_path) as hub:
        run = await started(hub)
        before = (await hub.reads.why(run)).text
        await take(hub)
        after = (await hub.reads.why(run)).text

    assert before.startswith(
        "waits for task.b: a program to take it from the queue slack; offered since "
    )
    assert after.startswith("waits for task.b: its answer; taken by slack-pack through h1 at ")


async def test_call_that_a_stop_of_the_hub_broke_off_is_lost(tmp_path: Path) -> None:
    toy = Toy()
    toy.held = asyncio.Event()
    async with a_toy_hub(tmp_path, toy) as hub:
        run = (await hub.trigger("posts", values={}, by="alice")).id
        await until(lambda: toy.calls == 1)
    async with a_toy_hub(tmp_path) as hub:
        await until(over(hub, run))
        await settled(hub)
        ended = await hub.reads.run(run)

    assert ended.why == "a failed: lost: floe stopped during the call"
