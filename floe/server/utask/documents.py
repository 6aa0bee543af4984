"""Templates, tasks, resolutions and steps as uTask's API shows them."""

from collections.abc import Mapping
from typing import Any, Final, cast

from floe.dialects.utask import readings
from floe.dialects.utask.compiled import template_of
from floe.dialects.utask.document import TaskTemplate, UtaskInput, UtaskStep
from floe.dialects.utask.given_inputs import filled
from floe.dialects.utask.ids import UtaskId, id_text
from floe.dialects.utask.readings import StepReading
from floe.dialects.utask.stored import stored_input, stored_step, stored_template
from floe.dialects.utask.task_data import NEW_ID
from floe.model.codec import iso
from floe.model.flow import Flow
from floe.model.ids import Instant, Json, RunRef, Shape
from floe.model.run import Run

NO_TIME: Final = "0001-01-01T00:00:00Z"

INSTANCE: Final = 1
"""The number of the process of uTask that has a resolution: floe has no such numbers."""

LISTED_WITHOUT: Final = frozenset(
    ("steps", "variables", "title_format", "result_format", "tags", "base_configurations")
)
"""Members of a template that a list does not show."""


def template_document(flow: Flow) -> Shape:
    """A template, with all that it has."""
    template = template_of(flow)
    shown: Shape = stored_template(template)
    return {
        **shown,
        "allowed_resolver_usernames": shown.get("allowed_resolver_usernames"),
        "allowed_resolver_groups": shown.get("allowed_resolver_groups"),
        "base_configurations": shown.get("base_configurations"),
        **{name: bool(getattr(template, name)) for name in _FLAGS},
        **_inputs(template),
        "steps": {
            name: {**_step(step), "name": step.given_name} for name, step in template.steps.items()
        },
    }


def listed_template(flow: Flow) -> Shape:
    """A template in a list."""
    whole = template_document(flow)
    return {name: value for name, value in whole.items() if name not in LISTED_WITHOUT}


def task_document(run: Run, key: bytes, *, whole: bool = True) -> Shape:
    """A task; `whole`: with all that a list leaves out. `key` is that of ids."""
    values = cast(Mapping[str, Any], run.values)
    task: Shape = dict(values["task"])
    done, total = readings.steps_done(run), readings.steps_total(run)
    shown: Shape = {
        "id": task_id(run.ref, key),
        "title": _title(run, key),
        "template_name": readings.template_of(run).name,
        "state": readings.task_state(run),
        "requester_username": task.get("requester_username", ""),
        "created": iso(run.pended_at),
        "last_activity": iso(readings.last_activity(run)),
        "steps_done": done,
        "steps_total": total,
        "input": _shown_input(run) if whole else None,
    }
    optional: Shape = {
        "requester_groups": task.get("requester_groups"),
        "watcher_usernames": task.get("watcher_usernames"),
        "watcher_groups": task.get("watcher_groups"),
        "resolver_usernames": readings.resolver_usernames(run),
        "resolver_groups": task.get("resolver_groups"),
        "tags": {
            name: value.replace(NEW_ID, task_id(run.ref, key))
            for name, value in readings.tags_of(run).items()
        },
        "batch": task.get("batch"),
        "resolution": resolution_id(run, key),
        "resolver_username": readings.resolver_username(run),
        "last_start": _iso(readings.last_start(run)),
        "last_stop": _iso(readings.last_stop(run)),
    }
    if whole:
        template = readings.template_of(run)
        optional |= {
            "result": readings.result_of(run),
            "errors": [*readings.errors_of(run)],
            "resolver_inputs": [input_document(one) for one in template.resolver_inputs],
        }
    return shown | {name: value for name, value in optional.items() if value}


