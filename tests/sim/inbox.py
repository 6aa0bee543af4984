"""The event inbox, simulated: the real core of a host, with senders, an evaluator and faults.

Programs send events, and learn that they are kept. Each event opens a run of some flows, as the
evaluator finds a while later, and starts one of a flow of floe's own. Programs take the work of
these runs, and their answers are events too. Appends are refused, the host crashes and loses its
power, and requests of the evaluator's side are repeated. The rules are those of docs/hub.md,
"Outside events".

    python -m tests.sim.inbox --seeds 20000
    python -m tests.sim.inbox --seed 7 --bug row-stays
"""

import json
import sys
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from typing import Any, Final
from unittest.mock import patch

from floe.host import handlers, openings
from floe.host.inbox import Inbox, InboxEvent
from floe.host.inputs import Incoming, Input, TakeOldest
from floe.host.opening_inputs import (
    AnswerHeard,
    EventStart,
    HearEvent,
    JudgedEvent,
    OpenJudged,
    OpenRun,
)
from floe.host.step_result import StepResult
from floe.model.codec import digest_of
from floe.model.event import RunPended
from floe.model.flow import Flow, HeardEvent, Trigger
from floe.model.ids import FlowId, Instant, Key, NodeId, RunRef
from floe.model.judging import ActionEnded, Enter
from floe.model.passes import RunOpened
from floe.model.signal import Answered, Reported
from floe.store.base import LedgerWrite
from tests.make import a_flow, an_end
from tests.make_hosts import a_host_core
from tests.sim.model_command import play_many
from tests.sim.take import Broken, Machine
from tests.toy.reader import toy_flow

STORM: Final = 60
CALM: Final = 60

_TOY: Final = toy_flow("toy", ["a | entered post=q"])
FLOWS: Final = tuple(replace(_TOY, id=FlowId(f"flow{n}")) for n in range(3))

LISTENS: Final = Trigger(
    id=NodeId("start"),
    type="pack-event",
    name="start",
    heard=HeardEvent(pack="p", event="e"),
)
OWN: Final = a_flow(an_end("done", on="trigger.good"), id=FlowId("own"), triggers=(LISTENS,))
"""A flow of floe's own, of which each event starts a run."""


@dataclass
class Judging:
    """Events that the evaluator looks at."""

    events: tuple[InboxEvent, ...]
    until: int
    """When it answers."""


