"""uTask's action `http` against a real server: what it sends, and what a reply comes to."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import pytest

from floe.calls.utask.calls import actions_of
from floe.calls.utask.http import AT_ONCE_MAX, BODY_BYTES_MAX
from floe.model.ids import Json
from floe.model.signal import Answered
from floe.nodes.call_ground import CallGround
from floe.nodes.forbidden import ForbiddenAddresses
from tests.make_utask_calls import a_call, came_to, ground_of, rendered
from tests.recorded import cases, document
from tests.tcp import serving

VECTORS: Final = "utask/vectors/http-action.json"
JSON: Final = '{"a": 1, "big": 12345678901234567890}'


class Recorder:
    """A server with the routes of the vectors. It keeps the last request."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: dict[str, Any] = {}
        self.count = 0
        self._routes: dict[str, Mapping[str, Any]] = {
            route["path"]: route for route in document(VECTORS).get("routes", ())
        }

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        body = await reader.readexactly(int(headers.get("Content-Length", "0")))
        self.count += 1
        self.seen = {"method": method, "path": path, "headers": headers, "body": body.decode()}
        writer.write(self._reply(path.partition("?")[0], headers))
        await writer.drain()

    def _reply(self, path: str, headers: Mapping[str, str]) -> bytes:
        route = self._routes.get(path, {})
        status, text, more = route.get("status", 200), route.get("body", JSON), []
        if path.startswith("/status/"):
            status = int(path.rpartition("/")[2])
            text = f'{{"st": {status}}}'
        if path == "/digest" and not _is_digest(headers.get("Authorization", "")):
            status, text = 401, ""
            more = [
                ["WWW-Authenticate", 'Digest realm="r", nonce="abc", algorithm=MD5, qop="auth"']
            ]
        lines = [
            f"HTTP/1.1 {status} So",
            f"Content-Type: {route.get('content_type', 'application/json')}",
            *(f"{name}: {value}" for name, value in (*route.get("headers", ()), *more)),
            *([f"Content-Length: {len(text)}"] if status != 204 else []),
            "Connection: close",
        ]
        return "\r\n".join((*lines, "", "" if status == 204 else text)).encode()


def _is_digest(given: str) -> bool:
    """Whether a header proves user `u` and password `p`."""
    parts = dict(re.findall(r'(\w+)="?([^",]*)"?', given))
    if not given.startswith("Digest "):
        return False
    first, second = (
        hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        for text in ("u:r:p", f"GET:{parts['uri']}")
    )
    whole = f"{first}:abc:{parts['nc']}:{parts['cnonce']}:auth:{second}"
    return str(parts["response"]) == hashlib.md5(whole.encode(), usedforsecurity=False).hexdigest()


@pytest.fixture
async def recorder() -> AsyncIterator[Recorder]:
    made = Recorder()
    async with serving(made.talk) as made.url:
        yield made


@pytest.mark.parametrize("case", cases(VECTORS))
async def test_action_http_does_as_utask_does(case: dict[str, Any], recorder: Recorder) -> None:
    given = {**document(VECTORS)["input"], "base": recorder.url}

    answer = await came_to("http", rendered(case["configuration"], given))

    expected = case["expected"]
    metadata = {**answer.metadata}
    found = metadata.get("metadata")
    if isinstance(found, dict):
        found["HTTPHeaders"].pop("Connection")  # of this server alone
    assert (answer.kind or "DONE") == expected["state"]
    assert answer.outputs.get("output") == expected.get("output")
    assert found == expected.get("metadata")
    assert bool(answer.why) == ("error" in expected)
    if "failed api request" in expected.get("error", ""):
        assert answer.why == expected["error"]
    if request := case.get("request"):
        assert {key: recorder.seen[key] for key in ("method", "path", "body")} == {
            key: request[key] for key in ("method", "path", "body")
        }
        sent = recorder.seen["headers"]
        assert {name: sent.get(name) for name in request["headers"]} == request["headers"]
        assert ("Content-Type" in sent) == ("Content-Type" in request["headers"])


