"""Runs a flow as a test gives it: the kernel decides, the test says how each attempt ends."""

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from typing import Final, assert_never

from floe.expr.form_values import checked_values
from floe.host.inputs import Start
from floe.host.pack_events import given_event, values_by
from floe.host.site import SiteSettings
from floe.host.start_conditions import judged_start
from floe.host.trigger_values import initial_values, trigger_values
from floe.kernel.children import end_of
from floe.kernel.decide import decide
from floe.kernel.evolve import fold
from floe.kernel.owed import later, owed_by, parts_of
from floe.kernel.sentences import duration
from floe.kernel.title import title_of
from floe.model.callback import Callback
from floe.model.case import Case, GivenAttempt, GivenNode
from floe.model.codec import digest_of
from floe.model.effect import (
    AskData,
    AwaitAnswer,
    Effect,
    LoadFlow,
    OfferRun,
    OfferWork,
    PackArchive,
    PendChild,
    SetTimer,
    StartAction,
    StopAction,
    StopChild,
)
from floe.model.errors import NotFound, ValuesInvalid
from floe.model.event import Event, RunPended
from floe.model.flow import EVENT, Flow, Node, Trigger
from floe.model.form import Field, Form
from floe.model.http import Http
from floe.model.ids import HostId, Instant, Json, Key, NodeId, RunRef, StoreId
from floe.model.judging import JudgeRun
from floe.model.notify import Notify
from floe.model.nouns import dataclass
from floe.model.result import RunResult
from floe.model.run import Attached, Run
from floe.model.signal import (
    Activate,
    Answered,
    ChildMade,
    DataGiven,
    Exited,
    Failed,
    Report,
    Reported,
    Signal,
    Started,
    Stopped,
    TakeWork,
    TimerFired,
)
from floe.model.start_form import form_of
from floe.model.work import Ask

STEPS_MAX: Final = 100_000
"""Signals of a run; one that needs more counts as endless."""

