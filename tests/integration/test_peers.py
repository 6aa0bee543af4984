"""What may be at the other end of a URL, and what is said of it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import msgpack  # type: ignore[import-untyped]  # it ships no types
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from floe.model.ids import StoreId
from floe.model.peer_message import EndedStored
from floe.peers.base import FRAME_MAX, TOKEN, Protocols, Socket
from floe.peers.peer_frames import headers_of, pack_hello
from floe.peers.send_queue import BYTES_MAX
from floe.peers.sockets import ClientSocket
from floe.server.peers import ServedPeer
from floe.server.settings import Bind
from tests.make import H1
from tests.make_peers import (
    CLUSTER,
    H2,
    H3,
    Host,
    a_hello,
    a_host,
    a_ping,
    an_offer,
    free_port,
    url_of,
)
from tests.make_server import ADMIN, API, DEADLINE_S, until
from tests.proxy import Proxy
from tests.tcp import serving

CERT = Path(__file__).parents[1] / "data" / "tls" / "cert.pem"
STRANGER = a_hello(H2, StoreId("str4nger"))
WS = API + "/peer/ws"

FRAME = b"x" * (8 * 1024 * 1024)
FRAMES = 5
"""More than the system keeps of a connection."""

PINGS = 5_000
"""Their answers are more than aiohttp writes without waiting until they are taken."""

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@asynccontextmanager
async def something(answer: Answer) -> AsyncIterator[str]:
    """An HTTP server that is not floe; its URL."""
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def saying(*frames: bytes) -> Answer:
    """The other end of a connection, as a test has it: some frames, then nothing more."""

    async def answer(request: web.Request) -> web.StreamResponse:
        opened = web.WebSocketResponse()
        await opened.prepare(request)
        for frame in frames:
            await opened.send_bytes(frame)
        await opened.receive()
        return opened

    return answer


# --- what is no peer ---


async def test_nobody_is_there(tmp_path: Path, stack: AsyncExitStack) -> None:
    url = url_of(free_port())

    one = await stack.enter_async_context(a_host(tmp_path, H1, free_port(), url))

    await one.until_problem(url, "connection refused")
    assert (one.at(url).host, one.at(url).is_open) == (None, False)


async def test_a_web_page_is_not_floe(tmp_path: Path, stack: AsyncExitStack) -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<h1>It works!</h1>", content_type="text/html")

    url = await stack.enter_async_context(something(page))
    one = await stack.enter_async_context(a_host(tmp_path, H1, free_port(), url))

    await one.until_problem(url, "answers, but is not floe (HTTP 200)")


async def test_nothing_found_is_not_floe(tmp_path: Path, stack: AsyncExitStack) -> None:
    async def nothing(_: web.Request) -> web.Response:
        raise web.HTTPNotFound

    url = await stack.enter_async_context(something(nothing))
    one = await stack.enter_async_context(a_host(tmp_path, H1, free_port(), url))

    await one.until_problem(url, "answers, but is not floe (HTTP 404)")


async def test_the_token_goes_nowhere_else(tmp_path: Path, stack: AsyncExitStack) -> None:
    asked: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        asked.append(request.path)
        raise web.HTTPFound("/other")

    url = await stack.enter_async_context(something(elsewhere))
    one = await stack.enter_async_context(a_host(tmp_path, H1, free_port(), url))

    await one.until_problem(url, "answers, but is not floe: it redirects (HTTP 302)")
    assert set(asked) == {WS}


async def test_a_server_that_sends_nothing_is_given_up(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    url = await stack.enter_async_context(serving(silent))
    one = await stack.enter_async_context(a_host(tmp_path, H1, free_port(), url, connect_s=0.05))

    await one.until_problem(url, "no reply in time")


async def test_a_server_that_closes_is_not_floe(tmp_path: Path, stack: AsyncExitStack) -> None:
    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)

    url = await stack.enter_async_context(serving(closing))
    one = await stack.enter_async_context(a_host(tmp_path, H1, free_port(), url))

    await until(lambda: bool(one.at(url).problem))
    assert one.at(url).problem in (
        "answers, but is not floe: it closes the connection",
        "the connection broke: Connection reset by peer",
    )


async def test_a_server_of_another_protocol_is_not_floe(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    async def ssh(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        await reader.read()

    url = await stack.enter_async_context(serving(ssh))
    one = await stack.enter_async_context(a_host(tmp_path, H1, free_port(), url))

    await one.until_problem(url, "answers, but is not floe: no HTTP")


@pytest.mark.parametrize(
    ("first", "said"),
    [
        (b"\xc1", "a frame that is not msgpack"),
        (msgpack.packb([1]), "a frame that is not a map"),
        (msgpack.packb({"X-Floe-Host": "../h2"}), "invalid X-Floe-Host"),
        (
            msgpack.packb({"X-Floe-Host": "h2", "X-Floe-Protocol": "0"}),
            "missing or invalid X-Floe-Protocol",
        ),
    ],
)
async def test_a_websocket_that_does_not_name_who_it_is_is_not_floe(
    first: bytes, said: str, tmp_path: Path, stack: AsyncExitStack
) -> None:
    url = await stack.enter_async_context(something(saying(first)))
    one = await stack.enter_async_context(a_host(tmp_path, H1, free_port(), url))

    await one.until_problem(url, f"answers, but is not floe: {said}")


@pytest.mark.parametrize("path", ["/wrong", "/app", "/app/dash", "/build"])
async def test_a_wrong_path_is_not_taken_for_a_wrong_token(
    path: str, tmp_path: Path, stack: AsyncExitStack
) -> None:
    port = free_port()
    await stack.enter_async_context(a_host(tmp_path, H2, port))
    one = await stack.enter_async_context(a_host(tmp_path, H1, free_port(), url_of(port) + path))

    await one.until_problem(url_of(port) + path, "is a floe, but not at this path")


async def test_a_wrong_path_does_not_hide_a_wrong_token(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    port = free_port()
    await stack.enter_async_context(a_host(tmp_path, H2, port))
    url = url_of(port) + "/wrong"
    one = await stack.enter_async_context(a_host(tmp_path, H1, free_port(), url, token="wrong"))

    await one.until_problem(url, "refuses this cluster token")


# --- who is let in ---


async def test_a_wrong_token_is_reported_at_both_ends(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    port = free_port()
    two = await stack.enter_async_context(a_host(tmp_path, H2, port))

    one = await stack.enter_async_context(
        a_host(tmp_path, H1, free_port(), url_of(port), token="wrong")
    )

    await one.until_problem(url_of(port), "refuses this cluster token")
    assert [(seen.caller, seen.problem) for seen in two.peers.seen()] == [
        ("h1 at 127.0.0.1", "calls with a wrong cluster token")
    ]


async def test_a_wrong_token_is_logged_once_though_others_come_from_its_address(
    tmp_path: Path, stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, calls = url_of(port := free_port()), []
    two = await stack.enter_async_context(
        a_host(tmp_path, H2, port, served={"wrong_tries": 1_000_000})
    )
    turned_away = two.peers.turned_away

    def counted(headers: Mapping[str, str], address: str, why: str) -> None:
        calls.append(address)
        turned_away(headers, address, why)

    monkeypatch.setattr(two.peers, "turned_away", counted)

    with capture_logs() as logs:
        await stack.enter_async_context(a_host(tmp_path, H1, free_port(), url, token="wrong"))
        await until(lambda: bool(calls))
        three = await stack.enter_async_context(a_host(tmp_path, H3, free_port(), url))
        await three.meets(H2)
        before = len(calls)
        await until(lambda: len(calls) > before)

    told = [log for log in logs if log.get("problem") == "calls with a wrong cluster token"]
    assert [log["peer"] for log in told] == ["h1 at 127.0.0.1"]


async def test_a_token_that_is_right_at_last_is_no_problem_any_more(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    port = free_port()
    two = await stack.enter_async_context(a_host(tmp_path, H2, port))
    async with a_host(tmp_path / "wrong", H1, free_port(), url_of(port), token="wrong") as one:
        await one.until_problem(url_of(port), "refuses this cluster token")

    again = await stack.enter_async_context(a_host(tmp_path, H1, free_port(), url_of(port)))
    await again.meets(H2)

    assert [seen.problem for seen in two.peers.seen()] == [""]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Floe-Auth": ADMIN},
        {TOKEN: ADMIN},
        {TOKEN: ""},
        {"Cookie": f"floe-sesh={CLUSTER}"},
        {"X-Floe-Auth": CLUSTER},
    ],
    ids=str,
)
async def test_only_the_clusters_token_opens_the_routes_between_hosts(
    headers: dict[str, str], tmp_path: Path
) -> None:
    async with a_host(tmp_path, H2, free_port()) as two:
        status, _ = await two.site.ask("GET", WS, headers={**headers_of(STRANGER), **headers})

    assert status == 401


async def test_the_clusters_token_opens_no_other_address(tmp_path: Path) -> None:
    async with a_host(tmp_path, H2, free_port()) as two:
        for path in ("/runs", "/hosts", "/openapi.json"):
            assert (await two.site.ask("GET", API + path, headers={TOKEN: CLUSTER}))[0] == 401


async def test_with_a_private_address_hosts_come_in_there_alone(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    public, private = free_port(), free_port()
    served = {"private": Bind(address=f"127.0.0.1:{private}")}
    await stack.enter_async_context(a_host(tmp_path, H2, public, served=served))

    one = await stack.enter_async_context(
        a_host(tmp_path, H1, free_port(), url_of(public), url_of(private))
    )

    await one.until_problem(url_of(public), "hosts must connect to its private address")
    await until(lambda: one.at(url_of(private)).is_open)


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"X-Floe-Host": ""}, "invalid X-Floe-Host"),
        ({"X-Floe-Store": "../.."}, "missing or invalid X-Floe-Protocol or X-Floe-Store"),
        ({"X-Floe-Protocol": "one"}, "missing or invalid X-Floe-Protocol or X-Floe-Store"),
    ],
)
async def test_a_caller_that_does_not_name_who_it_is_is_answered_400(
    headers: dict[str, str], said: str, tmp_path: Path
) -> None:
    sent = {TOKEN: CLUSTER, **headers_of(STRANGER), **headers}
    async with a_host(tmp_path, H2, free_port()) as two:
        status, problem = await two.site.ask("GET", WS, headers=sent)

    assert status == 400
    assert said in problem["detail"]


class Gone:
    """A websocket whose other end has hung up."""

    def __init__(self) -> None:
        self.is_closed = False

    async def send(self, frame: bytes) -> None:
        raise ConnectionResetError("it hung up")

    async def ping(self) -> None:
        raise ConnectionResetError("it hung up")

    async def receive(self) -> bytes | None:
        return None

    async def close(self, why: str = "") -> None:
        self.is_closed = True


async def test_a_caller_that_hangs_up_at_once_is_let_go(tmp_path: Path) -> None:
    socket = Gone()
    async with a_host(tmp_path, H1, free_port()) as one:
        await one.peers.carry(STRANGER, socket, "127.0.0.1")

    assert socket.is_closed


async def test_hosts_of_two_protocols_report_it_at_both_ends(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    port = free_port()
    newer = await stack.enter_async_context(
        a_host(tmp_path, H2, port, protocols=Protocols(2, 3), store="n3wer")
    )
    older = await stack.enter_async_context(
        a_host(tmp_path, H1, free_port(), url_of(port), store="0lder")
    )

    await older.until_problem(url_of(port), "speaks protocol 2-3, this host 1")
    await until(lambda: bool(newer.peers.seen()))
    (seen,) = newer.peers.seen()
    assert seen.caller == "h1@0lder"
    assert "speaks protocol 1, this host 2-3" in seen.problem


async def test_hosts_agree_on_the_highest_protocol_that_both_speak(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    port = free_port()
    two = await stack.enter_async_context(a_host(tmp_path, H2, port, protocols=Protocols(1, 3)))
    one = await stack.enter_async_context(
        a_host(tmp_path, H1, free_port(), url_of(port), protocols=Protocols(1, 2))
    )

    await one.meets(H2)
    await two.meets(H1)
    assert one.at(url_of(port)).protocol == 2
    assert [seen.protocol for seen in two.peers.seen()] == [2]


# --- names ---


async def test_a_url_that_leads_home_is_no_problem(tmp_path: Path) -> None:
    port = free_port()
    async with a_host(tmp_path, H1, port, url_of(port)) as one:
        await until(lambda: one.at(url_of(port)).is_self)

        one.send(a_ping())

        assert one.at(url_of(port)).problem == ""
        assert one.received == []


async def test_two_urls_of_one_host_are_reported(tmp_path: Path, stack: AsyncExitStack) -> None:
    port = free_port()
    urls = url_of(port), f"http://localhost:{port}"
    await stack.enter_async_context(a_host(tmp_path, H2, port))
    one = await stack.enter_async_context(a_host(tmp_path, H1, free_port(), *urls))

    await one.until_problem(urls[1], f"leads to h2, like {urls[0]}")
    assert one.at(urls[0]).problem == ""


async def test_two_hosts_of_one_name_are_reported_at_both_urls(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    ports = free_port(), free_port()
    urls = [url_of(port) for port in ports]
    await stack.enter_async_context(a_host(tmp_path, H2, ports[0], store="0ne1"))
    await stack.enter_async_context(a_host(tmp_path, H2, ports[1], store="tw02"))
    one = await stack.enter_async_context(a_host(tmp_path, H1, free_port(), *urls))

    said = "h2 exists twice, with the stores 0ne1, tw02: rename one"
    await one.until_problem(urls[0], said)
    await one.until_problem(urls[1], said)


@pytest.mark.parametrize(
    ("store", "said"),
    [
        ("0ther", "is named h1, like this host"),
        ("k3f9", "is h1 with a copy of this host's store"),
    ],
)
async def test_a_host_with_my_name_is_not_spoken_with(
    store: str, said: str, tmp_path: Path, stack: AsyncExitStack
) -> None:
    port = free_port()
    two = await stack.enter_async_context(
        a_host(tmp_path / "2", H1, port, store=store, process="two")
    )
    one = await stack.enter_async_context(
        a_host(tmp_path, H1, free_port(), url_of(port), store="k3f9", process="one")
    )

    await one.until_problem(url_of(port), said)
    await until(lambda: any(said in seen.problem for seen in two.peers.seen()))
    assert not one.at(url_of(port)).is_open


# --- while they speak ---


async def test_a_host_that_falls_silent_is_let_go(tmp_path: Path, stack: AsyncExitStack) -> None:
    async def deaf(request: web.Request) -> web.WebSocketResponse:
        opened = web.WebSocketResponse(autoping=False)
        await opened.prepare(request)
        await opened.send_bytes(pack_hello(STRANGER))
        async for _ in opened:
            pass  # pings too: it gives no sign of life
        return opened

    url = await stack.enter_async_context(something(deaf))
    one = await stack.enter_async_context(
        a_host(tmp_path, H1, free_port(), url, silence_s=0.1, ping_s=0.02)
    )

    await one.until_problem(url, "silent for 0.1 s")


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (b"\xc1", "sent a frame that is not msgpack"),
        (msgpack.packb({"from_host": "h2"}), "sent a malformed message"),
        (msgpack.packb({"message": 5}), "sent a malformed message"),
    ],
)
async def test_connection_with_unreadable_messages_is_closed(
    frame: bytes, said: str, tmp_path: Path, stack: AsyncExitStack
) -> None:
    frames = pack_hello(STRANGER), frame
    url = await stack.enter_async_context(something(saying(*frames)))
    one = await stack.enter_async_context(a_host(tmp_path, H1, free_port(), url))

    await one.until_problem(url, said)
    assert one.received == []


async def test_messages_of_a_newer_floe_and_in_anothers_name_are_passed_over(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    ends = {"from_host": "h2", "from_store": STRANGER.store}
    word = {"kind": "EndedStored", "run": "h1-1@k3f9", "epoch": 1}
    frames = (
        pack_hello(STRANGER),
        msgpack.packb({**ends, "message": {"kind": "Sung", "song": 1}}),
        msgpack.packb({**ends, "from_host": "h3", "message": word}),
        msgpack.packb({**ends, "from_store": "0ther", "message": word}),
        msgpack.packb({**ends, "message": {**word, "new_field": 1}}),
    )
    url = await stack.enter_async_context(something(saying(*frames)))
    one = await stack.enter_async_context(a_host(tmp_path, H1, free_port(), url))

    await until(lambda: bool(one.received))
    assert [e.message for e in one.received] == [EndedStored(run="h1-1@k3f9", epoch=1)]
    assert one.at(url).is_open


async def test_a_host_that_reads_nothing_costs_bounded_memory_and_is_let_go(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    read = asyncio.Event()

    async def slow(request: web.Request) -> web.WebSocketResponse:
        opened = web.WebSocketResponse()
        await opened.prepare(request)
        await opened.send_bytes(pack_hello(STRANGER))
        assert request.transport is not None
        request.transport.pause_reading()
        while not read.is_set() and not opened.closed:
            await opened.ping()
            await asyncio.sleep(0.01)
        return opened

    url = await stack.enter_async_context(something(slow))
    one = await stack.enter_async_context(
        a_host(tmp_path, H1, free_port(), url, silence_s=0.2, ping_s=0.05)
    )
    await one.meets(H2)
    (other,) = one.peers._others.values()

    for serial in range(1, 100):
        one.send(EndedStored(run="x" * 1_000_000 + str(serial), epoch=1), H2)

    assert other._outbox._bytes <= BYTES_MAX
    await one.until_problem(url, "for 0.2 s")
    read.set()


async def test_each_problem_is_logged_once_and_once_when_it_is_over(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    port = free_port()
    calls = 0

    async def counted(_: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        return web.Response(text="not floe")

    with capture_logs() as logs:
        one = await stack.enter_async_context(a_host(tmp_path, H1, free_port(), url_of(port)))
        app = web.Application()
        app.router.add_get("/{tail:.*}", counted)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await until(lambda: calls > 3)
        await runner.cleanup()
        await stack.enter_async_context(a_host(tmp_path, H2, port))
        await one.meets(H2)
        await until(lambda: not one.at(url_of(port)).problem)  # at its first sign of life

    told = [log for log in logs if log.get("peer") == url_of(port)]
    not_floe = [log["event"] for log in told if "not floe (HTTP 200)" in log["problem"]]
    assert not_floe.count("peer.problem") == 1
    assert [log["event"] for log in told].count("peer.problem_over") == 1


async def test_a_stopping_host_lets_the_others_go_at_once(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    port = free_port()
    one = await stack.enter_async_context(a_host(tmp_path, H1, free_port(), url_of(port)))
    async with a_host(tmp_path, H2, port):
        await one.meets(H2)

    await until(lambda: not one.at(url_of(port)).is_open)


async def test_three_hosts_with_one_list_all_meet(tmp_path: Path, stack: AsyncExitStack) -> None:
    ports = [free_port() for _ in range(3)]
    urls = [url_of(port) for port in ports]
    hosts: list[Host] = [
        await stack.enter_async_context(a_host(tmp_path, name, port, *urls))
        for name, port in zip((H1, H2, H3), ports, strict=True)
    ]

    for host in hosts:
        await host.meets(*{H1, H2, H3} - {host.me.host})
        await until(lambda host=host: sum(s.is_self for s in host.peers.seen()) == 1)  # type: ignore[misc]  # mypy has no type for a default of a lambda
        await until(lambda host=host: len(host.peers.seen()) == 3)  # type: ignore[misc]  # as above


# --- TLS ---


async def test_a_certificate_of_ones_own_is_trusted_where_it_is_named(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    port = free_port()
    url = f"https://127.0.0.1:{port}"
    bind = Bind(address=f"127.0.0.1:{port}", cert=CERT, key=CERT.with_name("key.pem"))
    await stack.enter_async_context(a_host(tmp_path, H2, port, served={"public": bind}))
    trusting = ssl.create_default_context(cafile=CERT)

    one = await stack.enter_async_context(a_host(tmp_path, H1, free_port(), url, tls=trusting))
    other = await stack.enter_async_context(a_host(tmp_path, H3, free_port(), url))

    await one.meets(H2)
    await other.until_problem(url, "its certificate is not trusted")


async def test_tls_where_there_is_none_fails(tmp_path: Path, stack: AsyncExitStack) -> None:
    port = free_port()
    await stack.enter_async_context(a_host(tmp_path, H2, port))

    url = f"https://127.0.0.1:{port}"
    one = await stack.enter_async_context(a_host(tmp_path, H1, free_port(), url))

    await one.until_problem(url, "TLS failed")


async def test_an_offer_waits_for_a_host_that_is_silent(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    port = free_port()
    one = await stack.enter_async_context(
        a_host(tmp_path, H1, free_port(), url_of(port), connect_s=0.05)
    )
    async with a_host(tmp_path, H2, port) as two:
        await one.meets(H2)
    async with serving(silent, port):
        await one.until_problem(url_of(port), "no reply in time")

        one.send(an_offer(), two)
    await one.until_problem(url_of(port), "connection refused")

    await until(lambda: bool(one.unsent))


# --- a network that fails ---


@pytest.fixture
def behind() -> Iterator[tuple[Proxy, int]]:
    """A network that a test makes faulty, and the port at its other end."""
    port = free_port()
    with Proxy(f"127.0.0.1:{port}").serving() as proxy:
        yield proxy, port


async def test_a_host_behind_a_silent_network_is_let_go_and_met_again(
    behind: tuple[Proxy, int], tmp_path: Path, stack: AsyncExitStack
) -> None:
    proxy, port = behind
    url = f"http://{proxy.address}"
    two = await stack.enter_async_context(a_host(tmp_path, H2, port))
    one = await stack.enter_async_context(
        a_host(tmp_path, H1, free_port(), url, silence_s=0.3, connect_s=0.3)
    )
    await one.meets(H2)

    proxy.cut()
    await until(lambda: not one.at(url).is_open)
    problem = one.at(url).problem
    proxy.mend()
    await one.meets(H2)

    said = one.send(EndedStored(run="h1-1@k3f9", epoch=1), two)
    await until(lambda: said in two.received)
    assert problem == "silent for 0.3 s"


class Flood:
    """One end of a connection over which both ends write more than either takes at once."""

    def __init__(
        self, opened: web.WebSocketResponse | aiohttp.ClientWebSocketResponse, socket: Socket
    ) -> None:
        self.opened = opened
        self.socket = socket
        self.taken = 0

    async def run(self) -> None:
        """Ask for signs of life, then write all; meanwhile read as much."""
        for _ in range(PINGS):
            await self.opened.ping(b"x" * 125)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._write())
            await asyncio.sleep(0)  # what can be written now is
            while self.taken < FRAMES:
                frame = await self.socket.receive()
                self.taken += frame == FRAME

    async def _write(self) -> None:
        for _ in range(FRAMES):
            await self.socket.send(FRAME)


@pytest.mark.slow
async def test_two_ends_that_flood_one_another_go_on_reading() -> None:
    ends: list[Flood] = []

    async def answer(request: web.Request) -> web.WebSocketResponse:
        opened = web.WebSocketResponse(autoping=False, max_msg_size=FRAME_MAX, compress=False)
        await opened.prepare(request)
        ends.append(Flood(opened, ServedPeer(opened)))
        await ends[0].run()
        return opened

    async with something(answer) as url, aiohttp.ClientSession() as session:
        opened = await session.ws_connect(url, autoping=False, max_msg_size=FRAME_MAX)
        ends.append(Flood(opened, ClientSocket(opened)))
        async with asyncio.timeout(DEADLINE_S):
            await ends[1].run()
            await until(lambda: ends[0].taken == FRAMES)
            await opened.close()

    assert [end.taken for end in ends] == [FRAMES, FRAMES]
