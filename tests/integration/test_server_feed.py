"""The feed: every fact in order to everybody, and the output of what somebody watches."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import connect

from floe.server import feed
from tests.make_server import ADMIN, AGAIN, BUILD, DEADLINE_S, Site, a_site, until
from tests.schemas import check


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path, BUILD, AGAIN) as site:
        yield site


class Listener:
    """A client of the feed that has said hello."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def frame(self) -> dict[str, Any]:
        async with asyncio.timeout(DEADLINE_S):
            frame: dict[str, Any] = await self.socket.receive_json()
        return check(frame, "Frame")

    async def until(self, **wanted: object) -> list[dict[str, Any]]:
        """Frames up to the first that is as wanted."""
        frames = []
        while True:
            frames.append(await self.frame())
            if wanted.items() <= frames[-1].items():
                return frames

    async def send(self, **frame: object) -> None:
        await self.socket.send_str(json.dumps(frame))


async def listen(site: Site, query: str = "", **more: Any) -> Listener:
    headers = {"Origin": site.url}
    listener = Listener(await site.client.ws_connect(site.url + "/ws" + query, headers=headers))
    assert (await listener.frame())["type"] == "hello"
    return listener


def transport_of(listener: Listener) -> asyncio.Transport:
    """The client's end of the connection, to mistreat it."""
    connection = listener.socket._response.connection
    assert connection is not None
    transport = connection.transport
    assert isinstance(transport, asyncio.Transport)
    return transport


def text_of(frames: list[dict[str, Any]]) -> str:
    return "".join(frame["text"] for frame in frames if frame["type"] == "output")


async def test_a_client_gets_its_position(site: Site) -> None:
    await site.start()

    async with site.client.ws_connect(site.url + "/ws", headers={"Origin": site.url}) as socket:
        hello = await socket.receive_json()

    assert (hello["type"], hello["host"]) == ("hello", "h1")
    assert hello["pos"] == str(site.hub.feed.head)


async def test_facts_come_in_order_with_node_and_summary(site: Site) -> None:
    listener = await listen(site)
    run = await site.start()
    site.hands.exit("build")

    frames = await listener.until(event="DataAsked")

    assert [frame["seq"] for frame in frames] == list(range(1, len(frames) + 1))
    settled = next(frame for frame in frames if frame["event"] == "NodeSettled")
    assert (settled["run"], settled["tag"]) == (run, "task.build.good")
    assert (settled["node"]["id"], settled["node"]["state"]) == ("build", "good")
    assert frames[0]["summary"]["state"] == "pending"


async def test_a_client_goes_on_where_it_was_without_a_gap(site: Site) -> None:
    first = await listen(site)
    await site.start()
    seen = await first.until(event="NodeStarted")
    await first.socket.close()
    site.hands.exit("build")
    await until(lambda: int(seen[-1]["pos"]) < site.hub.feed.head)

    again = await listen(site, f"?after={seen[-1]['pos']}")
    rest = await again.until(event="DataAsked")

    assert [f["seq"] for f in seen + rest] == list(range(1, len(seen + rest) + 1))


@pytest.mark.parametrize("after", ["99999", "x", "-1", "%C2%B2", "9" * 40])
async def test_an_unknown_position_is_reset(site: Site, after: str) -> None:
    listener = await listen(site, f"?after={after}")

    assert (await listener.frame())["type"] == "reset"


async def test_a_client_may_ask_for_one_run_only(site: Site) -> None:
    one, other = await site.start(), await site.start()
    listener = await listen(site)
    await listener.send(run=one)
    await listener.send(nonsense=1)
    assert (await listener.frame())["type"] == "error"  # what was sent before it has been heard

    await site.hub.cancel(other, by="test")
    await site.hub.cancel(one, by="test")
    frames = await listener.until(event="RunPacked")

    assert {frame["run"] for frame in frames} == {one}


async def test_every_client_is_notified_of_new_flows(site: Site) -> None:
    listener = await listen(site)

    await site.hub.reload()

    assert await listener.frame() == {"type": "flows"}


