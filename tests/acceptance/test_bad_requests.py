"""Bad requests: strangers, garbage and crowds get their answer, and the host goes on."""

import asyncio
import http.client
import json
import resource
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from tests.acceptance.people import floe, hosted
from tests.acceptance.product import FLOE, TOKEN, Host, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

CONFIG = """
flows:
  - id: say
    triggers: [{id: start, type: data}]
    tasks:
      - {id: say, type: exec, listen: trigger.good, opts: {cmd: seq 1000}}
  - id: ask
    triggers: [{id: start, type: data}]
    tasks:
      - id: ask
        type: data
        listen: trigger.good
        opts: {form: {fields: [{id: text}]}}
"""

API = "/build/api"
KNOWN = {"X-Floe-Auth": TOKEN}
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host that must outlive all of this, without one mistake of its own in its log."""
    with hosted(tmp_path_factory.mktemp("host"), CONFIG) as host:
        yield host
        assert host.until_over(host.trigger("say"))["good"]
        assert "request.failed" not in host.log.read_text()
        assert "Traceback" not in host.log.read_text()


@pytest.fixture(scope="module")
def run(host: Host) -> str:
    """A run that is over."""
    run = host.trigger("say")
    host.until_over(run)
    return run


def ask(
    host: Host,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] = KNOWN,
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Status, headers and body of an answer, whatever it is."""
    connection = http.client.HTTPConnection(host.address, timeout=30)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def raw(host: Host, data: bytes) -> bytes:
    """What comes back, until the host closes, for bytes as they are."""
    name, _, port = host.address.partition(":")
    answer = b""
    with socket.create_connection((name, int(port)), timeout=30) as there:
        with suppress(ConnectionError):  # it need not hear all of it
            there.sendall(data)
        with suppress(OSError):  # it is closed already
            there.shutdown(socket.SHUT_WR)
        with suppress(ConnectionError):
            while part := there.recv(65_536):
                answer += part
    return answer


# --- who is not known

STRANGERS = {
    "nothing": {},
    "a wrong token": {"X-Floe-Auth": "wrong"},
    "an empty token": {"X-Floe-Auth": ""},
    "a wrong bearer": {"Authorization": "Bearer wrong"},
    "another scheme": {"Authorization": "Basic YWRtaW46Y29ycmVjdC1ob3JzZQ=="},
    "a made-up session": {"Cookie": "floe-sesh=floe_" + "a" * 40},
    "the token as a cookie": {"Cookie": f"floe-sesh={TOKEN}"},
    "a token that is no text": {"X-Floe-Auth": "\xff\xfe"},
}

