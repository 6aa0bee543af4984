"""How a pass ends, and how the next begins: the worst state decides, by the table of the flow."""

from typing import Final

from floe.kernel.judged.awaited import keys_met
from floe.kernel.judged.lane import in_flight, judgement
from floe.kernel.judged.part import dues_of, passes_of, table_of, worst_of
from floe.kernel.owed import later
from floe.kernel.run_step import RunStep
from floe.kernel.sentences import first_parts
from floe.model.event import RunEnding
from floe.model.ids import Instant
from floe.model.passes import PassBegan, RunExtended, RunRested
from floe.model.result import RunResult
from floe.model.run import Run
from floe.model.states import State

BY_UPDATE: Final = "update"
BY_TIMER: Final = "timer"
"""Who began a pass, where it was no person."""

EXTENDED_S: Final = 0.3
"""Until the pass of a run that a person extended, who so sees that it is due."""


def rest(step: RunStep) -> None:
    """Record the end of a pass if nothing is left to do in it, and the next if an update is met.

    Terminates because an update begins at most one pass.
    """
    while step.run.phase == "active" and judgement(step.run) is None and not in_flight(step.run):
        conclude(step)
        wake(step)


def conclude(step: RunStep) -> None:
    """Record that a run rests, or ends, with the verdict of its worst state, or is paused."""
    if (asked := passes_of(step.run).pausing) is not None:
        pause(step, by=asked.by, verdict=asked.verdict)
        return
    worst, table = worst_of(step.run), table_of(step.run)
    verdict = worst.verdict if worst else ""
    result = table.ends.get(verdict) if worst else "good"
    if result is not None:
        end(step, result, verdict or "nothing is left to run", label=verdict)
        return
    number, due = passes_of(step.run).number, _due(step, worst)
    if due is not None and is_spent(step.run):
        verdict, due = table.passes_verdict, None
    step.add(RunRested(at=step.now, number=number, verdict=verdict, due=due))


def pause(step: RunStep, *, by: str, verdict: str) -> None:
    """Record that a person keeps a run at rest."""
    number = passes_of(step.run).number
    step.add(RunRested(at=step.now, number=number, verdict=verdict, by=by))


def hold(step: RunStep, *, verdict: str, why: str) -> None:
    """Record that a run rests for a reason that is no state of a node, until a person runs it."""
    number = passes_of(step.run).number
    step.add(RunRested(at=step.now, number=number, verdict=verdict, why=why))


def begin_pass(step: RunStep, *, by: str, why: str = "", leaves_waiting: bool = False) -> None:
    """Begin the next pass of a run at rest."""
    step.add(
        PassBegan(
            at=step.now,
            number=passes_of(step.run).number + 1,
            by=by,
            why=why,
            leaves_waiting=leaves_waiting,
        )
    )


def wake(step: RunStep) -> None:
    """Begin a pass of a run at rest if a parked part has all updates that it awaits."""
    passes = passes_of(step.run)
    if step.run.phase == "resting" and (keys := keys_met(passes)) and _may_wake(step.run):
        begin_pass(step, by=BY_UPDATE, why=first_parts(sorted(keys)), leaves_waiting=True)


def go_on(step: RunStep) -> None:
    """Begin the passes of a run at rest whose updates have come."""
    wake(step)
    rest(step)


def allow(step: RunStep, *, by: str, passes: int) -> None:
    """Record that a run may have further passes. If it rests for want of them, the next is due."""
    was_held = is_spent(step.run) and _is_held(step.run)
    step.add(RunExtended(at=step.now, by=by, passes=passes))
    if was_held and step.run.phase == "resting" and not is_spent(step.run):
        worst, number = worst_of(step.run), passes_of(step.run).number
        verdict, due = worst.verdict if worst else "", later(step.now, EXTENDED_S)
        step.add(RunRested(at=step.now, number=number, verdict=verdict, due=due))


def is_spent(run: Run) -> bool:
    """Whether no further pass of a run begins at an instant, until a person allows more."""
    passes, limit = passes_of(run), table_of(run).passes_max
    return limit > 0 and limit + passes.extended <= passes.number


def _may_wake(run: Run) -> bool:
    """Whether an update may begin a pass of a run at rest."""
    passes, wakes = passes_of(run), table_of(run).wakes
    is_deaf = bool(wakes) and passes.verdict not in wakes
    return not (passes.paused_by or is_deaf or _is_held(run))


def _is_held(run: Run) -> bool:
    """Whether a run rests since it had all its passes."""
    return passes_of(run).verdict == table_of(run).passes_verdict != ""


def end(step: RunStep, result: RunResult, why: str, label: str = "") -> None:
    """Decide the result of a run; what has a process is stopped first."""
    good = result == "good"
    step.add(RunEnding(at=step.now, good=good, why=why, result=result, label=label))
    step.finish()


def _due(step: RunStep, worst: State | None) -> Instant | None:
    """When the next pass is due: as soon as the first part is, and soon enough.

    What was due before now had its pass. If it cannot run, it would begin each next pass at once.
    What was due later stays due, also if a person or an update began this pass before it.
    """
    if worst is None or not worst.retries:
        return None
    run, table = step.run, table_of(step.run)
    dues = [due for due, row in dues_of(run) if row.retries]
    dues += [former] if (former := passes_of(run).due) else []
    ahead = (due for due in dues if due > step.now)
    return min([*ahead, later(step.now, table.rest_longest_s)])
