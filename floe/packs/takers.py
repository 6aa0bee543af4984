"""Takes of actions: one task polls, and further ones help it while there are actions."""

import asyncio
import logging
import random
from typing import Final

from floe.packs.connections import Unanswered
from floe.packs.journal import Journal
from floe.packs.registration import Registration
from floe.packs.settings import PackSettings
from floe.packs.take_names import AT_ONCE
from floe.packs.taken_actions import TakenActions
from floe.packs.wire import FlyteServer, TakenAction, Unexpected, UnknownPack, VoidTake

LOG: Final = logging.getLogger("floe.packs")

FAULTS: Final = (OSError, Unanswered, Unexpected, VoidTake)


class Takers:
    """Takes the actions of one pack while it may carry out more."""

    def __init__(
        self,
        server: FlyteServer,
        registration: Registration,
        settings: PackSettings,
        journal: Journal | None,
        actions: TakenActions,
    ) -> None:
        self._server, self._registration, self._settings = server, registration, settings
        self._journal, self._actions = journal, actions
        self._slots = asyncio.Semaphore(settings.at_once)
        self._takes = 1
        """The tasks that take."""

    async def resume_all(self, tasks: asyncio.TaskGroup) -> None:
        """Begin with what an earlier process left, unless the pack stops."""
        for left in self._journal.left() if self._journal is not None else ():
            await self._slots.acquire()
            if self._registration.is_stopping:
                return
            tasks.create_task(self._actions.resume(left)).add_done_callback(self._release)

    async def poll(self, tasks: asyncio.TaskGroup) -> None:
        """Take until the pack stops; rest while there are no actions, and after faults."""
        pauses, found = self._settings.pauses(), 0
        while not self._registration.is_stopping:
            links = self._registration.links
            try:
                found = found + 1 if await self._take_one(tasks) else 0
                pauses, pause_s = self._settings.pauses(), 0.0
                if not found and not self._is_in_doubt():
                    pause_s = self._settings.poll_s * random.uniform(0.8, 1.2)  # noqa: S311
            except UnknownPack:
                LOG.warning("the server does not know the pack any more: it registers again")
                await self._registration.renew(links)
                found, pause_s = 0, next(pauses)
            except VoidTake:
                found, pause_s = 0, 0.0 if self._is_in_doubt() else next(pauses)
            except FAULTS as fault:
                found, pause_s = 0, next(pauses)
                LOG.warning("cannot take actions, next try in %.1f s: %s", pause_s, fault)
            if found > 1 and self._takes < AT_ONCE:  # a single action needs no help
                self._takes += 1
                tasks.create_task(self._help(tasks))
            if pause_s:
                await self._registration.rest(pause_s)

    async def _help(self, tasks: asyncio.TaskGroup) -> None:
        """Take until there is nothing."""
        try:
            while not self._registration.is_stopping and await self._take_one(tasks):
                pass
        except (UnknownPack, *FAULTS) as fault:  # the task that polls meets it too
            LOG.info("cannot take actions: %s", fault)
        finally:
            self._takes -= 1

    async def _take_one(self, tasks: asyncio.TaskGroup) -> bool:
        """Take an action and begin it, once a slot is free. Raises UnknownPack, FAULTS."""
        await self._slots.acquire()
        try:
            links = self._registration.links
            is_over = links is None or self._registration.is_stopping
            action = None if links is None or is_over else await self._kept(links.take)
        except BaseException:
            self._slots.release()
            raise
        if action is None:
            self._slots.release()
            return False
        tasks.create_task(self._actions.carry_out(action)).add_done_callback(self._release)
        return True

    async def _kept(self, url: str) -> TakenAction | None:
        """The next action, once it is on the disk. Raises UnknownPack, FAULTS."""
        if self._journal is None:
            return await self._server.take(url)
        await self._journal.mend()
        names = self._journal.takes
        is_repeat = names.is_in_doubt
        number = names.begin()
        name = self._journal.take_name(number)
        try:
            action = await self._server.take(url, name, is_repeat=is_repeat)
            if action is not None:
                await self._actions.keep(action, number)
        except VoidTake:
            names.used(number)
            raise
        except BaseException:
            names.failed(number)
            raise
        if action is None:
            names.got_nothing(number)
        return action

    def _is_in_doubt(self) -> bool:
        return self._journal is not None and self._journal.takes.is_in_doubt

    def _release(self, _: asyncio.Task[None]) -> None:
        self._slots.release()
