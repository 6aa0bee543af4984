"""The start of a run: its number, its first event, and what is stored with it."""

from floe.host.inputs import Start
from floe.host.opening_inputs import OpenRun
from floe.host.site import RECENT_MAX
from floe.host.start_conditions import judged_start
from floe.host.step import Step
from floe.kernel.evolve import evolve
from floe.kernel.group import group_of
from floe.kernel.title import title_of
from floe.model.event import RunPended
from floe.model.ids import RunRef
from floe.model.nouns import replace
from floe.store.sealing import RUN_KEY


def is_sealed(start: Start | OpenRun) -> bool:
    """Whether the log of the run is encrypted."""
    return start.sealed or start.flow.seal


def start_run(step: Step, start: Start) -> tuple[RunRef | None, bool]:
    """Make a pending run; return it, and whether it is new. None: the run to repeat is removed.

    A start of a sealed run is refused before, if no key can be had.
    """
    site, old = step.site, start.rerun_of
    if start.once and (known := site.once.get(start.once)):
        return known, False
    if old is not None and old.run in site.removed:
        return None, False
    site.serial += 1
    ref = RunRef(site.id, site.store, site.serial)
    step.keep("serial", "run", site.serial)
    step.keep_once(start.once, ref)
    step.ledger += start.marks
    if sealed := is_sealed(start):
        step.keep(RUN_KEY, ref.key, site.seals.begin(ref))
    if start.digest:
        step.keep_flow(start.digest, start.flow)
    pended = RunPended(
        at=step.now,
        flow=start.flow.id,
        ver=start.flow.ver,
        trigger=start.trigger,
        values=start.values,
        by=start.by,
        digest=start.digest,
        rerun_of=old,
        taken=start.taken,
        items_taken=start.items_taken,
        children=start.children,
        parent=start.parent,
        only=start.only,
        sealed=sealed,
    )
    step.before[ref] = None
    run = replace(evolve(None, pended, ref=ref), flow=start.flow)
    title = title_of(run, start.flow)
    group = group_of(run, start.flow) if start.digest else ""  # else the flow-file may decide it
    if title or group:
        pended = replace(pended, title=title, group=group)
        run = replace(run, title=title, group=group)
    step.record(run, pended, None)
    if old is not None:
        site.repeats.put_newest(ref.key, old.run, RECENT_MAX)
    return ref, True


def why_not_started(step: Step, start: Start) -> str:
    """Why a trigger starts no run: its `if` is false, or cannot be judged; empty if it starts one.

    The marks of the start are stored with the row about it, so it is not judged a second time.
    """
    flow, passed_over = start.flow, step.site.passed_over
    trigger = next((t for t in flow.triggers if t.id == start.trigger), None)
    if is_sealed(start) and (problem := step.site.seals.problem()):
        why = f"its run cannot be sealed: {problem}"
        if trigger is not None:
            step.ledger += (*start.marks, passed_over.add(flow, trigger, why, step.now))
        return why
    if trigger is None or not trigger.condition or start.rerun_of is not None:
        return ""
    if start.once and start.once in step.site.once:
        return ""
    if start.once and (known := passed_over.answer(flow, trigger, start.once)):
        return known
    verdict = judged_start(start, trigger, step.site.settings)
    if is_sealed(start) and verdict.why:  # without the values that it names
        how = "cannot be judged" if verdict.is_fault else "is false"
        verdict = verdict._replace(why=f"`if` of {trigger.id} {how}")
    step.ledger += passed_over.judged(flow, trigger, verdict.why if verdict.is_fault else "")
    if verdict.why:
        step.ledger += start.marks
        values = {} if is_sealed(start) else start.values
        step.ledger.append(
            passed_over.add(flow, trigger, verdict.why, step.now, values=values, once=start.once)
        )
        step.promise = True
    return verdict.why
