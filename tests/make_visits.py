"""A store with a run whose nodes entered twice: no flow of the floe language does that yet.

The kernel decides the events, as a host would have recorded them.
"""

from dataclasses import replace
from pathlib import Path
from typing import Final

from floe.kernel.evolve import fold
from floe.model.codec import digest_of, encode, encode_event, to_text
from floe.model.event import Event, RunGranted
from floe.model.flow import Backoff, Retry
from floe.model.ids import FlowId, Instant, NodeId, RunRef
from floe.model.run import Run
from floe.model.signal import Activate, DataGiven, Exited, Reported, Reset, Signal, TimerFired
from floe.model.summary import summary_of
from floe.model.tags import Tag
from floe.model.work import Exec
from floe.store.base import Append, Batch, LedgerWrite, Record
from floe.store.sqlite import SqliteStore
from tests.make import H1, NOW, a_flow, a_form, a_merge, a_node, a_pended, decided, started, the_key

LOOP: Final = a_flow(
    a_merge("loop", ["trigger.good", "task.fix.good"], "any"),
    a_node(
        "build",
        Exec(argv=("make",)),
        on="merge.loop.good",
        retry=Retry(max=2, backoff=Backoff(first_s=1.0)),
    ),
    a_form("ask", on="task.build.good"),
    a_node("fix", Exec(argv=("make", "fix")), on="task.ask.bad"),
    a_node("ship", Exec(argv=("true",)), on="task.ask.good"),
    a_form("hold"),
    id=FlowId("loop"),
    name="Loop",
)
"""Builds and asks; if rejected, fixes and begins again. `hold` keeps the run active meanwhile."""

AGAIN: Final = tuple(map(NodeId, ("loop", "build", "ask", "fix")))
SECOND_MS: Final = 1_000


class _Story:
    """A run that grows by signals, one second after another."""

    def __init__(self, root: Path, ref: RunRef, began_at: Instant) -> None:
        self._root = root
        self.now = began_at
        pended = a_pended(LOOP, at=began_at)
        granted = RunGranted(at=began_at, host=H1, store=ref.store, epoch=1, fences={})
        self.events: list[Event] = [pended, granted]
        self.run: Run = replace(fold(ref, self.events), flow=LOOP)
        space = root / "spaces" / "loop" / "ws" / ref.key
        self.add(Activate(host=H1, epoch=1, workspace=str(space)))

    def add(self, signal: Signal) -> None:
        """Decide a signal, and keep its events."""
        self.now = Instant(self.now + SECOND_MS)
        decision = decided(self.run, signal, self.now)
        self.events += decision.events
        self.run = decision.run

    def attempt(self, node: str, text: str, status: int = 0, **outputs: str) -> None:
        """An attempt of a node that prints a text."""
        key = the_key(self.run, node)
        path = self._root / "runs" / key.run.key / f"{key.name}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.add(started(self.run, node, self.now))
        report = Exited(status=status, outputs=outputs, output_bytes=len(text))
        self.add(Reported(key=key, report=report, at=Instant(self.now + SECOND_MS // 2)))

    def retry(self, node: str) -> None:
        """The backoff of a node is over."""
        self.add(TimerFired(key=the_key(self.run, node), kind="retry"))

    def reject(self, by: str) -> None:
        """Reject the form."""
        self.add(DataGiven(node=NodeId("ask"), values={"ok": False}, good=False, by=by))


async def store_second_visit(root: Path, began_at: Instant = NOW) -> str:
    """Store a run of LOOP on h1, whose form `ask` is open for the second time; return its name.

    Build: two attempts in its first visit, and three in its second.
    """
    store = SqliteStore(root)
    await store.open()
    try:
        story = _Story(root, RunRef(H1, store.store_id, 1), began_at)
        story.attempt("build", "first visit, first attempt\n", status=1)
        story.retry("build")
        story.attempt("build", "first visit, second attempt\n", found="old")
        story.reject("ann")
        story.attempt("fix", "fixed\n")
        story.add(Reset(nodes=AGAIN, by=Tag("task.fix.good")))
        for nth in ("first", "second"):
            story.attempt("build", f"second visit, {nth} attempt\n", status=2)
            story.retry("build")
        story.attempt("build", "second visit, third attempt\n", found="new")
        await store.append(_batch(story))
        return str(story.run.ref)
    finally:
        await store.close()


def _batch(story: _Story) -> Batch:
    run = story.run
    epochs = [0 if seq == 1 else 1 for seq in range(1, len(story.events) + 1)]
    records = tuple(
        Record(run=run.ref, epoch=epoch, seq=seq, event=event, body=to_text(encode_event(event)))
        for seq, (epoch, event) in enumerate(zip(epochs, story.events, strict=True), 1)
    )
    append = Append(run=run.ref, epoch=1, after=0, records=records, summary=summary_of(run))
    ledger = (
        LedgerWrite(kind="flow", key=digest_of(LOOP), value=encode(LOOP)),
        LedgerWrite(kind="serial", key="run", value=1),
    )
    return Batch(appends=(append,), ledger=ledger, promise=True)
