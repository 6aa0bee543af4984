"""The work of a pack at its server: it registers, takes actions, and delivers their results."""

import asyncio
import logging
import random
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from floe.packs.commands import PackCommand
from floe.packs.connections import Unanswered
from floe.packs.events import FATAL, Event, fatal
from floe.packs.settings import PackSettings
from floe.packs.wire import (
    UNKNOWN,
    FlyteServer,
    NotSent,
    PackLinks,
    TakenAction,
    Unexpected,
    UnknownPack,
)

LOG: Final = logging.getLogger("floe.packs")

ACCEPTED: Final = range(200, 300)
TOO_LARGE: Final = 413
ENDED: Final = 500
"""A server answers so to a second result, and when its store fails."""
ENDED_MAX: Final = 8
"""How many such answers to one result, before the pack takes the action as ended."""
AGAIN: Final = (401, 408, 429, 502, 503, 504)


class Worker:
    """One run of a pack, from its registration to its stop."""

    def __init__(
        self,
        registration: dict[str, Any],
        commands: Mapping[str, PackCommand],
        settings: PackSettings,
    ) -> None:
        self._registration, self._commands, self._settings = registration, commands, settings
        self._server = FlyteServer(settings)
        self._stopping = asyncio.Event()
        self._limit: asyncio.Timeout | None = None
        self._slots = asyncio.Semaphore(settings.at_once)
        self._registering = asyncio.Lock()
        self._links: PackLinks | None = None
        self._known = asyncio.Event()

    async def work(self) -> None:
        """Work until `stop`, then wait for the open commands, at most the time of grace."""
        try:
            async with asyncio.timeout(None) as self._limit, asyncio.TaskGroup() as handlers:
                await self._register_instead_of(None)
                await self._take_all(handlers)
        except TimeoutError:
            LOG.warning("the pack ended before its commands did")
        finally:
            self._server.close()

    def stop(self) -> None:
        """Take no more actions. To be called in the loop of `work`."""
        if not self._stopping.is_set():
            self._stopping.set()
            self._known.set()  # no caller waits for a registration any more
            if self._limit is not None:
                now = asyncio.get_running_loop().time()
                self._limit.reschedule(now + self._settings.grace_s)

    async def send(self, event: Event) -> None:
        """Send an event once the pack is registered. Raises NotSent."""
        body = event.body()
        await self._known.wait()
        status = await self._sent(event, body)
        if status == UNKNOWN:  # the server did not take the event
            await self._register_instead_of(self._links)
            status = await self._sent(event, body)
        if status not in ACCEPTED:
            raise NotSent(f"{event.name}: the server answered {status}")

    async def _sent(self, event: Event, body: bytes) -> int:
        """The status of the answer. Raises NotSent."""
        if self._links is None:
            raise NotSent(f"{event.name}: the pack stopped before the server knew it")
        try:
            return await self._server.send(self._links.events, body)
        except Unanswered as fault:
            raise NotSent(f"{event.name}: {fault}") from fault

    async def _register_instead_of(self, old: PackLinks | None) -> None:
        """Register until it works or the pack stops, unless another task has done it."""
        async with self._registering:
            for pause_s in self._pauses():
                if self._links is not old or self._stopping.is_set():
                    return
                try:
                    self._links = await self._server.register(self._registration)
                    self._known.set()
                    LOG.info("the pack %s is registered", self._registration["name"])
                    return
                except (Unanswered, Unexpected) as fault:
                    LOG.warning("cannot register, next try in %.1f s: %s", pause_s, fault)
                    await self._rest(pause_s)

    async def _take_all(self, handlers: asyncio.TaskGroup) -> None:
        """Take actions while a slot is free, until the pack stops."""
        if not self._commands:
            await self._stopping.wait()
        pauses = self._pauses()
        while not self._stopping.is_set():
            await self._slots.acquire()
            action, pause_s = None, 0.0
            if self._links is not None and not self._stopping.is_set():
                try:
                    action = await self._server.take(self._links.take)
                    pauses = self._pauses()
                    pause_s = self._settings.poll_s * random.uniform(0.8, 1.2)  # noqa: S311
                except UnknownPack:
                    LOG.warning("the server does not know the pack any more: it registers again")
                    await self._register_instead_of(self._links)
                    pause_s = next(pauses)
                except (Unanswered, Unexpected) as fault:
                    pause_s = next(pauses)
                    LOG.warning("cannot take actions, next try in %.1f s: %s", pause_s, fault)
            if action is not None:
                handlers.create_task(self._carry_out(action))
                continue
            self._slots.release()
            await self._rest(pause_s)

    async def _carry_out(self, action: TakenAction) -> None:
        event = fatal(f"the pack stopped before {action.command} ended")
        try:
            command = self._commands.get(action.command)
            if command is None:
                event = fatal(f"this pack has no command {action.command}")
            else:
                event = await command.carried_out(action.input)
            await self._deliver(action, event)
        except asyncio.CancelledError:  # the time of grace is over: one try more
            with suppress(Unanswered):
                await self._server.send(action.result, event.body())
            raise
        finally:
            self._slots.release()

    async def _deliver(self, action: TakenAction, event: Event) -> None:
        """Send a result until the server has it; the server takes it once."""
        body, ended, unknown = event.body(), 0, 0
        for pause_s in self._pauses():
            links = self._links
            try:
                status = await self._server.send(action.result, body)
            except Unanswered as fault:
                LOG.warning("result of %s, next try in %.1f s: %s", action.command, pause_s, fault)
                await asyncio.sleep(pause_s)
                continue
            ended, unknown = ended + (status == ENDED), unknown + (status == UNKNOWN)
            if status in ACCEPTED:
                return
            if status == TOO_LARGE and event.name != FATAL:
                await self._deliver(action, fatal(f"the result {event.name} is too large"))
                return
            if status == UNKNOWN and unknown == 1:
                await self._register_instead_of(links)
            elif status not in AGAIN and (status != ENDED or ended >= ENDED_MAX):
                LOG.error("result of %s is refused: %s, %s", action.command, status, action.result)
                return
            LOG.warning("result of %s: %s, next try in %.1f s", action.command, status, pause_s)
            await asyncio.sleep(pause_s)

    def _pauses(self) -> Iterator[float]:
        """Seconds between tries: each about twice the one before it."""
        pause_s = min(1.0, self._settings.pause_max_s)
        while True:
            yield pause_s * random.uniform(0.5, 1)  # noqa: S311  # not a secret
            pause_s = min(2 * pause_s, self._settings.pause_max_s)

    async def _rest(self, seconds: float) -> None:
        """Wait, but not longer than until the pack stops."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
