"""Carries out uTask's actions as calls: resources, the action, and its answer for the evaluator.

An answer has in `kind` the state of the step, in `outputs` the key `output` if there is one, and in
`metadata` the keys `metadata`, `tags` and `awaits` if they have something.
"""

import asyncio
import inspect
import json
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Final

import structlog

from floe.calls.utask.action import (
    ANSWER_BYTES_MAX,
    ActionCall,
    ActionFailed,
    CameTo,
    ServerError,
    UtaskActionType,
    map_of,
)
from floe.calls.utask.builtins import builtins
from floe.calls.utask.plugins import read_plugins
from floe.calls.utask.resources import Resources
from floe.calls.utask.settings import UtaskCallSettings
from floe.dialects.utask.surroundings import DIALECT
from floe.model.call import Call
from floe.model.codec import to_text
from floe.model.ids import Json
from floe.model.signal import Answered
from floe.nodes.base import Job
from floe.nodes.call_ground import CallGround
from floe.nodes.calls import CallType

log = structlog.get_logger()

ERROR_MAX: Final = 10_000
"""Characters of an error."""


def actions_of(ground: CallGround) -> Mapping[str, CallType]:
    """uTask's actions on a host, by the type of their calls."""
    settings = ground.settings.get(DIALECT)
    if not isinstance(settings, UtaskCallSettings):
        settings = UtaskCallSettings()
    plugins = read_plugins(settings.plugins)
    for finding in plugins.findings:
        log.error("utask.plugin_left_out", finding=str(finding))
    return calls_of((*builtins(settings, ground), *plugins.actions), settings)


def calls_of(
    types: Iterable[UtaskActionType], settings: UtaskCallSettings
) -> Mapping[str, CallType]:
    """What carries out these types of actions, which share the resources of a host."""
    resources = Resources(settings.resource_limits, settings.resource_timeout_s)
    return {f"{DIALECT}.{one.name}": partial(_carried_out, one, resources) for one in types}


async def _carried_out(type_: UtaskActionType, resources: Resources, job: Job) -> Answered:
    """Carry out one execution of an action."""
    try:
        call, own = _call(job)
        async with resources.taken((*own, *type_.resources(call))):
            return _answered(await _ran(type_, call), None)
    except ActionFailed as error:
        return _answered(error.came_to, error)
    except Exception as error:  # a plugin's defect is an error of its step
        return _answered(CameTo(), ServerError(f"{type(error).__name__}: {error}"))


async def _ran(type_: UtaskActionType, call: ActionCall) -> CameTo:
    if inspect.iscoroutinefunction(type_.run):
        came_to = await type_.run(call)
    else:
        came_to = await asyncio.to_thread(type_.run, call)
    if not isinstance(came_to, CameTo):
        raise ServerError(f"{type_.name} returned no CameTo but a {type(came_to).__name__}")
    return came_to


def _call(job: Job) -> tuple[ActionCall, list[str]]:
    """The execution that a call asks for, and the resources of its step."""
    given = job.work.config if isinstance(job.work, Call) else None
    if not isinstance(given, Mapping):
        raise ServerError("the call has no configuration")
    configuration = given.get("configuration")
    if not isinstance(configuration, Mapping | None):
        raise ServerError("the configuration is a map")
    call = ActionCall(
        configuration={key.lower(): value for key, value in (configuration or {}).items()},
        step=str(given.get("step") or ""),
        task=map_of(given.get("task")),
        try_count=int(str(given.get("try_count") or 0)),
        output=given.get("output"),
        metadata=given.get("metadata"),
        updates={k: v for k, v in map_of(given.get("updates")).items() if isinstance(v, Mapping)},
        children={
            key: str(child.get("id") or "")
            for key, child in map_of(given.get("children")).items()
            if isinstance(child, Mapping)
        },
        job=job,
    )
    labels = given.get("resources")
    return call, [str(one) for one in labels] if isinstance(labels, list | tuple) else []


def _answered(came_to: CameTo, error: ActionFailed | None) -> Answered:
    outputs: dict[str, Json] = {} if came_to.output is None else {"output": came_to.output}
    metadata: dict[str, Json] = {
        "metadata": came_to.metadata,
        "tags": came_to.tags or None,
        "awaits": (list(error.awaits) or None) if error else None,
    }
    metadata = {key: value for key, value in metadata.items() if value is not None}
    try:
        size = len(to_text([outputs, metadata]).encode())
        if size > ANSWER_BYTES_MAX:
            why = f"what the action came to has {size} bytes, at most {ANSWER_BYTES_MAX}"
            outputs, metadata, error = {}, {}, ServerError(why)
    except UnicodeEncodeError:  # half a character, as JSON can write one
        outputs, metadata = _whole(outputs), _whole(metadata)
    except (TypeError, ValueError, RecursionError) as fault:  # a plugin's own class, a circle
        why = f"what the action came to is no JSON: {fault}"
        outputs, metadata, error = {}, {}, ServerError(why)
    why = str(error).encode(errors="replace").decode() if error else ""
    return Answered(
        good=error is None,
        why=why if len(why) <= ERROR_MAX else f"{why[:ERROR_MAX]}…",
        outputs=outputs,
        metadata=metadata,
        opens=came_to.opens if error is None or error.state == "WAITING" else (),
        kind=error.state if error else "",
    )


def _whole(value: dict[str, Json]) -> dict[str, Json]:
    """A value in which no half characters are."""
    found: dict[str, Json] = json.loads(to_text(value).encode(errors="replace"))
    return found
