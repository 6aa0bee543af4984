"""Servers that cannot be reached or reply wrongly, explained in plain words."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from floe.nodes.connection_faults import connection_fault


@asynccontextmanager
async def server(reply: bytes) -> AsyncIterator[int]:
    """The port of a server that reads a line, sends this reply and closes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(reply)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listening:
        yield listening.sockets[0].getsockname()[1]


async def fault(url: str) -> str:
    with pytest.raises(aiohttp.ClientError) as refused:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            await response.read()
    return connection_fault(refused.value)


async def test_port_without_a_server_is_named_without_settings_of_tls() -> None:
    async with server(b"") as port:
        pass

    assert await fault(f"http://127.0.0.1:{port}/") == (
        f"no connection to port {port}: Connection refused"
    )


async def test_name_that_no_server_has_is_not_known() -> None:
    assert (await fault("http://nowhere.invalid/")).startswith("its name is not known: ")


async def test_server_without_tls_is_asked_about_https() -> None:
    async with server(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        text = await fault(f"https://127.0.0.1:{port}/")

    assert text.endswith("does this address serve https?")


async def test_reply_that_ends_early_says_how_much_was_missing() -> None:
    async with server(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc") as port:
        text = await fault(f"http://127.0.0.1:{port}/")

    assert text.startswith("its reply ended early: ")
    assert "3 of 100 bytes" in text
    assert "Error" not in text


async def test_reply_of_another_protocol_is_not_http() -> None:
    async with server(b"220 mail.example.com ESMTP\r\n") as port:
        text = await fault(f"http://127.0.0.1:{port}/")

    assert text == "its reply is not HTTP: Bad status line"


async def test_connection_that_is_closed_at_once_has_no_reply() -> None:
    async with server(b"") as port:
        text = await fault(f"http://127.0.0.1:{port}/")

    assert text == "it closed the connection without a reply"


def test_time_limit_of_a_connection_has_words() -> None:
    assert connection_fault(TimeoutError()) == "no reply in time"
