"""What becomes of an action: it is kept, carried out, and its result delivered."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final

from floe.packs.commands import PackCommand
from floe.packs.connections import Unanswered
from floe.packs.events import FATAL, Event, fatal
from floe.packs.journal import Journal, OpenAction
from floe.packs.registration import Registration
from floe.packs.settings import PackSettings
from floe.packs.wire import UNKNOWN, FlyteServer, TakenAction

LOG: Final = logging.getLogger("floe.packs")

ACCEPTED: Final = range(200, 300)
TOO_LARGE: Final = 413
ENDED: Final = 500
"""A server answers so to a second result, and when its store fails."""
ENDED_MAX: Final = 8
"""How many such answers to one result, before the pack takes the action as ended."""
AGAIN: Final = (401, 408, 429, 502, 503, 504)
BEGUN_MAX: Final = 3
"""How often a command begins that ends the process of the pack each time."""


class TakenActions:
    """Carries out the actions of one pack."""

    def __init__(
        self,
        server: FlyteServer,
        commands: Mapping[str, PackCommand],
        settings: PackSettings,
        journal: Journal | None,
        registration: Registration,
    ) -> None:
        self._server, self._commands, self._settings = server, commands, settings
        self._journal, self._registration = journal, registration

    async def keep(self, action: TakenAction, take: int) -> None:
        """Have an action on the disk, before its handler begins. `take`: the number of its take."""
        if (journal := self._journal) is not None:
            repeatable = self._is_repeatable(action)
            await self._kept(action, lambda: journal.took(take, action, is_repeatable=repeatable))

    async def carry_out(self, action: TakenAction) -> None:
        """Carry out an action that is kept, and deliver its result."""
        result: bytes | None = None
        try:
            result = (await self._event(action)).body()
            await self._keep_result(action, result)
            await self._deliver(action, result)
        except asyncio.CancelledError:  # the time of grace is over
            await self._give_up(action, result)
            raise

    async def resume(self, left: OpenAction) -> None:
        """Deliver what an earlier process left, or end it as the author of the command said."""
        action, result = left.action, left.result
        again = left.is_repeatable and self._is_repeatable(action)
        if result is None and again and left.repeats + 1 < BEGUN_MAX:
            if (journal := self._journal) is not None:
                await self._kept(action, lambda: journal.begun_again(action))
            await self.carry_out(action)
            return
        if result is None:
            text = f"{action.command} was interrupted: the process of the pack ended before its "
            text += "result was kept. It may have been carried out, wholly or in part"
            result = fatal(text).body()
        await self._deliver(action, result)

    def _is_repeatable(self, action: TakenAction) -> bool:
        command = self._commands.get(action.command)
        return command is not None and command.if_interrupted == "repeat"

    async def _event(self, action: TakenAction) -> Event:
        command = self._commands.get(action.command)
        if command is None:
            return fatal(f"this pack has no command {action.command}")
        return await command.carried_out(action.input)

    async def _kept(self, action: TakenAction, keep: Callable[[], Awaitable[None]]) -> None:
        """Write to the journal until that works."""
        for pause_s in self._settings.pauses():
            try:
                await keep()
                return
            except OSError as error:
                LOG.warning("the journal: %s; %s waits %.1f s", error, action.command, pause_s)
                await asyncio.sleep(pause_s)

    async def _keep_result(self, action: TakenAction, result: bytes) -> None:
        try:
            if self._journal is not None:
                await self._journal.ended(action, result)
        except OSError as error:  # it is sent all the same: only kill -9 could lose it
            LOG.warning("the journal lacks the result of %s: %s", action.command, error)

    async def _give_up(self, action: TakenAction, result: bytes | None) -> None:
        """The last try for an action of a pack that stops: the next process has the journal."""
        if result is None and self._journal is not None and self._is_repeatable(action):
            LOG.warning("%s begins again when the pack starts", action.command)
            return
        if result is None:
            result = fatal(f"the pack stopped before {action.command} ended").body()
            with suppress(OSError):
                if self._journal is not None:
                    self._journal.ended_now(action, result)
        with suppress(Unanswered):
            if await self._server.send(action.result, result) in ACCEPTED:
                await self._forget(action)

    async def _deliver(self, action: TakenAction, result: bytes) -> None:
        """Send a result until the server has it; the server takes it once."""
        ended, unknown = 0, 0
        for pause_s in self._settings.pauses():
            links = self._registration.links
            try:
                status = await self._server.send(action.result, result)
            except Unanswered as fault:
                LOG.warning("result of %s, next try in %.1f s: %s", action.command, pause_s, fault)
                await asyncio.sleep(pause_s)
                continue
            ended, unknown = ended + (status == ENDED), unknown + (status == UNKNOWN)
            if status == TOO_LARGE and json.loads(result)["event"] != FATAL:
                name = json.loads(result)["event"]
                result = fatal(f"the result {name} is too large").body()
                await self._keep_result(action, result)
                continue
            if status == UNKNOWN and unknown == 1:
                await self._registration.renew(links)
            elif status not in AGAIN and (status != ENDED or ended >= ENDED_MAX):
                if status not in ACCEPTED:
                    text = "result of %s is refused: %s, %s"
                    LOG.error(text, action.command, status, action.result)
                await self._forget(action)
                return
            LOG.warning("result of %s: %s, next try in %.1f s", action.command, status, pause_s)
            await asyncio.sleep(pause_s)

    async def _forget(self, action: TakenAction) -> None:
        try:
            if self._journal is not None:
                await self._journal.delivered(action)
        except OSError as error:
            LOG.warning("the journal still has the result of %s: %s", action.command, error)
