"""The routes that change the steps of a resolution while it is paused."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final, cast

from floe.dialects.utask import readings
from floe.dialects.utask.compiled import (
    EXPANDED,
    HOOKED,
    PAUSED,
    TODO,
    compiled,
    functions_of,
    label_of_state,
    read_of,
)
from floe.dialects.utask.configurations import CONFIGURATIONS
from floe.dialects.utask.loading import load_template
from floe.model.codec import digest_of, to_text
from floe.model.flow import Flow
from floe.model.ids import NO_ITEM, Json, NodeId, Shape
from floe.model.people import Edit, StateEdit
from floe.model.run import Run
from floe.server.utask.calls import UtaskCall, UtaskReply
from floe.server.utask.resolutions import run_of
from floe.server.utask.site import UtaskFault
from floe.server.utask.tasks import remark

OUTPUTS: Final = ("output", "metadata", "children")
"""Members of a step that its action gave."""

RUNTIME_KEYS: Final = (
    *OUTPUTS,
    *("state", "error", "try_count", "last_run", "tags", "item"),
    *("children_steps", "children_steps_map"),
)
"""Members of a step that a template must not have."""


async def put(call: UtaskCall) -> UtaskReply:
    """Replace the steps, or the resolver inputs, of a resolution."""
    run, body = await _paused(call), call.body
    given, steps = body.map("resolver_inputs"), body.map("steps")
    body.check()
    values = None
    if body.keys.is_given("resolver_inputs"):
        of: Json = {"of": call.names["resolution"].lower(), "values": given}
        values = {**run.values, "resolver_input": of}
    flow, states = None, tuple[StateEdit, ...]()
    if steps:
        wholes = {name: _whole(name, step) for name, step in steps.items()}
        flow = await _flow(call, run, {name: _plain(step) for name, step in wholes.items()})
        ids = {node.name: node.id for node in flow.nodes}
        made = (_state(flow, ids[name], step) for name, step in wholes.items())
        states = tuple(one for one in made if one.state != TODO)
    if flow or values:
        edit = _edit(call, run, flow=flow, values=values, states=states, is_anew=bool(flow))
        await call.site.act(run.ref, edit, "Failed to update resolution")
    await remark(call.site, run.ref, call.user.name, "manually updated resolution")
    return UtaskReply()


async def put_state(call: UtaskCall) -> UtaskReply:
    """Give a step a state."""
    run, name = await _paused(call), call.names["step"]
    state = call.body.keys.text("state")
    call.body.check()
    step = readings.steps_of(run).get(name)
    if step is None:
        raise UtaskFault(404, "Missing step")
    label = _label(readings.flow_of(run), state)
    one = StateEdit(node=step.node, item=step.item, state=label, why=step.error)
    edit = _edit(call, run, states=(one,))
    await call.site.act(run.ref, edit, "Failed to update resolution step")
    content = f"manually changed the state of step {name} from {step.state} to {state}"
    await remark(call.site, run.ref, call.user.name, content)
    return UtaskReply()


async def put_step(call: UtaskCall) -> UtaskReply:
    """Replace a step, and the state that it has."""
    run, name = await _paused(call), call.names["step"]
    found = readings.steps_of(run).get(name)
    if found is None or found.item != NO_ITEM:
        raise UtaskFault(404, "Missing step")
    given = _whole(name, call.body.whole)
    document = cast(Shape, readings.flow_of(run).document)
    steps = {**document["template"]["steps"], name: _plain(given)}
    flow = await _flow(call, run, steps)
    one = _state(flow, found.node, {"state": found.state, **given})
    edit = _edit(call, run, flow=flow, states=(one,))
    await call.site.act(run.ref, edit, "Failed to update resolution step")
    await remark(call.site, run.ref, call.user.name, f"manually edited step {name}")
    return UtaskReply()


class _AnyName:
    """Contains each name: what a host has may be different where the step runs."""

    def __contains__(self, name: object) -> bool:
        return True


def no_faults(_: Mapping[str, Json]) -> tuple[str, ...]:
    """The check of a plugin whose code is not here."""
    return ()


class _AnyHost:
    """A host that has all that a step can name."""

    templates = _AnyName()
    notify_backends = _AnyName()

    def __init__(self, flows: Iterable[Flow]) -> None:
        """`flows`: what their steps do is known, also by plugins."""
        reads = [read_of(flow) for flow in flows]
        actions = [step.action for read in reads for step in read.template.steps.values()]
        actions += [one.action for read in reads for one in read.functions.values()]
        names = {one.type for one in actions} - CONFIGURATIONS.keys()
        self.plugins = dict.fromkeys(names, no_faults)

    def script_fault(self, path: str) -> str:
        """No script is missing."""
        return ""


async def _paused(call: UtaskCall) -> Run:
    """The run of a resolution that a person keeps at rest. Raises UtaskFault."""
    run = await run_of(call)
    if readings.resolution_state(run) != PAUSED:
        raise UtaskFault(400, "Cannot update a resolution which is not in state 'PAUSED'")
    return run


def _whole(name: str, step: Json) -> Shape:
    """A step as the API shows it, without members that are null. Raises UtaskFault."""
    if not isinstance(step, Mapping):
        raise UtaskFault(400, f"step {name[:80]!r} is no map")
    return {key: value for key, value in step.items() if value is not None}


def _plain(step: Shape) -> Shape:
    """A step as a template has it."""
    return {key: value for key, value in step.items() if key not in RUNTIME_KEYS}


def _state(flow: Flow, node: NodeId, step: Shape) -> StateEdit:
    """The state that an edited step is to have. A loop makes its children again."""
    state = str(step.get("state") or TODO)
    return StateEdit(
        node=node,
        state=_label(flow, TODO if state == EXPANDED else state),
        why=str(step.get("error") or ""),
        outputs={key: step[key] for key in OUTPUTS if key in step},
    )


async def _flow(call: UtaskCall, run: Run, steps: Shape) -> Flow:
    """The flow of a run with other steps. Raises UtaskFault with their mistakes."""
    old = readings.flow_of(run)
    flows = (old, *call.site.templates())
    functions = {name: one for flow in flows[::-1] for name, one in functions_of(flow).items()}
    text = to_text({**cast(Shape, old.document)["template"], "steps": steps})
    loaded = await asyncio.to_thread(load_template, text, "steps", functions, _AnyHost(flows))
    if loaded.template is None:
        raise UtaskFault(400, "; ".join(one.what for one in loaded.findings))
    return compiled(loaded.template, functions)


def _edit(
    call: UtaskCall,
    run: Run,
    *,
    flow: Flow | None = None,
    values: Mapping[str, Json] | None = None,
    states: tuple[StateEdit, ...] = (),
    is_anew: bool = False,
) -> Edit:
    """An edit of a run as it was read. `is_anew`: no node keeps the state that it has."""
    assert run.passes is not None, "a run of utask is judged"
    return Edit(
        by=call.user.name,
        base=run.passes.base,
        digest=digest_of(flow) if flow else run.digest or "",
        flow=flow or readings.flow_of(run),
        values=values,
        states=states,
        gone=tuple(run.nodes) if is_anew else (),
    )


def _label(flow: Flow, state: str) -> str:
    """The label of a state that a step of a flow may have. Raises UtaskFault."""
    label = label_of_state(state)
    assert flow.states is not None, "its flow is judged"
    if label not in flow.states.by_name or label == HOOKED:
        raise UtaskFault(400, f'invalid state provided: "{state[:80]}" is not allowed')
    return label
