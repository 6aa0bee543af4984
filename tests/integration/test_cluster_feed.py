"""Hosts that hand runs over to one another: lists and feed of every one tell of all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from floe.model.ids import FlowId, HostId
from floe.model.secret import Secret
from floe.server.frame_schemas import KINDS
from floe.server.settings import Bind
from tests.make_peers import CLUSTER, free_port, some_peers, url_of
from tests.make_server import API, BUILD, DEADLINE_S, Site, a_site, until
from tests.schemas import check

FLOWS = tuple(
    replace(BUILD, id=FlowId(f"at-{name}"), host_tags=(name,)) for name in ("h1", "h2", "h3")
)


class Cluster:
    """Hosts on real sockets, each with its name as its tag; each can be stopped by itself."""

    def __init__(self, root: Path, *names: str) -> None:
        self._root = root
        self._ports = {name: free_port() for name in names}
        self._stacks: dict[str, AsyncExitStack] = {}
        self.sites: dict[str, Site] = {}

    async def start(self, name: str) -> None:
        urls = [url_of(port) for other, port in self._ports.items() if other != name]
        settings = {
            "public": Bind(address=f"127.0.0.1:{self._ports[name]}"),
            "cluster": Secret(CLUSTER),
            "stop_s": 0.1,
        }
        stack = self._stacks[name] = AsyncExitStack()
        self.sites[name] = await stack.enter_async_context(
            a_site(
                self._root / name,
                *FLOWS,
                settings=settings,
                host=HostId(name),
                peers=some_peers(*urls),
                others=len(urls),
                tags=(name,),
            )
        )

    async def stop(self, name: str) -> None:
        await self._stacks.pop(name).aclose()
        del self.sites[name]

    async def stop_all(self) -> None:
        for name in tuple(self._stacks):
            await self.stop(name)

    async def meet(self) -> None:
        """Wait until everybody has heard of everybody."""
        count = len(self.sites) - 1
        await until(lambda: all(len(s.hub.reads.others()) == count for s in self.sites.values()))


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    cluster = Cluster(tmp_path, "h1", "h2", "h3")
    try:
        for name in ("h1", "h2", "h3"):
            await cluster.start(name)
        await cluster.meet()
        yield cluster
    finally:
        await cluster.stop_all()


class Listener:
    """A client of a host's feed, and the events it was told."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self.events: list[dict[str, Any]] = []
        self.notes: list[dict[str, Any]] = []

    @property
    def pos(self) -> str:
        return str(self.events[-1]["pos"])

    async def until(self, **wanted: object) -> None:
        """Hear up to the first frame that is as wanted."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                frame = check(await self._socket.receive_json(), "Frame")
                (self.events if frame["type"] == "event" else self.notes).append(frame)
                if wanted.items() <= frame.items():
                    return

    async def say(self, **frame: object) -> None:
        await self._socket.send_json(frame)

    def seqs(self, run: str) -> list[int]:
        return [frame["seq"] for frame in self.events if frame["run"] == run]


@asynccontextmanager
async def listening(site: Site, after: str = "") -> AsyncIterator[Listener]:
    query = f"?after={after}" if after else ""
    headers = {"Origin": site.url}
    async with site.client.ws_connect(site.url + "/ws" + query, headers=headers) as socket:
        listener = Listener(socket)
        await listener.until(type="hello")
        yield listener


async def whole_run(cluster: Cluster, adopter: str, worker: str) -> str:
    """Have a run adopted by one host and worked on by another, until its form is open."""
    site, hands = cluster.sites[adopter], cluster.sites[worker].hands
    row = (await site.hub.trigger(f"at-{worker}", values={}, by="ann")).row
    await until(lambda: any(key.run.key == row.key for key in hands.actions))
    hands.exit("build")
    return row.id


async def shown(site: Site, wanted: dict[str, str]) -> dict[str, Any]:
    """The list of active runs, once it is as wanted: each run with its host."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            _, answer = await site.get("runs?state=active")
            if {row["id"]: row["host"] for row in answer["runs"]} == wanted:
                return dict(answer)


async def test_run_of_two_hosts_is_shown_whole_by_a_third(cluster: Cluster) -> None:
    async with listening(cluster.sites["h3"]) as listener:
        run = await whole_run(cluster, "h1", "h2")
        await listener.until(event="DataAsked", run=run)

    assert listener.seqs(run) == list(range(1, len(listener.events) + 1))
    assert {"RunPended", "RunGranted", "RunActivated"} <= {e["event"] for e in listener.events}