@dataclass
class World:
    """One trial."""

    seed: int
    story: bool = False
    tick: int = 0
    sent: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    accepted: list[int] = field(default_factory=list)
    """The events whose senders learned that they are kept, in order."""
    answers: dict[int, Key] = field(default_factory=dict)
    """The work that an event answered."""
    counted: set[Key] = field(default_factory=set)
    """The work whose taker learned that its answer counts."""
    flows: dict[int, list[int]] = field(default_factory=dict)
    """The flows of each event, by index."""
    judging: Judging | None = None
    repeated: tuple[Input, ...] = ()
    """What the evaluator's side sends once more."""

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        made = a_host_core("h1", peers=0)
        self.host = Machine(made.settings, made.store, made.core)

    def play(self) -> None:
        """The storm, the calm, and the judgement."""
        faults = {self.random.randrange(STORM): n for n in range(self.random.randint(0, 4))}
        for self.tick in range(STORM + CALM):
            self.host.now = Instant(self.host.now + 100)
            if self.tick in faults:
                self.fault()
            if self.tick < STORM and self.random.random() < 0.5:
                self.hear()
            if self.tick < STORM and self.random.random() < 0.2:
                self.answer()
            self.work()
        self.judge()

    def chance(self, share: float) -> bool:
        return self.tick < STORM and self.random.random() < share

    def tell(self, text: str) -> None:
        if self.story:
            sys.stdout.write(f"{self.tick:4} {text}\n")

    def step(self, given: Input, run: RunRef | None = None) -> StepResult | None:
        """A step of the host; None where the store refuses it. The evaluator may look meanwhile."""
        core = self.host.core
        decided = core.step([Incoming(input=given, run=run, ticket=1)], self.host.now)
        if self.judging is None and not isinstance(given, OpenJudged) and self.chance(0.3):
            self.look()
        if self.chance(0.15):
            self.counts["refused"] += 1
            self.tell(f"refused {type(given).__name__}")
            core.undo(decided)
            return None
        self.host.keep(decided)
        return decided

    # --- senders ---

    def event(self) -> tuple[int, HearEvent]:
        """The next event, which concerns some of the flows."""
        self.sent += 1
        flows = self.random.sample(range(len(FLOWS)), self.random.randint(0, len(FLOWS)))
        self.flows[self.sent] = flows
        return self.sent, HearEvent(dialect="toy", body=json.dumps([self.sent, *flows]))

    def hear(self) -> None:
        number, event = self.event()
        if (decided := self.step(event)) and decided.replies[0].changed:
            self.tell(f"event {number} is kept as {decided.replies[0].number}: {event.body}")
            self.accepted.append(number)

    def answer(self) -> None:
        """A program takes work and answers it, perhaps twice."""
        wanted = TakeOldest(queue="q", labels=frozenset(), take=f"t{self.tick}", by="a")
        decided = self.step(wanted)
        work = decided.replies[0].taken if decided else None
        if work is None:
            return
        key = Key.parse(work.key)
        for _ in range(1 + self.chance(0.5)):
            number, event = self.event()
            report = Reported(
                key=key, report=Answered(good=True, outputs={}), at=self.host.now, take=work.take
            )
            decided = self.step(AnswerHeard(answer=report, event=event), key.run)
            if decided and decided.replies[0].changed:
                if key in self.counted:
                    raise Broken(f"answer_counts_once: {key}")
                self.tell(f"the answer to {key} is event {number}")
                self.counts["answers"] += 1
                self.counted.add(key)
                self.accepted.append(number)
                self.answers[number] = key

    # --- the evaluator ---

    def look(self) -> None:
        if events := self.host.core.site.inbox.first(self.random.randint(1, 4)):
            self.judging = Judging(events, self.tick + self.random.choice((0, 0, 1, 3)))

    def work(self) -> None:
        for given in self.repeated:
            self.step(given)
        self.repeated = ()
        if self.judging is None:
            self.look()
        elif self.judging.until <= self.tick:
            events, self.judging = self.judging.events, None
            judged = OpenJudged(events=tuple(map(_judged, events)))
            if self.step(judged) is None:
                return
            if self.chance(0.2):
                self.repeated = (judged,)

    def fault(self) -> None:
        kind = self.random.choice(("crash", "power"))
        self.counts[kind] += 1
        self.tell(kind)
        self.judging, self.repeated = None, ()
        if kind == "power":
            self.host.lose_power()
        self.host.restart()

    # --- the end ---

    def judge(self) -> None:
        """What has to hold once all is calm."""
        found: dict[int, list[tuple[int, str]]] = {}
        answered: set[Key] = set()
        for ref, log in sorted(self.host.logs.items(), key=lambda one: one[0].serial):
            first = log[0].event
            assert isinstance(first, RunOpened | RunPended)
            number = first.values["event"]
            assert isinstance(number, int)
            found.setdefault(number, []).append((ref.serial, first.flow))
            for record in log:
                event = record.event
                if isinstance(event, ActionEnded):
                    answered.add(
                        Key(ref, record.epoch, event.node, event.visit, event.attempt, event.item)
                    )
        if len(self.host.core.site.inbox):
            raise Broken(f"every_event_leaves: {self.host.core.site.inbox.first(9)}")
        for number, runs in found.items():
            flows = [flow for _, flow in runs]
            if len({*flows}) < len(flows):
                raise Broken(f"event_opens_once: {number} opened {flows}")
        for number in self.accepted:
            body = self.flows[number]
            flows = [flow for _, flow in found.get(number, [])]
            if flows != [*(f"flow{n}" for n in body), OWN.id]:
                raise Broken(f"accepted_event_opens_its_runs: {number} {body} opened {flows}")
        serials = [runs[0][0] for _, runs in sorted(found.items())]
        if serials != sorted(serials):
            raise Broken(f"events_are_judged_in_order: {sorted(found.items())}")
        for number, key in self.answers.items():
            if key not in answered:
                raise Broken(f"answer_and_event_are_one: {key} of event {number} is open")
        self.counts["runs"] += len(self.host.logs)
        self.counts["events"] += len(self.accepted)