@pytest.mark.parametrize("attempt", [{}, {"attempt": 1}])
async def test_watched_output_comes_as_it_is_written(site: Site, attempt: dict[str, int]) -> None:
    run = await site.start()
    path = site.output(run, "build")
    path.write_bytes(b"one\n")
    listener = await listen(site)

    await listener.send(watch={"run": run, "node": "build", **attempt})
    first = await listener.frame()
    with path.open("ab") as file:
        file.write(b"two\n")
    second = await listener.frame()
    site.hands.exit("build")
    last = (await listener.until(live=False))[-1]

    assert (first["offset"], first["text"], first["attempt"]) == (0, "one\n", 1)
    assert (second["offset"], second["text"], second["live"]) == (4, "two\n", True)
    assert (last["offset"], last["text"]) == (8, "")


async def test_watching_may_begin_in_the_middle(site: Site) -> None:
    run = await site.start()
    site.output(run, "build").write_bytes(b"0123456789")
    listener = await listen(site)

    await listener.send(watch={"run": run, "node": "build", "offset": 4})

    assert (await listener.frame())["text"] == "456789"


async def test_half_a_character_waits_for_its_other_half(site: Site) -> None:
    run = await site.start()
    path = site.output(run, "build")
    path.write_bytes("aé".encode()[:-1])
    listener = await listen(site)
    await listener.send(watch={"run": run, "node": "build"})

    first = await listener.frame()
    with path.open("ab") as file:
        file.write("é".encode()[1:])
    second = await listener.frame()

    assert (first["text"], second["text"], second["offset"]) == ("a", "é", 1)


async def test_what_is_no_utf8_is_replaced_and_nothing_is_lost(site: Site) -> None:
    run = await site.start()
    site.output(run, "build").write_bytes(b"a\xff\0b\xc3")
    site.hands.exit("build")
    listener = await listen(site)

    await listener.send(watch={"run": run, "node": "build"})

    assert text_of(await listener.until(type="output", live=False)) == "a\ufffd\0b\ufffd"


async def test_a_line_of_megabytes_comes_in_bounded_frames(site: Site) -> None:
    run = await site.start()
    line = "é" * 1_000_000
    site.output(run, "build").write_text("x" + line)
    site.hands.exit("build")
    listener = await listen(site)

    await listener.send(watch={"run": run, "node": "build"})
    frames = await listener.until(type="output", live=False)
    outputs = [frame for frame in frames if frame["type"] == "output"]

    assert text_of(outputs) == "x" + line
    assert max(len(frame["text"].encode()) for frame in outputs) <= 64 * 1024
    assert outputs[1]["offset"] == len(outputs[0]["text"].encode())


async def test_the_watch_goes_on_to_the_next_attempt(site: Site) -> None:
    run = await site.start("again")
    site.output(run, "build").write_bytes(b"first")
    listener = await listen(site)
    await listener.send(watch={"run": run, "node": "build"})

    site.hands.exit("build", 1)
    await until(lambda: len(site.hands.actions) == 2)
    site.output(run, "build", attempt=2).write_bytes(b"second")
    frames = await listener.until(text="second")

    outputs = [(f["attempt"], f["offset"], f["text"]) for f in frames if f["type"] == "output"]
    assert "".join(text for attempt, _, text in outputs if attempt == 1) == "first"
    assert outputs[-1] == (2, 0, "second")


async def test_what_is_not_watched_any_more_is_not_sent(site: Site) -> None:
    run = await site.start()
    listener = await listen(site)
    await listener.send(watch={"run": run, "node": "build"})
    await listener.send(unwatch={"run": run, "node": "build"})
    await listener.send(nonsense=1)
    assert (await listener.frame())["type"] == "error"

    site.output(run, "build").write_bytes(b"text")
    site.hands.exit("build")

    assert text_of(await listener.until(event="DataAsked")) == ""