def resolution_document(run: Run, key: bytes) -> Shape:
    """The resolution of a task that has one."""
    shown: Shape = {
        "id": resolution_id(run, key),
        "task_id": task_id(run.ref, key),
        "task_title": _title(run, key),
        "resolver_username": readings.resolver_username(run),
        "state": readings.resolution_state(run),
        "created": iso(readings.resolved_at(run)),
        "run_count": readings.run_count(run),
        "run_max": readings.run_max(run),
        "base_configurations": stored_template(readings.template_of(run)).get(
            "base_configurations"
        ),
        "steps": {name: _run_step(run, one) for name, one in readings.steps_of(run).items()},
    }
    next_retry = readings.next_retry(run)
    optional: Shape = {
        "instance_id": INSTANCE if readings.run_count(run) else None,
        "last_start": _iso(readings.last_start(run)),
        "last_stop": _iso(readings.last_stop(run)),
        "next_retry": NO_TIME if next_retry is None else iso(next_retry),
        "resolver_inputs": _resolver_input(run),
    }
    return shown | {name: value for name, value in optional.items() if value}


def _title(run: Run, key: bytes) -> str:
    """The title of a task; where it names the id, that was not known when it was rendered."""
    return readings.title_of(run).replace(NEW_ID, task_id(run.ref, key))


def step_document(run: Run, name: str) -> Shape | None:
    """A step of a resolution; None for a name that no step has."""
    reading = readings.steps_of(run).get(name)
    return None if reading is None else _run_step(run, reading)


def task_id(run: RunRef, key: bytes) -> str:
    """The id of a task."""
    return id_text(UtaskId(run, "task"), key)


def resolution_id(run: Run, key: bytes) -> str:
    """The id of the resolution of a task; empty if it has none."""
    passes = run.passes
    if passes is None:
        return ""
    if passes.resolution is not None:
        return passes.resolution.resolution
    return id_text(UtaskId(run.ref, "resolution"), key) if passes.number else ""


def comment_document(id: str, by: str, created: Instant, updated: Instant, content: str) -> Shape:
    """A comment on a task."""
    return {
        "id": id,
        "username": by,
        "created": iso(created),
        "updated": iso(updated),
        "content": content,
    }


_FLAGS: Final = (
    *("allow_all_resolver_usernames", "auto_runnable", "blocked", "hidden"),
    "allow_task_start_over",
)


def _inputs(template: TaskTemplate) -> Shape:
    both = {"inputs": template.inputs, "resolver_inputs": template.resolver_inputs}
    return {
        name: [input_document(one) for one in inputs] for name, inputs in both.items() if inputs
    }


def input_document(one: UtaskInput) -> Shape:
    """The spec of an input."""
    always = {
        "description": one.description,
        "collection": one.collection,
        "optional": one.optional,
        "default": one.default,
        "hidden": one.hidden,
    }
    return {**stored_input(one), **always}


def _step(step: UtaskStep) -> Shape:
    stored = cast(Shape, stored_step(step))
    return {
        **stored,
        "name": step.name,
        "description": step.description,
        "idempotent": step.idempotent,
        "action": {"output": None, **stored.get("action", {})},
        "foreach_strategy": step.foreach_strategy,
        "resources": stored.get("resources"),
        "tags": None,
        "last_run": NO_TIME,
    }


def _run_step(run: Run, reading: StepReading) -> Shape:
    step = readings.template_of(run).steps[reading.of]
    optional: Shape = {
        "output": reading.output,
        "metadata": reading.metadata,
        "children": reading.children,
        "error": reading.error,
        "state": reading.state,
        "try_count": reading.try_count,
        "max_retries": reading.max_retries,
        "children_steps": [*reading.children_steps],
        "item": reading.item_value,
    }
    if reading.children_steps:
        optional["children_steps_map"] = dict.fromkeys(reading.children_steps, True)
    return {
        **_step(step),
        "name": reading.name,
        "last_run": _iso(reading.last_run) or NO_TIME,
        **{name: value for name, value in optional.items() if value not in (None, "", 0, [], {})},
    }


def _shown_input(run: Run) -> Json:
    """The input of a task; its defaults are filled in once it has run."""
    given = cast(Mapping[str, Json], run.values["input"])
    return (
        filled(readings.template_of(run).inputs, given) if readings.run_count(run) else dict(given)
    )


def _resolver_input(run: Run) -> Json:
    return filled(readings.template_of(run).resolver_inputs, readings.resolver_input(run))


def _iso(at: Instant | None) -> str:
    return iso(at) or ""
