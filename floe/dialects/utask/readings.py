"""What uTask calls the parts of a run: the states of a task, its resolution and its steps.

Every reading is a function of the run alone, so lists, texts and the API agree.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from floe.dialects.utask.compiled import (
    CLIENT_ERROR,
    ERROR,
    EXPANDED,
    HOOKED,
    PAUSED,
    RESULT,
    RUNNING,
    TODO,
    read_of,
    run_max_of,
    state_of_label,
)
from floe.dialects.utask.dependencies import DONE
from floe.dialects.utask.document import MAX_RETRIES_DEFAULT, TaskTemplate, UtaskStep
from floe.dialects.utask.parts import (
    OPEN,
    children_of,
    error_of,
    metadata_of,
    output_of,
    plain,
    tries_of,
)
from floe.kernel.judged.part import table_of
from floe.model.flow import Flow
from floe.model.ids import NO_ITEM, Instant, Json, NodeId
from floe.model.judging import RunNoted
from floe.model.nouns import dataclass, replace
from floe.model.passes import Passes
from floe.model.run import NodeState, Run

OVER: Final = ("ending", "ended", "packed")

TO_AUTORUN: Final = "TO_AUTORUN"
TO_AUTORUN_DELAYED: Final = "TO_AUTORUN_DELAYED"
DELAYED: Final = "DELAYED"
BLOCKED: Final = "BLOCKED"
CANCELLED: Final = "CANCELLED"
WONTFIX: Final = "WONTFIX"

TAG: Final = "tag"
RESOLVER: Final = "resolver"
"""Kinds of notes: a tag that a step sets, a user who may resolve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReading:
    """A step of a resolution, or a child of a loop, as it is now."""

    name: str
    of: str
    """The step of the template: a child's is that of its loop."""
    node: NodeId
    item: int = NO_ITEM
    state: str = TODO
    error: str = ""
    output: Json = None
    metadata: Json = None
    children: Json = None
    """Of a loop that is done: what each child came to."""
    children_steps: Sequence[str] = ()
    """Of an expanded loop: the names of its children."""
    try_count: int = 0
    max_retries: int = 0
    """0 before its first run, unless the template has it."""
    last_run: Instant | None = None
    item_value: Json = None
    """Of a child: its element of the list."""


def flow_of(run: Run) -> Flow:
    """The flow of a run that is read with it."""
    assert run.flow is not None, "a reading needs the flow"
    return run.flow


def template_of(run: Run) -> TaskTemplate:
    """The template that a run has, with the steps as they were edited."""
    return read_of(flow_of(run)).template


# --- the task and its resolution ---


def task_state(run: Run) -> str:
    """The state of a task."""
    state, passes = resolution_state(run), _passes(run)
    if run.phase in OVER:
        ended = DONE if run.result == "good" else CANCELLED
        return WONTFIX if passes.verdict == WONTFIX else ended
    if state == PAUSED:  # which leaves the state of the task as it was
        state = passes.paused_at_rest or RUNNING
    if not state:
        return DELAYED if _task(run).get("delay") else TODO
    if state == TO_AUTORUN_DELAYED:
        return DELAYED
    if state.startswith(BLOCKED) or (state == ERROR and _is_just_extended(run)):
        return BLOCKED
    return {ERROR: RUNNING, TO_AUTORUN: TODO}.get(state, state)


def resolution_state(run: Run) -> str:
    """The state of the resolution of a task; empty if it has none."""
    passes = _passes(run)
    if not is_resolved(run):
        return ""
    if run.phase in OVER:
        return DONE if run.result == "good" else CANCELLED
    if run.phase != "resting":
        return RUNNING
    return passes.verdict


def is_resolved(run: Run) -> bool:
    """Whether a task has a resolution."""
    passes = _passes(run)
    return passes.resolution is not None or passes.number > 0


def resolver_username(run: Run) -> str:
    """Who resolved a task; empty if no one did."""
    if (resolution := _passes(run).resolution) is not None:
        return resolution.by
    return requester_username(run) if is_resolved(run) else ""


def requester_username(run: Run) -> str:
    """Who created a task."""
    return str(_task(run).get("requester_username", ""))


def resolver_usernames(run: Run) -> list[str]:
    """The users who may resolve a task, by its own list."""
    given = cast(Sequence[str], _task(run).get("resolver_usernames", ()))
    added = (note.key for note in _passes(run).notes if note.kind == RESOLVER)
    return list(dict.fromkeys((*given, *added)))


def resolver_input(run: Run) -> Mapping[str, Json]:
    """The values of the person who resolved a task, as given or edited."""
    resolution = _passes(run).resolution
    if resolution is None:
        return {}
    edited = cast(Mapping[str, Any], run.values.get("resolver_input", {}))
    if edited.get("of") == resolution.resolution:
        return cast(Mapping[str, Json], edited["values"])
    return cast(Mapping[str, Json], resolution.values.get("resolver_input", {}))


def run_count(run: Run) -> int:
    """How many passes began."""
    return _passes(run).number


def run_max(run: Run) -> int:
    """How many passes a timer may begin."""
    return run_max_of(template_of(run)) + _passes(run).extended


def next_retry(run: Run) -> Instant | None:
    """When the next pass is due; None for no instant."""
    return _passes(run).due


def title_of(run: Run) -> str:
    """The title of a task."""
    task, member = _task(run), "title_later" if is_resolved(run) else "title"
    return str(task.get(member) or task.get("title", run.title))