@pytest.mark.parametrize(
    ("frame", "status"),
    [
        ("{", 400),
        ("[]", 400),
        ('{"wach": {}}', 422),
        ('{"watch": {"run": "h1-1"}}', 422),
        ('{"watch": {"run": "h1-99", "node": "build"}}', 404),
        ('{"watch": {"run": "../x", "node": "build"}}', 400),
        ('{"watch": {"run": "h1-1", "node": "../x"}}', 400),
        ('{"watch": {"run": "h1-1", "node": "build", "attempt": 7}}', 404),
        ('{"run": "h1-99"}', 404),
    ],
)
async def test_a_wrong_frame_is_explained_and_the_feed_goes_on(
    site: Site, frame: str, status: int
) -> None:
    await site.start()
    listener = await listen(site)

    await listener.socket.send_str(frame)
    answer = await listener.frame()
    await site.hub.reload()

    assert (answer["type"], answer["status"]) == ("error", status)
    assert (await listener.frame())["type"] == "flows"


async def test_a_client_that_does_not_read_is_dropped_and_nobody_else_notices(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "SEND_S", 3.0)
    monkeypatch.setattr(feed, "CLOSE_S", 0.1)
    stuck = await listen(site)
    well = await listen(site)
    transport_of(stuck).pause_reading()

    for _ in range(40):
        ballast = {"type": "error", "status": 500, "detail": "x" * 500_000, "hint": ""}
        site.hub.feed.announce(ballast)
        assert await well.frame() == ballast
    await until(lambda: len(site.hub.feed) == 1)

    await site.hub.reload()
    assert (await well.frame())["type"] == "flows"


async def test_a_client_that_lags_gets_the_position_to_continue_from(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("floe.feed.subscription.QUEUE_MAX", 3)
    listener = await listen(site)

    for _ in range(5):
        site.hub.feed.announce({"type": "flows"})
    async with asyncio.timeout(DEADLINE_S):
        while (message := await listener.socket.receive()).type is aiohttp.WSMsgType.TEXT:
            pass

    assert message.data == 1013
    assert message.extra == f"too slow; resume after {site.hub.feed.head}"


async def test_killed_clients_are_forgotten(site: Site) -> None:
    listeners = [await listen(site) for _ in range(5)]
    assert len(site.hub.feed) == 5

    for listener in listeners:
        transport_of(listener).abort()

    await until(lambda: len(site.hub.feed) == 0)


async def test_a_stopping_server_closes_with_a_code_and_the_position(site: Site) -> None:
    listener = await listen(site)

    await asyncio.wait_for(site.server.stop(), DEADLINE_S)
    message = await listener.socket.receive()

    assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1001)
    assert message.extra == "this host is stopping; resume after 0"


async def test_a_listener_that_disconnects_is_not_waited_for_any_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "CLOSE_S", 3600.0)
    async with a_site(tmp_path, settings={"stop_s": 3600.0}) as site:
        listener = await connect(
            site.url.replace("http", "ws") + "/ws",
            additional_headers={"X-Floe-Auth": ADMIN, "Origin": site.url},
            close_timeout=None,  # it answers, and leaves it to the server to hang up
        )

        async with asyncio.timeout(DEADLINE_S):
            await site.server.stop()
            await listener.wait_closed()

    assert listener.close_code == 1001


async def test_logging_out_ends_the_feed(site: Site) -> None:
    _, login = await site.post("login", {"token": ADMIN})
    del site.client.headers["X-Floe-Auth"]
    listener = await listen(site)

    headers = {"X-Floe-Auth": login["token"]}
    assert (await site.post("logout", {}, headers=headers))[0] == 204
    message = await listener.socket.receive(timeout=DEADLINE_S)

    assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1008)


async def test_the_address_of_the_feed_is_no_page(site: Site) -> None:
    status, problem = await site.ask("GET", "/ws", headers={"Origin": site.url})

    assert (status, problem["detail"]) == (400, "this address is a websocket")
