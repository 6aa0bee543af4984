"""A version of a flow of flyte as the kernel knows it: its steps are nodes s0, s1, ...

Only the opening of a run, or a verdict about a finished action, lets a step enter. A step is
outside work from then on: the kernel knows the pack that may take it, and nothing of its templates.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Final, cast

from floe.dialects.pack_work import ACTION, queue_of
from floe.model.call import OutsideWork
from floe.model.flow import Flow, Node
from floe.model.ids import FlowId, Json, NodeId, Shape
from floe.model.states import State, StateTable
from floe.model.tags import tag_of

DIALECT: Final = "flyte"

READY: Final = "ready"
"""A kind of text whose judgement says that the evaluator is loaded."""

SUCCESS: Final = "SUCCESS"
FATAL: Final = "FATAL"
UNJUDGED: Final = "UNJUDGED"
"""The state of an action that is over, and whose result could not be judged."""

NEVER: Final = tag_of("task", NodeId("nothing"), "entered")
"""A tag that never stands: the clause of each step, which so enters by a verdict alone."""

STATES: Final = StateTable(
    rows=(
        State(name=SUCCESS, final=True, verdict=SUCCESS, rank=1),
        State(name=FATAL, final=True, verdict=FATAL, rank=2, result="bad"),
        State(name=UNJUDGED, final=True, verdict=UNJUDGED, rank=3, result="error"),
    ),
    dialect=DIALECT,
    pruned=FATAL,
    fatal=UNJUDGED,
    crashed=UNJUDGED,
    ends={SUCCESS: "good", FATAL: "bad", UNJUDGED: "bad"},
)
"""NEW and PENDING are no rows: an action has them while its work is offered, or taken."""


def compiled(document: Mapping[str, Json], uuid: str) -> Flow:
    """A version of a flow, from its document as flyte shows it."""
    name = str(document["name"])
    steps = cast(list[Shape], document.get("steps", []))
    width = len(str(max(len(steps) - 1, 0)))
    return Flow(
        id=flow_id_of(name),
        ver=1,
        name=name,
        nodes=tuple(_node(step, f"s{number:0{width}}") for number, step in enumerate(steps)),
        origin=uuid,
        unheard_bad="hold",
        states=STATES,
        dialect=DIALECT,
    )


def flow_id_of(name: str) -> FlowId:
    """The id of all versions of a flow: a name of flyte may have any characters."""
    return FlowId(f"flyte-{sha256(name.encode()).hexdigest()[:24]}")


FLOW_IDS: Final = re.compile(r"flyte-[0-9a-f]{24}")
"""Of the flows of flyte; no other flow has such an id."""


def uuid_of(flow: Flow) -> str:
    """The uuid of a version of a flow."""
    return flow.origin


def step_of(node: Node) -> Shape:
    """The step of a node, as in the document of its flow."""
    assert isinstance(node.work, OutsideWork), "a step is outside work"
    return cast(Shape, node.work.config)


def is_trigger(step: Shape) -> bool:
    """Whether an event may open a run with a step: it depends on none."""
    return not step.get("dependsOn")


def _node(step: Shape, id: str) -> Node:
    command = step["command"]
    return Node(
        id=NodeId(id),
        cls="task",
        type="flyte",
        name=str(step.get("id", "")),
        work=OutsideWork(
            type=ACTION,
            config=step,
            queue=queue_of(command["packName"]),
            name=command["name"],
        ),
        needs=((NEVER,),),
        idempotent=True,
    )
