"""What the texts of a task see: its inputs, itself, its steps, the items of the host's config.

Numbers are exact texts. A member without a value is an empty map, so that a path through it has no
value; a step that has not run has no counts.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import partial
from typing import Any, Final, cast

from floe.dialects.utask.compiled import EXPANDED
from floe.dialects.utask.document import THIS
from floe.dialects.utask.given_inputs import filled
from floe.dialects.utask.parts import (
    children_of,
    error_of,
    metadata_of,
    output_of,
    state_name,
    tries_of,
)
from floe.dialects.utask.plans import StepPlan, TemplatePlan
from floe.dialects.utask.readings import requester_username, resolver_input, resolver_username
from floe.dialects.utask.task_surroundings import TaskSurroundings
from floe.dialects.utask.texts import Render, exact, renderer
from floe.dialects.utask.world import TaskWorld
from floe.expr.gotext.go_values import Value
from floe.model.codec import iso
from floe.model.ids import Json, NodeId, Shape
from floe.model.people import RunResolved
from floe.model.run import NodeState, Run

RUNS_KEPT: Final = 200
"""Runs of which a process keeps what texts see."""

INDEX_DIGITS: Final = 6
"""More than the index of a child of a loop has."""

NEW_ID: Final = "00000000-0000-4000-8000-000000000000"
"""In place of the id of a task whose texts are rendered before it begins."""

_CHANGES: Final = re.compile(r"\b(?:set|unset|must[Mm]erge\w*|merge\w*)\b")
"""Functions that change the data of a text."""

_LISTS: Final = ("requester_groups", "watcher_usernames", "watcher_groups", "resolver_groups")


class KeptData:
    """What texts see of one run, as far as it did not change between two judgements."""

    def __init__(self) -> None:
        self.entries: dict[NodeId, tuple[NodeState, Shape]] = {}
        self._values: object = None
        self._resolution: RunResolved | None = None
        self._inputs: Shape = {}

    def inputs(self, run: Run, plan: TemplatePlan) -> Shape:
        """The inputs of a task and of its resolver, with their defaults."""
        assert run.passes is not None, "a run of utask is judged"
        resolution = run.passes.resolution
        if self._values is not run.values or self._resolution is not resolution:
            self._values, self._resolution = run.values, resolution
            given = cast(Mapping[str, Json], run.values.get("input", {}))
            template = plan.read.template
            resolved = filled(template.resolver_inputs, resolver_input(run))
            self._inputs = {
                "input": exact(filled(template.inputs, given)),
                "resolver_input": exact(resolved),
            }
        return self._inputs


_kept: Final[OrderedDict[tuple[str, int, str], KeptData]] = OrderedDict()


def kept_data(run: Run) -> KeptData:
    """What is kept of a run."""
    assert run.flow is not None, "a run is judged with its flow"
    key = (run.ref.key, run.epoch, run.flow.origin)
    if (found := _kept.get(key)) is None:
        found = _kept[key] = KeptData()
        if len(_kept) > RUNS_KEPT:
            _kept.popitem(last=False)
    _kept.move_to_end(key)
    return found


class TaskData:
    """What the texts of a run see in one judgement."""

    def __init__(self, run: Run, plan: TemplatePlan, around: TaskSurroundings) -> None:
        self._plan, self._around = plan, around
        kept = kept_data(run)
        self.steps: Shape = {
            plan.names[node]: self._entry(run, kept, step) for node, step in plan.steps.items()
        }
        """By the names of the steps."""
        if any(run.nodes[node].items is not None for node in run.open):
            self.steps = StepsWithChildren(self.steps, partial(_child, run, plan))
        self.task = task_members(run, around)
        self._data = {
            **kept.inputs(run, plan),
            "config": around.config,
            "task": self.task,
            "step": self.steps,
        }

    def world(self) -> TaskWorld:
        """The world of the texts of one execution."""
        variables = self._around.variables_of(self._plan.read.template)
        return TaskWorld(variables, self._around.run_javascript)

    def render(self, own: Shape | None, world: TaskWorld, **members: Value) -> Render:
        """A renderer of the texts of a step, which is `this`; None for texts of no step.

        `members` are more of what they see. A text that changes the data changes it for the texts
        of this renderer alone; what the caller changes in `own` and in `steps`, texts see.
        """
        self.steps.pop(THIS, None)
        if own is not None:
            self.steps[THIS] = own
        return _Renderer({**self._data, **members}, world)

    def _entry(self, run: Run, kept: KeptData, plan: StepPlan) -> Shape:
        state = run.nodes.get(plan.node)
        if state is None:
            return cast(Shape, self._plan.unrun)
        found = kept.entries.get(plan.node)
        if found is None or found[0] is not state:
            found = kept.entries[plan.node] = (state, entry_of(plan, state))
        return found[1]


class StepsWithChildren(dict[str, Any]):
    """What texts see of the steps while a loop goes on: its children too, by their names.

    A loop may have 10,000, and a text names one or two. So an entry is made when a text asks for
    it, and a text that goes through all steps does not meet it.
    """

    def __init__(self, steps: Shape, child: Callable[[str], Shape | None]) -> None:
        super().__init__(steps)
        self._child = child

    def get(self, key: str, default: Any = None) -> Any:
        """The entry of a step or of a child."""
        if key in self:
            return self[key]
        return default if (found := self._child(key)) is None else found

    def __deepcopy__(self, memo: dict[int, Any]) -> "StepsWithChildren":
        return StepsWithChildren(deepcopy(dict(self), memo), self._child)


def _child(run: Run, plan: TemplatePlan, name: str) -> Shape | None:
    """What texts see of a child of a loop that goes on; None for no such child."""
    loop, _, number = name.rpartition("-")
    if (node := plan.nodes.get(loop)) is None or node not in run.open:
        return None
    items = run.nodes[node].items
    if items is None or not (number.isascii() and number.isdigit() and len(number) < INDEX_DIGITS):
        return None
    at = int(number)
    if at >= len(items.values) or str(at) != number:
        return None
    state = items.states.get(at)
    return dict(plan.unrun) if state is None else entry_of(plan.steps[node], state)


class _Renderer:
    """Renders the texts of one step; copies the data before a text that changes them."""

    def __init__(self, data: Value, world: TaskWorld) -> None:
        self._data, self._world, self._is_own = data, world, False
        self._render = renderer(data, world)

    def __call__(self, text: str) -> str:
        if not self._is_own and "{{" in text and _CHANGES.search(text):
            self._is_own = True
            self._render = renderer(deepcopy(self._data), self._world)
        return self._render(text)


def entry_of(plan: StepPlan, state: NodeState) -> Shape:
    """What texts see of a step, or of a child of a loop, that has a state."""
    tries, name = tries_of(state), state_name(state)
    children: Sequence[Json] | None = None
    if state.items is not None and name != EXPANDED:
        children = children_of(state.items)
    return {
        "output": member(output_of(state)),
        "metadata": member(metadata_of(state)),
        "children": member(children),
        "state": name,
        "error": error_of(state),
        **counts(plan, tries),
    }


def counts(plan: StepPlan, tries: int) -> Shape:
    """What texts see of how often a step was executed, and may be."""
    if not tries:
        return {"try_count": {}, "max_retries": {}}
    return {"try_count": exact(tries), "max_retries": exact(plan.max_retries)}


def member(value: Json) -> Value:
    """A value as a member of what texts see: one that is missing is an empty map."""
    return {} if value is None else exact(value)


def task_members(run: Run, around: TaskSurroundings) -> dict[str, str]:
    """What texts see of the task; members that are empty are absent, but for some."""
    assert run.passes is not None, "a run of utask is judged"
    given = cast(Shape, run.values.get("task", {}))
    created = str(given.get("created") or iso(run.pended_at))
    resolution = run.passes.resolution
    found = {
        "task_id": around.task_id(run.ref),
        "created": created,
        "requester_username": requester_username(run),
        "last_activity": str(iso(around.now())),
        "region": around.region,
    }
    more = _lists(given)
    more["resolver_username"] = resolver_username(run)
    if resolution is not None:
        more["resolution_id"] = resolution.resolution
    elif run.passes.number:
        more["resolution_id"] = around.resolution_id(run.ref)
    return {**found, **{name: text for name, text in more.items() if text}}


def new_task_members(task: Shape, around: TaskSurroundings) -> dict[str, str]:
    """What texts see of a task that is to begin: its id is still NEW_ID."""
    created = str(task.get("created", ""))
    found = {
        "task_id": NEW_ID,
        "created": created,
        "requester_username": str(task.get("requester_username", "")),
        "last_activity": created,
        "region": around.region,
    }
    return {**found, **{name: text for name, text in _lists(task).items() if text}}


def _lists(task: Shape) -> dict[str, str]:
    return {name: ",".join(map(str, task.get(name, ()))) for name in _LISTS}