async def test_client_goes_on_at_another_host_without_a_gap(cluster: Cluster) -> None:
    async with listening(cluster.sites["h3"]) as first:
        run = await whole_run(cluster, "h1", "h2")
        await first.until(event="RunActivated", run=run)
    await whole_run(cluster, "h2", "h1")
    async with listening(cluster.sites["h1"], first.pos) as second:
        await second.until(event="DataAsked", run=run)

    assert first.seqs(run) + second.seqs(run) == list(range(1, second.seqs(run)[-1] + 1))


async def test_lists_of_every_host_show_every_run(cluster: Cluster) -> None:
    runs = [await whole_run(cluster, "h1", "h2"), await whole_run(cluster, "h2", "h3")]

    for site in cluster.sites.values():
        answer = await shown(site, {runs[0]: "h2", runs[1]: "h3"})
        assert set(answer["as_of"]) == {"h1", "h2", "h3"} - {site.hub.host.id}
        assert answer["stale"] == []


async def test_host_that_missed_something_asks_for_it(cluster: Cluster) -> None:
    await cluster.stop("h3")
    run = await whole_run(cluster, "h1", "h2")

    await cluster.start("h3")

    await shown(cluster.sites["h3"], {run: "h2"})


async def test_lost_host_is_shown_as_away_and_the_rest_goes_on(cluster: Cluster) -> None:
    async with listening(cluster.sites["h2"]) as listener:
        await whole_run(cluster, "h3", "h3")
        await listener.until(event="DataAsked")
        await cluster.stop("h3")
        await listener.until(type="host", id="h3", state="away")
        run = await whole_run(cluster, "h1", "h1")
        await listener.until(event="DataAsked", run=run)

    note = [note for note in listener.notes if note["type"] == "host"][-1]
    assert (note["id"], note["state"]) == ("h3", "away")
    assert note["seen"]
    assert listener.seqs(run) == list(range(1, len(listener.seqs(run)) + 1))


async def test_runs_of_a_lost_store_and_of_the_new_one_have_names_of_their_own(
    cluster: Cluster,
) -> None:
    async with listening(cluster.sites["h1"]) as listener:
        old = cluster.sites["h2"].hub.reads.ref(await whole_run(cluster, "h2", "h3"))
        await listener.until(event="DataAsked")
        await cluster.stop("h2")
        await cluster.start("h2")
        await listener.until(type="reset")
        new = cluster.sites["h2"].hub.reads.ref(await whole_run(cluster, "h2", "h3"))
        await listener.until(event="DataAsked", run="h2-1")

        named = {old.key: old, "h2-1": new}
        for site in cluster.sites.values():
            await shown(site, dict.fromkeys(named, "h3"))
            answers = {name: await site.get(f"runs/{name}") for name in named}
            assert {name: run["key"] for name, (_, run) in answers.items()} == {
                name: ref.key for name, ref in named.items()
            }
        await cluster.sites["h3"].hub.cancel(old.key, by="ann")
        await listener.until(event="CancelAsked", run=old.key)


async def test_client_may_ask_for_one_run_of_another_host(cluster: Cluster) -> None:
    async with listening(cluster.sites["h3"]) as listener:
        run = await whole_run(cluster, "h1", "h2")
        await listener.until(event="DataAsked", run=run)
    ref = cluster.sites["h1"].hub.reads.ref(run)
    async with listening(cluster.sites["h3"], listener.pos) as only:
        await only.say(run=ref.key)
        await only.say(nonsense=1)
        await only.until(type="error")
        other = await whole_run(cluster, "h2", "h1")
        await cluster.sites["h2"].hub.cancel(str(ref.key), by="ann")
        await only.until(event="RunPacked")

    assert {event["run"] for event in only.events} == {run}
    assert other not in {event["run"] for event in only.events}


