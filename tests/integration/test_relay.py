"""Any host answers for the runs of the others: what is asked is passed on to who has the log."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from floe.model.ids import HostId, RunRef
from floe.peers.base import BY, RELAYED, TOKEN
from floe.server.routes import ROUTES
from tests.make import H1
from tests.make_peers import CLUSTER, H2, H3, Host, a_host, free_port, url_of
from tests.make_server import ADMIN, API, DEADLINE_S, until
from tests.make_store import a_batch, a_summary, an_append

OUTPUT = b"".join(b"line %d\n" % n for n in range(50_000))


@dataclass
class Two:
    """Two hosts that have met, and a run at the second that is asked for at the first."""

    one: Host
    two: Host
    run: str

    @property
    def key(self) -> str:
        return f"{self.run}@{self.two.me.store}"

    async def log(self, **more: Any) -> tuple[int, bytes, dict[str, str]]:
        """The output of the run's first node, through the first host."""
        path = f"{API}/runs/{self.run}/nodes/build/log"
        async with self.one.site.client.get(self.one.site.url + path, **more) as answer:
            return answer.status, await answer.read(), dict(answer.headers)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def two(tmp_path: Path, stack: AsyncExitStack) -> Two:
    ports = free_port(), free_port()
    urls = [url_of(port) for port in ports]
    second = await stack.enter_async_context(a_host(tmp_path, H2, ports[1], *urls))
    first = await stack.enter_async_context(a_host(tmp_path, H1, ports[0], *urls))
    await first.meets(H2)
    await second.meets(H1)
    return Two(first, second, await second.site.start())


async def keep_row(at: Host, ref: RunRef, host: HostId, events: int = 0) -> None:
    """Have a host know a run that another one runs, and some of its facts."""
    row = a_summary(ref, host=host, state="active", phase="active", epoch=1)
    append = an_append(ref, count=events, epoch=1, summary=row)
    await at.site.hub.store.append(a_batch(append))


# --- what comes back ---


@pytest.mark.parametrize(
    "path",
    [
        "runs/{run}",
        "runs/{key}",
        "runs/{run}?seq=1",
        "flows/build/runs/{run}",
        "runs/{run}/events?after=1&limit=2",
        "runs/{run}/nodes/build",
        "runs/{run}/nodes/task.build?seq=3",
        "runs/{run}/why",
        "runs/{run}/nodes/build/log/lines?from=1",
        "runs/{run}/nodes/build/log/find?text=a%20b%2Fc",
        "runs/{run}/nodes/nothing",
        "runs/{run}?colour=red",
        "flows/other/runs/{run}",
    ],
)
async def test_a_run_of_another_host_is_shown_as_there(two: Two, path: str) -> None:
    there = await two.two.site.get(path.format(run=two.run, key=two.key))

    here = await two.one.site.get(path.format(run=two.run, key=two.key))

    assert here == there


async def test_a_run_that_no_host_knows_is_not_found(two: Two) -> None:
    assert (await two.one.site.get("runs/h2-99"))[0] == 404
    assert (await two.one.site.get("runs/h9-1"))[0] == 404
    assert (await two.one.site.get("runs/x"))[0] == 400


async def test_a_run_of_ones_own_is_answered_here(two: Two) -> None:
    run = await two.one.site.start()

    status, shape = await two.one.site.get(f"runs/{run}")

    assert (status, shape["adopted_by"]) == (200, "h1")


async def test_output_comes_whole_and_by_ranges(two: Two) -> None:
    two.two.site.output(two.run, "build").write_bytes(OUTPUT)

    whole = await two.log(params={"limit": "10000000"})
    part = await two.log(headers={"Range": "bytes=100-199"})
    end = await two.log(headers={"Range": "bytes=-7"})
    beyond = await two.log(headers={"Range": f"bytes={len(OUTPUT)}-"})

    assert whole[:2] == (200, OUTPUT)
    assert part[:2] == (206, OUTPUT[100:200])
    assert part[2]["Content-Range"] == f"bytes 100-199/{len(OUTPUT)}"
    assert end[:2] == (206, OUTPUT[-7:])
    assert (beyond[0], beyond[2]["Content-Range"]) == (416, f"bytes */{len(OUTPUT)}")
    assert whole[2]["Content-Type"] == "text/plain; charset=utf-8"
    assert whole[2]["X-Floe-Size"] == str(len(OUTPUT))


async def test_output_is_followed_as_it_comes_and_to_its_end(two: Two) -> None:
    site, path = two.one.site, two.two.site.output(two.run, "build")
    url = f"{site.url}{API}/runs/{two.run}/nodes/build/log?follow=true"

    with path.open("ab", buffering=0) as file:
        file.write(b"one\n")
        async with site.client.get(url) as answer:
            first = await answer.content.readany()
            file.write(b"two\n")
            two.two.site.hands.exit("build")
            rest = await answer.content.read()

    assert (answer.status, first + rest) == (200, b"one\ntwo\n")
    assert answer.headers["X-Floe-Live"] == "true"


