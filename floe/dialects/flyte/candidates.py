"""Which steps of a flow an event of flyte concerns, before any template is looked at."""

from collections.abc import Mapping

from floe.dialects.flyte.flow import FlyteEvent, FlyteFlow, FlyteStep

FinishedSteps = Mapping[str, bool]
"""Of a correlation: the ids of the steps that have an action, and whether it is finished. Steps
without an id have one together, and the last action counts."""


def begins(flow: FlyteFlow, event: FlyteEvent) -> bool:
    """Whether a fresh event concerns a flow: a step without `dependsOn` waits for it."""
    return any(not step.depends_on and awaits(step, event) for step in flow.steps)


def candidates(
    flow: FlyteFlow, event: FlyteEvent, finished: FinishedSteps
) -> tuple[FlyteStep, ...]:
    """The steps that an event concerns in a correlation, in the order of the flow.

    All are known before the first of them is executed. A fresh event has a correlation without
    actions. One step of `dependsOn` suffices, and whether its action was fatal does not count.
    """
    return tuple(
        step
        for step in flow.steps
        if awaits(step, event) and step.id not in finished and _is_free(step, finished)
    )


def awaits(step: FlyteStep, event: FlyteEvent) -> bool:
    """Whether a step waits for an event of this name of this pack."""
    return step.event.name == event.name and step.event.pack_name == event.pack.name


def _is_free(step: FlyteStep, finished: FinishedSteps) -> bool:
    return not step.depends_on or any(finished.get(one, False) for one in step.depends_on)
