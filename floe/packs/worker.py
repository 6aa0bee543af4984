"""The work of a pack at its server: it registers, sends events, and takes actions."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from floe.packs.commands import PackCommand
from floe.packs.connections import Unanswered
from floe.packs.events import Event
from floe.packs.journal import Journal
from floe.packs.registration import Registration
from floe.packs.settings import PackSettings
from floe.packs.taken_actions import ACCEPTED, TakenActions
from floe.packs.takers import Takers
from floe.packs.wire import (
    UNKNOWN,
    FlyteServer,
    NotSent,
)

LOG: Final = logging.getLogger("floe.packs")


class Worker:
    """One run of a pack, from its registration to its stop."""

    def __init__(
        self,
        registration: dict[str, Any],
        commands: Mapping[str, PackCommand],
        settings: PackSettings,
    ) -> None:
        """Raises JournalRefused."""
        self._commands, self._settings = commands, settings
        self._server = FlyteServer(settings)
        self._registration = Registration(self._server, registration, settings)
        self._journal = _journal(registration, settings)
        actions = TakenActions(self._server, commands, settings, self._journal, self._registration)
        self._takers = Takers(self._server, self._registration, settings, self._journal, actions)
        self._limit: asyncio.Timeout | None = None

    async def work(self) -> None:
        """Work until `stop`, then wait for the open commands, at most the time of grace."""
        if self._commands and self._journal is None:
            LOG.warning(
                "without a journal, kill -9 loses what is taken: set FLYTE_JOURNAL to a file"
            )
        try:
            async with asyncio.timeout(None) as self._limit, asyncio.TaskGroup() as tasks:
                await self._registration.renew(None)
                await self._takers.resume_all(tasks)
                if not self._commands:
                    await self._registration.rest(None)
                await self._takers.poll(tasks)
        except TimeoutError:
            LOG.warning("the pack ended before its commands did")
        finally:
            self._server.close()
            if self._journal is not None:
                self._journal.close()

    def stop(self) -> None:
        """Take no more actions. To be called in the loop of `work`."""
        if not self._registration.is_stopping:
            self._registration.stop()
            if self._limit is not None:
                now = asyncio.get_running_loop().time()
                self._limit.reschedule(now + self._settings.grace_s)

    async def send(self, event: Event) -> None:
        """Send an event once the pack is registered. Raises NotSent."""
        body = event.body()
        await self._registration.wait_known()
        links = self._registration.links
        status = await self._sent(event, body)
        if status == UNKNOWN:  # the server did not take the event
            await self._registration.renew(links)
            status = await self._sent(event, body)
        if status not in ACCEPTED:
            raise NotSent(f"{event.name}: the server answered {status}")

    async def _sent(self, event: Event, body: bytes) -> int:
        """The status of the answer. Raises NotSent."""
        links = self._registration.links
        if links is None:
            raise NotSent(f"{event.name}: the pack stopped before the server knew it")
        try:
            return await self._server.send(links.events, body)
        except Unanswered as fault:
            raise NotSent(f"{event.name}: {fault}") from fault


def _journal(pack: Mapping[str, Any], settings: PackSettings) -> Journal | None:
    """The journal of a pack, if the settings name one. Raises JournalRefused."""
    if settings.journal is None:
        return None
    labels = [part for pair in sorted(pack["labels"].items()) for part in pair]
    return Journal(Path(settings.journal), ".".join([pack["name"], *labels]), settings.url)
