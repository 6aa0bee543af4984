"""The registration of a pack: made at the start, and again when the server has lost it."""

import asyncio
import logging
from contextlib import suppress
from typing import Any, Final

from floe.packs.connections import Unanswered
from floe.packs.settings import PackSettings
from floe.packs.wire import FlyteServer, PackLinks, Unexpected

LOG: Final = logging.getLogger("floe.packs")


class Registration:
    """What the server knows of a pack, and the links that it gave.

    Attributes: `links`, None before the first registration; `document`, what the pack sends.
    """

    def __init__(
        self, server: FlyteServer, document: dict[str, Any], settings: PackSettings
    ) -> None:
        self.links: PackLinks | None = None
        self.document = document
        self._server, self._settings = server, settings
        self._lock = asyncio.Lock()
        self._known = asyncio.Event()
        self._stopping = asyncio.Event()

    @property
    def is_stopping(self) -> bool:
        """Whether the pack stops."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Register no more; let all go on that wait for a registration, or rest."""
        self._stopping.set()
        self._known.set()

    async def wait_known(self) -> None:
        """Wait for the first registration, or the stop of the pack."""
        await self._known.wait()

    async def renew(self, old: PackLinks | None) -> None:
        """Register until it works or the pack stops, unless another task has done it.

        `old`: the links with which the caller failed.
        """
        async with self._lock:
            for pause_s in self._settings.pauses():
                if self.links is not old or self.is_stopping:
                    return
                try:
                    self.links = await self._server.register(self.document)
                    self._known.set()
                    LOG.info("the pack %s is registered", self.document["name"])
                    return
                except (Unanswered, Unexpected) as fault:
                    LOG.warning("cannot register, next try in %.1f s: %s", pause_s, fault)
                    await self.rest(pause_s)

    async def rest(self, seconds: float | None) -> None:
        """Wait, but not longer than until the pack stops; None for no other end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