START: Final = Instant(0)
BY: Final = "floe test"
_REF: Final = RunRef(HostId("test"), StoreId("test"), 1)
_GOOD: Final = GivenNode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A case that was played: its run and the events."""

    run: Run
    events: tuple[Event, ...]
    now: Instant
    """Milliseconds of virtual time since its start."""
    refused: str = ""
    """Why the `if` of its trigger starts no run; the events then only show the start."""

    @property
    def is_ended(self) -> bool:
        """Whether it ended within `STEPS_MAX`."""
        return self.run.phase == "ended"


def play(flow: Flow, case: Case) -> Played:
    """Run a flow in virtual time. Raises NotFound, ValuesInvalid, TooLarge for a wrong start."""
    return _Play(flow, case).played()


def trigger_of(flow: Flow, id: NodeId | None) -> Trigger | None:
    """The trigger by which a case is played; None for a flow without any. Raises NotFound."""
    if id is None:
        data = (trigger for trigger in flow.triggers if trigger.type == "data")
        return next(data, next(iter(flow.triggers), None))
    found = next((trigger for trigger in flow.triggers if trigger.id == id), None)
    if found is None:
        names = ", ".join(trigger.id for trigger in flow.triggers) or "none"
        raise NotFound(f"flow {flow.id} has no trigger `{id}`", f"its triggers: {names}")
    return found


class _Play:
    def __init__(self, flow: Flow, case: Case) -> None:
        self._flow = flow
        self._case = case
        self._now = START
        self._due: list[tuple[Instant, int, Signal]] = []
        self._order = count()
        self._begun: set[Effect] = set()
        self._serials = count(2)
        """Of child runs."""
        pended = _pended(flow, case)
        self._tags = frozenset(flow.host_tags)
        self._events: list[Event] = [pended]
        self._run = replace(fold(_REF, self._events), flow=flow)

    def played(self) -> Played:
        if refused := self._refused():
            return Played(run=self._run, events=(), now=START, refused=refused)
        self._decide(Activate(host=HostId("test"), epoch=1, workspace="/workspace"))
        for _ in range(STEPS_MAX):
            if not self._due or self._run.phase == "ended":
                break
            self._now, _, signal = heapq.heappop(self._due)
            self._decide(signal)
        return Played(run=self._run, events=tuple(self._events), now=self._now)

    def _refused(self) -> str:
        """Why the `if` of its trigger is false or fails; empty if the run starts."""
        trigger = trigger_of(self._flow, self._case.trigger)
        if trigger is None:
            return ""
        run = self._run
        start = Start(
            flow=self._flow, digest=None, trigger=trigger.id, values=run.values, by=run.by
        )
        host = SiteSettings(id=_REF.host, tags=self._tags, workspace_root="/")
        return judged_start(start, trigger, host).why

    def _decide(self, signal: Signal) -> None:
        hosts = self._case.hosts or {_REF.host: self._tags}
        attached = Attached(flow=self._flow, host_tags=self._tags, hosts=hosts)
        decision = decide(self._run, signal, self._now, attached)
        self._run = decision.run
        self._events += decision.events
        for effect in self._owed():
            if effect not in self._begun:
                self._begun.add(effect)
                self._begin(effect)

    def _owed(self) -> Iterator[Effect]:
        """What the run owes, in the order in which its nodes entered."""
        for node, item in parts_of(self._run):
            yield from sorted(owed_by(self._run, node, item), key=repr)

    def _begin(self, effect: Effect) -> None:
        match effect:
            case StartAction(key=key, started=False):
                node, given = self._flow.by_id[key.node], self._given(key)
                self._at(self._now, Started(key=key, at=self._now))
                self._end_attempt(key, node, given)
            case StopAction(key=key):
                self._at(self._now, Reported(key=key, report=Stopped(), at=self._now))
            case SetTimer(key=key, kind=kind, due=due):
                self._at(due, TimerFired(key=key, kind=kind))
            case AskData(key=key):
                given = self._given(key)
                is_call = isinstance(self._run.nodes[key.node].work, Callback)
                if is_call and given.result == "error":
                    return  # no answer comes, so that its time limit ends it
                answer = DataGiven(
                    node=key.node,
                    visit=key.visit,
                    item=key.item,
                    values=self._answers(key, given),
                    good=given.result == "good",
                    by=BY,
                    why=given.why,
                )
                self._at(later(self._now, given.after_s), answer)
            case OfferWork(key=key):
                self._take(key, self._given(key))
            case PendChild(key=key):
                self._start_child(key, self._given(key))
            case StopChild(key=key, run=child):
                self._child_ends(self._now, key, child, "cancelled", "cancelled by its parent")
            case (
                StartAction()
                | OfferWork()
                | AwaitAnswer()
                | LoadFlow()
                | OfferRun()
                | PackArchive()
                | JudgeRun()
            ):
                pass  # of a start that is recorded, or of what a test has not
            case _:
                assert_never(effect)

    def _end_attempt(self, key: Key, node: Node, given: GivenAttempt) -> None:
        report, seconds = _report(node, given), given.after_s
        if isinstance(node.work, Callback):
            seconds = 0.0  # of its request; the answer takes the time
        if node.timeout_s is not None and node.timeout_s < seconds:
            seconds = node.timeout_s
            report = Failed(cause="timeout", why=f"timed out after {duration(seconds)}")
        at = later(self._now, seconds)
        self._at(at, Reported(key=key, report=report, at=at))

    def _take(self, key: Key, given: GivenAttempt) -> None:
        """Take outside work and answer it, unless the test gives an error: no program takes it."""
        if given.result == "error":
            return
        self._at(self._now, TakeWork(key=key, take=str(key), by=BY))
        good = given.result == "good"
        why = "" if good else given.why or "as the test says"
        due = later(self._now, given.after_s)
        report = Answered(good=good, why=why, outputs=given.outputs)
        self._at(due, Reported(key=key, report=report, at=due))

    def _start_child(self, key: Key, given: GivenAttempt) -> None:
        """Pend the child run of an attempt, or refuse it where the test gives an error."""
        if given.result == "error":
            failed = Failed(cause="error", why=given.why or "as the test says")
            due = later(self._now, given.after_s)
            self._at(due, Reported(key=key, report=failed, at=due))
            return
        child = RunRef(_REF.host, _REF.store, next(self._serials))
        self._at(self._now, ChildMade(key=key, run=child))
        due, why = later(self._now, given.after_s), given.why or "as the test says"
        self._child_ends(due, key, child.key, given.result, why, given.outputs)

    def _child_ends(
        self,
        due: Instant,
        key: Key,
        child: str,
        result: RunResult,
        why: str,
        outputs: Mapping[str, Json] | None = None,
    ) -> None:
        ended = end_of(str(RunRef.parse(child)), result, why)
        report = replace(ended, outputs=outputs or {})
        self._at(due, Reported(key=key, report=report, at=due))

    def _given(self, key: Key) -> GivenAttempt:
        """How the current attempt of a node ends; attempts count on over its visits."""
        node = self._case.given.get(key.node, _GOOD)
        earlier = self._run.visits(key.node)[:-1]
        nth = sum(visit.attempt for visit in earlier) + key.attempt
        given = node.items[key.item] if 0 <= key.item < len(node.items) else node.attempts
        return given[min(nth, len(given)) - 1]

    def _answers(self, key: Key, given: GivenAttempt) -> Mapping[str, Json]:
        work = self._run.nodes[key.node].work
        assert isinstance(work, Ask | Callback), "nothing else asks"
        if given.result != "good" or (isinstance(work, Callback) and not work.form.fields):
            return given.outputs
        return checked_values(work.form, {**_answers_of(work.form), **given.outputs})

    def _at(self, due: Instant, signal: Signal) -> None:
        heapq.heappush(self._due, (due, next(self._order), signal))


def _answers_of(form: Form) -> Mapping[str, Json]:
    """An answer for each required field without a value of its own."""
    return {
        field.id: _answer(field)
        for field in form.fields
        if field.required and field.value in (None, "")
    }


def _answer(field: Field) -> Json:
    match field.type:
        case "bool":
            return True
        case "number":
            return 1
        case "choice":
            return field.choices[0]
        case "list":
            return [field.id]
        case "string" | "text":
            return field.id
        case _:
            assert_never(field.type)


def _pended(flow: Flow, case: Case) -> RunPended:
    trigger = trigger_of(flow, case.trigger)
    values, by = case.values, BY
    if trigger is not None:
        if trigger.type == "data":
            values = checked_values(form_of(trigger), values)
        else:
            by = f"trigger:{trigger.id}"
            values = {**initial_values(trigger), **_heard(trigger, values)}
        values = {**trigger_values(trigger.git), **values}
    pended = RunPended(
        at=START,
        flow=flow.id,
        ver=flow.ver,
        trigger=trigger.id if trigger else NodeId("test"),
        values=values,
        by=by,
        digest=digest_of(flow),
    )
    return replace(pended, title=title_of(fold(_REF, [pended]), flow))


def _heard(trigger: Trigger, values: Mapping[str, Json]) -> Mapping[str, Json]:
    """The values of a case, with those that the trigger takes of a given event."""
    if trigger.heard is None or EVENT not in values:
        return values
    event = given_event(trigger.heard, values[EVENT])
    found, why = values_by(trigger, event)
    if why:
        raise ValuesInvalid({EVENT: why})
    return {**values, **found}


def _report(node: Node, given: GivenAttempt) -> Report:
    if isinstance(node.work, Http):
        return _reply(node.work, given)
    if isinstance(node.work, Callback) and given.result != "error":
        return Answered(good=True, outputs={})  # its request
    if isinstance(node.work, Notify) and given.status is None and given.result != "error":
        good = given.result == "good"
        why = "" if good else given.why or "not sent"
        return Answered(good=good, why=why, outputs=given.outputs)
    if given.status is not None:
        return Exited(status=given.status, outputs=given.outputs)
    match given.result:
        case "good":
            return Exited(status=node.good[0], outputs=given.outputs)
        case "bad":
            status = next(status for status in range(1, 256) if status not in node.good)
            return Exited(status=status, outputs=given.outputs)
        case "error":
            return Failed(cause="error", why=given.why or "as the test says")
        case _:
            assert_never(given.result)


def _reply(work: Http, given: GivenAttempt) -> Report:
    """How a request ends: `status` is that of the reply, and an output too."""
    if given.status is None and given.result == "error":
        return Failed(cause="error", why=given.why or "as the test says")
    good = given.result == "good" if given.status is None else work.expects(given.status)
    status = given.status or (200 if good else 500)
    return Answered(
        good=good,
        why="" if good else given.why or f"answered {status}",
        outputs={"status": status, **given.outputs},
    )