def output_of(site: Site, run: str, attempt: int = 1) -> Path:
    """The file of what `build` prints at the host that runs it."""
    path = next(
        action.output
        for key, action in site.hands.actions.items()
        if (str(key.run), key.node, key.attempt) == (run, "build", attempt)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


async def test_output_of_another_host_is_followed_as_it_is_written(cluster: Cluster) -> None:
    h2 = cluster.sites["h2"]
    async with listening(cluster.sites["h3"]) as listener:
        row = (await cluster.sites["h1"].hub.trigger("at-h2", values={}, by="ann")).row
        await listener.until(event="NodeStarted", run=row.id)
        path = output_of(h2, row.id)
        path.write_bytes(b"one\n")
        await listener.say(watch={"run": row.key, "node": "build"})
        await listener.until(text="one\n", live=True)
        with path.open("ab") as file:
            file.write("zwölf\n".encode())
        await listener.until(text="zwölf\n", offset=4)
        h2.hands.exit("build")
        await listener.until(type="output", live=False)

    assert {(n["run"], n["attempt"]) for n in listener.notes if n["type"] == "output"} == {
        (row.key, 1)
    }


@pytest.mark.parametrize("name", ["h1", "h2", "h3"])
async def test_output_is_watched_before_it_is_known_which_host_runs_it(
    cluster: Cluster, name: str
) -> None:
    h2 = cluster.sites["h2"]
    await h2.hub.drain(on=True)
    row = (await cluster.sites["h1"].hub.trigger("at-h2", values={}, by="ann")).row
    async with listening(cluster.sites[name]) as listener:
        await listener.say(watch={"run": row.key, "node": "build"})
        await listener.say(nonsense=1)
        await listener.until(type="error")
        await h2.hub.drain(on=False)
        await until(lambda: bool(h2.hands.actions))
        output_of(h2, row.id).write_bytes(b"one\n")

        await listener.until(text="one\n", live=True)

    assert [n["status"] for n in listener.notes if n["type"] == "error"] == [422]


async def test_output_that_is_followed_where_its_run_waited_is_cut_off_when_it_goes(
    cluster: Cluster,
) -> None:
    h1, h2 = cluster.sites["h1"], cluster.sites["h2"]
    await h2.hub.drain(on=True)
    row = (await h1.hub.trigger("at-h2", values={}, by="ann")).row

    url = f"{h1.url}{API}/runs/{row.key}/nodes/build/log?follow=true"
    async with h1.client.get(url) as answer:
        await h2.hub.drain(on=False)
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.content.read()

    assert answer.status == 200


async def test_every_kind_of_frame_is_sent_as_the_schemas_describe_it(cluster: Cluster) -> None:
    h1 = cluster.sites["h1"]
    async with listening(h1) as listener:
        run = await whole_run(cluster, "h1", "h2")
        await listener.until(event="DataAsked")
        await cluster.sites["h2"].hub.give(run, "sign-off", {"ok": True}, by="ann")
        await listener.until(event="RunPacked")
        await listener.say(watch={"run": run, "node": "nothing"})
        await listener.until(type="error")
        await listener.say(watch={"run": run, "node": "build"}, run=run)
        await listener.until(type="output")
        await h1.hub.reload()
        await listener.until(type="flows")
        await cluster.stop("h3")
        if "host" not in {note["type"] for note in listener.notes}:  # away already at the start
            await listener.until(type="host")
    async with listening(h1, "nowhere") as lost:
        await lost.until(type="reset")

    frames = [*listener.notes, *listener.events, *lost.notes]
    sent = {frame["type"] for frame in frames}
    keys = {key for frame in listener.events for key in frame}
    assert sent == {kind["properties"]["type"]["const"] for kind in KINDS.values()}
    assert keys == set(KINDS["EventFrame"]["properties"])


async def test_watching_what_is_not_there_is_an_error_as_at_its_own_host(cluster: Cluster) -> None:
    run = await whole_run(cluster, "h1", "h2")
    ref = cluster.sites["h1"].hub.reads.ref(run)
    await shown(cluster.sites["h3"], {run: "h2"})
    async with listening(cluster.sites["h3"]) as listener:
        await listener.say(watch={"run": ref.key, "node": "nothing"})

        await listener.until(type="error", status=404)


async def test_followed_output_goes_on_when_its_host_is_back(cluster: Cluster) -> None:
    async with listening(cluster.sites["h3"]) as listener:
        row = (await cluster.sites["h1"].hub.trigger("at-h2", values={}, by="ann")).row
        await listener.until(event="NodeStarted", run=row.id)
        path = output_of(cluster.sites["h2"], row.id)
        path.write_bytes(b"one\n")
        await listener.say(watch={"run": row.key, "node": "build"})
        await listener.until(text="one\n")
        await cluster.sites["h2"].server.stop()
        await cluster.sites["h2"].server.start()
        with path.open("ab") as file:
            file.write(b"two\n")

        await listener.until(text="two\n", offset=4)
