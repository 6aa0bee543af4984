"""Runs of judged flows that are opened here: by a person, by a program, or by an event."""

from collections.abc import Mapping

from floe.host.inputs import Start
from floe.host.opening_inputs import (
    AnswerHeard,
    EventFinding,
    EventStart,
    HearEvent,
    OpenJudged,
    OpenRun,
)
from floe.host.starts import is_sealed, start_run, why_not_started
from floe.host.step import Step
from floe.kernel.evolve import evolve
from floe.model.ids import RunRef
from floe.model.nouns import replace
from floe.model.opening import BeginOpened
from floe.model.passes import RunOpened
from floe.model.run import Run
from floe.store.sealing import RUN_KEY


def refusal(step: Step, opening: OpenRun) -> str:
    """Why a run cannot be opened here; empty if it can."""
    if opening.flow.states is None:
        return f"the flow {opening.flow.id} is not judged: its runs are triggered"
    if is_sealed(opening) and (problem := step.site.seals.problem()):
        return f"its run cannot be sealed: {problem}"
    return ""


def open_run(step: Step, opening: OpenRun) -> tuple[RunRef, bool]:
    """Open a run with all that enters at once; return it, and whether it is new."""
    site, flow = step.site, opening.flow
    if opening.once and (known := site.once.get(opening.once)):
        return known, False
    site.serial += 1
    ref = RunRef(site.id, site.store, site.serial)
    step.keep("serial", "run", site.serial)
    step.keep_once(opening.once, ref)
    if is_sealed(opening):
        step.keep(RUN_KEY, ref.key, site.seals.begin(ref))
    step.keep_flow(opening.digest, flow)
    opened = RunOpened(
        at=step.now,
        flow=flow.id,
        ver=flow.ver,
        digest=opening.digest,
        trigger=opening.trigger,
        values=opening.values,
        by=opening.by,
        host=site.id,
        store=site.store,
        title=opening.title,
        verdict=opening.verdict,
        due=opening.due,
        parent=opening.parent,
        sealed=is_sealed(opening),
    )
    step.before[ref] = None
    run = replace(evolve(None, opened, ref=ref), flow=flow)
    step.record(run, opened, None)
    step.decide(run, BeginOpened(enters=opening.enters))
    return ref, True


def open_asked(step: Step, opening: OpenRun) -> tuple[RunRef | None, bool, str]:
    """Open the run that a person or a program asks for: its run, whether it is new, or why not.

    It is on the disk before it is answered.
    """
    if why := refusal(step, opening):
        return None, False, why
    ref, is_new = open_run(step, opening)
    step.promise |= is_new
    return ref, is_new, ""


def hear(step: Step, event: HearEvent) -> tuple[int, str]:
    """Keep an event on the disk: its number in the inbox, or why it is refused."""
    inbox = step.site.inbox
    if why := inbox.refusal(event):
        return 0, why
    number, row = inbox.put(event, step.now)
    step.ledger.append(row)
    step.promise = True
    return number, ""


def answer_heard(step: Step, run: Run, given: AnswerHeard) -> tuple[int, str]:
    """Record an answer to outside work, and keep it as an event; both, or neither.

    Returns the number of the event, 0 where the answer changes nothing, or why it is refused.
    """
    if why := step.site.inbox.refusal(given.event):
        return 0, why
    if not step.decide(run, given.answer).events:
        return 0, ""
    return hear(step, given.event)


def start_by_event(step: Step, given: EventStart) -> RunRef | None:
    """Start the run of a flow of floe's own that an event starts; None where it starts none, which
    the trigger remembers."""
    if given.why:
        row = step.site.passed_over.add(given.flow, given.trigger, given.why, step.now)
        step.ledger.append(row)
        return None
    start = Start(
        flow=given.flow,
        digest=given.digest,
        trigger=given.trigger.id,
        values=given.values,
        by=f"trigger:{given.trigger.id}",
    )
    return None if why_not_started(step, start) else start_run(step, start)[0]


def open_judged(step: Step, judged: OpenJudged) -> Mapping[int, tuple[RunRef, ...]]:
    """Open the runs of judged events, which leave the inbox; the runs by event."""
    inbox = step.site.inbox
    found: dict[int, tuple[RunRef, ...]] = {}
    for event in judged.events:
        if event.number not in inbox:
            continue
        step.ledger.append(inbox.take_out(event.number))
        refs: list[RunRef] = []
        findings = [*event.findings]
        for opening in event.opens:
            if why := refusal(step, opening):
                findings.append(EventFinding(opening.flow.id, why, opening.flow.name))
            else:
                refs.append(open_run(step, opening)[0])
        refs += [ref for start in event.starts if (ref := start_by_event(step, start))]
        for finding in findings:
            step.ledger += inbox.find(finding, step.now)
        found[event.number] = tuple(refs)
    return found
