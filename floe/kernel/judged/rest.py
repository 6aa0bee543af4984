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
from floe.model.passes import PassBegan, RunRested
from floe.model.result import RunResult
from floe.model.run import Run
from floe.model.states import State

BY_UPDATE: Final = "update"
BY_TIMER: Final = "timer"
"""Who began a pass, where it was no person."""


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


def begin_pass(
    step: RunStep, *, by: str, why: str = "", context: str = "", leaves_waiting: bool = False
) -> None:
    """Begin the next pass of a run at rest, if it may have one more."""
    passes, table = passes_of(step.run), table_of(step.run)
    if not is_spent(step.run):
        number = passes.number + 1
        step.add(
            PassBegan(
                at=step.now,
                number=number,
                by=by,
                why=why,
                context=context,
                leaves_waiting=leaves_waiting,
            )
        )
    elif passes.verdict != table.passes_verdict:
        verdict = table.passes_verdict
        step.add(RunRested(at=step.now, number=passes.number, verdict=verdict))


def wake(step: RunStep) -> None:
    """Begin a pass of a run at rest if a parked part has all updates that it awaits."""
    passes = passes_of(step.run)
    if step.run.phase == "resting" and not passes.paused_by and (keys := keys_met(passes)):
        begin_pass(step, by=BY_UPDATE, why=first_parts(sorted(keys)), leaves_waiting=True)


def go_on(step: RunStep) -> None:
    """Begin the passes of a run at rest whose updates have come."""
    wake(step)
    rest(step)


def is_spent(run: Run) -> bool:
    """Whether a run has had all its passes; a person may allow more."""
    passes, limit = passes_of(run), table_of(run).passes_max
    return limit > 0 and limit + passes.extended <= passes.number


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
