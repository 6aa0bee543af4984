"""What an input causes: a start, a signal to a run, or something that concerns other hosts."""

from collections.abc import Mapping
from typing import Final, assert_never

from floe.host.child_news import rows_read, tell_parents
from floe.host.children import open_children, pend_child, refused_flow
from floe.host.earlier_children import note_children_left, note_rows
from floe.host.inputs import (
    CatchUp,
    Child,
    ChildrenLeft,
    ChildrenRead,
    Drain,
    FlowRead,
    Forget,
    Free,
    GiveBack,
    Incoming,
    LogRead,
    Mark,
    Packed,
    PassOver,
    Prune,
    Received,
    Reply,
    RunKeysWrapped,
    SealKeys,
    SecretNames,
    Start,
    Surroundings,
    TakeOldest,
    Troubles,
    Unsent,
    WriteRow,
)
from floe.host.opening_inputs import AnswerHeard, HearEvent, OpeningInput, OpenJudged, OpenRun
from floe.host.openings import answer_heard, hear, open_asked, open_judged
from floe.host.peers.base import PeerParts
from floe.host.removal import COPIES, receive_removals, remove
from floe.host.shared.base import Sharing
from floe.host.starts import start_run, why_not_started
from floe.host.step import Step
from floe.host.takes import give_back_here, take_oldest
from floe.kernel.group import group_of
from floe.kernel.judged.people import Refusable, refusal
from floe.kernel.title import title_of
from floe.model.call import TakenWork
from floe.model.event import FlowPinned, RunPacked
from floe.model.ids import RunRef
from floe.model.judging import Update
from floe.model.nouns import replace
from floe.model.passes import BeginPass, Extend
from floe.model.people import PeopleSignal
from floe.model.run import Run
from floe.model.signal import (
    Abandon,
    Cancel,
    DataGiven,
    Reported,
    Signal,
    Started,
    TimerFired,
)
from floe.store.sealing import RUN_KEY

BY_PEOPLE: Final = Cancel | DataGiven | BeginPass | Extend | PeopleSignal
"""Signals that are on the disk before their sender has a reply, and that may have an idempotency
key."""


def handle(step: Step, peers: PeerParts, sharing: Sharing, received: Incoming) -> None:
    """Handle one input."""
    ref, why, removed = received.run, "", tuple[str, ...]()
    taken: TakenWork | None = None
    is_void = False
    match received.input:
        case Started() | Reported() | TimerFired() as signal:  # first: they are the most
            run = step.site.table.runs.get(ref) if ref else None
            changed = run is not None and _signal(step, peers, run, signal, received)
        case Start() as start:
            why = why_not_started(step, start)
            ref, changed = (None, True) if why else start_run(step, start)
        case PassOver(flow=flow, trigger=trigger, why=text):
            step.ledger.append(step.site.passed_over.add(flow, trigger, text, step.now))
            changed = True
        case Child() as child:
            changed = pend_child(step, child)
        case Mark(rows=rows, appends=appends, prunes=prunes, promise=promise):
            step.ledger += rows
            learned = peers.learned(appends)
            note_rows(step.site, learned)
            tell_parents(step, learned, peers.is_gone)
            step.learned += learned
            receive_removals(step, prunes)
            step.promise |= promise
            changed = True
        case Prune() as prune:
            removed = remove(step, peers, prune)
            changed = bool(removed)
        case Drain(on=on):
            changed = _drain(step, on=on)
        case Troubles(problems=problems):
            changed = _troubles(step, problems)
        case SecretNames(names=names):
            changed = step.site.secrets != names
            step.site.secrets = names
            step.retry_pends |= changed
        case RunKeysWrapped(rows=rows):
            changed = _wrapped(step, rows)
        case SealKeys():
            step.retry_pends = changed = True  # the site has them by now
        case Received() | Unsent() | Forget() | Free() | Surroundings() as one:
            why = peers.receive(step, one)
            changed = not why
        case TakeOldest() as wanted:
            ref = None if wanted.run else step.site.once.get(wanted.once)
            is_void = ref is None and not wanted.run and _is_void(step, peers, wanted)
            if ref is None and not is_void and peers.seek(step, wanted, received.ticket):
                return
            is_new = ref is None and not wanted.run and not is_void
            taken = take_oldest(step, wanted) if is_new else None
            changed = taken is not None
        case GiveBack() as wanted_back:
            changed = peers.give_back(step, wanted_back) or give_back_here(step, wanted_back)
        case WriteRow() | CatchUp() as row:
            sharing.take(step, row, received.ticket)  # it replies, maybe in a later step
            return
        case OpenRun() | HearEvent() | AnswerHeard() | OpenJudged() as opening:
            opened = _opened(step, opening, received)
            step.replies += [opened] if received.ticket else []
            return
        case _:
            run = step.site.table.runs.get(ref) if ref else None
            changed = run is not None and _change(step, peers, run, received)
            if run is not None and not changed and isinstance(received.input, Refusable):
                why = refusal(run, received.input)
    if received.ticket:
        reply = Reply(ticket=received.ticket, run=ref, changed=changed, why=why, removed=removed)
        step.replies.append(replace(reply, taken=taken, is_void=is_void))


