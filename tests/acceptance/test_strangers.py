"""Crowds of strangers on real sockets: they cost little, and shut nobody out."""

import asyncio
import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

import pytest
from websockets.asyncio.client import connect

from tests.acceptance.people import hosted
from tests.acceptance.product import FLOE, TOKEN, Host, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

CONFIG: Final = """
flows:
  - id: hook
    triggers: [{id: push, type: push, opts: {secret: "@$HERE/secret"}}]
    tasks: [{id: say, type: exec, listen: trigger.good, opts: {cmd: "true"}}]
  - id: say
    triggers: [{id: start, type: data}]
    tasks: [{id: say, type: exec, listen: trigger.good, opts: {cmd: "true"}}]
"""

API: Final = "/build/api"
LENGTH: Final = 2 * 1024 * 1024
SIGNED: Final = "X-Hub-Signature-256: sha256=" + "0" * 64

MB: Final = 1_000_000


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    (tmp_path / "secret").write_text("s3cret")
    with hosted(tmp_path, CONFIG) as host:
        yield host


def memory(host: Host) -> int:
    """Bytes of the host's process."""
    assert host.process is not None
    lines = Path(f"/proc/{host.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


def stranger(stack: ExitStack, host: Host, number: int, data: bytes) -> socket.socket:
    """A connection from an address of its own, over which as much is sent as is taken."""
    name, _, port = host.address.partition(":")
    client = stack.enter_context(socket.socket())
    client.bind((f"127.9.{number // 200}.{number % 200 + 1}", 0))
    client.connect((name, int(port)))
    client.settimeout(0.05)
    with suppress(OSError):
        client.sendall(data)
    return client


def post(path: str, length: int, *headers: str) -> bytes:
    lines = (f"POST {API}/{path} HTTP/1.1", "Host: floe", f"Content-Length: {length}")
    kind = "Content-Type: application/json"
    return "\r\n".join((*lines, kind, *headers, "", "")).encode()


UNFINISHED: Final = {
    "a login": post("login", LENGTH) + b" " * (LENGTH - 1),
    "a login that is small": post("login", 8000) + b" " * 7999,
    "a login in chunks": b"POST /build/api/login HTTP/1.1\r\nHost: floe\r\n"
    b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1fffff\r\n"
    + b" "
    * LENGTH,
    "a push of nowhere": post("push/no/no", LENGTH, SIGNED) + b" " * (LENGTH - 1),
    "a push without a signature": post("push/hook/push", LENGTH) + b" " * (LENGTH - 1),
    "a push that may be signed": post("push/hook/push", LENGTH, SIGNED) + b" " * (LENGTH - 1),
    "an order": post("push/data", LENGTH) + b" " * (LENGTH - 1),
    "a head": b"GET / HTTP/1.1\r\n"
    + b"".join(b"X-%d: %b\r\n" % (i, b"a" * 8000) for i in range(99)),
}


@pytest.mark.parametrize("name", UNFINISHED)
def test_requests_without_end_cost_no_memory(name: str, host: Host) -> None:
    before = memory(host)

    with ExitStack() as stack:
        for number in range(60):
            stranger(stack, host, number, UNFINISHED[name])
        during = memory(host)

        assert host.is_ready()
        assert during - before < 75 * MB  # unbounded, it was 150 MB


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Host]:
    """A host that may open few files, and strangers hold as many connections as they can."""
    few = ("bash", "-c", 'ulimit -n 512; exec "$@"', "floe", *FLOE)
    (tmp_path / "secret").write_text("s3cret")
    with hosted(tmp_path, CONFIG) as host, ExitStack() as stack:
        host.stop()
        host.start(few)
        for number in range(600):
            stranger(stack, host, number, b"GET / HTTP/1.1\r\nHost: floe\r\nX-Slow: ")
        host.api.close()  # its last request was for healthz, as a stranger's may be
        yield host


def test_crowd_shuts_nobody_out(full: Host) -> None:
    run = full.trigger("say")

    assert full.until_over(run)["good"]
    assert full.log.read_text().count("server.crowded") == 1
    assert "Too many open files" not in full.log.read_text()


async def test_crowd_ends_no_feed_that_is_open(full: Host) -> None:
    async with connect(
        f"ws://{full.address}/ws",
        origin=f"http://{full.address}",  # type: ignore[arg-type] # a NewType of str
        additional_headers={"X-Floe-Auth": TOKEN},
    ) as feed:
        assert json.loads(await feed.recv())["type"] == "hello"
        with ExitStack() as stack:
            for number in range(600):
                stranger(stack, full, number, b"GET / HTTP/1.1\r\n")
            run = await asyncio.to_thread(full.trigger, "say")
            async with asyncio.timeout(60):
                assert json.loads(await feed.recv())["run"] == run


def test_body_is_asked_for_only_where_it_is_read(host: Host) -> None:
    with ExitStack() as stack:
        expect = "Expect: 100-continue"
        order = stranger(stack, host, 1, post("push/data", 5, expect))
        login = stranger(stack, host, 2, post("login", 5, expect))
        order.settimeout(30)
        login.settimeout(30)

        assert order.recv(65_536).startswith(b"HTTP/1.1 401 ")
        assert login.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"


def test_keep_alive_goes_on_after_a_large_body(host: Host) -> None:
    known = {"X-Floe-Auth": TOKEN, "Content-Type": "application/json"}
    connection = http.client.HTTPConnection(host.address, timeout=30)

    statuses = []
    for body in (b"{" + b" " * 1_000_000 + b"}", b"{}"):
        connection.request("POST", f"{API}/push/data", body, known)
        with connection.getresponse() as answer:
            statuses.append(answer.status)
            answer.read()
    connection.close()

    assert statuses == [422, 422]
    until(host.is_ready, "it")