async def test_output_is_watched_before_its_run_is_in_the_lists(two: Two) -> None:
    site, path = two.one.site, two.two.site.output(two.run, "build")
    path.write_bytes(b"one\n")
    headers = {"Origin": site.url}

    async with site.client.ws_connect(site.url + "/ws", headers=headers) as feed:
        await feed.send_json({"watch": {"run": two.key, "node": "build"}})
        await feed.send_json({"run": two.key})
        hello, output = [await feed.receive_json(timeout=DEADLINE_S) for _ in range(2)]

    assert (hello["type"], output["type"], output["text"]) == ("hello", "output", "one\n")


async def test_output_is_followed_by_a_client_without_chunks(two: Two) -> None:
    where = urlsplit(two.one.site.url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    path = f"{API}/runs/{two.run}/nodes/build/log?follow=true"
    writer.write(f"GET {path} HTTP/1.0\r\nX-Floe-Auth: {ADMIN}\r\n\r\n".encode())
    async with asyncio.timeout(60):
        head = await reader.readuntil(b"\r\n\r\n")
    writer.close()

    assert head.startswith(b"HTTP/1.0 200 ")
    assert b"chunked" not in head


async def test_an_output_whose_host_goes_away_is_cut_off_and_not_ended(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    port = free_port()
    one = await stack.enter_async_context(a_host(tmp_path, H1, free_port(), url_of(port)))
    there = await stack.enter_async_context(AsyncExitStack())
    two = await there.enter_async_context(a_host(tmp_path, H2, port))
    await one.meets(H2)
    run = await two.site.start()
    two.site.output(run, "build").write_bytes(b"one\n")

    url = f"{one.site.url}{API}/runs/{run}/nodes/build/log?follow=true"
    async with one.site.client.get(url) as answer:
        first = await answer.content.readany()
        await there.aclose()
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.content.read()

    assert first == b"one\n"


# --- what is done there ---


async def test_who_asks_is_who_acts_there(two: Two) -> None:
    _, made = await two.one.site.post("login", {"token": ADMIN, "personal": "laptop"})
    headers = {"X-Floe-Auth": made["token"]}

    status, _ = await two.one.site.post(f"runs/{two.run}/cancel", {"why": "no"}, headers=headers)

    _, run = await two.two.site.get(f"runs/{two.run}")
    assert (status, run["cancelled_by"]) == (202, "admin:laptop")


async def test_a_key_counts_once_at_whichever_host(two: Two) -> None:
    headers = {"Idempotency-Key": "k1"}

    first = await two.one.site.post(f"runs/{two.key}/cancel", {}, headers=headers)
    again = await two.one.site.post(f"runs/{two.key}/cancel", {}, headers=headers)
    there = await two.two.site.post(f"runs/{two.key}/cancel", {}, headers=headers)
    other = await two.one.site.post(f"runs/{two.key}/cancel", {})

    assert [first[0], again[0], there[0], other[0]] == [202, 202, 202, 409]


async def test_a_form_is_answered_through_another_host(two: Two) -> None:
    two.two.site.hands.exit("build")
    hub = two.two.site.hub
    await until(lambda: any(r.open for r in hub.reads.lives() if "sign-off" in r.nodes))
    order = {"run": two.run, "form": {"id": "sign-off", "values": {"ok": True}}}

    wrong = await two.one.site.post("push/data", {**order, "ref": {"id": "wide"}})
    status, answer = await two.one.site.post("push/data", {**order, "ref": {"id": "build"}})

    assert wrong[0] == 404
    assert (status, answer["run"]) == (202, two.run)
    assert answer["summary"]["adopted_by"] == "h2"


async def test_a_wrong_answer_to_a_form_is_refused_as_there(two: Two) -> None:
    two.two.site.hands.exit("build")
    await until(lambda: any("sign-off" in r.nodes for r in two.two.site.hub.reads.lives()))
    order = {"run": two.run, "form": {"id": "sign-off", "values": {"colour": "red"}}}

    here, there = [await h.site.post("push/data", order) for h in (two.one, two.two)]

    assert here[0] == 422
    assert here == there


# --- whom it is done for ---


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {BY: "admin"},
        {BY: "admin", RELAYED: "h1"},
        {BY: "admin", RELAYED: "h1", TOKEN: "wrong"},
        {BY: "admin", RELAYED: "h1", TOKEN: ADMIN},
        {RELAYED: "h1", TOKEN: CLUSTER},
        {BY: "admin", TOKEN: CLUSTER},
        {BY: "a%0Ab", RELAYED: "h1", TOKEN: CLUSTER},
        {BY: "x" * 201, RELAYED: "h1", TOKEN: CLUSTER},
    ],
    ids=str,
)
async def test_nobody_acts_for_another_without_the_clusters_token(
    two: Two, headers: dict[str, str]
) -> None:
    sent = {"X-Floe-Auth": "", **headers}

    status, _ = await two.two.site.get(f"runs/{two.run}", headers=sent)

    assert status == 401


