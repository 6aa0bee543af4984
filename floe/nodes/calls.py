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
from floe.nodes.in_process import InProcess, LoopAttempt
from floe.places import Places

AT_ONCE_MAX: Final = 256
"""Calls of a host at once; more wait in order."""

CallType = Callable[[Job], Awaitable[Answered | Failed]]
"""Carries out the calls of one type, on the loop: it must not block, and a cancellation ends it.

Its time limit is that of the node. An exception is an error of the node.
"""


def call_types(places: Mapping[str, str]) -> Mapping[str, CallType]:
    """Import what carries out calls: by type, from `module:attribute`."""
    found: dict[str, CallType] = {}
    for kind, place in places.items():
        module, _, attribute = place.partition(":")
        found[kind] = getattr(importlib.import_module(module), attribute)
    return found


class Calls(InProcess):
    """The executor of calls."""

    def __init__(
        self, types: Mapping[str, CallType] | None = None, places: Places | None = None
    ) -> None:
        super().__init__("the call", places, at_once=AT_ONCE_MAX, once=True)
        self._types = types or {}

    def _delay_s(self, job: Job) -> float:
        return job.work.delay_s if isinstance(job.work, Call) else 0.0

    async def _carry_out(self, attempt: LoopAttempt) -> Report:
        job = attempt.job
        work = job.work
        if not isinstance(work, Call):
            return Failed(cause="start", why=f"{type(work).__name__} is no call")
        call = self._types.get(work.type)
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
