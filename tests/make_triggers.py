"""Triggers whose clock and repositories a test moves, and what they said."""

from collections.abc import Coroutine, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from floe.host.inputs import Incoming, Mark, Start
from floe.host.repositories import KINDS
from floe.hub.flows import FlowBook
from floe.hub.triggers import Triggers
from floe.model.flow import Flow, Trigger
from floe.model.ids import Instant, Json, NodeId
from floe.model.work import Git
from floe.store.base import LedgerWrite
from tests.hands import HandClock, NoRefs
from tests.make import a_flow

URL = "https://example.org/r"
HASHES = {name: name[-1] * 40 for name in ("refs/heads/a", "refs/heads/b", "refs/tags/c")}

Ledger = Mapping[tuple[str, str], Json]


def at(text: str) -> Instant:
    """An instant of UTC."""
    return Instant(int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000))


def a_tick(**others: Any) -> Trigger:
    """A timer."""
    return Trigger(**({"id": NodeId("tick"), "type": "timer", "name": "tick"} | others))


def a_poll(id: str = "poll", url: str = URL, **others: Any) -> Trigger:
    """A poll of all refs."""
    made: dict[str, Any] = {"id": NodeId(id), "type": "poll-git", "name": id}
    return Trigger(**(made | {"git": Git(url=url, key_file="/key"), "refs": "refs/*"} | others))


def a_watched(*triggers: Trigger, **others: Any) -> Flow:
    """A flow with some triggers."""
    return a_flow(triggers=triggers, **others)


class Site:
    """Triggers with the ledger that their words leave."""

    def __init__(
        self, *flows: Flow, ledger: Ledger | None = None, now: str = "2026-11-25T10:00"
    ) -> None:
        self.clock = HandClock(at(now))
        self.refs = NoRefs()
        self.refs.found = dict(HASHES)
        self.said: list[Incoming] = []
        self.work: list[Coroutine[object, object, None]] = []
        self.term = 0
        self.held = ""
        """Why no timer fires; empty while they do."""
        self._before = dict(ledger or {})
        self._begin()
        self.triggers.watch(FlowBook(flows=flows))

    def _begin(self) -> None:
        stored = self.ledger()
        rows = {kind: {k: v for (of, k), v in stored.items() if of == kind} for kind in KINDS}
        self.triggers = Triggers(
            self.clock,
            self.refs,
            self.work.append,
            self.said.append,
            rows,
            held_back=lambda: self.held,
            term=lambda: self.term,
        )

    def ledger(self, words: int | None = None) -> dict[tuple[str, str], Json]:
        """What is stored: of all words, or of the first few where the process died then."""
        stored = dict(self._before)
        for word in self.said[:words]:
            for row in self.rows(word):
                stored[row.kind, row.key] = row.value
        return {key: value for key, value in stored.items() if value is not None}

    def reload(self, *flows: Flow) -> None:
        """Read another config."""
        self.triggers.watch(FlowBook(flows=flows))

    def set_clock(self, seconds: float) -> None:
        """Set the wall clock ahead, or back, and let the triggers follow."""
        self.triggers.move(self.clock.set(seconds))
        self.clock.advance(0)

    def restart(self, *flows: Flow) -> None:
        """A new process on the same ledger."""
        self.triggers.close()
        for look in self.work:
            look.close()
        self.work.clear()
        self._begin()
        self.reload(*flows)

    @staticmethod
    def rows(word: Incoming) -> tuple[LedgerWrite, ...]:
        """The rows of a word."""
        assert isinstance(word.input, Start | Mark)
        return word.input.marks if isinstance(word.input, Start) else word.input.rows

    @property
    def starts(self) -> list[Start]:
        """All runs that were started."""
        return [w.input for w in self.said if isinstance(w.input, Start)]

    @property
    def missed(self) -> list[Json]:
        """All rows about missed ticks."""
        return [r.value for w in self.said for r in self.rows(w) if r.kind == "missed"]

    async def polled(self, seconds: float = 0.0) -> list[Start]:
        """The starts of what is polled within some seconds."""
        before = len(self.starts)
        self.clock.advance(seconds)
        work, self.work[:] = list(self.work), []
        for look in work:
            await look
        return self.starts[before:]


def pushed(starts: Iterable[Start]) -> list[tuple[str, str, str]]:
    """Flow, ref and first letter of the commit of each start."""
    return [(s.flow.id, str(s.values["ref"]), str(s.values["hash"])[0]) for s in starts]
