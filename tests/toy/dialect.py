"""The toy dialect as a host has it: its evaluator, its flows, its calls and its rows.

The flows are in a file, `$TOY_FLOWS`: each is a first line and its steps, with a blank line
between two flows.
"""

import asyncio
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from floe.dialects.base import Around, JudgedDialect, SharedRowReader
from floe.model.call import Call
from floe.model.codec import digest_of
from floe.model.event import Event
from floe.model.facet import Facet
from floe.model.flow import Flow
from floe.model.ids import FlowId, Instant, Json
from floe.model.judging import Enter, Question, Verdict
from floe.model.opening import ChildOpening, Opened, Opening
from floe.model.run import Run
from floe.model.signal import Answered
from floe.nodes.base import Job
from floe.nodes.call_ground import CallGround
from floe.nodes.calls import CallType
from tests.toy.judge import judged
from tests.toy.reader import options_of, toy_flow

FLOWS = "TOY_FLOWS"


class ToyEvaluator:
    """The evaluator of the toy."""

    def judge(
        self, run: Run, asks: Sequence[Question], known: Sequence[Verdict], around: Json = None
    ) -> Iterator[Verdict]:
        """As the toy judges, which does not look at earlier verdicts."""
        for question in asks[len(known) :]:
            yield from judged(run, (question,), Instant(time.time_ns() // 1_000_000))

    def judge_text(self, kind: str, body: Json) -> Json:
        """The body."""
        return body

    def open(self, event: Json, flow: Flow, around: Json = None) -> Opened:
        """A run of the flow, if the event has the name that its trigger listens to.

        Raises ValueError for an event that is `bad` for the flow.
        """
        if not isinstance(event, dict) or event.get("event") != flow.triggers[0].name:
            return Opened()
        if event.get("bad") == flow.id:
            raise ValueError(f"{flow.id} finds the event bad")
        given = event.get("values")
        return Opened(openings=(opening_of(flow, given if isinstance(given, dict) else {}),))


EVALUATOR = ToyEvaluator()


def opening_of(flow: Flow, values: Mapping[str, Json]) -> Opening:
    """The run that an event opens."""
    first = [node for node in flow.nodes if "entered" in options_of(node)]
    enters = tuple(Enter(node=node.id, work=node.work) for node in first)
    return Opening(trigger=flow.triggers[0].id, values=values, title="by an event", enters=enters)


class ToyRows:
    """What the toy adds to the rows of its runs."""

    def label(self, run: Run) -> str:
        """The verdict of a run at rest."""
        return (run.passes.verdict if run.passes else "") or run.phase

    def facets(self, run: Run) -> Iterable[Facet]:
        """The values of a run."""
        pairs = (f"{name}={value}" for name, value in run.values.items())
        return [Facet(kind="toy.value", key=pair, at=run.pended_at) for pair in pairs]

    def is_row_changed(self, event: Event) -> bool:
        """Only if the run changes as a whole."""
        return False

    def told(self, run: Run) -> Json:
        """The states of its nodes."""
        return {str(node): state.state for node, state in run.nodes.items()}


class ToyFlows:
    """The flows in the file, as they are at each event."""

    async def flows_of(self, event: Json, rows: SharedRowReader) -> Mapping[str, Flow]:
        """All flows."""
        return {digest_of(flow): flow for flow in flows_in(Path(os.environ[FLOWS]))}

    def around(self, flow: Flow, digest: str, rows: SharedRowReader) -> Around | None:
        """Nothing."""
        return None


def flows_in(path: Path) -> list[Flow]:
    """The flows in a file; the name of each is behind `toy` in its first line."""
    blocks = path.read_text(encoding="utf-8").strip().split("\n\n")
    return [real_flow(*block.splitlines()) for block in blocks]


def real_flow(line: str, *steps: str) -> Flow:
    """A flow of a file, whose runs a host judges by the toy."""
    _, name, *options = line.split()
    flow = toy_flow(" ".join(["toy", *options]), [step.strip() for step in steps])
    assert flow.states is not None
    return replace(
        flow,
        id=FlowId(name),
        name=name,
        dialect="toy",
        states=replace(flow.states, dialect="toy"),
    )


async def step(job: Job) -> Answered:
    """Carry out a step: append its run, name and attempt to the file `mark=` of its config, if any.

    The first attempts, as many as `fails=` says, come to SERVER_ERROR; others are good. `opens=`
    names a flow: a child run of it is opened whose updates have the key `await=`.
    """
    assert isinstance(job.work, Call)
    assert isinstance(job.work.config, list)
    given = dict(str(word).partition("=")[::2] for word in job.work.config)
    if mark := given.get("mark"):
        await asyncio.to_thread(_append, Path(mark), f"{job.key.run} {job.node} {job.key.attempt}")
    if job.key.attempt <= int(given.get("fails", "0")):
        return Answered(good=False, why="fails", outputs={}, kind="SERVER_ERROR")
    opens = (_child(given["opens"], given["await"]),) if "opens" in given else ()
    return Answered(good=True, outputs={"node": job.node}, opens=opens)


def _child(name: str, key: str) -> ChildOpening:
    flow = next(flow for flow in flows_in(Path(os.environ[FLOWS])) if flow.id == name)
    opening = Opening(trigger=flow.triggers[0].id)
    return ChildOpening(key=key, flow=flow, digest=digest_of(flow), opening=opening)


def calls_of(ground: CallGround) -> Mapping[str, CallType]:
    """What carries out the calls of the toy."""
    return {"toy.step": step}


def _append(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


TOY = JudgedDialect(
    evaluator="tests.toy.dialect:EVALUATOR",
    rows=ToyRows(),
    events=ToyFlows,
    calls="tests.toy.dialect:calls_of",
)