async def test_what_a_caller_claims_of_itself_is_not_passed_on(two: Two) -> None:
    headers = {BY: "somebody", RELAYED: "h9"}

    await two.one.site.post(f"runs/{two.run}/cancel", {}, headers=headers)

    _, run = await two.two.site.get(f"runs/{two.run}")
    assert run["cancelled_by"] == "admin"


async def test_a_request_is_passed_on_once(two: Two) -> None:
    ref = RunRef(two.two.me.host, two.two.me.store, 77)
    await keep_row(two.one, ref, H2)
    await keep_row(two.two, ref, H1)

    async with asyncio.timeout(60):
        status, problem = await two.one.site.get(f"runs/{ref.key}")

    assert (status, problem["host"]) == (503, "h1")
    assert problem["detail"] == "the log of h2-77 is at h1, according to h2"


async def test_host_that_a_refusal_names_is_asked(
    two: Two, tmp_path: Path, stack: AsyncExitStack
) -> None:
    urls = [two.one.site.url, two.two.site.url]
    third = await stack.enter_async_context(a_host(tmp_path, H3, free_port(), *urls))
    await third.meets(H1)
    await third.meets(H2)
    ref = RunRef.parse(two.key)
    await keep_row(third, ref, H1)
    await keep_row(two.one, ref, H2)

    status, run = await third.site.get(f"runs/{two.key}")

    assert (status, run["id"]) == (200, two.run)


async def test_every_route_of_a_run_passes(two: Two) -> None:
    ref = RunRef(two.two.me.host, two.two.me.store, 77)
    await keep_row(two.one, ref, H3)
    paths = [route for route in ROUTES if "{run}" in route.path]

    answers = {
        route.path: await two.one.site.ask(
            route.method,
            route.at(API)
            .replace("{run}", ref.key)
            .replace("{flow}", "build")
            .replace("{node}", "build")
            .replace("{act}", "pause"),
        )
        for route in paths
    }

    assert len(answers) > 8
    assert {path: a[1]["host"] for path, a in answers.items()} == dict.fromkeys(answers, "h3")


# --- when it is away ---


async def test_a_host_that_is_away_is_named_with_what_is_known_here(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    port = free_port()
    one = await stack.enter_async_context(a_host(tmp_path, H1, free_port(), url_of(port)))
    async with a_host(tmp_path, H2, port):
        await one.meets(H2)
    await until(lambda: not one.at(url_of(port)).is_open)
    ref = RunRef(H1, one.me.store, 77)
    await keep_row(one, ref, H2, events=3)

    shown = await one.site.get("runs/h1-77")
    events = await one.site.get("runs/h1-77/events?after=1&limit=1")

    assert [shown[0], events[0]] == [503, 503]
    assert shown[1]["host"] == "h2"
    assert shown[1]["detail"].startswith("h2 is away")
    assert "floe host forget h2" in shown[1]["hint"]
    assert shown[1]["since"] == shown[1]["as_of"]
    assert shown[1]["run"]["key"] == ref.key
    assert [event["seq"] for event in events[1]["events"]] == [2]
    assert events[1]["next"] == 2


async def test_a_host_that_was_never_met_is_named(two: Two) -> None:
    await keep_row(two.one, RunRef(H1, two.one.me.store, 77), H3)

    status, problem = await two.one.site.get("runs/h1-77")

    assert status == 503
    assert problem["detail"] == "h3 is away: it never replied at any URL of `hosts`"
    assert "since" not in problem


async def test_a_host_that_calls_and_has_no_url_here_is_named(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    port = free_port()
    one = await stack.enter_async_context(a_host(tmp_path, H1, port))
    two = await stack.enter_async_context(a_host(tmp_path, H2, free_port(), url_of(port)))
    await one.meets(H2)
    run = await two.site.start()

    status, problem = await one.site.get(f"runs/{run}")

    assert status == 503
    assert problem["detail"] == "h2 is away: it calls this host, but no URL of `hosts` leads to it"


async def test_a_host_that_calls_is_not_said_to_have_no_url_while_one_did_not_reply_yet(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    port = free_port()
    one = await stack.enter_async_context(a_host(tmp_path, H1, port, url_of(free_port())))
    two = await stack.enter_async_context(a_host(tmp_path, H2, free_port(), url_of(port)))
    await one.meets(H2)
    run = await two.site.start()

    status, problem = await one.site.get(f"runs/{run}")

    assert status == 503
    assert problem["detail"] == "h2 is away: it calls this host, but no URL has led to it yet"
