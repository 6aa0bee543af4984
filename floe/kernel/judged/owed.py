"""What a run of a judged flow owes as a whole: its judgement, and its timers."""

from floe.kernel.judged.lane import judgement
from floe.kernel.judged.part import passes_of
from floe.model.effect import Effect, SetTimer
from floe.model.ids import Instant, Key
from floe.model.run import Run


def owed_by_judged(run: Run, key: Key) -> frozenset[Effect]:
    """The effects that an active or resting run owes as a whole, which has this key."""
    effects: list[Effect] = []
    assert run.flow is not None, "the flow of an active run is attached"
    assert run.started_at is not None, "it was opened"
    if run.flow.timeout_s is not None:
        due = Instant(run.started_at + round(run.flow.timeout_s * 1000))
        effects.append(SetTimer(key, "run", due))
    if run.phase == "active":
        if (owed := judgement(run)) is not None:
            effects.append(owed)
    elif (next_due := passes_of(run).due) is not None:
        effects.append(SetTimer(key, "pass", next_due))
    return frozenset(effects)
