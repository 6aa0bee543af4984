"""What one judgement may add to a run, and what a run of a judged flow may hold.

A judgement is applied in one step of its host, so a limit keeps that short. What does not fit
beside the verdicts before it is asked again; what never fits is an error of its node.
"""

from typing import Final

from floe.kernel.judged.part import passes_of
from floe.model.call import Call, OutsideWork
from floe.model.codec import shown_text
from floe.model.event import Event, ItemEntered, NodeEntered, NodeSettled
from floe.model.judging import (
    AWAITS_MAX,
    CHANGES_MAX,
    VERDICT_BYTES_MAX,
    ActionEnded,
    NodeSet,
    RunNoted,
    Update,
    UpdateReceived,
    Verdict,
)
from floe.model.passes import Passes
from floe.model.run import Run
from floe.model.work import Work

RUN_BYTES_MAX: Final = 256 << 20
"""Bytes of outputs, lists, work, notes and updates that a run adds to its log."""

NOTES_MAX: Final = 10_000
"""Of a run."""

NOTE_BYTES_MAX: Final = 65_536
"""Of a note of a person."""

UPDATES_MAX: Final = 20_000
"""Keys of updates of a run."""

UPDATE_BYTES_MAX: Final = 1 << 20


class Room:
    """The room for what one judgement adds to a run; exists while its verdicts are applied."""

    def __init__(self) -> None:
        self._changes = CHANGES_MAX
        self._bytes = VERDICT_BYTES_MAX

    def takes(self, verdict: Verdict) -> bool:
        """Whether a verdict fits beside those before it, which it then does."""
        self._changes -= changes_of(verdict)
        self._bytes -= bytes_of(verdict)
        return self._changes >= 0 and self._bytes >= 0


def changes_of(verdict: Verdict) -> int:
    """How many events a verdict causes besides that of its own node."""
    return len(verdict.sets) + len(verdict.enters) + len(verdict.notes)


def bytes_of(verdict: Verdict) -> int:
    """Bytes that a verdict adds to a run, as JSON."""
    size = size_of(verdict.outputs) + size_of(verdict.items) + size_of(verdict.awaits)
    size += _work_size(verdict.work) + sum(_work_size(one.work) for one in verdict.enters)
    size += sum(len(one.kind) + len(one.key) + size_of(one.value) for one in verdict.notes)
    return size + len(verdict.why) + sum(len(one.why) for one in verdict.sets)


def excess_of(run: Run, verdict: Verdict) -> str:
    """Why a verdict adds too much to a run, as a sentence without a subject; empty if it does
    not."""
    if (count := changes_of(verdict)) > CHANGES_MAX:
        return f"has {count:,} states to set, entries and notes, of at most {CHANGES_MAX:,}"
    if (count := len(verdict.awaits)) > AWAITS_MAX:
        return f"awaits {count:,} updates, of at most {AWAITS_MAX:,}"
    if (size := bytes_of(verdict)) > VERDICT_BYTES_MAX:
        return f"has {size:,} bytes, of at most {VERDICT_BYTES_MAX:,}"
    passes = passes_of(run)
    if verdict.notes and len(passes.notes) + len(verdict.notes) > NOTES_MAX:
        return f"adds {len(verdict.notes):,} notes, and the run has at most {NOTES_MAX:,}"
    return run_excess(passes, size)


def run_excess(passes: Passes, size: int) -> str:
    """Why a run cannot hold further bytes, as a sentence without a subject; empty if it can."""
    if not size or passes.bytes + size <= RUN_BYTES_MAX:
        return ""
    return (
        f"adds {size:,} bytes to the run, which has {passes.bytes:,} of at most {RUN_BYTES_MAX:,}"
    )


def update_fault(passes: Passes, update: Update) -> str:
    """Why a run does not record an update; empty if it does."""
    if (size := size_of(update.value)) > UPDATE_BYTES_MAX:
        return f"an update has at most {UPDATE_BYTES_MAX:,} bytes"
    is_new = update.key not in passes.updates and update.key not in passes.children
    if is_new and len(passes.updates) >= UPDATES_MAX:
        return f"it has updates of {UPDATES_MAX:,} keys, and no more fit"
    excess = run_excess(passes, size)
    return f"the update {excess}" if excess else ""


def bytes_added(event: Event) -> int:
    """Bytes that an event adds to a run, as JSON; 0 for most."""
    match event:
        case ActionEnded(outputs=outputs, metadata=metadata, opened=opened):
            return size_of(outputs) + size_of(metadata) + size_of(opened)
        case NodeSettled(outputs=outputs):
            return size_of(outputs)
        case NodeSet(outputs=outputs, awaits=awaits):
            return size_of(outputs) + size_of(awaits)
        case NodeEntered(work=work, items=items):
            return _work_size(work) + size_of(items)
        case ItemEntered(work=work):
            return _work_size(work)
        case UpdateReceived(value=value) | RunNoted(value=value):
            return size_of(value)
        case _:
            return 0


def _work_size(work: Work | None) -> int:
    return size_of(work.config) if isinstance(work, Call | OutsideWork) else 0


def size_of(value: object) -> int:
    """Bytes of a value as JSON; 0 for none."""
    return len(shown_text(value).encode(errors="replace")) if value else 0
