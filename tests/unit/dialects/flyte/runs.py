"""Correlations of flyte without a host: their events are judged here, at once."""

from collections.abc import Sequence
from itertools import count
from typing import Any

from floe.dialects.flyte.compiled import compiled
from floe.dialects.flyte.evaluator import EVALUATOR
from floe.dialects.flyte.events import kept_event
from floe.kernel.decide import decide
from floe.kernel.evolve import evolve
from floe.kernel.judged.lane import judgement
from floe.kernel.owed import key_of
from floe.model.codec import decode_event, digest_of, encode_event
from floe.model.flow import Flow
from floe.model.ids import Instant, Json, NodeId, RunRef
from floe.model.judging import Judged
from floe.model.nouns import replace
from floe.model.opening import BeginOpened, Opened
from floe.model.passes import RunOpened
from floe.model.run import Attached, Run
from floe.model.signal import Answered, Reported, Signal, TakeWork
from tests.make import H1, NOW, REF, STORE

UUID = "5ab24a266f42ed00054733d9"
_numbers = count()
AT = "2022-01-02T15:04:05Z"


def a_flow_of(*steps: dict[str, Any], name: str = "f", uuid: str = "") -> Flow:
    """A version of a flow, each with a uuid of its own."""
    return compiled({"name": name, "steps": list(steps)}, uuid or f"{next(_numbers):024x}")


def a_step(id: str = "", on: Sequence[str] = (), **others: Any) -> dict[str, Any]:
    """A step that listens to `event` of `pack`, and has the pack Q carry out C."""
    wanted = {"name": others.pop("event", "E"), "packName": others.pop("pack", "P")}
    command = {"name": "C", "packName": "Q", "input": others.pop("input", None)}
    command |= others.pop("command", {})
    step: dict[str, Any] = {"event": wanted | others.pop("wants", {}), "command": command}
    named = {"id": id} if id else {}
    return named | ({"dependsOn": list(on)} if on else {}) | step | others


def an_event(name: str = "E", payload: Json = None, pack: str = "P", **labels: str) -> Any:
    return kept_event(name, pack, labels, payload, created_at="", received_at=AT)


class Correlation:
    """A run, with the answers of packs in it."""

    def __init__(self, flow: Flow, event: Any, around: Json = None, ref: RunRef = REF) -> None:
        self.around = around
        self.now = NOW
        self.opened: Opened = EVALUATOR.open(event, flow, around)
        [opening] = self.opened.openings
        first = RunOpened(
            at=NOW,
            flow=flow.id,
            ver=flow.ver,
            digest=digest_of(flow),
            trigger=opening.trigger,
            values=opening.values,
            by=opening.by,
            host=H1,
            store=STORE,
        )
        self.run: Run = replace(evolve(None, first, ref=ref), flow=flow)
        self.decide(BeginOpened(enters=opening.enters))

    def decide(self, signal: Signal) -> None:
        """Decide, and fold what a store would give back."""
        self.now = Instant(self.now + 1000)
        decision = decide(self.run, signal, self.now, Attached(flow=self.run.flow))
        for event in decision.events:
            name = type(event).__name__
            stored = decode_event(name, encode_event(event))
            self.run = replace(evolve(self.run, stored), flow=self.run.flow)

    def judge(self) -> None:
        """Judge all that waits."""
        while self.run.phase == "active" and (owed := judgement(self.run)):
            verdicts = tuple(EVALUATOR.judge(self.run, owed.asks, (), self.around))
            self.decide(Judged(epoch=owed.epoch, seq=owed.seq, verdicts=verdicts))

    def take(self, node: str) -> None:
        key = key_of(self.run, NodeId(node), self.run.nodes[NodeId(node)])
        self.decide(TakeWork(key=key, take="t", by="Q"))

    def answer(self, node: str, event: Any) -> None:
        """The result of an action, which is not judged yet."""
        key = key_of(self.run, NodeId(node), self.run.nodes[NodeId(node)])
        good = event["event"] != "FATAL"
        report = Answered(good=good, outputs=event)
        self.decide(Reported(key=key, report=report, at=self.now))

    def complete(self, node: str, event: Any) -> None:
        self.take(node)
        self.answer(node, event)
        self.judge()

    def states(self) -> list[str]:
        return [
            f"{node} {state.phase} {state.state}".strip() for node, state in self.run.nodes.items()
        ]
