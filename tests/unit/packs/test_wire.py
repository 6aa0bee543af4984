"""What a pack sends is what the client of flyte in Go sent, as recorded."""

import asyncio
import json
import re
import threading
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

from floe.packs import EventType, Pack, connections, fatal
from floe.packs.connections import Connections, Unanswered, in_thread
from floe.packs.testing import MemoryServer
from floe.packs.wire import FlyteServer, Unexpected
from tests.ports import free_port
from tests.recorded import document

RECORDED: Final = document("flyte/vectors/client-wire.json").get("cases", ())
EXCHANGES: Final = [
    exchange for case in RECORDED if case["name"] == "new" for exchange in case["exchanges"]
]
DONE: Final = EventType("Done", "http://help/done")
TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")


def the_recorded_pack() -> Pack:
    pack = Pack("Probe", labels={"env": "test"}, events=["Seen", DONE], help="http://help/probe")
    pack.command("Echo", "Done", "Failed", help="http://help/echo")(lambda input: {"got": input})

    @pack.command("Boom", "Done")
    def boom(text: str) -> None:
        raise RuntimeError(text)

    pack.command("Fatal", "Done")(lambda input: fatal(f'fatal "{input}"'))
    pack.command("Slow", "Done")(lambda: "slow")
    pack.command("Nil", "Done")(lambda: None)
    return pack


def sent(method: str, path: str, headers: Any, body: Any) -> Any:
    """A request, comparable: no id of an action, no time, no text of an error."""
    kept = [headers.get(name, "") for name in ("Content-Type", "Authorization")]
    if isinstance(body, dict) and "createdAt" in body:
        is_time = body["createdAt"] == "<time>" or TIME.fullmatch(body["createdAt"])
        body = {**body, "createdAt": bool(is_time)}
        if body["event"] == "FATAL" and not body["payload"].startswith("fatal"):
            body["payload"] = "the text of an error"
    path = re.sub(r"/actions/(<id)?(\d)>?/", r"/actions/\2/", path)
    return json.dumps([method, path, kept, body])


def test_requests_are_those_of_the_client_in_go() -> None:
    taken = [
        one["answer"] for one in EXCHANGES if one["path"].endswith("/take") and one.get("answer")
    ]
    with MemoryServer() as server:
        offered = [server.offer(one["command"], one["input"]) for one in taken]
        with the_recorded_pack().in_background(server.settings(token="tok")) as pack:
            pack.send_now("Seen", {"n": 1})
            for action in offered:
                server.result(action)

    recorded = [
        sent(one["method"], one["path"], one["headers"], one.get("body")) for one in EXCHANGES
    ]
    made = [sent(one.method, one.path, one.headers, one.body) for one in server.requests]
    assert made[:2] == recorded[:2]  # then results and takes have any order
    assert counted(made) == counted(recorded)


def counted(requests: list[str]) -> Counter[str]:
    """How often each request was sent; takes, of which a client sends as many as it likes, once."""
    takes = {one for one in requests if is_take(one)}
    return Counter([*takes, *(one for one in requests if not is_take(one))])


def is_take(request: str) -> bool:
    return "/actions/take" in request


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ((500, None), "the server answered 500"),
        ((200, []), "is no object"),
        ((200, {}), "no link whose rel ends with pack/listPacks"),
        ((200, {"links": [1, {"rel": None}]}), "no link whose rel ends with pack/listPacks"),
    ],
)
async def test_answer_that_is_none_of_the_api_is_told_apart(
    reply: tuple[int, Any], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with MemoryServer() as server:
        monkeypatch.setattr(server, "answer", lambda *_: reply)
        flyte = FlyteServer(server.settings())

        with pytest.raises(Unexpected, match=text):
            await flyte.register({"name": "P"})
        flyte.close()


async def test_token_in_a_file_is_read_for_each_request(tmp_path: Path) -> None:
    file = tmp_path / "token"
    with MemoryServer() as server:
        flyte = FlyteServer(server.settings(token=f"@{file}"))
        with pytest.raises(Unanswered, match="No such file"):
            await flyte.register({"name": "P"})
        for token in ("old\n", "new\n"):
            file.write_text(token)
            await flyte.register({"name": "P"})
        flyte.close()

    assert [one.headers["Authorization"] for one in server.requests[::2]] == [
        "Bearer old",
        "Bearer new",
    ]


async def test_thread_is_used_again() -> None:
    await in_thread(lambda: None)
    while not connections._FREE:  # noqa: ASYNC110  # the thread is about to wait
        await asyncio.sleep(0)
    free = connections._FREE[-1]

    assert await in_thread(lambda: free not in connections._FREE)


async def test_calls_that_block_have_a_thread_each() -> None:
    all_of_them = threading.Barrier(20, timeout=30)

    await asyncio.gather(*(in_thread(all_of_them.wait) for _ in range(20)))


def test_connection_is_used_again() -> None:
    with MemoryServer() as server:
        used = Connections(timeout_s=10)
        used.ask("GET", f"{server.url}/v1", None, {})
        [(_, _, kept)] = used._idle
        used.ask("GET", f"{server.url}/v1", None, {})

        assert [one for _, _, one in used._idle] == [kept]
        used.close()


def test_connection_that_the_server_closed_is_not_used_again() -> None:
    port = free_port()
    used = Connections(timeout_s=10)
    statuses = []
    for _ in range(2):
        with MemoryServer(port) as server:
            statuses.append(used.ask("GET", f"{server.url}/v1", None, {}).status)
    used.close()

    assert statuses == [200, 200]
