"""Events that open runs, on a hub with a real store and real evaluator processes."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from floe.dialects.base import Around, SharedRowReader
from floe.host import inbox as inbox_module
from floe.host.opening_inputs import OpenRun
from floe.hub.hub import Hub
from floe.hub.loop import Busy
from floe.hub.openings.event_inbox import Heard
from floe.key_file import KeyFile
from floe.model.call import Call
from floe.model.codec import digest_of
from floe.model.errors import Conflict, StoreFailed, TooLarge, Yours
from floe.model.flow import Flow
from floe.model.ids import Json, NodeId, RunRef
from floe.model.passes import RunOpened
from floe.model.signal import Answered
from floe.nodes.calls import Calls
from floe.store.seals import RunSeals
from floe.store.sqlite import SqliteStore
from tests.hands import Hands, a_hub, executors, live, until
from tests.make import a_flow
from tests.make_evaluators import pool_of
from tests.toy.dialect import TOY, real_flow

pytestmark = pytest.mark.slow

PUSHED: Json = {"event": "pushed", "values": {"colour": "blue"}}
BUILD = real_flow("toy build event=pushed", "a", "b on a")
SHIP = real_flow("toy ship event=pushed", "a")
POST = real_flow("toy post event=posted", "a | entered post=slack", "b on a")


class SomeFlows:
    """Flows that a test sets, and the error of asking for them."""

    def __init__(self, *flows: Flow) -> None:
        self.flows = flows
        self.errors: list[Exception] = []

    async def flows_of(self, event: Json, rows: SharedRowReader) -> Mapping[str, Flow]:
        if self.errors:
            raise self.errors.pop()
        return {digest_of(flow): flow for flow in self.flows}

    def around(self, flow: Flow, digest: str, rows: SharedRowReader) -> Around | None:
        return None


@asynccontextmanager
async def a_toy_hub(root: Path, *flows: Flow, **others: Any) -> AsyncIterator[Hub]:
    """A hub with the toy dialect, its evaluator processes and a store in a folder."""
    source = others.pop("source", None) or SomeFlows(*(flows or (BUILD,)))
    limits = {"limit_s": 1.0, **others.pop("limits", {})}
    pool = pool_of(evaluators={"toy": others.pop("evaluator", TOY.evaluator)}, **limits)
    mapping = {**executors(Hands()), Call: Calls(dialects={"toy": TOY.calls})}
    store = others.pop("store", None) or SqliteStore(root / "floe.db")
    parts = {"executors": mapping, "store": store, "evaluators": pool}
    async with a_hub(event_flows={"toy": source}, **parts, **others) as hub:
        yield hub


async def hear(hub: Hub, event: Json = PUSHED) -> Heard:
    """The answer to an event, with its runs."""
    return await hub.inbox.hear("toy", event, wait_s=30.0)


def runs_of(heard: Heard) -> list[RunRef]:
    assert heard.runs is not None
    return [*heard.runs]


async def over(hub: Hub, *refs: RunRef) -> list[str]:
    """The results of runs, once they are over."""
    for ref in refs:
        await until(lambda ref=ref: live(hub, ref.key) is None)  # type: ignore[misc]
    return [(await hub.reads.summary(ref)).result or "" for ref in refs]


def an_opening(flow: Flow = BUILD, **others: Any) -> OpenRun:
    made: dict[str, Any] = {
        "flow": flow,
        "digest": digest_of(flow),
        "trigger": NodeId("start"),
        "by": "alice",
    }
    return OpenRun(**(made | others))


async def test_event_opens_a_run_of_each_flow_that_listens(tmp_path: Path) -> None:
    async with a_toy_hub(tmp_path, BUILD, POST, SHIP) as hub:
        refs = runs_of(await hear(hub))
        results = await over(hub, *refs)
        rows = [await hub.reads.summary(ref) for ref in refs]

    assert results == ["good", "good"]
    assert [(row.flow, row.title) for row in rows] == [
        ("build", "by an event"),
        ("ship", "by an event"),
    ]


async def test_event_that_opens_nothing_leaves_no_run(tmp_path: Path) -> None:
    async with a_toy_hub(tmp_path) as hub:
        heard = await hear(hub, {"event": "unknown"})

    assert (heard.runs, hub.inbox.waiting, hub.inbox.findings("build").count) == ((), 0, 0)


async def test_events_are_judged_in_their_order(tmp_path: Path) -> None:
    async with a_toy_hub(tmp_path, SHIP) as hub:
        events: list[Json] = [{"event": "pushed", "values": {"n": n}} for n in range(100)]
        await asyncio.gather(*(hub.inbox.hear("toy", event, wait_s=0) for event in events))
        await until(lambda: not hub.inbox.waiting)
        await hub.loop.wait_idle()
        runs = [await hub.reads.run(f"h1-{n}") for n in range(1, 101)]

    assert [run.values["n"] for run in runs] == [*range(100)]


async def test_event_that_was_kept_opens_its_run_after_a_restart(tmp_path: Path) -> None:
    source = SomeFlows(BUILD)
    source.errors = [StoreFailed("no flows now")]
    async with a_toy_hub(tmp_path, source=source) as hub:
        heard = await hub.inbox.hear("toy", PUSHED, wait_s=0)
    async with a_toy_hub(tmp_path) as hub:
        await until(lambda: not hub.inbox.waiting)
        await hub.loop.wait_idle()
        row = await hub.reads.summary(hub.reads.ref("h1-1"))

    assert (heard.runs, row.flow) == (None, "build")


async def test_events_wait_while_their_flows_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("floe.hub.openings.event_inbox.AGAIN_S", 0.01)
    source = SomeFlows(BUILD)
    source.errors = [StoreFailed("no flows now")]
    async with a_toy_hub(tmp_path, source=source) as hub:
        [row] = [await hub.reads.summary(ref) for ref in runs_of(await hear(hub))]

    assert row.flow == "build"


async def test_event_whose_flows_fail_is_a_finding_and_blocks_no_other(tmp_path: Path) -> None:
    source = SomeFlows(BUILD)
    source.errors = [TypeError("no map")]
    async with a_toy_hub(tmp_path, source=source) as hub:
        bad, good = await hear(hub), await hear(hub)
        found = hub.inbox.findings("toy")

    assert (bad.runs, len(runs_of(good))) == ((), 1)
    assert [one["why"] for one in found.newest] == ["TypeError: no map"]


async def test_error_in_one_flow_is_a_finding_and_the_others_open_their_runs(
    tmp_path: Path,
) -> None:
    async with a_toy_hub(tmp_path, BUILD, SHIP) as hub:
        heard = await hear(hub, {"event": "pushed", "bad": "build"})
        found = hub.inbox.findings("build")
        rows = [await hub.reads.summary(ref) for ref in runs_of(heard)]

    assert [row.flow for row in rows] == ["ship"]
    why = "an event could not be judged: ValueError: build finds the event bad"
    assert [one["why"] for one in found.newest] == [why]


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("forever", "timed out after 1 s"),
        ("eat", "needed more than 512 MiB of memory"),
        ("exit", "ended with exit status 7"),
    ],
)
async def test_poisonous_event_is_a_finding_and_blocks_no_other(
    tmp_path: Path, how: str, why: str
) -> None:
    async with a_toy_hub(tmp_path, evaluator="tests.toy_evaluator:STEPS") as hub:
        poison = asyncio.ensure_future(hear(hub, {"event": how}))
        good = await hear(hub)
        bad = await poison
        found = hub.inbox.findings("build")

    assert (bad.runs, len(runs_of(good)), found.count) == ((), 1, 1)
    assert found.newest[0]["why"] == f"an event could not be judged: {why}"


async def test_findings_are_there_after_a_restart(tmp_path: Path) -> None:
    async with a_toy_hub(tmp_path) as hub:
        await hear(hub, {"event": "pushed", "bad": "build"})
        before = hub.inbox.findings("build")
    async with a_toy_hub(tmp_path) as hub:
        after = hub.inbox.findings("build")

    assert (before.count, after) == (1, before)


async def test_full_inbox_refuses_an_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_module, "ROWS_MAX", 0)
    async with a_toy_hub(tmp_path) as hub:
        with pytest.raises(Busy, match="0 events wait for their runs"):
            await hear(hub)


async def test_event_that_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    async with a_toy_hub(tmp_path) as hub:
        with pytest.raises(Yours, match="no dialect 'flute'"):
            await hub.inbox.hear("flute", PUSHED)
        with pytest.raises(Yours, match="a value cannot be stored"):
            await hear(hub, {"event": float("nan")})
        with pytest.raises(Yours, match="a value cannot be stored"):
            await hear(hub, {"event": "\ud800"})
        with pytest.raises(TooLarge):
            await hear(hub, {"event": "x" * (3 << 20)})


async def test_answer_to_outside_work_is_an_event_in_the_same_transaction(tmp_path: Path) -> None:
    async with a_toy_hub(tmp_path, POST, SHIP) as hub:
        [run] = runs_of(await hear(hub, {"event": "posted"}))
        work = await hub.outside.take("slack", by="slack-pack", take="t1")
        assert work is not None
        event = hub.inbox.event("toy", PUSHED)
        number = await hub.outside.answer(work.key, Answered(good=True, outputs={}), event=event)
        [ship] = runs_of(await hub.inbox.opened(number, wait_s=30.0))
        results = await over(hub, run, ship)
        with pytest.raises(Conflict, match="is not open for this answer"):
            await hub.outside.answer(work.key, Answered(good=True, outputs={}), event=event)

    assert (results, hub.inbox.waiting) == (["good", "good"], 0)


async def test_person_opens_a_run_once_also_after_a_restart(tmp_path: Path) -> None:
    async with a_toy_hub(tmp_path) as hub:
        first = await hub.open(an_opening(once="k1", values={"a": 1}))
        again = await hub.open(an_opening(once="k1"))
    async with a_toy_hub(tmp_path) as hub:
        later = await hub.open(an_opening(once="k1"))
        [result] = await over(hub, RunRef.parse(first.row.key))
        [event, *_] = [one.record.event for one in await hub.reads.events(first.id)]

    assert [done.id for done in (first, again, later)] == ["h1-1"] * 3
    assert [done.is_known for done in (first, again, later)] == [False, True, True]
    assert isinstance(event, RunOpened)
    assert (result, event.values, event.by) == ("good", {"a": 1}, "alice")


async def test_run_of_a_sealed_flow_is_sealed_and_judged(tmp_path: Path) -> None:
    seals = RunSeals(KeyFile(tmp_path / "vault.key"))
    store = SqliteStore(tmp_path / "floe.db", opened=seals.opened)
    flow = replace(BUILD, seal=True)
    async with a_toy_hub(tmp_path, flow, store=store, seals=seals) as hub:
        done = await hub.open(an_opening(flow, values={"card": "4111-4f9d"}))
        [heard] = runs_of(await hear(hub, {"event": "pushed", "values": {"card": "4111-4f9d"}}))
        results = await over(hub, RunRef.parse(done.row.key), heard)
        bodies = [one.record.body for one in await hub.reads.events(done.id)]

    assert results == ["good", "good"]
    assert all(isinstance(body, bytes) for body in bodies)
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(b"4111-4f9d" in text for text in files)


async def test_flow_that_is_not_judged_is_refused(tmp_path: Path) -> None:
    async with a_toy_hub(tmp_path) as hub:
        with pytest.raises(Conflict, match="is not judged"):
            await hub.open(an_opening(a_flow()))
