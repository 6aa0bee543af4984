"""How a run of a judged flow begins."""

from floe.model.ids import RunRef
from floe.model.passes import Passes, RunOpened
from floe.model.run import Run
from floe.model.tags import TRIGGER_GOOD


def opened_run(ref: RunRef, event: RunOpened) -> Run:
    """The run that begins with an event: in its first pass, or at rest before it."""
    begins = not event.verdict
    return Run(
        ref=ref,
        flow_id=event.flow,
        ver=event.ver,
        digest=event.digest,
        phase="active" if begins else "resting",
        seq=1,
        epoch=event.epoch,
        trigger=event.trigger,
        values=event.values,
        by=event.by,
        title=event.title,
        host=event.host,
        store=event.store,
        standing={TRIGGER_GOOD: 1},
        pended_at=event.at,
        started_at=event.at,
        parent=event.parent,
        sealed=event.sealed,
        passes=Passes(
            number=1 if begins else 0,
            began_at=event.at if begins else None,
            verdict=event.verdict,
            due=event.due,
        ),
    )
