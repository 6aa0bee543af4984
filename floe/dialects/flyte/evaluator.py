"""Judges events: which runs they open, and which steps follow a finished action.

It runs in an evaluator process, with limits.
"""

import base64
import secrets
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple, cast

from floe.dialects.flyte.candidates import candidates
from floe.dialects.flyte.compiled import FATAL, READY, SUCCESS, step_of, uuid_of
from floe.dialects.flyte.events import FATAL_EVENT, SENT_BY, pack_id
from floe.dialects.flyte.faults import fault_shape
from floe.dialects.flyte.flow import FlyteAction, FlyteEvent, FlyteFlow, FlytePack, Texts
from floe.dialects.flyte.reading import flow_of
from floe.dialects.flyte.stepping import StepFault, StepTemplates, event_struct, executed
from floe.dialects.flyte.trial import TRY, tried
from floe.dialects.pack_work import ACTION, labels_of, queue_of
from floe.expr.pongo2.moments import Moment, moment_of
from floe.expr.pongo2.scope import StoredItem
from floe.model.call import OutsideWork
from floe.model.flow import Flow, Node
from floe.model.ids import Json, NodeId, Shape
from floe.model.judging import Enter, Note, Question, Verdict
from floe.model.opening import Opened, Opening
from floe.model.run import Run

FINDING: Final = "finding"

OVER: Final = ("settled", "parked")
"""Phases of an action that has its result; parked: the verdict about that failed."""

VERSIONS_KEPT: Final = 500
"""Versions of flows that a process keeps as they were read, with their templates."""


class ParsedVersion(NamedTuple):
    """A version of a flow as it was read, with its templates."""

    flow: FlyteFlow
    templates: StepTemplates
    nodes: tuple[Node, ...]


class Fired(NamedTuple):
    """What an event makes of the steps of a correlation."""

    enters: list[Enter]
    faults: list[tuple[Node, StepFault]]


class FlyteEvaluator:
    """The evaluator of flyte's flows."""

    def __init__(self) -> None:
        self._read: OrderedDict[str, ParsedVersion] = OrderedDict()
        """By uuid."""

    def judge(
        self, run: Run, asks: Sequence[Question], known: Sequence[Verdict], around: Json
    ) -> Iterator[Verdict]:
        """What follows from the results of finished actions, one after the other."""
        assert run.flow is not None, "a run is judged with its flow"
        correlation = _Correlation(run, self._flow(run.flow), FlyteSurroundings(around))
        for question, verdict in zip(asks, known, strict=False):
            correlation.apply(question, verdict)
        for question in asks[len(known) :]:
            verdict = correlation.judged(question)
            correlation.apply(question, verdict)
            yield verdict

    def judge_text(self, kind: str, body: Json) -> Json:
        """For `READY` nothing; for `TRY` what an event would come to in a flow.

        Raises ValueError for other kinds.
        """
        if kind == READY:
            return None
        if kind != TRY:
            raise ValueError(f"flyte judges no {kind}")
        asked = cast(Shape, body)
        read = flow_of(asked["flow"]).flow
        assert read is not None, "the document was checked before it was kept"
        surroundings = FlyteSurroundings(asked.get("around"))
        shapes = asked["flow"].get("steps", [])
        return tried(read.steps, shapes, event_of(asked["event"]), surroundings)

    def open(self, event: Json, flow: Flow, around: Json) -> Opened:
        """The run of a flow that an event opens: none if it makes no action."""
        asked = cast(Shape, event)
        found = fired(self._flow(flow), asked, {}, {}, FlyteSurroundings(around))
        findings = tuple(f"{step_text(node)}: {fault}" for node, fault in found.faults)
        about = tuple(_about(asked, node, fault) for node, fault in found.faults)
        if not found.enters:
            return Opened(findings=findings, about=about)
        opening = Opening(
            values={"event": asked},
            by=asked.get(SENT_BY) or f"pack {asked['pack']['name']}",
            title=f"{flow.name}: {asked['pack']['name']} {asked['event']}",
            enters=tuple(found.enters),
        )
        return Opened(openings=(opening,), findings=findings, about=about)

    def _flow(self, flow: Flow) -> ParsedVersion:
        uuid = uuid_of(flow)
        if (found := self._read.get(uuid)) is None:
            document: Shape = {"name": flow.name, "steps": [step_of(node) for node in flow.nodes]}
            read = flow_of(document).flow
            assert read is not None, "the document was checked before it was kept"
            found = self._read[uuid] = ParsedVersion(read, StepTemplates(), flow.nodes)
            if len(self._read) > VERSIONS_KEPT:
                self._read.popitem(last=False)
        self._read.move_to_end(uuid)
        return found


