"""Carries out the calls of dialects: each type by the function that its dialect brings.

Rules of this file: a call begins only after the start of its attempt is stored. It has no output
file; what it answers is in the log.
"""

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from floe.model.call import Call
from floe.model.signal import Answered, Failed, Report
from floe.nodes.base import Job
from floe.nodes.call_ground import CallGround
from floe.nodes.in_process import InProcess, LoopAttempt
from floe.places import Places

AT_ONCE_MAX: Final = 4096
"""Calls of a host at once; more wait in order. Many may wait for a resource of their dialect, so
what takes sockets or processes has a limit of its own."""

NO_DIALECTS: Final[Mapping[str, str]] = {}

CallType = Callable[[Job], Awaitable[Answered | Failed]]
"""Carries out the calls of one type, on the loop: it must not block, and a cancellation ends it.

Its time limit is that of the node. An exception is an error of the node.
"""


CallTypesOf = Callable[[CallGround], Mapping[str, CallType]]
"""Makes what carries out the calls of a dialect on a host, by type."""


def call_types(place: str, ground: CallGround) -> Mapping[str, CallType]:
    """Import what carries out the calls of a dialect, and make it. Blocks.

    `place` is where its CallTypesOf is, as `module:attribute`.
    """
    module, _, attribute = place.partition(":")
    types_of: CallTypesOf = getattr(importlib.import_module(module), attribute)
    return types_of(ground)


class Calls(InProcess):
    """The executor of calls."""

    def __init__(
        self,
        types: Mapping[str, CallType] | None = None,
        places: Places | None = None,
        *,
        dialects: Mapping[str, str] = NO_DIALECTS,
        ground: CallGround | None = None,
    ) -> None:
        """`types`: known from the start. `dialects`: what makes others, by dialect.

        A dialect is imported for its first call: most hosts never have one.
        """
        super().__init__("the call", places, at_once=AT_ONCE_MAX, once=True)
        self._types = dict(types or {})
        self._dialects = dict(dialects)
        self.ground = ground or CallGround()
        self._making = asyncio.Lock()

    async def close(self) -> None:
        """Cancel all calls. The commands of those that are kept run on."""
        if self.ground.commands:
            self.ground.commands.is_closing = True
        await super().close()

    def _is_kept(self, job: Job) -> bool:
        return isinstance(job.work, Call) and job.work.is_kept

    def _delay_s(self, job: Job) -> float:
        return job.work.delay_s if isinstance(job.work, Call) else 0.0

    async def _carry_out(self, attempt: LoopAttempt) -> Report:
        job = attempt.job
        work = job.work
        if not isinstance(work, Call):
            return Failed(cause="start", why=f"{type(work).__name__} is no call")
        call = await self._type(work.type)
        if call is None:
            known = ", ".join(sorted(self._types)) or "none"
            why = f"this host has no calls of type {work.type}; its types: {known}"
            return Failed(cause="start", why=why)
        limit = asyncio.timeout(job.timeout_s)
        try:
            async with limit:
                return await call(job)
        except TimeoutError as error:
            if not limit.expired():
                return Failed(cause="error", why=f"TimeoutError: {error}")
            return Failed(cause="timeout", why=f"not finished after {job.timeout_s:g} s")
        except Exception as error:  # the executor's border: a defect must not hang the run
            return Failed(cause="error", why=f"{type(error).__name__}: {error}")

    async def _type(self, name: str) -> CallType | None:
        """What carries out a type of calls; None if there is nothing."""
        if name not in self._types:
            async with self._making:  # of many calls at once the first imports
                dialect = name.partition(".")[0]
                if place := self._dialects.get(dialect):
                    self._types |= await asyncio.to_thread(call_types, place, self.ground)
                    del self._dialects[dialect]
        return self._types.get(name)