async def test_header_that_is_given_twice_has_its_last_value(
    recorder: Recorder,
) -> None:
    headers = [{"name": "x-a", "value": "1"}, {"name": "X-A", "value": "2"}]

    await came_to("http", {"url": recorder.url, "method": "GET", "headers": headers})

    assert recorder.seen["headers"]["X-A"] == "2"


@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding", "host"])
async def test_header_that_would_break_the_request_is_not_sent(
    name: str, recorder: Recorder
) -> None:
    headers: Json = [{"name": name, "value": "3"}]
    configuration = {"url": recorder.url, "method": "POST", "body": "five.", "headers": headers}

    answer = await came_to("http", configuration)

    assert answer.good
    assert recorder.seen["body"] == "five."
    assert "Transfer-Encoding" not in recorder.seen["headers"]


async def test_line_break_in_a_header_sends_nothing(recorder: Recorder) -> None:
    headers = [{"name": "X-A", "value": "1\r\nX-B: 2"}]

    answer = await came_to("http", {"url": recorder.url, "method": "GET", "headers": headers})

    assert (answer.kind, recorder.count) == ("SERVER_ERROR", 0)


async def test_forbidden_address_is_not_reached(recorder: Recorder) -> None:
    ground = CallGround(forbidden=ForbiddenAddresses(["loopback"]))

    answer = await came_to("http", {"url": recorder.url, "method": "GET"}, ground)

    assert (answer.kind, recorder.count) == ("SERVER_ERROR", 0)
    assert "`http-forbid` has loopback" in answer.why


async def test_redirect_to_a_forbidden_address_is_not_followed(recorder: Recorder) -> None:
    port = int(recorder.url.rpartition(":")[2])
    ground = CallGround(forbidden=ForbiddenAddresses(["own-api"], [port]))

    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            f"HTTP/1.1 302 F\r\nLocation: {recorder.url}/\r\nContent-Length: 0\r\n\r\n".encode()
        )

    async with serving(redirect) as url:
        configuration = {"url": url, "method": "GET", "follow_redirect": "true"}
        answer = await came_to("http", configuration, ground)

    assert (answer.kind, recorder.count) == ("SERVER_ERROR", 0)


async def test_endless_reply_is_cut_off() -> None:
    sent = 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()
            sent += 65536

    async with serving(endless) as url:
        answer = await came_to("http", {"url": url, "method": "GET"})

    assert answer.kind == "SERVER_ERROR"
    assert f"more than {BODY_BYTES_MAX} bytes" in answer.why
    assert sent < 10 * BODY_BYTES_MAX


async def test_only_so_many_requests_are_sent_at_once() -> None:
    now = most = 0
    all_there = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal now, most
        await reader.readuntil(b"\r\n\r\n")
        now += 1
        most = max(most, now)
        if now == AT_ONCE_MAX:
            all_there.set()
        await all_there.wait()
        now -= 1
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async with serving(slow) as url:
        run, given = actions_of(ground_of())["utask.http"], {"url": url, "method": "GET"}
        calls = [run(a_call("http", given)) for _ in range(AT_ONCE_MAX + 9)]
        answers = await asyncio.gather(*calls)

    assert most == AT_ONCE_MAX
    assert all(isinstance(answer, Answered) and answer.good for answer in answers)


async def test_certificate_that_is_none_is_an_error_of_the_step(recorder: Recorder) -> None:
    tls: Json = {"client_cert": "no certificate", "client_key": "no key"}
    auth: Json = {"mutual_tls": tls}
    configuration = {"url": recorder.url, "method": "GET", "auth": auth}

    answer = await came_to("http", configuration)

    assert (answer.kind, recorder.count) == ("SERVER_ERROR", 0)


async def test_half_a_character_in_a_reply_can_be_stored() -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b'{"a": "\\ud800"}'
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        writer.write(head.encode() + b"\r\n\r\n" + body)

    async with serving(half) as url:
        answer = await came_to("http", {"url": url, "method": "GET"})

    assert answer.outputs == {"output": {"a": "?"}}
