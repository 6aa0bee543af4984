"""What a person may do to a task on its page of the dashboard, beside running and cancelling it."""

from collections.abc import Mapping
from typing import Final

from floe.dialects.utask import readings
from floe.dialects.utask.compiled import (
    BLOCKED_BADREQUEST,
    BLOCKED_DEADLOCK,
    BLOCKED_FATAL,
    BLOCKED_MAXRETRIES,
    BLOCKED_TOCHECK,
    ERROR,
    PAUSED,
    WAITING,
    run_max_of,
)
from floe.dialects.utask.forms import resolver_form, resolver_values
from floe.expr.form_values import checked_values
from floe.model.acts import Act, Acts
from floe.model.errors import Conflict, Yours
from floe.model.ids import Json
from floe.model.run import Run
from floe.server.utask.resolutions import allow_passes, keep_at_rest, resolve
from floe.server.utask.site import UtaskFault, UtaskSite
from floe.server.utask.tasks import leave

RESOLVE: Final = "resolve"
RESTART: Final = "restart"
LEAVE: Final = "wontfix"
PAUSE: Final = "pause"
EXTEND: Final = "extend"

HINTS: Final = {
    PAUSED: "Paused: nothing begins until a person runs it again. uTask's API edits its steps and"
    " values.",
    BLOCKED_BADREQUEST: "A step refused its values. Mend the cause and run it again, or start the"
    " task over.",
    BLOCKED_FATAL: "A step failed permanently. Mend the cause and run it again: the step runs too.",
    BLOCKED_TOCHECK: "A person has to check it before it runs again: a step may have run that must"
    " not run twice, or the template has changed.",
    BLOCKED_DEADLOCK: "The steps that are left wait for states that no step comes to.",
    ERROR: "A step failed and is tried again by itself.",
    WAITING: "It goes on by itself when what it waits for has come.",
}
"""What the state of a resolution means for a person."""


def acts_of(run: Run) -> Acts:
    """What a person may do now, and what the state means."""
    template, state = readings.template_of(run), readings.resolution_state(run)
    form = resolver_form(template)
    assert run.passes is not None, "a run of utask is judged"
    if run.phase == "active" and (asked := run.passes.pausing) is not None:
        return Acts(hint=f"{asked.by} pauses it: it rests when what runs is over.")
    if run.phase == "active":
        why = (
            "What runs goes on to its end; nothing else begins until a person runs the task again."
        )
        return Acts(acts=(Act(id=PAUSE, name="Pause", why=why),))
    if run.phase != "resting":
        return Acts()
    if not state:
        why = "Takes the task, so that its first pass begins."
        leave_why = "Ends the task as WONTFIX: it is not going to be done."
        acts = [Act(id=RESOLVE, name="Resolve", why=why, form=form)]
        acts += [Act(id=LEAVE, name="Won't fix", why=leave_why)] if _is_new(run) else []
        hint = "No person has taken it yet: resolve it, and its first pass begins."
        return Acts(hint=hint, acts=tuple(acts))
    acts = []
    hint = HINTS.get(state, "")
    if state == BLOCKED_MAXRETRIES:
        passes = _passes(run_max_of(template))
        hint = f"It had {_passes(readings.run_max(run))}, all that it may have by itself."
        why = f"Allows {passes} more, and begins the next at once."
        acts.append(Act(id=EXTEND, name="Extend", why=why))
    if state in (PAUSED, BLOCKED_BADREQUEST):
        why = "Forgets what its steps came to, and begins with the first."
        acts.append(Act(id=RESTART, name="Start over", why=why, form=form))
    if state != PAUSED:
        why = "Keeps it at rest: neither an instant nor an update begins its next pass."
        acts.append(Act(id=PAUSE, name="Pause", why=why))
    return Acts(hint=hint, acts=tuple(acts))


async def do_act(
    site: UtaskSite, run: Run, act: str, values: Mapping[str, Json], *, by: str, once: str
) -> None:
    """Do it; it is on the disk when this returns.

    Raises Conflict where it is not possible now, ValuesInvalid, Yours for wrong values, Busy,
    World.
    """
    one = next((one for one in acts_of(run).acts if one.id == act), None)
    if one is None:
        what = f"{act[:80]!r} is not possible while the task is {readings.task_state(run)}"
        raise Conflict(what, "look at it again: it may have changed")
    if values and one.form is None:
        raise Yours(f"{act} takes no values")
    given: Mapping[str, Json] = {}
    if one.form is not None:
        given = resolver_values(readings.template_of(run), checked_values(one.form, values))
    try:
        match act:
            case "pause":
                await keep_at_rest(site, run, by, force=run.phase == "active", once=once)
            case "extend":
                await allow_passes(site, run, by, once)
            case "wontfix":
                await leave(site, run, by, once)
            case _:
                await resolve(site, run, by, given, is_again=act == RESTART, once=once)
    except UtaskFault as error:
        raise Conflict(error.what) from error


def _passes(count: int) -> str:
    return f"{count:,} pass{'' if count == 1 else 'es'}"


def _is_new(run: Run) -> bool:
    return readings.task_state(run) == "TODO"
