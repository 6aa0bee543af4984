"""Effects are carried out a few at a time."""

import asyncio
from pathlib import Path
from typing import cast

from floe.evaluators.base import FactsAfter
from floe.hub.attempts.attempt_outputs import OutputSettings
from floe.hub.attempts.judgements import Judgements
from floe.hub.children import Children
from floe.hub.clock import Timers, WallClock
from floe.hub.effects import AT_ONCE_MAX, Effects
from floe.hub.flows import FlowFiles
from floe.model.effect import SetTimer
from floe.model.ids import Instant
from floe.places import Places
from tests.make import a_run, the_key


class Noted(list[object]):
    """In the place of timers: what was set, and who had a turn."""

    def set(self, key: object, due: Instant) -> None:
        """Note it."""
        self.append((key, due))


async def test_many_effects_leave_others_their_turn() -> None:
    noted = Noted()
    acts = Effects(
        OutputSettings(root=Path("/nowhere")),
        {},
        cast(FlowFiles, None),
        cast(Timers, noted),
        spawn=lambda work: work.close(),
        clock=WallClock(),
        runs={},
        put=lambda word: None,
        places=Places(),
        children=cast(Children, None),
        judgements=Judgements(None, cast(FactsAfter, None), {}, lambda word: None),
    )
    key = the_key(a_run(), "build")
    owed = [SetTimer(key=key, kind="wait", due=Instant(n)) for n in range(AT_ONCE_MAX + 1)]

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(acts.carry_out((), owed))
        asyncio.get_running_loop().call_soon(noted.append, "somebody else")

    assert noted.index("somebody else") < len(noted) - 1