def tags_of(run: Run) -> Mapping[str, str]:
    """The tags of a task: those it was given, and those that its steps set since then."""
    task = _task(run)
    tags = dict(cast(Mapping[str, str], task.get("tags", {})))
    for note in _notes(run)[int(str(task.get("notes", 0))) :]:
        if note.kind == TAG:
            if note.value in (None, ""):
                tags.pop(note.key, None)
            else:
                tags[note.key] = str(note.value)
    return tags


def result_of(run: Run) -> Json:
    """The result of a task: rendered once it is done, before that as its template has it."""
    state = run.nodes.get(RESULT)
    if state is not None and run.phase in OVER:
        return state.outputs.get("result")
    return dict(template_of(run).result_format) or None


def told(run: Run) -> dict[str, Json]:
    """What the step that opened a task learns of it."""
    return {
        "state": task_state(run),
        "result": result_of(run) or None,
        "requester_username": requester_username(run),
        "resolver_username": resolver_username(run) or None,
    }


def errors_of(run: Run) -> list[dict[str, str]]:
    """The errors of a blocked task that a client caused: those of its steps in CLIENT_ERROR."""
    if task_state(run) != BLOCKED:
        return []
    template = template_of(run)
    return [
        {"step": _description(template.steps[one.of], one), "error": one.error}
        for one in steps_of(run).values()
        if one.state == CLIENT_ERROR
    ]


def resolved_at(run: Run) -> Instant:
    """When the resolution of a task was made."""
    resolution = _passes(run).resolution
    return resolution.at if resolution is not None else run.pended_at


def last_activity(run: Run) -> Instant:
    """When something last happened to a task."""
    at = [run.pended_at, run.ending_at, run.ended_at, resolved_at(run)]
    at += [note.at for note in _notes(run)[-1:]]
    for state in run.nodes.values():
        for part in state.parts():
            at += [part.settled_at, part.started_at, part.queued_at]
    return max(one for one in at if one is not None)


def last_start(run: Run) -> Instant | None:
    """When the last pass began; None before the first."""
    return _passes(run).began_at


def last_stop(run: Run) -> Instant | None:
    """When the last pass was over; None in the first one."""
    return run.ending_at or _passes(run).rested_at


# --- its steps ---


def steps_of(run: Run) -> Mapping[str, StepReading]:
    """The steps of a task by name, in the order of its template; the children of an expanded loop
    stand after it."""
    steps = template_of(run).steps
    found: dict[str, StepReading] = {}
    for node in flow_of(run).nodes:
        if node.id == RESULT:
            continue
        for one in _readings(run, steps[node.name], node.id):
            found[one.name] = one
    return found


def steps_total(run: Run) -> int:
    """How many steps a task has; the children of a loop are none."""
    return sum(one.item == NO_ITEM for one in steps_of(run).values())


def steps_done(run: Run) -> int:
    """How many of them are done."""
    final = {state_of_label(row.name) for row in table_of(run).rows if row.final}
    return sum(one.item == NO_ITEM and one.state in final for one in steps_of(run).values())


def _readings(run: Run, step: UtaskStep, node: NodeId) -> Iterator[StepReading]:
    """A step, and its children while it is expanded."""
    state = run.nodes.get(node)
    if state is None:
        yield StepReading(name=step.name, of=step.name, node=node, max_retries=step.max_retries)
        return
    items = state.items
    is_expanded = items is not None and node in run.open
    children = [f"{step.name}-{at}" for at in range(len(items.values))] if items else []
    one = _reading(run, step, node, state)
    if items is None or not is_expanded:
        yield one
        return
    yield _expanded(one, children)
    for at, name in enumerate(children):
        child = items.states.get(at)
        yield (
            StepReading(
                name=name, of=step.name, node=node, item=at, item_value=plain(items.values[at])
            )
            if child is None
            else _named(_reading(run, step, node, child), name, plain(items.values[at]))
        )


def _reading(run: Run, step: UtaskStep, node: NodeId, state: NodeState) -> StepReading:
    tries = tries_of(state)
    return StepReading(
        name=step.name,
        of=step.name,
        node=node,
        item=state.item,
        state=_state(run, state),
        error=error_of(state),
        output=output_of(state),
        metadata=metadata_of(state),
        children=_children(state),
        try_count=tries,
        max_retries=step.max_retries or (MAX_RETRIES_DEFAULT if state.attempt else 0),
        last_run=state.attempts[-1].ended_at if state.attempts else None,
    )


def _children(state: NodeState) -> Json:
    if state.items is None or state.phase in OPEN:
        return None
    return children_of(state.items) or None


def _expanded(one: StepReading, children: Sequence[str]) -> StepReading:
    return replace(one, state=EXPANDED, children_steps=children)


def _named(one: StepReading, name: str, value: Json) -> StepReading:
    return replace(one, name=name, item_value=value)


def _state(run: Run, state: NodeState) -> str:
    """The name of the state of a step, or of a child."""
    is_open = state.phase in OPEN and run.phase not in OVER
    if is_open or state.state == HOOKED:
        return RUNNING
    return state_of_label(state.state) if state.state else TODO


def _is_just_extended(run: Run) -> bool:
    """Whether a task was extended, and its next pass did not begin yet."""
    passes = _passes(run)
    return 0 < passes.extended_in == passes.number


def _description(step: UtaskStep, one: StepReading) -> str:
    return step.description if one.item == NO_ITEM else f"{one.item} - {step.description}"


def _passes(run: Run) -> Passes:
    assert run.passes is not None, "a run of utask is judged"
    return run.passes


def _notes(run: Run) -> Sequence[RunNoted]:
    return _passes(run).notes


def _task(run: Run) -> Mapping[str, Json]:
    return cast(Mapping[str, Json], run.values.get("task", {}))
