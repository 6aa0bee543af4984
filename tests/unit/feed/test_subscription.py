"""A listener of one host's feed: what it missed, then what is new, without a gap."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from floe.feed import subscription as module
from floe.feed.frames import Frame
from floe.feed.subscription import Subscription, SubscriptionLagging
from floe.hub.hub import Hub
from floe.model.flow import Backoff, Retry
from floe.model.ids import FlowId, RunRef
from floe.model.run import Run
from floe.store.base import Batch, Stored
from floe.store.memory import MemoryStore
from tests.hands import Documents, HandClock, Hands, a_hub, over, until
from tests.make import a_flow, a_form, a_node, an_end

GAP = 2**20

RETRIED = a_flow(
    a_node("build", retry=Retry(max=1, backoff=Backoff(first_s=1.0))),
    a_form("sign-off", on="task.build.good"),
    an_end(on="task.sign-off.good"),
    id=FlowId("retried"),
)
FROM_FILE = a_flow(id=FlowId("from-file"), flow_file="x.yml")
X_YML = """
id: from-file
ver: 1
tasks: [{name: only, listen: trigger.good, type: exec, opts: {cmd: date}}]
"""


class GappedStore(MemoryStore):
    """A store in memory whose positions jump after a point, as those of one that was reopened."""

    cut: int | None = None

    def _out(self, pos: int) -> int:
        return pos + GAP if self.cut is not None and pos > self.cut else pos

    def _in(self, pos: int) -> int:
        return pos if self.cut is None or pos <= self.cut else max(self.cut, pos - GAP)

    async def append(self, batch: Batch) -> int:
        return self._out(await super().append(batch))

    async def head(self) -> int:
        return self._out(await super().head())

    async def tail(self, after: int, limit: int = 0) -> Sequence[Stored]:
        page = await super().tail(self._in(after), limit)
        return [Stored(pos=self._out(s.pos), record=s.record) for s in page]


async def a_history(hub: Hub, hands: Hands, clock: HandClock) -> None:
    """Two runs that live through most of what there is, and one that waits."""
    run = (await hub.trigger("retried", values={}, by="alice")).id
    other = (await hub.trigger("retried", values={}, by="bob")).id
    await hub.trigger("stuck", values={}, by="alice")
    await until(lambda: len(hands.running()) == 2)
    hands.exit("build", 1)
    await hub.loop.wait_idle()
    clock.advance(2)
    await until(lambda: len(hands.running()) == 2)
    hands.exit("build", 0)
    hands.exit("build", 0)
    await hub.loop.wait_idle()
    await hub.give(run, "sign-off", {"ok": True}, by="carol")
    await hub.cancel(other, by="bob")
    await until(lambda: over(hub, run)() and over(hub, other)())
    await hub.loop.wait_idle()


FLOWS = (RETRIED, a_flow(id=FlowId("stuck"), host_tags=("gpu",)))


async def taken(subscription: Subscription, last: int) -> list[Frame]:
    """The frames up to a position."""
    frames: list[Frame] = []
    async with asyncio.timeout(30):
        while not frames or int(frames[-1].pos) < last:
            frames += await subscription.take()
    return frames


async def nothing(run: RunRef, until: int) -> Run | None:
    return None


def shapes(frames: Sequence[Frame]) -> list[dict[str, Any]]:
    return [json.loads(frame.text) for frame in frames]


async def test_live_listener_gets_every_fact_in_order() -> None:
    hands, clock = Hands(), HandClock()
    async with a_hub(*FLOWS, hands=hands, clock=clock) as hub:
        with hub.feed.subscribe() as live:
            await a_history(hub, hands, clock)
            frames = await taken(live, hub.feed.head)

    assert [int(f.pos) for f in frames] == list(range(1, len(frames) + 1))
    for run in {f.run for f in frames}:
        seqs = [shape["seq"] for shape in shapes([f for f in frames if f.run == run])]
        assert seqs == list(range(1, len(seqs) + 1))


async def test_resuming_from_any_position_gives_what_a_live_listener_got() -> None:
    hands, clock = Hands(), HandClock()
    async with a_hub(*FLOWS, hands=hands, clock=clock) as hub:
        with hub.feed.subscribe() as live:
            await a_history(hub, hands, clock)
            frames = await taken(live, hub.feed.head)

        for position in range(hub.feed.head):
            with hub.feed.subscribe(str(position)) as resumed:
                assert await taken(resumed, hub.feed.head) == frames[position:]


async def test_resuming_over_pages_and_forgotten_runs_gives_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PAGE", 3)
    monkeypatch.setattr(module, "FOLDED_MAX", 1)
    hands, clock = Hands(), HandClock()
    async with a_hub(*FLOWS, hands=hands, clock=clock) as hub:
        with hub.feed.subscribe() as live:
            await a_history(hub, hands, clock)
            frames = await taken(live, hub.feed.head)

        with hub.feed.subscribe("0") as resumed:
            assert await taken(resumed, hub.feed.head) == frames


async def test_run_with_a_flow_file_is_caught_up_as_it_was_sent() -> None:
    parts: dict[str, Any] = {"documents": Documents(**{"x.yml": X_YML}), "hands": Hands(at_once=0)}
    async with a_hub(FROM_FILE, **parts) as hub:
        with hub.feed.subscribe() as live:
            run = (await hub.trigger("from-file", values={}, by="alice")).id
            await until(over(hub, run))
            await hub.loop.wait_idle()
            frames = await taken(live, hub.feed.head)

        with hub.feed.subscribe("0") as resumed:
            again = await taken(resumed, hub.feed.head)

    assert any(shape.get("node", {}).get("id") == "only" for shape in shapes(frames))
    assert again == frames


async def test_facts_that_come_while_catching_up_follow_once_and_without_a_gap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PAGE", 5)
    hands, clock = Hands(), HandClock()
    async with a_hub(*FLOWS, hands=hands, clock=clock) as hub:
        await a_history(hub, hands, clock)
        with hub.feed.subscribe("3") as listener:
            first = await listener.take()
            await a_history(hub, hands, clock)
            rest = await taken(listener, hub.feed.head)

    assert [int(f.pos) for f in first + rest] == list(range(4, hub.feed.head + 1))


@pytest.mark.parametrize("position", ["7", "999999", "-1", "²", "9" * 5000, "x", ""])
async def test_unknown_position_gets_a_reset_and_then_what_comes(position: str) -> None:
    async with a_hub(*FLOWS) as hub:
        with hub.feed.subscribe(position) as listener:
            first = await listener.take()
            await hub.trigger("stuck", values={}, by="alice")
            then = await listener.take()

    assert shapes(first) == [{"type": "reset", "pos": "0"}]
    assert [f.pos for f in then] == ["1"]


async def test_gap_in_positions_resets_nobody() -> None:
    store, hands, clock = GappedStore(), Hands(), HandClock()
    async with a_hub(*FLOWS, store=store, hands=hands, clock=clock) as hub:
        await a_history(hub, hands, clock)
        store.cut = before = hub.feed.head

    async with a_hub(*FLOWS, store=store, hands=hands, clock=clock) as hub:
        with hub.feed.subscribe(str(before)) as waiting, hub.feed.subscribe("5") as behind:
            await a_history(hub, hands, clock)
            head = hub.feed.head
            live, caught_up = await taken(waiting, head), await taken(behind, head)
        with hub.feed.subscribe(str(before - 2)) as later, hub.feed.subscribe(str(before)) as seam:
            resumed, at_seam = await taken(later, head), await taken(seam, head)

    assert int(live[0].pos) == before + GAP + 1
    assert "reset" not in {s["type"] for s in shapes(live + caught_up + resumed)}
    assert caught_up[-len(live) :] == resumed[2:] == at_seam == live


async def test_listener_far_behind_has_to_reload_after_bounded_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "CATCH_UP_MAX", 10)
    monkeypatch.setattr(module, "PAGE", 4)
    hands, clock = Hands(), HandClock()
    async with a_hub(*FLOWS, hands=hands, clock=clock) as hub:
        await a_history(hub, hands, clock)
        with hub.feed.subscribe("0") as behind:
            frames = await taken(behind, hub.feed.head)

    assert len(frames) < 10 + 4 + 1
    assert shapes(frames)[-1]["type"] == "reset"
    assert frames[-1].pos == str(hub.feed.head)


async def test_folding_long_logs_counts_as_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CATCH_UP_MAX", 12)
    monkeypatch.setattr(module, "PAGE", 1)
    hands, clock = Hands(), HandClock()
    async with a_hub(*FLOWS, hands=hands, clock=clock) as hub:
        await a_history(hub, hands, clock)
        with hub.feed.subscribe(str(hub.feed.head - 4)) as behind:
            frames = await taken(behind, hub.feed.head)

    assert [s["type"] for s in shapes(frames)] == ["event", "reset"]


async def test_lagging_listener_is_dropped_with_its_position_and_resumes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "QUEUE_MAX", 5)
    hands, clock = Hands(), HandClock()
    async with a_hub(*FLOWS, hands=hands, clock=clock) as hub:
        slow, keen = hub.feed.subscribe(), hub.feed.subscribe("0")
        await a_history(hub, hands, clock)
        first = await slow.take()
        with pytest.raises(SubscriptionLagging) as dropped:
            await slow.take()
        listeners = len(hub.feed)
        with hub.feed.subscribe(dropped.value.pos) as resumed:
            rest = await taken(resumed, hub.feed.head)
        keen.close()

    assert ([f.pos for f in first], dropped.value.pos) == (["1", "2", "3", "4", "5"], "5")
    assert listeners == 0
    assert [int(f.pos) for f in rest] == list(range(6, hub.feed.head + 1))


async def test_frame_has_the_event_and_what_changed() -> None:
    hands, clock = Hands(), HandClock()
    async with a_hub(*FLOWS, hands=hands, clock=clock) as hub:
        with hub.feed.subscribe() as live:
            await a_history(hub, hands, clock)
            frames = [s for s in shapes(await taken(live, hub.feed.head)) if s["run"] == "h1-1"]

    by_event = {shape["event"]: shape for shape in frames}
    pended, settled = by_event["RunPended"], by_event["NodeSettled"]
    assert (pended["by"], pended["summary"]["phase"]) == ("alice", "pending")
    assert by_event["RunActivated"]["tag"] == "trigger.good"
    assert (settled["tag"], settled["node"]["id"], settled["node"]["good"]) == (
        "task.done.good",
        "done",
        True,
    )
    assert "summary" not in by_event["NodeStarted"]
    assert by_event["RunEnded"]["summary"]["good"] is True


async def test_frame_shows_an_exit_status_of_zero_and_a_bad_event() -> None:
    hands = Hands(at_once=0)
    heard = a_flow(a_node("build"), a_node("fails", on="task.build.good", good=(7,)))
    async with a_hub(heard, hands=hands) as hub:
        with hub.feed.subscribe() as live:
            run = (await hub.trigger("flow", values={}, by="alice")).id
            await until(over(hub, run))
            frames = shapes(await taken(live, hub.feed.head))

    build, fails = (s["node"] for s in frames if s["event"] == "NodeSettled")
    assert (build["status"], build["good"]) == (0, True)
    assert (fails["status"], fails["good"]) == (0, False)


async def test_flow_that_left_the_config_is_still_shown_in_old_frames() -> None:
    hands, store = Hands(at_once=0), MemoryStore()
    async with a_hub(a_flow(), hands=hands, store=store) as hub:
        run = (await hub.trigger("flow", values={}, by="alice")).id
        await until(over(hub, run))

    async with a_hub(store=store) as hub:
        with hub.feed.subscribe("0") as listener:
            frames = shapes(await taken(listener, hub.feed.head))

    assert [s["node"]["id"] for s in frames if "node" in s] == ["build"] * 3