PUBLIC = {
    ("get", "/callback/{of}/{at}/{proof}"),
    ("post", "/callback/{of}/{at}/{proof}"),
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("post", "/login"),
    ("post", "/push/{flow}/{trigger}"),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_every_route_of_the_description_is_closed_to_strangers(name: str, host: Host) -> None:
    paths = host.api.get("openapi.json")["paths"]
    routes = {
        (method, path.removeprefix(API)) for path, methods in paths.items() for method in methods
    }

    answers = {
        (method, path): ask(
            host,
            method.upper(),
            API + path.replace("{", "").replace("}", ""),
            None,
            STRANGERS[name],
        )
        for method, path in routes - PUBLIC
        if not path.startswith(("/ws", "/app")) and path != "/"
    }

    assert len(answers) > 20
    assert {route: answer[0] for route, answer in answers.items() if answer[0] != 401} == {}


@pytest.mark.parametrize("name", STRANGERS)
async def test_the_feed_is_closed_to_strangers(name: str, host: Host) -> None:
    with pytest.raises(InvalidStatus) as caught:
        await connect(
            f"ws://{host.address}/ws",
            origin=f"http://{host.address}",  # type: ignore[arg-type] # a NewType of str
            additional_headers=STRANGERS[name],
        )

    assert caught.value.response.status_code == 401


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1"])
async def test_the_feed_is_closed_to_pages_of_others(origin: str, host: Host) -> None:
    with pytest.raises(InvalidStatus) as caught:
        await connect(
            f"ws://{host.address}/ws",
            origin=origin,  # type: ignore[arg-type] # a NewType of str
            additional_headers=KNOWN,
        )

    assert caught.value.response.status_code == 403


def test_who_guesses_logins_has_to_wait_and_nobody_else(tmp_path: Path) -> None:
    with hosted(tmp_path, CONFIG) as host:
        wrong = [
            ask(host, "POST", API + "/login", b'{"token": "guess"}', headers=JSON)
            for _ in range(11)
        ]
        done = floe(host, "flows")

        assert [status for status, _, _ in wrong] == [401] * 10 + [429]
        assert int(wrong[-1][1]["Retry-After"]) > 0
        assert done.returncode == 0
        assert TOKEN not in host.log.read_text()


# --- what does not exist, and names that are none

NAMES = [
    "none",
    "h1-99999",
    "..",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e",
    "%00",
    "h1-1%0a",
    "h1-1%20",
    "%F0%9F%A6%8A",
    "%ff%fe",
    "h1-" + "9" * 5000,
    "h1-%C2%B2",
    "a" * 7000,
    "h1-1@" + "f" * 64,
    "{{ws}}",
    "';DROP%20TABLE%20runs;--",
    "@",
    "say@",
    "say@0",
    "say@-1",
    "say@1e9",
    "*",
]

PLACES = [
    "/flows/{}",
    "/flows/{}/runs/h1-1",
    "/flows/say/runs/{}",
    "/runs/{}",
    "/runs/{}/events",
    "/runs/{}/why",
    "/runs/RUN/nodes/{}",
    "/runs/RUN/nodes/{}/log",
    "/hosts/{}/reload",
    "/runs/{}/cancel",
]


@pytest.mark.parametrize("place", PLACES)
def test_hostile_name_is_nothing_that_exists(place: str, host: Host, run: str) -> None:
    method = "POST" if place.endswith(("cancel", "reload")) else "GET"

    answers = {
        name: ask(host, method, API + place.replace("RUN", run).format(name)) for name in NAMES
    }

    assert {name: a[0] for name, a in answers.items() if a[0] not in (400, 404)} == {}
    assert {a[1].get_content_type() for a in answers.values()} == {"application/problem+json"}
    assert {name: len(a[2]) for name, a in answers.items() if len(a[2]) > 1000} == {}
    assert not any(b"root:" in a[2] for a in answers.values())


MISSING = {
    "a flow": (("trigger", "sya"), "did you mean say?"),
    "a version": (("trigger", "say@7"), "did you mean say@1?"),
    "a trigger": (("trigger", "say", "--trigger", "stop"), "its triggers: start"),
    "a run": (("show", "h1-99999"), "no run h1-99999"),
    "no run id": (("show", "../.."), "not a run id"),
    "a run id of two lines": (("show", "h1-1\n"), "not a run id"),
    "a run id of other letters": (("why", "h1-ü"), "not a run id"),
    "a node": (("log", "h1-1", "sya"), "has no node sya"),
    "a form": (("give", "h1-1", "say", "a=b"), "has no data node"),
}


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize("name", MISSING)
def test_what_does_not_exist_is_reported_in_a_sentence(name: str, host: Host) -> None:
    words, expected = MISSING[name]

    done = floe(host, *words)

    assert done.returncode == 2, done.stdout
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


ELSEWHERE = {
    "nobody there": ({"FLOE_URL": "http://127.0.0.1:1"}, 3, "Connection refused"),
    "no address": ({"FLOE_URL": "http://[bad"}, 2, "is not the address of a host"),
    "no port": ({"FLOE_URL": "http://127.0.0.1:99999"}, 2, "is not the address of a host"),
    "no such scheme": ({"FLOE_URL": "file:///etc/passwd"}, 2, "is not the address of a host"),
    "a wrong token": ({"FLOE_TOKEN": "wrong"}, 2, "wrong credentials"),
    "a token of two lines": ({"FLOE_TOKEN": "a\nb"}, 2, "token"),
    "a token of other letters": ({"FLOE_TOKEN": "ünï ☃"}, 2, ""),
    "no token": ({"FLOE_TOKEN": ""}, 2, "no token"),
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_command_that_reaches_no_host_shows_what_to_try(name: str, host: Host) -> None:
    env, status, expected = ELSEWHERE[name]

    done = floe(host, "flows", env=env)

    assert done.returncode == status, done.stderr
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


# --- queries, methods, types

QUERIES = [
    "/runs?limit=0",
    "/runs?limit=501",
    "/runs?limit=" + "9" * 5000,
    "/runs?limit=-1",
    "/runs?limit=1e3",
    "/runs?cursor=../../x",
    "/runs?cursor=%00",
    "/runs?cursor=" + "a" * 5000,
    "/runs?state=over",
    "/runs?good=maybe",
    "/runs?limit=1&limit=2",
    "/runs?unknown=1",
    "/runs/RUN/events?after=-1",
    "/runs/RUN/events?after=x",
    "/runs/RUN/nodes/say/log?attempt=0",
    "/runs/RUN/nodes/say/log?attempt=" + "9" * 30,
    "/runs/RUN/nodes/say/log?offset=-5",
    "/runs/RUN/nodes/say/log?follow=perhaps",
]


@pytest.mark.parametrize("path", QUERIES)
def test_bad_query_is_refused_by_its_key(path: str, host: Host, run: str) -> None:
    status, _, text = ask(host, "GET", API + path.replace("RUN", run))

    problem = json.loads(text)
    assert status in (400, 404, 422)
    assert problem["status"] == status
    assert len(json.dumps(problem)) < 1000


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_other_methods_are_refused(method: str, host: Host) -> None:
    status, headers, _ = ask(host, method, API + "/runs")

    assert status in (400, 404, 405)
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize(
    "type_", ["text/plain", "application/xml", "multipart/form-data; boundary=x", "", "a/b" * 500]
)
def test_body_of_another_type_starts_nothing(type_: str, host: Host) -> None:
    body = json.dumps({"ref": {"id": "say"}}).encode()

    status, _, _ = ask(host, "POST", API + "/push/data", body, {**KNOWN, "Content-Type": type_})

    assert status == 415


@pytest.mark.parametrize(
    "asked", ["bytes=5-2", "bytes=99999999999-", "bytes=0-1,5-6", "lines=1-2", "\x7f"]
)
def test_odd_range_is_refused_or_ignored(asked: str, host: Host, run: str) -> None:
    path = f"{API}/runs/{run}/nodes/say/log"

    status, _, body = ask(host, "GET", path, None, {**KNOWN, "Range": asked})

    assert status in (200, 400, 416)
    assert status != 200 or len(body) == 3893


# --- garbage on the wire

LOGGED_IN = b"GET /build/api/login HTTP/1.1\r\nHost: floe\r\nX-Floe-Auth: correct-horse\r\n\r\n"
START = b"GET /build/api/healthz HTTP/1.1\r\nHost: floe\r\n"
POST = b"POST /build/api/push/data HTTP/1.1\r\nHost: floe\r\nX-Floe-Auth: correct-horse\r\n"

GARBAGE = {
    "noise": bytes(range(256)) * 100,
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500,
    "no version": b"GET /\r\n\r\n",
    "a version to come": b"GET / HTTP/9.9\r\nHost: floe\r\n\r\n",
    "a huge line": b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\n\r\n",
    "a huge header": START + b"X-A: " + b"a" * 1_000_000 + b"\r\n\r\n",
    "many headers": START + b"".join(b"X-%d: a\r\n" % i for i in range(100_000)) + b"\r\n",
    "a header of two lines": START + b"X-A: a\r\n b\r\n\r\n",
    "a NUL in a header": START + b"X-A: a\0b\r\n\r\n",
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    "a length and chunks": POST
    + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /admin",
    "a negative length": POST + b"Content-Length: -5\r\n\r\nabcdef",
    "a length without end": POST + b"Content-Length: " + b"9" * 100 + b"\r\n\r\nabc",
    "bad chunks": POST
    + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    "half a body": POST + b"Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{",
    "garbage behind a request": START + b"\r\n" + b"\0" * 10_000,
    "a proxy request": b"GET http://169.254.169.254/ HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n",
    "a tunnel": b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n",
    "half a websocket": START.replace(b"/build/api/healthz", b"/ws")
    + b"Connection: upgrade\r\nUpgrade: websocket\r\nX-Floe-Auth: correct-horse\r\n\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_answered_or_cut_off_and_starts_nothing(name: str, host: Host) -> None:
    before = host.api.get("runs")["runs"]

    answer = raw(host, GARBAGE[name])

    statuses = {line.split(b" ")[1] for line in answer.split(b"\r\n") if line.startswith(b"HTTP/")}
    assert b"500" not in statuses
    assert b"202" not in statuses
    assert b"Traceback" not in answer
    assert host.is_ready()
    assert host.api.get("runs")["runs"] == before


# --- crowds


@pytest.fixture(scope="module", autouse=True)
def many_files() -> Iterator[None]:
    """As many open files as this process may have, since it is the crowd."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_crowd_of_known_clients_takes_no_file_from_the_host(tmp_path: Path) -> None:
    few = ("bash", "-c", 'ulimit -n 512; exec "$@"', "floe", *FLOE)
    with hosted(tmp_path, CONFIG) as host:
        host.stop()
        host.start(few)
        run = host.trigger("ask")
        name, _, port = host.address.partition(":")
        crowd = []
        try:
            for _ in range(600):
                crowd.append(socket.create_connection((name, int(port)), timeout=30))
                with suppress(ConnectionError):  # it may be turned away already
                    crowd[-1].sendall(LOGGED_IN)
                    crowd[-1].recv(1)
            until(lambda: "server.full" in host.log.read_text(), "that it is full")
        finally:
            for client in crowd:
                client.close()

        until(host.is_ready, "room")
        host.give(run, "ask", text="still here")
        assert host.until_over(run)["good"]
        assert host.log.read_text().count("server.full") == 1
        assert "Too many open files" not in host.log.read_text()
        assert host.log.stat().st_size < 10_000


async def test_two_hundred_watchers_all_receive_everything(host: Host) -> None:
    async with asyncio.TaskGroup() as tasks:
        opening = [tasks.create_task(_watcher(host)) for _ in range(200)]
    watchers = [task.result() for task in opening]

    run = await asyncio.to_thread(host.trigger, "say")
    async with asyncio.TaskGroup() as tasks:
        hearing = [tasks.create_task(_heard(watcher, run)) for watcher in watchers]

    heard = {tuple(task.result()) for task in hearing}
    assert len(heard) == 1
    for watcher in watchers:
        watcher.transport.abort()
    assert await asyncio.to_thread(host.is_ready)


async def _watcher(host: Host) -> ClientConnection:
    socket = await connect(
        f"ws://{host.address}/ws",
        origin=f"http://{host.address}",  # type: ignore[arg-type] # a NewType of str
        additional_headers=KNOWN,
        open_timeout=60,
    )
    assert json.loads(await socket.recv())["type"] == "hello"
    return socket


async def _heard(watcher: ClientConnection, run: str) -> list[str]:
    heard = []
    async for text in watcher:
        frame = json.loads(text)
        if frame.get("run") == run:
            heard.append(frame["event"])
        if frame.get("summary", {}).get("state") == "archive" and frame["run"] == run:
            return heard
    raise AssertionError("the feed ended")


FRAMES = {
    "no JSON": "x",
    "a list": "[]",
    "a number": "1",
    "unknown keys": '{"wach": {}}',
    "a run that is not there": '{"run": "h1-99999"}',
    "a run of another kind": '{"run": 5}',
    "a node of nowhere": '{"watch": {"run": "../..", "node": "../../etc/passwd"}}',
    "an offset without end": '{"watch": {"run": "RUN", "node": "say", "offset": 1e308}}',
    "a deep nest": '{"watch":' * 5000,
    "a key twice": '{"run": null, "run": null}',
}


@pytest.mark.parametrize("name", FRAMES)
async def test_bad_frame_is_explained_and_the_feed_goes_on(name: str, host: Host, run: str) -> None:
    watcher = await _watcher(host)
    await watcher.send(FRAMES[name].replace("RUN", run))

    async with asyncio.timeout(30):
        while (frame := json.loads(await watcher.recv()))["type"] != "error":
            pass

    assert frame["status"] in (400, 404, 422)
    assert len(frame["detail"]) < 300
    await watcher.send('{"run": null}')
    await watcher.close()


async def test_frame_of_megabytes_ends_that_feed_alone(host: Host) -> None:
    watcher, other = await _watcher(host), await _watcher(host)

    await watcher.send("a" * 1_000_000)
    await watcher.wait_closed()

    assert watcher.close_code == 1009
    await other.ping()
    await other.close()


@pytest.mark.parametrize("after", ["x", "-1", "9" * 40, "%00", "1e9", "..%2f"])
async def test_position_of_nowhere_is_reset(after: str, host: Host) -> None:
    async with connect(
        f"ws://{host.address}/ws?after={after}",
        origin=f"http://{host.address}",  # type: ignore[arg-type] # a NewType of str
        additional_headers=KNOWN,
    ) as watcher:
        frames = [json.loads(await watcher.recv()) for _ in range(2)]

    assert [frame["type"] for frame in frames] == ["hello", "reset"]
