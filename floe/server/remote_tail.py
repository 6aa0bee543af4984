"""The output of an attempt at another host, followed over the peers while a client watches."""

import asyncio
import json
from typing import Any, Final
from urllib.parse import quote

from floe.model.errors import FloeError, HostAway, NotFound
from floe.model.ids import NO_ITEM, HostId, RunRef
from floe.peers.base import Answer, Peers, Request
from floe.server.tail import CHUNK, TailPiece

CHECK_S: Final = 0.25
"""Seconds between two checks for a node's next attempt, or for the host of its run."""

RETRY_S: Final = 1.0
"""Seconds before a host that is away is contacted again."""

UNTAKEN_MAX: Final = 4 * CHUNK
"""Bytes buffered for a client; beyond that, reading pauses."""

OPEN: Final = ("waiting", "queued", "running", "asking", "retrying")
"""States of a node that may have a further attempt."""


class RemoteTail:
    """Follows one attempt at another host. `follow` must run in parallel.

    If the host is away it is contacted again until it replies; the output then continues where it
    stopped.
    """

    def __init__(
        self,
        peers: Peers,
        host: HostId,
        run: RunRef,
        node: str,
        *,
        by: str,
        attempt: int = 0,
        least: int = 1,
        offset: int = 0,
        visit: int = 0,
        item: int = NO_ITEM,
    ) -> None:
        """`attempt` 0: the latest, as soon as there is one not below `least`.

        `visit` 0: the latest.
        """
        self._peers = peers
        self._host = host
        self._path = f"runs/{run.key}/nodes/{quote(node, safe='')}"
        self._by = by
        self._visit = visit
        self._item = "" if item == NO_ITEM else f"item={item}"
        self._attempt = attempt
        self._least = least
        self._offset = offset
        self._data = bytearray()
        self._is_over = False
        self._error: FloeError | None = None
        self._room = asyncio.Event()

    async def follow(self) -> None:
        """Read until the attempt is over."""
        while not self._is_over:
            try:
                if not self._attempt and not await self._find_attempt():
                    break
                await self._copy()
                self._is_over = True
            except ConnectionError:
                await asyncio.sleep(RETRY_S)
            except HostAway as error:
                if error.host != self._host:  # this host may learn that later
                    await asyncio.sleep(CHECK_S)
                    self._error = error
                    return
                await asyncio.sleep(RETRY_S)
            except FloeError as error:
                self._error = error
                return
        self._is_over = True

    async def read(self) -> TailPiece:
        """The data since the last call; empty if there is none.

        Raises the host's error: HostAway if the run has moved to a different host.
        """
        if self._error:
            raise self._error
        data = bytes(self._data[:CHUNK])
        over = self._is_over and len(data) == len(self._data)
        return TailPiece(
            visit=self._visit or 1,
            attempt=self._attempt,
            offset=self._offset,
            data=data,
            over=over,
        )

    def advance(self, size: int) -> None:
        """Mark this many bytes of the last piece as used."""
        self._offset += size
        del self._data[:size]
        self._room.set()

    async def _find_attempt(self) -> bool:
        """Wait for an attempt; False if the node is over without one."""
        while True:
            path = f"{self._path}?{self._item}" if self._item else self._path
            async with self._peers.relay(self._host, self._get(path)) as answer:
                node = _followed_visit(await _json(self._host, answer), self._visit)
            if int(node.get("attempt", 0)) >= self._least:
                self._attempt = int(node["attempt"])
                self._visit = self._visit or int(node.get("visit", 0))
                return True
            if node["state"] not in OPEN:
                return False
            await asyncio.sleep(CHECK_S)

    async def _copy(self) -> None:
        at = self._offset + len(self._data)
        path = f"{self._path}/log?follow=true&attempt={self._attempt}&offset={at}"
        if self._visit > 1:  # an older floe does not know it, and a node enters there once
            path += f"&visit={self._visit}"
        if self._item:
            path += f"&{self._item}"
        async with self._peers.relay(self._host, self._get(path)) as answer:
            if answer.status != 200:
                await _json(self._host, answer)
            async for data in answer.chunks():
                self._data += data
                while len(self._data) > UNTAKEN_MAX:
                    self._room.clear()
                    await self._room.wait()

    def _get(self, path: str) -> Request:
        return Request(method="GET", path=path, by=self._by)


async def _json(host: HostId, answer: Answer) -> dict[str, Any]:
    """The JSON of a reply. Raises HostAway, NotFound."""
    body = b"".join([data async for data in answer.chunks()])
    try:
        shape: dict[str, Any] = json.loads(body)
    except ValueError:
        shape = {}
    if answer.status >= 500 or not shape:
        there = shape.get("host") or host  # it names the host that has the run now
        raise HostAway(f"{host} replied {answer.status}", host=str(there))
    if answer.status != 200:
        raise NotFound(str(shape.get("detail", answer.status)), str(shape.get("hint", "")))
    return shape


def _followed_visit(node: dict[str, Any], visit: int) -> dict[str, Any]:
    """The visit to follow in a peer's reply about a node; 0 or an unknown one: the latest."""
    return next((v for v in node.get("visits", ()) if v["visit"] == visit), node)
