"""A listener of the cluster: every fact of every host, once, in order, and from any host on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from floe.feed import listener as listener_module
from floe.feed.directory import DirectorySource
from floe.feed.frames import Frame
from floe.feed.listener import Listener
from floe.feed.subscription import SubscriptionLagging
from floe.model.ids import HostId, StoreId
from tests.make_feeds import Cluster, Host, sent, shapes, taken


@pytest.fixture
async def cluster() -> Cluster:
    cluster = Cluster()
    await cluster.add("h1", "h2", "h3")
    cluster.acquaint()
    return cluster


def hosts_of(cluster: Cluster) -> tuple[Host, Host, Host]:
    h1, h2, h3 = cluster.hosts.values()
    return h1, h2, h3


@asynccontextmanager
async def listening(host: Host, after: str | None = None) -> AsyncIterator[Listener]:
    with host.listener(after) as listener:
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(listener.follow())
            yield listener
            following.cancel()


async def test_run_that_is_handed_over_is_reported_once_and_in_order(cluster: Cluster) -> None:
    h1, h2, h3 = hosts_of(cluster)
    async with listening(h3) as listener:
        await h1.hand_over(h2, 3)
        frames = await taken(listener, 6)

    assert sent(frames) == [("h1-1", seq) for seq in range(1, 7)]


@pytest.mark.parametrize("where", ["h1", "h2", "h3"])
async def test_every_host_sends_every_fact(cluster: Cluster, where: str) -> None:
    h1, h2, h3 = hosts_of(cluster)
    async with listening(cluster.hosts[HostId(where)]) as listener:
        for adopter, worker in ((h1, h2), (h2, h3), (h3, h1), (h1, h1)):
            await adopter.hand_over(worker, 2) if adopter is not worker else await adopter.adopt()
        frames = await taken(listener, 16)

    runs = {str(frame.run) for frame in frames if frame.run}
    assert runs == {"h1-1", "h1-2", "h2-1", "h3-1"}
    for run in runs:
        seqs = [seq for name, seq in sent(frames) if name == run]
        assert seqs == list(range(1, len(seqs) + 1))


async def test_resuming_at_any_host_from_any_position_gives_the_rest(cluster: Cluster) -> None:
    h1, h2, h3 = hosts_of(cluster)
    async with listening(h3) as listener:
        await h1.hand_over(h2, 2)
        await h2.hand_over(h1, 2)
        await h3.hand_over(h2, 2)
        whole = await taken(listener, 15)

    for cut in range(1, 15):
        host = (h1, h2, h3)[cut % 3]
        async with listening(host, whole[cut - 1].pos) as listener:
            rest = await taken(listener, 15 - cut)
        both = sent(whole[:cut]) + sent(rest)
        assert len(set(both)) == len(both) == 15
        for run in ("h1-1", "h2-1", "h3-1"):
            assert [seq for name, seq in both if name == run] == [1, 2, 3, 4, 5]


async def test_activation_waits_for_an_adopter_that_is_slow(cluster: Cluster) -> None:
    h1, h2, h3 = hosts_of(cluster)
    async with listening(h3) as listener:
        run = await h1.adopt()
        first = await taken(listener, 1)
        cluster.voices[h1.id].clear()
        await h1.grant(run, h2)
        await h2.accept(run, h1)
        other = await h2.adopt()
        await h3.adopt()
        second = await taken(listener, 1)
        cluster.voices[h1.id].set()
        rest = await taken(listener, 3)

    assert (sent(first), sent(second)) == ([("h1-1", 1)], [("h3-1", 1)])
    assert sent(rest) == [("h1-1", 2), ("h1-1", 3), (str(other), 1)]


async def test_adopter_that_reports_nothing_is_not_waited_for_permanently(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener_module, "HOLD_S", 0.01)
    h1, h2, h3 = hosts_of(cluster)
    async with listening(h3) as listener:
        run = await h1.adopt()
        await taken(listener, 1)
        cluster.voices[h1.id].clear()
        await h1.grant(run, h2)
        await h2.accept(run, h1)
        frames = await taken(listener, 1)

    assert sent(frames) == [("h1-1", 3)]


async def test_host_that_is_lost_is_shown_as_away_and_goes_on_without_a_gap(
    cluster: Cluster,
) -> None:
    h1, _h2, h3 = hosts_of(cluster)
    async with listening(h3) as listener:
        run = await h1.adopt()
        before = await taken(listener, 1)
        cluster.away[h1.id].set()
        lost = shapes(await listener.take())
        await h1.work(run, 2)
        cluster.away[h1.id].clear()
        after = await taken(listener, 2)

    [away] = lost
    [back] = [shape for shape in shapes(after) if shape["type"] == "host"]
    assert (away["type"], away["id"], away["state"], back["state"]) == (
        "host",
        "h1",
        "away",
        "here",
    )
    assert away["seen"] == "2026-11-25T10:00:00.000Z"
    assert sent(before + after) == [("h1-1", 1), ("h1-1", 2), ("h1-1", 3)]


async def test_work_of_a_host_is_reported_though_its_adopter_is_away(cluster: Cluster) -> None:
    h1, h2, h3 = hosts_of(cluster)
    run = await h1.adopt()
    cluster.acquaint()
    cluster.away[h1.id].set()
    async with listening(h3) as listener:
        await h1.grant(run, h2)
        await h2.accept(run, h1)
        frames = await taken(listener, 1)

    assert sent(frames) == [("h1-1", 3)]


async def test_listener_from_now_on_gets_nothing_that_lists_show(cluster: Cluster) -> None:
    h1, h2, h3 = hosts_of(cluster)
    await h1.hand_over(h2, 2)
    cluster.acquaint()

    async with listening(h3) as listener:
        await h2.adopt()
        frames = await taken(listener, 1)

    assert sent(frames) == [("h2-1", 1)]


async def test_host_that_was_unknown_is_sent_from_its_beginning(cluster: Cluster) -> None:
    _, _, h3 = hosts_of(cluster)
    async with listening(h3) as listener:
        [h4] = await cluster.add("h4")
        await h4.adopt()
        frames = await taken(listener, 1)

    assert sent(frames) == [("h4-1", 1)]


@pytest.mark.parametrize("after", ["x", "7", "zzzz:4"])
async def test_position_that_nobody_knows_gets_a_reset(cluster: Cluster, after: str) -> None:
    h1, _, h3 = hosts_of(cluster)
    async with listening(h3, after) as listener:
        await h1.adopt()
        frames = await taken(listener, 1)

    assert [shape["type"] for shape in shapes(frames)] == ["reset", "event"]


async def test_position_that_one_store_does_not_know_resets_with_the_others_kept(
    cluster: Cluster,
) -> None:
    h1, h2, h3 = hosts_of(cluster)
    await h1.adopt()
    cluster.acquaint()
    vector = {host.store.store_id: host.feed.head for host in (h1, h2, h3)}
    after = ",".join(
        f"{store}:{pos + 90 * (store == h1.store.store_id)}" for store, pos in vector.items()
    )

    async with listening(h3, after) as listener:
        reset = shapes(await listener.take())
        await h2.adopt()
        await h1.adopt()
        frames = await taken(listener, 2)

    assert [shape["type"] for shape in reset] == ["reset"]
    assert reset[0]["pos"] == ",".join(f"{store}:{vector[store]}" for store in sorted(vector))
    assert sorted(sent(frames)) == [("h1-2", 1), ("h2-1", 1)]


async def test_host_with_a_new_store_leaves_the_position(cluster: Cluster) -> None:
    h1, _h2, h3 = hosts_of(cluster)
    async with listening(h3) as listener:
        await h1.adopt()
        await taken(listener, 1)
        old = h1.store.store_id
        cluster.away[h1.id].set()
        [new] = await cluster.add("h1")
        await new.adopt()
        frames = await taken(listener, 1)

    assert sent(frames) == [("h1-1", 1)]
    assert old not in frames[-1].pos
    assert new.store.store_id in frames[-1].pos


async def test_new_store_of_a_host_resets_once_its_runs_have_their_names(cluster: Cluster) -> None:
    h1, _h2, h3 = hosts_of(cluster)
    async with listening(h3) as listener:
        await h1.adopt()
        await taken(listener, 1)
        cluster.away[h1.id].set()
        [new] = await cluster.add("h1")
        frames: list[Frame] = []
        while "reset" not in {frame.kind for frame in frames}:
            frames += await listener.take()

        assert h3.directory.store_of(h1.id) == new.store.store_id


async def test_facts_of_other_hosts_call_runs_as_the_host_does_that_is_asked(
    cluster: Cluster,
) -> None:
    h1, _h2, h3 = hosts_of(cluster)
    h3.feed.named = lambda run: run.key
    async with listening(h3) as listener:
        run = await h1.adopt()
        [fact] = [shape for shape in shapes(await taken(listener, 1)) if shape["type"] == "event"]

    assert (fact["run"], fact["summary"]["id"]) == (run.key, run.key)


async def test_position_of_a_store_that_its_host_has_lost_is_reset(cluster: Cluster) -> None:
    h1, _h2, h3 = hosts_of(cluster)
    with h3.listener() as listener:
        before = listener.pos
    h3.directory.met(DirectorySource(h1.id, StoreId("new1")))

    with h3.listener(before) as listener:
        frames = await listener.take()

    assert [frame.kind for frame in frames] == ["reset"]


async def until_dropped(listener: Listener, frames: list[Frame]) -> str:
    """Take what there is until there is no more; return the position to resume from."""
    try:
        while True:
            frames += await listener.take()
    except SubscriptionLagging as error:
        return error.pos


async def test_slow_listener_is_dropped_with_the_position_of_all(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("floe.feed.subscription.QUEUE_MAX", 5)
    monkeypatch.setattr(listener_module, "WAITING_MAX", 2)
    _, _, h3 = hosts_of(cluster)
    async with listening(h3) as listener:
        for _ in range(30):
            await h3.adopt()
            await asyncio.sleep(0)
        frames: list[Frame] = []
        dropped = await until_dropped(listener, frames)
    async with listening(h3, dropped) as listener:
        rest = await taken(listener, 30 - len(sent(frames)))

    assert [run for run, _ in sent(frames) + sent(rest)] == [f"h3-{n}" for n in range(1, 31)]


async def test_listener_keeps_nothing_open_once_it_has_left(cluster: Cluster) -> None:
    h1, h2, h3 = hosts_of(cluster)
    async with listening(h3) as listener:
        await h1.adopt()
        await taken(listener, 1)

    assert [len(host.feed) for host in (h1, h2, h3)] == [0, 0, 0]
