"""The actions of a run as flyte knows them: their states, and the events around them."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, cast

from floe.dialects.flyte.compiled import FATAL, SUCCESS
from floe.dialects.flyte.events import FATAL_EVENT
from floe.dialects.pack_work import labels_in
from floe.model.call import OutsideWork
from floe.model.ids import Instant, Json, NodeId, Shape
from floe.model.run import NodeState, Run

NEW: Final = "NEW"
PENDING: Final = "PENDING"


class ActionState(NamedTuple):
    """A state that an action came to."""

    value: str
    at: Instant


class RunAction(NamedTuple):
    """An action of a run of flyte."""

    number: int
    """Of its step."""
    work: OutsideWork
    states: tuple[ActionState, ...]
    """In order; the last is that of now."""
    trigger: Shape
    """The event that made it."""
    result: Shape | None
    """The event that ended it."""

    @property
    def state(self) -> ActionState:
        """The state of now."""
        return self.states[-1]

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels that a pack needs."""
        return labels_in(self.work.labels)

    @property
    def context(self) -> Mapping[str, str]:
        """All values that it has for the steps after it."""
        return cast(Mapping[str, str], self._config.get("context", {}))

    @property
    def input(self) -> Json:
        """What its pack gets; None for nothing."""
        return self._config.get("input")

    @property
    def _config(self) -> Mapping[str, Json]:
        assert isinstance(self.work.config, Mapping), "an action has a map"
        return self.work.config


def actions_of(run: Run) -> Iterator[RunAction]:
    """The actions of a run, in the order in which they were made."""
    for node, state in run.nodes.items():
        if isinstance(state.work, OutsideWork):
            yield _action(run, node, state, state.work)


def number_of(node: NodeId) -> int:
    """The number of the step of a node."""
    return int(node[1:])


def _action(run: Run, node: NodeId, state: NodeState, work: OutsideWork) -> RunAction:
    result = cast(Shape, dict(state.outputs)) if state.attempts and state.outputs else None
    states = [ActionState(NEW, state.entered_at)]
    if state.started_at is not None:
        states.append(ActionState(PENDING, state.started_at))
    if result is not None:
        value = FATAL if result["event"] == FATAL_EVENT else SUCCESS
        states.append(ActionState(value, state.attempts[-1].ended_at))
    assert isinstance(work.config, Mapping), "an action has a map"
    after = work.config.get("after")
    trigger = run.nodes[NodeId(str(after))].outputs if after else run.values["event"]
    return RunAction(
        number=number_of(node),
        work=work,
        states=tuple(states),
        trigger=cast(Shape, trigger),
        result=result,
    )
