"""A server listens at all of its addresses or at none, and stops quickly."""

import asyncio
import socket
import ssl
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from floe.model.errors import World, Yours
from floe.model.secret import Secret
from floe.server.app import Server
from floe.server.settings import Bind, ServerSettings
from floe.server.waits import STRANGERS_MAX
from tests.make_server import ADMIN, API, DEADLINE_S, a_site
from tests.ports import free_port

TLS = Path(__file__).parents[1] / "data/tls"


def tls_bind() -> Bind:
    return Bind(address="127.0.0.1:0", cert=TLS / "cert.pem", key=TLS / "key.pem")


def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(TLS / "cert.pem"))


async def test_public_with_tls_and_private_without(tmp_path: Path) -> None:
    settings = {"public": tls_bind(), "private": Bind(address="127.0.0.1:0")}

    async with a_site(tmp_path, settings=settings) as site:
        public, private = site.server.urls
        async with site.client.get(public + API + "/runs", ssl=trusting()) as response:
            assert (public[:6], response.status) == ("https:", 200)
        async with site.client.get(private + API + "/runs") as response:
            assert (private[:5], response.status) == ("http:", 200)


async def test_under_tls_the_cookie_stays_there(tmp_path: Path) -> None:
    async with a_site(tmp_path, settings={"public": tls_bind()}) as site:
        url = site.url + API + "/login"
        async with site.client.post(url, json={"token": ADMIN}, ssl=trusting()) as response:
            assert response.cookies["floe-sesh"]["secure"] is True


async def test_a_page_without_tls_cannot_act_where_there_is_tls(tmp_path: Path) -> None:
    async with a_site(tmp_path, settings={"public": tls_bind()}) as site:
        headers = {"Origin": site.url.replace("https", "http")}
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await site.client.ws_connect(site.url + "/ws", headers=headers, ssl=trusting())

    assert caught.value.status == 403


async def test_a_taken_port_is_named_and_nothing_is_half_started(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        taken = site.url.removeprefix("http://")
        first = f"127.0.0.1:{free_port()}"
        settings = ServerSettings(
            admin=Secret(ADMIN), public=Bind(address=first), private=Bind(address=taken)
        )

        with pytest.raises(World, match=taken) as caught:
            await Server(site.hub, settings).start()

    assert "choose a different address" in caught.value.hint
    socket.create_server(("127.0.0.1", int(first.partition(":")[2]))).close()


async def test_an_open_address_is_refused_before_anything_listens(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        settings = ServerSettings(admin=Secret(ADMIN), public=Bind(address="0.0.0.0:0"))
        server = Server(site.hub, settings)

        with pytest.raises(Yours, match="without TLS"):
            await server.start()

    assert server.urls == ()


async def test_stopping_is_idempotent_and_may_come_before_the_start(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        await site.server.stop()
        await site.server.stop()
        await Server(site.hub, ServerSettings(admin=Secret(ADMIN))).stop()


async def test_another_base_url_moves_the_api_and_the_page_knows(tmp_path: Path) -> None:
    async with a_site(tmp_path, settings={"base_url": "/ci"}) as site:
        assert (await site.ask("GET", "/ci/runs"))[0] == 200
        assert (await site.ask("GET", API + "/runs"))[0] == 404
        assert 'content="/ci"' in (await site.ask("GET", "/app/dash"))[1]


async def test_a_request_that_never_ends_is_not_waited_for(tmp_path: Path) -> None:
    async with a_site(tmp_path, settings={"idle_s": 0.2}) as site:
        host, _, port = site.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /build/api/healthz HTTP/1.1\r\nHost: floe\r\nX-Slow: ")

        async with asyncio.timeout(DEADLINE_S):
            assert await reader.read() == b""

        writer.close()


async def test_connection_without_a_whole_head_is_closed(tmp_path: Path) -> None:
    async with a_site(tmp_path, settings={"head_s": 0.05}) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", URL(site.url).port)
        writer.write(b"GET / HTTP/1.1\r\nX-Slow: ")

        async with asyncio.timeout(DEADLINE_S):
            assert await reader.read() == b""
        writer.close()


async def test_client_that_sends_all_before_it_reads_gets_the_early_answer(tmp_path: Path) -> None:
    head = b"POST /build/api/push/data HTTP/1.1\r\nHost: floe\r\nContent-Length: 1000000\r\n\r\n"

    def ask(port: int) -> bytes:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)  # as over a network
            client.settimeout(DEADLINE_S)
            client.connect(("127.0.0.1", port))
            client.sendall(head + b"x" * 1_000_000)
            return b"".join(iter(lambda: client.recv(65_536), b""))

    async with a_site(tmp_path) as site:
        answer = await asyncio.to_thread(ask, URL(site.url).port or 0)

    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"\r\nConnection: close\r\n" in answer


async def test_head_whose_end_comes_in_two_parts_is_whole(tmp_path: Path) -> None:
    body = b"{" + b" " * 200_000 + b"}"
    head = (
        f"POST {API}/push/data HTTP/1.1\r\nHost: floe\r\nX-Floe-Auth: {ADMIN}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    async with a_site(tmp_path) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", URL(site.url).port)
        writer.write(head[:-2])
        await turns()
        writer.write(head[-2:] + body)

        async with asyncio.timeout(DEADLINE_S):
            answer = await reader.readline()
        writer.close()

    assert answer == b"HTTP/1.1 422 Unprocessable Entity\r\n"


async def turns() -> None:
    """Let the server, which is in the same loop, take what was sent to it."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_first_of_too_many_unfinished_logins_is_given_up(tmp_path: Path) -> None:
    head = b"POST /build/api/login HTTP/1.1\r\nHost: floe\r\nContent-Length: 9\r\n\r\n{"
    async with a_site(tmp_path) as site:
        opened = []
        for _ in range(STRANGERS_MAX + 1):
            opened.append(await asyncio.open_connection("127.0.0.1", URL(site.url).port))
            opened[-1][1].write(head)

        async with asyncio.timeout(DEADLINE_S):
            answer = await opened[0][0].readline()
        for _, writer in opened:
            writer.close()

    assert answer == b"HTTP/1.1 408 Request Timeout\r\n"