def _is_void(step: Step, peers: PeerParts, wanted: TakeOldest) -> bool:
    """Whether a take whose work is not known gets none: it is void, or becomes so now."""
    if step.site.void_takes.has(step.site.id, wanted.take):
        return True
    return wanted.is_repeat and peers.void(step, wanted.take)


def _opened(step: Step, given: OpeningInput, received: Incoming) -> Reply:
    """Open runs of judged flows, or keep an event that may open some."""
    ticket, ref = received.ticket, received.run
    match given:
        case OpenRun():
            ref, is_new, why = open_asked(step, given)
            return Reply(ticket=ticket, run=ref, changed=is_new, why=why)
        case HearEvent():
            number, why = hear(step, given)
            return Reply(ticket=ticket, run=None, changed=not why, why=why, number=number)
        case AnswerHeard():
            run = step.site.table.runs.get(ref) if ref else None
            number, why = 0, ""
            if run is not None and not step.site.table.is_foreign(run):
                number, why = answer_heard(step, run, given)
            return Reply(ticket=ticket, run=ref, changed=number > 0, why=why, number=number)
        case OpenJudged():
            opened = open_judged(step, given)
            return Reply(ticket=ticket, run=None, changed=bool(opened), opened=opened)
        case _:
            assert_never(given)


def _change(step: Step, peers: PeerParts, run: Run, received: Incoming) -> bool:
    """Apply an input to its run; return whether it changed anything."""
    match received.input:
        case FlowRead(flow=flow, digest=digest, source=source):
            if run.phase != "reading":
                return False
            if refusal := refused_flow(run, flow):
                return bool(step.decide(run, refusal).events)
            step.keep_flow(digest, flow)
            pinned = FlowPinned(
                at=step.now,
                digest=digest,
                source=source,
                title=title_of(run, flow),
                group=group_of(run, flow),
            )
            step.add(run, (pinned,), flow)
            return True
        case Packed(digests=digests, copied_bytes=copied_bytes):
            if run.phase != "ended":
                return False
            if copied_bytes:
                step.keep(COPIES, run.ref.key, copied_bytes)
                step.promise = True  # the outputs may be deleted here at any time after
            step.keep("unpacked", run.ref.key, None)
            step.add(run, (RunPacked(at=step.now, digests=digests),))
            return True
        case ChildrenLeft() as left:
            changed = note_children_left(step.site, run, left)
            step.retry_pends |= changed
            return changed
        case ChildrenRead(rows=rows):
            return rows_read(step, run, rows, peers.is_gone)
        case LogRead() as log:
            return peers.read(step, run, log)
        case Start() | Child() | Mark() | PassOver() | Prune() | Drain() | Troubles():
            return False
        case SecretNames() | RunKeysWrapped() | SealKeys():
            return False
        case Received() | Unsent() | Forget() | Free() | Surroundings() | TakeOldest() | GiveBack():
            return False
        case WriteRow() | CatchUp() | OpenRun() | HearEvent() | AnswerHeard() | OpenJudged():
            return False
        case signal:
            return _signal(step, peers, run, signal, received)


def _signal(step: Step, peers: PeerParts, run: Run, signal: Signal, received: Incoming) -> bool:
    """Pass a signal on to its run; return whether it changed anything."""
    if received.once and received.once in step.site.once:
        return True
    if step.site.table.is_foreign(run):
        changed = isinstance(signal, Cancel) and _cancel_foreign(step, peers, run, signal)
    else:
        if run.passes is not None and isinstance(signal, Reported):
            signal = open_children(step, run, signal)
        changed = bool(step.decide(run, signal).events)
    if changed and received.ticket and isinstance(signal, Reported | Update):
        step.promise = True  # a program outside knows of it
    if changed and isinstance(signal, BY_PEOPLE):
        step.promise = True
        step.keep_once(received.once, run.ref)
    return changed


def _cancel_foreign(step: Step, peers: PeerParts, run: Run, cancel: Cancel) -> bool:
    """Ask for the end of a run whose log a different store may write."""
    if step.site.is_held_back(run):
        step.decide(run, Abandon(by=cancel.by, why=cancel.why))
        return True
    return peers.cancel(step, run, cancel)


def _wrapped(step: Step, rows: Mapping[str, str]) -> bool:
    """Keep the newly wrapped keys of runs, but of none that was removed meanwhile."""
    kept = {key: row for key, row in rows.items() if step.site.seals.row(RunRef.parse(key))}
    for key, row in kept.items():
        step.promise_row(RUN_KEY, key, row)
    return bool(kept)


def _drain(step: Step, *, on: bool) -> bool:
    if step.site.draining == on:
        return False
    step.site.drain(on=on)
    step.retry_pends |= not on
    step.promise_row("drain", "host", True if on else None)
    return True


def _troubles(step: Step, problems: tuple[str, ...]) -> bool:
    """Keep the problems of the machine. A refused append does not undo them."""
    site = step.site
    changed = site.troubles != problems
    site.troubles = problems
    step.retry_pends |= changed
    return changed
