"""What a run of a judged flow owes as a whole: its judgement, and its timers."""

from floe.kernel.judged.lane import judgement
from floe.kernel.judged.part import passes_of
from floe.model.effect import Effect, SetTimer
from floe.model.flow import Flow
from floe.model.ids import Instant, Key
from floe.model.run import Run


def owed_by_judged(run: Run, key: Key) -> frozenset[Effect]:
    """The effects that an active or resting run owes as a whole, which has this key."""
    assert run.flow is not None, "the flow of an active run is attached"
    assert run.started_at is not None, "it was opened"
    due = passes_of(run).due if run.phase == "resting" else None
    effects: list[Effect] = timers_at_rest(key, run.flow, run.started_at, due)
    if run.phase == "active" and (owed := judgement(run)) is not None:
        effects.append(owed)
    return frozenset(effects)


def timers_at_rest(key: Key, flow: Flow, started_at: Instant, due: Instant | None) -> list[Effect]:
    """The timers of a run as a whole: its time limit, and its next pass if that has an instant."""
    effects: list[Effect] = []
    if flow.timeout_s is not None:
        effects.append(SetTimer(key, "run", Instant(started_at + round(flow.timeout_s * 1000))))
    if due is not None:
        effects.append(SetTimer(key, "pass", due))
    return effects
