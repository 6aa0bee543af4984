"""The routes that change the steps of a resolution while it is paused."""

import asyncio
from collections.abc import Mapping
from typing import Final, cast

from floe.dialects.utask import readings
from floe.dialects.utask.compiled import (
    HOOKED,
    compiled_document,
    functions_of,
    label_of_state,
)
from floe.dialects.utask.document import UtaskFunction
from floe.dialects.utask.loading import load_template
from floe.model.codec import digest_of, to_text
from floe.model.flow import Flow
from floe.model.ids import NO_ITEM, Json, Shape
from floe.model.people import Edit, StateEdit
from floe.model.run import Run
from floe.server.utask.calls import UtaskCall, UtaskReply
from floe.server.utask.resolutions import run_of
from floe.server.utask.site import UtaskFault
from floe.server.utask.tasks import remark

PAUSED: Final = "PAUSED"

OUTPUTS: Final = ("output", "metadata", "children")
"""Members of a step that its action gave."""

RUNTIME_KEYS: Final = (
    *OUTPUTS,
    *("state", "error", "try_count", "last_run", "tags", "item"),
    *("children_steps", "children_steps_map"),
)
"""Members of a step that a template must not have."""


async def put(call: UtaskCall) -> UtaskReply:
    """Replace the resolver inputs of a resolution. Its steps are edited one by one."""
    run, body = await _paused(call), call.body
    if body.keys.entries("steps"):
        raise UtaskFault(501, "the steps of a resolution are edited one by one")
    given: Json = {"of": call.names["resolution"].lower(), "values": body.map("resolver_inputs")}
    body.check()
    edit = _edit(call, run, values={**run.values, "resolver_input": given})
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
    given = dict(call.body.whole)
    document = cast(Shape, readings.flow_of(run).document)
    template = {**document["template"], "steps": dict(document["template"]["steps"])}
    template["steps"][name] = {
        key: value for key, value in given.items() if key not in RUNTIME_KEYS and value is not None
    }
    changed = {**document, "template": template}
    await _check(changed, functions_of(readings.flow_of(run)))
    flow = compiled_document(changed)
    label = _label(flow, str(given.get("state") or found.state))
    outputs = {key: given[key] for key in OUTPUTS if given.get(key) is not None}
    why = str(given.get("error") or "")
    one = StateEdit(node=found.node, state=label, why=why, outputs=outputs)
    edit = _edit(call, run, flow=flow, states=(one,))
    await call.site.act(run.ref, edit, "Failed to update resolution step")
    await remark(call.site, run.ref, call.user.name, f"manually edited step {name}")
    return UtaskReply()


class _AnyName:
    """Contains each name: what a host has may be different where the step runs."""

    def __contains__(self, name: object) -> bool:
        return True


class _AnyHost:
    """A host that has all that a step can name."""

    templates = _AnyName()
    notify_backends = _AnyName()

    def script_fault(self, path: str) -> str:
        """No script is missing."""
        return ""


async def _paused(call: UtaskCall) -> Run:
    """The run of a resolution that a person keeps at rest. Raises UtaskFault."""
    run = await run_of(call)
    if readings.resolution_state(run) != PAUSED:
        raise UtaskFault(400, "Cannot update a resolution which is not in state 'PAUSED'")
    return run


async def _check(document: Shape, functions: Mapping[str, UtaskFunction]) -> None:
    """Check the template of a document. Raises UtaskFault with its mistakes."""
    text = to_text(document["template"])
    loaded = await asyncio.to_thread(load_template, text, "step", functions, _AnyHost())
    if loaded.template is None:
        raise UtaskFault(400, "; ".join(one.what for one in loaded.findings))


def _edit(
    call: UtaskCall,
    run: Run,
    *,
    flow: Flow | None = None,
    values: Mapping[str, Json] | None = None,
    states: tuple[StateEdit, ...] = (),
) -> Edit:
    """An edit of a run as it was read."""
    assert run.passes is not None, "a run of utask is judged"
    return Edit(
        by=call.user.name,
        base=run.passes.base,
        digest=digest_of(flow) if flow else run.digest or "",
        flow=flow or readings.flow_of(run),
        values=values,
        states=states,
    )


def _label(flow: Flow, state: str) -> str:
    """The label of a state that a step of a flow may have. Raises UtaskFault."""
    label = label_of_state(state)
    assert flow.states is not None, "its flow is judged"
    if label not in flow.states.by_name or label == HOOKED:
        raise UtaskFault(400, f'invalid state provided: "{state[:80]}" is not allowed')
    return label
