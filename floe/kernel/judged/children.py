"""Child runs that the calls of a judged run open: which may, and what is news of them.

Such a child goes on when its parent ends. What it comes to is an update of its parent, which the
host of the parent derives from the row of the child, wherever the child is.

Source: docs/kernel.md, "Judged runs".
"""

from typing import Final

from floe.kernel.children import DEPTH_MAX
from floe.kernel.judged.limits import UPDATES_MAX
from floe.kernel.judged.part import passes_of
from floe.kernel.owed import current
from floe.kernel.process import has_process
from floe.kernel.shared import with_item
from floe.model.judging import ActionEnded, Update, UpdateReceived
from floe.model.nouns import replace
from floe.model.opening import CHILDREN_MAX, ChildOpening
from floe.model.passes import Passes
from floe.model.run import Run
from floe.model.signal import Answered, Reported
from floe.model.states import StateTable
from floe.model.summary import WENT_ON, Summary

LOST: Final = "bad"
"""The state of a child that was lost with its hosts."""


def openings_of(run: Run, signal: Reported) -> tuple[ChildOpening, ...]:
    """The child runs that an answer opens: none if it is late, or the run is over."""
    state = current(run, signal.key)
    if not isinstance(signal.report, Answered) or state is None or not has_process(state):
        return ()
    known = passes_of(run).children
    new = {one.key: one for one in signal.report.opens if one.key not in known}
    return tuple(new.values()) if run.phase == "active" else ()


def opening_fault(run: Run, openings: tuple[ChildOpening, ...]) -> str:
    """Why an answer cannot open child runs, as the end of a sentence; empty if it can."""
    if (count := len(openings)) > CHILDREN_MAX:
        return f"it opens {count:,} child runs, of at most {CHILDREN_MAX:,} at once"
    if len(passes_of(run).children) + count > UPDATES_MAX:
        return f"its run would have more than {UPDATES_MAX:,} child runs"
    if run.parent is not None and len(run.parent.above) >= DEPTH_MAX:
        return f"more than {DEPTH_MAX} runs would be above its child run"
    return "" if all(one.key for one in openings) else "its child run has no key"


def with_children(passes: Passes, event: ActionEnded) -> Passes:
    """The passes with the child runs that an answer opened."""
    children, keys = passes.children, passes.child_keys
    for key, run in event.opened.items():
        children, keys = with_item(children, key, run), with_item(keys, run, key)
    return replace(passes, children=children, child_keys=keys) if event.opened else passes


def news_of(row: Summary, table: StateTable) -> str:
    """The state of a child that is news for its parent, whose flow has the table; empty for
    none.

    What a forgotten host lists as ended may go on at its adopter.
    """
    if row.why == WENT_ON:
        return ""
    if row.state == "archive":
        return row.label or row.result or LOST
    return row.label if row.phase == "resting" and row.label in table.told else ""


def update_of(parent: Run, row: Summary, state: str) -> Update | None:
    """The update of a parent by the row of a child; None if it did not open that child."""
    passes = parent.passes
    key = passes.child_keys.get(row.key) if passes is not None else None
    if key is None:
        return None
    return Update(source=row.key, key=key, state=state, epoch=row.epoch, seq=row.seq)


def is_known(last: UpdateReceived | None, update: Update) -> bool:
    """Whether an update says nothing that the last one with its key did not say.

    A child that is lost has no event of that, so its end may name that of its last rest.
    """
    if last is None or last.source != update.source:
        return False
    if update.epoch:
        at, last_at = (update.epoch, update.seq), (last.epoch, last.seq)
        is_later = at > last_at or (at == last_at and update.state == LOST)
        return last.state == update.state or not is_later
    return (last.state, last.value) == (update.state, update.value)
