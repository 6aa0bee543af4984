"""Judged runs of the toy dialect, played by the core of a host without its store."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from floe.host.core import HostCore
from floe.host.inputs import Incoming
from floe.host.site import SiteSettings
from floe.kernel.evolve import fold
from floe.model.codec import digest_of, encode_event, to_text
from floe.model.effect import Effect, StartAction
from floe.model.flow import Flow
from floe.model.ids import HostId, Instant, Json, NodeId, RunRef, StoreId
from floe.model.judging import Judged, JudgeRun
from floe.model.nouns import replace as changed
from floe.model.passes import RunOpened
from floe.model.signal import Exited, Reported, Started
from floe.model.summary import Summary, summary_of
from floe.store.base import Record
from tests.toy.judge import judged
from tests.toy.reader import toy_flow

H1: Final = HostId("h1")

BATCH_MAX: Final = 256
"""Effects that are answered in one step, as in the loop of a host."""

OUTPUTS: Final[dict[str, Json]] = {"version": "1.4.2", "url": "https://builds.example.org/1742"}
"""Of each attempt."""

DUE_MS: Final = 3_000_000
"""From a verdict to the next pass, where its state runs again by itself."""


class PlayedRun:
    """One run, each of whose attempts ends good, until it rests or is over."""

    def __init__(self, flow: Flow, store: StoreId, now: Instant) -> None:
        self.flow = flow
        self.ref = RunRef(H1, store, 1)
        self._now = now
        opened = RunOpened(
            at=now,
            flow=flow.id,
            ver=flow.ver,
            digest=digest_of(flow),
            trigger=NodeId("start"),
            values={"branch": "main", "commit": "4f0c2a9"},
            by="ann",
            host=H1,
            store=store,
        )
        body = to_text(encode_event(opened))
        self.records = [Record(run=self.ref, epoch=1, seq=1, event=opened, body=body)]
        settings = SiteSettings(id=H1, tags=frozenset(), workspace_root="/bench")
        self._core = HostCore(settings, store)
        run = changed(fold(self.ref, [opened]), flow=flow)
        self._effects = deque(self._core.load([run]))
        while self._effects:
            self._step()

    @property
    def row(self) -> Summary:
        """Its row in lists."""
        return summary_of(self._core.table.runs[self.ref])

    def _step(self) -> None:
        taken = [self._effects.popleft() for _ in range(min(BATCH_MAX, len(self._effects)))]
        inputs = [one for effect in taken for one in self._answers(effect)]
        result = self._core.step(inputs, self._now)
        self.records += [step.record for step in result.recorded]
        self._effects += result.effects

    def _answers(self, effect: Effect) -> Iterator[Incoming]:
        match effect:
            case StartAction(key=key, started=False):
                yield Incoming(input=Started(key=key, at=self._now), run=self.ref)
                report = Exited(status=0, outputs=OUTPUTS)
                ended = Reported(key=key, report=report, at=self._now)
                yield Incoming(input=ended, run=self.ref)
            case JudgeRun():
                run = self._core.table.runs[self.ref]
                due = Instant(self._now + DUE_MS)
                verdicts = tuple(
                    replace(one, due=due if one.due else None)
                    for one in judged(run, effect.asks, self._now)
                )
                given = Judged(epoch=effect.epoch, seq=effect.seq, verdicts=verdicts)
                yield Incoming(input=given, run=self.ref)
            case _:
                pass


def chain(steps: int, last: str) -> Flow:
    """A judged flow of steps in a row; `last` are the options of the last."""
    lines = [f"s{n}" + (f" on s{n - 1}" if n else "") for n in range(steps)]
    return toy_flow("toy", [*lines[:-1], f"{lines[-1]} | {last}"])


def copies(
    played: PlayedRun, refs: Sequence[RunRef]
) -> Iterator[tuple[tuple[Record, ...], Summary]]:
    """The log and the row of the same run under other names, each pended a millisecond later."""
    row = played.row
    for number, ref in enumerate(refs):
        records = tuple(replace(record, run=ref) for record in played.records)
        at = Instant(row.pended_at + number)
        yield records, replace(row, id=str(ref), key=ref.key, pended_at=at)
