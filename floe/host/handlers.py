"""What a word brings about: a start, a signal to a run, or something that concerns other hosts."""

from dataclasses import replace

from floe.host.inputs import (
    Addressed,
    Drain,
    FlowRead,
    Forget,
    Free,
    Heard,
    Mark,
    Packed,
    Reply,
    Start,
    Surroundings,
    Troubles,
    Unsent,
)
from floe.host.step import Draft
from floe.kernel.evolve import evolve
from floe.model.event import FlowPinned, RunPacked, RunPended
from floe.model.refs import RunRef
from floe.model.run import Run
from floe.model.signal import Abandon, Cancel, DataGiven


def hear(draft: Draft, word: Addressed) -> None:
    """Take one word in."""
    ref, why = word.run, ""
    match word.word:
        case Start() as start:
            ref, changed = _start(draft, start)
        case Mark(rows=rows, appends=appends, promise=promise):
            draft.ledger += rows
            cluster = draft.core.cluster
            draft.heard += cluster.learned(appends) if cluster else appends
            draft.promise |= promise
            changed = True
        case Drain(on=on):
            changed = _drain(draft, on=on)
        case Troubles(says=says):
            changed = _troubles(draft, says)
        case Heard() | Unsent() | Forget() | Free() | Surroundings() as said:
            cluster = draft.core.cluster
            why = cluster.hear(draft, said) if cluster else "this host has no others"
            changed = not why
        case _:
            run = draft.core.table.runs.get(ref) if ref else None
            changed = run is not None and _tell(draft, run, word)
    if word.ticket:
        draft.replies.append(Reply(ticket=word.ticket, run=ref, changed=changed, why=why))


def _start(draft: Draft, start: Start) -> tuple[RunRef, bool]:
    core = draft.core
    if start.once and (known := core.once.get(start.once)):
        return known, False
    core.serial += 1
    ref = RunRef(core.host.id, core.store, core.serial)
    draft.keep("serial", "run", core.serial)
    draft.keep_once(start.once, ref)
    draft.ledger += start.marks
    if start.digest:
        draft.keep_flow(start.digest, start.flow)
    pended = RunPended(
        at=draft.now,
        flow=start.flow.id,
        ver=start.flow.ver,
        trigger=start.trigger,
        values=start.values,
        by=start.by,
        digest=start.digest,
    )
    draft.before[ref] = None
    draft.record(replace(evolve(None, pended, ref=ref), flow=start.flow), pended, None)
    return ref, True


def _tell(draft: Draft, run: Run, word: Addressed) -> bool:
    match word.word:
        case FlowRead(flow=flow, digest=digest, source=source):
            if run.phase != "reading":
                return False
            draft.keep_flow(digest, flow)
            draft.add(run, (FlowPinned(at=draft.now, digest=digest, source=source),), flow)
            return True
        case Packed(digests=digests):
            if run.phase != "ended":
                return False
            draft.keep("unpacked", run.ref.key, None)
            draft.add(run, (RunPacked(at=draft.now, digests=digests),))
            return True
        case Start() | Mark() | Drain() | Troubles():
            return False
        case Heard() | Unsent() | Forget() | Free() | Surroundings():
            return False
        case signal:
            if word.once and word.once in draft.core.once:
                return True
            if draft.core.table.is_note(run):
                changed = isinstance(signal, Cancel) and _cancel_elsewhere(draft, run, signal)
            else:
                changed = bool(draft.decide(run, signal).events)
            if changed and isinstance(signal, Cancel | DataGiven):
                draft.promise = True
                draft.keep_once(word.once, run.ref)
            return changed


def _cancel_elsewhere(draft: Draft, run: Run, cancel: Cancel) -> bool:
    """Ask for the end of a run whose pen is not here."""
    core = draft.core
    if core.is_held_back(run):
        draft.decide(run, Abandon(by=cancel.by, why=cancel.why))
        return True
    return core.cluster is not None and core.cluster.pen.cancel(draft, run, cancel)


def _drain(draft: Draft, *, on: bool) -> bool:
    core = draft.core
    if core.draining == on:
        return False
    core.draining = on
    core.table.news |= not on
    draft.promise_row("drain", "host", True if on else None)
    return True


def _troubles(draft: Draft, says: tuple[str, ...]) -> bool:
    """The machine's troubles are as they are, whatever the store takes: nothing undoes this."""
    core = draft.core
    changed = core.troubles != says
    core.troubles = says
    core.table.news |= changed
    return changed
