"""What stands in for the parts of a host that the exchange does not concern."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from floe.dialects.flyte.evaluator import FlyteEvaluator
from floe.evaluators.base import EventQuestion, Judgement, OnVerdicts
from floe.host.core import HostCore
from floe.host.inputs import Incoming, Input, Reply
from floe.host.peers.member import Member
from floe.host.peers.whereabouts import log_host
from floe.hub.history import FoundRun
from floe.model.codec import from_text
from floe.model.errors import HostAway, NotFound
from floe.model.ids import HostId, Instant, Json, RunRef, StoreId
from floe.model.judging import Verdict
from floe.model.opening import Opened
from floe.model.run import Run
from floe.peers.base import Request
from tests.sim.exchange.tasks import Ask, Relay

if TYPE_CHECKING:
    from tests.sim.exchange.server import Server

EVALUATOR: Final = FlyteEvaluator()


class Asker:
    """The loop of a host, as its callers see it."""

    def __init__(self, core: HostCore, put: Callable[[Incoming], None]) -> None:
        self.core, self.put = core, put

    async def ask(self, incoming: Input, run: RunRef | None = None) -> Reply:
        reply: Reply = await Ask(incoming, run)
        return reply


class Unmasked:
    """A host without secrets."""

    def check_values(self, values: object) -> None:
        """Nothing is secret."""

    def fault_of(self, start: object) -> str:
        return ""


class KnownRuns:
    """The runs that a host knows of."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.takers: dict[str, Any] = {}
        """What people read of work that waits; no trial asks."""

    def now(self) -> Instant:
        return Instant(self._server.world.now)

    def stores(self) -> list[tuple[HostId, StoreId]]:
        members = self._server.core.members.values()
        own = (self._server.id, self._server.store)
        return [own, *((one.id, one.store) for one in members)]

    def members(self) -> list[Member]:
        return [*self._server.core.members.values()]

    async def find(self, name: str) -> FoundRun:
        ref = RunRef.parse(name)
        at = log_host(ref, None, {*self._server.core.members, self._server.id}, ())
        return FoundRun(ref=ref, host=None if at == self._server.id else at)

    async def run(self, name: str) -> Run:
        ref = RunRef.parse(name)
        if ref not in self._server.disk.logs:
            raise NotFound(f"no run {name}")
        return self._server.run(ref)


class SimPeers:
    """The relay to other hosts."""

    @asynccontextmanager
    async def relay(self, host: HostId, request: Request) -> AsyncIterator[Answer]:
        found: tuple[int, bytes] | None = await Relay(host, request)
        if found is None:
            raise HostAway(f"{host} is away", host=host)
        yield Answer(*found)


class Answer:
    """The answer of a different host; without a body if it broke off."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status, self._body = status, body

    async def chunks(self) -> AsyncIterator[bytes]:
        if not self.status:
            raise ConnectionError("it broke off")
        yield self._body


class Evaluating:
    """The evaluators of a host: the real one, which takes a while, dies and runs out of time."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._wanted: dict[RunRef, Judgement] = {}

    def begin(self, judgement: Judgement, facts: object, done: OnVerdicts) -> None:
        self._wanted[judgement.run] = judgement
        self._server._later(self._delay(), lambda: self._judge(judgement, done))

    def drop(self, run: RunRef) -> None:
        self._wanted.pop(run, None)

    async def open(self, questions: Sequence[EventQuestion]) -> Sequence[Opened]:
        return [
            EVALUATOR.open(from_text(one.event.decode()), one.flow, _around(one.around))
            for one in questions
        ]

    def _judge(self, judgement: Judgement, done: OnVerdicts) -> None:
        if self._wanted.get(judgement.run) != judgement:
            return
        if self._server.world.chance(0.05):  # its process died, and a different one is asked
            self._server._later(self._delay(), lambda: self._judge(judgement, done))
            return
        del self._wanted[judgement.run]
        run = self._server.disk.run(judgement.run, judgement.seq)
        asks, around = judgement.asks, _around(judgement.around)
        verdicts = list(EVALUATOR.judge(run, asks, (), around))
        if self._server.world.chance(0.2):  # it ran out of time
            verdicts = verdicts[: self._server.world.random.randint(1, len(verdicts))]
        if self._server.world.chance(0.05):
            at = self._server.world.random.randrange(len(verdicts))
            verdicts[at] = Verdict(failed="no memory was left", unjudged=True)
        with patch("floe.hub.attempts.judgements.asyncio.get_running_loop", lambda: self):
            done(verdicts)

    def call_later(self, seconds: float, call: Callable[..., None], *args: object) -> Timer:
        """As the loop of the host: call a while later."""
        timer = Timer()
        self._server._later(
            int(seconds * 1000), lambda: None if timer.is_cancelled else call(*args)
        )
        return timer

    def _delay(self) -> int:
        return self._server.world.random.choice((1, 10, 300))


class Timer:
    """A call that may be cancelled."""

    def __init__(self) -> None:
        self.is_cancelled = False

    def cancel(self) -> None:
        """Do not call."""
        self.is_cancelled = True


def _around(body: bytes) -> Any:
    found: Json = from_text(body.decode()) if body else None
    return found
