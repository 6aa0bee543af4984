"""Packs of flyte that call a host, each on a connection of its own that stays open."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

PATIENCE_S: Final = 30.0


class Client:
    """One connection to a host."""

    def __init__(self, port: int, token: str = "") -> None:
        """`token` of the host; none for an address without credentials."""
        self.headers = ""
        """Those of the last answer, in small letters."""
        self._port = port
        self._token = f"X-Floe-Auth: {token}\r\n" if token else ""
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        """Send a request; its status and body. Connects again where the host has hung up."""
        text = b"" if body is None else json.dumps(body).encode()
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
            f"{self._token}Content-Length: {len(text)}\r\n\r\n"
        )
        try:
            return await self._ask(head.encode() + text)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.close()
            return await self._ask(head.encode() + text)

    def close(self) -> None:
        """End the connection."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    async def _ask(self, request: bytes) -> tuple[int, bytes]:
        async with asyncio.timeout(PATIENCE_S):
            if self._reader is None or self._writer is None:
                opened = await asyncio.open_connection("127.0.0.1", self._port)
                self._reader, self._writer = opened
            self._writer.write(request)
            head = self.headers = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
            status = int(head.split(" ", 2)[1])
            sizes = [line[15:] for line in head.splitlines() if line.startswith("content-length:")]
            return status, await self._reader.readexactly(int(sizes[0]) if sizes else 0)


@dataclass
class Seen:
    """What clients have seen."""

    events_ms: list[float] = field(default_factory=list)
    takes_ms: list[float] = field(default_factory=list)
    results_ms: list[float] = field(default_factory=list)
    refused: int = 0
    """Answers other than 202 to events and results."""
    ended: int = 0
    """Actions whose results were accepted."""

    def clear(self) -> None:
        """Forget the times."""
        for times in (self.events_ms, self.takes_ms, self.results_ms):
            times.clear()


async def send_events(
    port: int, rate: int, seconds: float, seen: Seen, event: Callable[[int], object]
) -> None:
    """Send events at a constant rate, whatever the answers take."""
    free: list[Client] = []
    tasks: set[asyncio.Task[None]] = set()
    begun = time.perf_counter()
    for number in range(round(rate * seconds)):
        await asyncio.sleep(max(0.0, begun + number / rate - time.perf_counter()))
        task = asyncio.create_task(_send(port, free, seen, event(number)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    for client in free:
        client.close()


async def _send(port: int, free: list[Client], seen: Seen, event: object) -> None:
    client = free.pop() if free else Client(port)
    begun = time.perf_counter()
    status, _ = await client.ask("POST", "/v1/packs/Source/events", event)
    seen.events_ms.append((time.perf_counter() - begun) * 1e3)
    seen.refused += status != 202
    free.append(client)


async def poll(
    port: int, pack: str, every_s: float, first_s: float, polls: int, seen: Seen, *, answers: bool
) -> None:
    """Take at most one action every some seconds, some times, and perhaps answer it."""
    async with Client(port) as client:
        next_s = time.perf_counter() + first_s
        for _ in range(polls):
            await asyncio.sleep(max(0.0, next_s - time.perf_counter()))
            next_s += every_s
            begun = time.perf_counter()
            status, body = await client.ask("POST", f"/v1/packs/{pack}/actions/take")
            seen.takes_ms.append((time.perf_counter() - begun) * 1e3)
            if status != 200:
                continue
            if answers:
                await _answer(client, json.loads(body), seen)


async def _answer(client: Client, action: Mapping[str, Any], seen: Seen) -> None:
    path = action["links"][0]["href"].partition("/v1/")[2]
    begun = time.perf_counter()
    status, _ = await client.ask("POST", f"/v1/{path}", {"event": "Done", "payload": "deployed"})
    seen.results_ms.append((time.perf_counter() - begun) * 1e3)
    seen.refused += status != 202
    seen.ended += status == 202