class _Correlation:
    """A run, with what the verdicts of one judgement have added to it."""

    def __init__(self, run: Run, flow: ParsedVersion, items: "FlyteSurroundings") -> None:
        self._run, self._flow, self._items = run, flow, items
        self._names = {node.id: node.name for node in flow.nodes}
        self._finished: dict[str, bool] = {}
        """As in `candidates`."""
        for node, state in run.nodes.items():
            self._add(node, is_over=state.phase in OVER)

    def apply(self, question: Question, verdict: Verdict) -> None:
        """Add the effects of a verdict."""
        self._add(question.node, is_over=True)
        for one in () if verdict.failed else verdict.enters:
            self._add(one.node, is_over=False)

    def judged(self, question: Question) -> Verdict:
        """What follows from the result of one action."""
        state = self._run.nodes[question.node]
        assert isinstance(state.work, OutsideWork), "an action is outside work"
        event = cast(Shape, state.outputs)
        context = cast(Texts, cast(Shape, state.work.config).get("context", {}))
        self._add(question.node, is_over=True)
        found = fired(self._flow, event, context, self._finished, self._items, question.node)
        return Verdict(
            state=FATAL if event["event"] == FATAL_EVENT else SUCCESS,
            keeps_outputs=True,
            enters=tuple(found.enters),
            notes=tuple(
                Note(kind=FINDING, key=step_text(node), value=str(fault))
                for node, fault in found.faults
            ),
        )

    def _add(self, node: NodeId, *, is_over: bool) -> None:
        self._finished[self._names[node]] = is_over


def fired(
    read: ParsedVersion,
    event: Shape,
    context: Texts,
    finished: Mapping[str, bool],
    items: "FlyteSurroundings",
    after: str = "",
) -> Fired:
    """The steps that enter by an event, with the context that they inherit, and what is wrong with
    others. `after`: the node whose result the event is; empty for none."""
    typed = event_of(event)
    struct = event_struct(typed)
    numbers = {id(step): number for number, step in enumerate(read.flow.steps)}
    found = Fired([], [])
    for step in candidates(read.flow, typed, finished):
        node = read.nodes[numbers[id(step)]]
        result = executed(step, typed, context, items, read.templates, struct)
        if isinstance(result, StepFault):
            found.faults.append((node, result))
        elif isinstance(result, FlyteAction):
            found.enters.append(Enter(node=node.id, work=work_of(result, after)))
    return found


def event_of(event: Shape) -> FlyteEvent:
    """An event, from how runs keep it."""
    pack, received = event["pack"], event["receivedAt"]
    labels: Texts = pack.get("labels", {})
    return FlyteEvent(
        name=event["event"],
        pack=FlytePack(id=pack_id(pack["name"], labels), name=pack["name"], labels=labels),
        created_at=_moment(event.get("createdAt") or received),
        received_at=_moment(received),
        payload=event.get("payload"),
    )


class FlyteSurroundings:
    """What templates get from outside: the items of the datastore, chance and the time."""

    def __init__(self, around: Json) -> None:
        self._items = cast(Mapping[str, Sequence[str]], around or {})

    def item(self, key: str) -> StoredItem | None:
        """An item of the datastore; None if it has none with this key."""
        if (found := self._items.get(key)) is None:
            return None
        content_type, content = found
        return StoredItem(content_type, base64.b64decode(content))

    def below(self, end: int) -> int:
        """A number by chance, from 0 to below `end`."""
        return secrets.randbelow(end)

    def now(self) -> Moment:
        """The time."""
        return Moment(*divmod(time.time_ns(), 1_000_000_000))


def work_of(action: FlyteAction, after: str = "") -> OutsideWork:
    """The outside work of an action. `after`: the node whose result made it; empty for none."""
    config: Shape = {"input": action.input} if action.input is not None else {}
    if action.context:
        config["context"] = dict(action.context)
    if after:
        config["after"] = after
    return OutsideWork(
        type=ACTION,
        config=config,
        queue=queue_of(action.pack_name),
        name=action.command,
        labels=labels_of(action.pack_labels),
    )


def step_text(node: Node) -> str:
    """A step for people: its id, or its number where it has none."""
    return f"step {node.name}" if node.name else f"step {int(node.id[1:]) + 1}, which has no id"


def _about(event: Shape, node: Node, fault: StepFault) -> Shape:
    """What a finding is about, for a person who looks for its cause."""
    place = {"pack": event["pack"]["name"], "event": event["event"], "step": step_text(node)}
    return place | fault_shape(fault, step_of(node))


def _moment(text: str) -> Moment:
    found = moment_of(text)
    assert found is not None, "a time was checked when its event came"
    return found


EVALUATOR: Final = FlyteEvaluator()
