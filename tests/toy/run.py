"""A run of a flow of the toy dialect, as its host opens it."""

from floe.kernel.evolve import fold
from floe.model.codec import digest_of
from floe.model.flow import Flow
from floe.model.ids import Instant, NodeId
from floe.model.passes import RunOpened
from floe.model.run import Run
from tests.make import H1, NOW, REF, STORE, attached


def opened(flow: Flow, *, at: Instant = NOW, verdict: str = "") -> RunOpened:
    """The first event of a run of a flow; with a verdict, it rests before its first pass."""
    return RunOpened(
        at=at,
        flow=flow.id,
        ver=flow.ver,
        digest=digest_of(flow),
        trigger=NodeId("start"),
        values={},
        by="alice",
        host=H1,
        store=STORE,
        verdict=verdict,
    )


def a_judged_run(flow: Flow) -> Run:
    """A run in its first pass, its flow attached."""
    return attached(fold(REF, [opened(flow)]), flow)