def _judged(event: InboxEvent) -> JudgedEvent:
    number, *flows = json.loads(event.body)
    start = EventStart(OWN, digest_of(OWN), LISTENS, {"event": number})
    opens = tuple(_opening(FLOWS[n], number) for n in flows)
    return JudgedEvent(number=event.number, opens=opens, starts=(start,))


def _opening(flow: Flow, number: int) -> OpenRun:
    [node] = flow.nodes
    return OpenRun(
        flow=flow,
        digest=digest_of(flow),
        trigger=NodeId("start"),
        values={"event": number},
        by="event",
        enters=(Enter(node=node.id, work=node.work),),
    )


# --- deliberate bugs ---

_take_out, _put, _hear, _answer = Inbox.take_out, Inbox.put, openings.hear, openings.answer_heard


def _left_there(self: Inbox, number: int) -> LedgerWrite:
    return replace(_take_out(self, number), key="0")


def _unpromised(step: Any, event: HearEvent) -> tuple[int, str]:
    before = step.promise
    found = _hear(step, event)
    step.promise = before
    return found


def _opened_again(step: Any, judged: OpenJudged) -> Any:
    return {
        event.number: tuple(openings.open_run(step, one)[0] for one in event.opens)
        for event in judged.events
        if [*map(step.ledger.append, [step.site.inbox.take_out(event.number)])]
    }


def _number_again(self: Inbox, event: HearEvent, now: Instant) -> tuple[int, LedgerWrite]:
    self._last = max(self._events, default=0)
    return _put(self, event, now)


def _unsorted(self: Inbox, count: int) -> tuple[InboxEvent, ...]:
    return tuple(self._events.values())[:count]


def _unheard(step: Any, run: Any, given: AnswerHeard) -> tuple[int, str]:
    return (1, "") if step.decide(run, given.answer).events else (0, "")


def _heard_anyway(step: Any, run: Any, given: AnswerHeard) -> tuple[int, str]:
    step.decide(run, given.answer)
    return openings.hear(step, given.event)


BUGS: Final[dict[str, tuple[Any, ...]]] = {
    "row-stays": (patch.object(Inbox, "take_out", _left_there),),
    "event-is-no-promise": (patch.object(handlers, "hear", _unpromised),),
    "judged-event-opens-again": (patch.object(handlers, "open_judged", _opened_again),),
    "number-is-given-again": (patch.object(Inbox, "put", _number_again),),
    "undone-event-is-last": (patch.object(Inbox, "first", _unsorted),),
    "answer-is-no-event": (patch.object(handlers, "answer_heard", _unheard),),
    "late-answer-is-an-event": (patch.object(handlers, "answer_heard", _heard_anyway),),
}


def play(seed: int, bug: str = "", *, story: bool = False) -> tuple[str, Counter[str]]:
    """A trial: the invariant that it breaks, empty for none, and what happened how often."""
    with ExitStack() as stack:
        for change in BUGS.get(bug, ()):
            stack.enter_context(change)
        world = World(seed, story)
        try:
            world.play()
        except Broken as broken:
            return str(broken), world.counts
    return "", world.counts


if __name__ == "__main__":
    sys.exit(play_many(__doc__, play, BUGS, partial(play, story=True)))
