"""What the steps of a template need when they run, read once for each version of a template."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from floe.dialects.go_yaml import GoTree, json_value
from floe.dialects.utask.compiled import (
    TODO,
    ReadTemplate,
    chain_of,
    node_ids,
    plugin_of,
    pre_hook_of,
    read_of,
)
from floe.dialects.utask.document import (
    MAX_RETRIES_DEFAULT,
    UtaskAction,
    UtaskCondition,
    UtaskFunction,
    UtaskStep,
)
from floe.model.flow import Flow
from floe.model.ids import Json, NodeId

PLANS_KEPT: Final = 500


class OutputFormat(NamedTuple):
    """How an action, or a function, forms an output."""

    strategy: str
    format: Json


class ActionPlan(NamedTuple):
    """An action with the functions that it goes through."""

    plugin: str
    """The type of what it does in the end."""
    configurations: tuple[Json, ...]
    """Its own, then that of each function: each is rendered with the one before it as arguments."""
    outputs: tuple[OutputFormat, ...]
    """In the same order."""
    base: Json
    """Under its configuration; None for none."""
    hook_at: int = 0
    """How many of its configurations are rendered before its pre-hook: 0 for that of the step."""


class StepPlan(NamedTuple):
    """A step as it runs."""

    step: UtaskStep
    node: NodeId
    action: ActionPlan
    hook: ActionPlan | None
    skips: tuple[UtaskCondition, ...]
    """Before it runs; of a loop, before each child."""
    parent_skips: tuple[UtaskCondition, ...]
    """Before a loop begins."""
    checks: tuple[UtaskCondition, ...]
    max_retries: int
    """Executions after the first; negative for no limit."""


class TemplatePlan(NamedTuple):
    """A template as its tasks run."""

    read: ReadTemplate
    steps: Mapping[NodeId, StepPlan]
    names: Mapping[NodeId, str]
    nodes: Mapping[str, NodeId]
    unrun: Mapping[str, Json]
    """What texts see of a step that has not run."""


def plan_of(flow: Flow) -> TemplatePlan:
    """The plan of the template of a flow."""
    if (found := _plans.get(flow.origin)) is None:
        found = _plans[flow.origin] = _planned(read_of(flow))
        if len(_plans) > PLANS_KEPT:
            _plans.popitem(last=False)
    _plans.move_to_end(flow.origin)
    return found


_plans: Final[OrderedDict[str, TemplatePlan]] = OrderedDict()


def _planned(read: ReadTemplate) -> TemplatePlan:
    nodes = node_ids(read.template)
    steps = {
        nodes[name]: _step(step, nodes[name], read) for name, step in read.template.steps.items()
    }
    names = {node: name for name, node in nodes.items()}
    unrun: dict[str, Json] = {
        **{key: {} for key in ("output", "metadata", "children", "try_count", "max_retries")},
        "state": TODO,
        "error": "",
    }
    return TemplatePlan(read, steps, names, nodes, unrun)


def _step(step: UtaskStep, node: NodeId, read: ReadTemplate) -> StepPlan:
    hook = pre_hook_of(step, read.functions)
    functions = chain_of(step.action, read.functions)
    conditions = [one for function in reversed(functions) for one in function.conditions]
    conditions += step.conditions
    skips = [one for one in conditions if one.type == "skip"]
    return StepPlan(
        step=step,
        node=node,
        action=_action(step.action, read),
        hook=None if hook is None else _action(hook, read),
        skips=tuple(one for one in skips if one.foreach != "parent"),
        parent_skips=tuple(one for one in skips if one.foreach == "parent"),
        checks=tuple(one for one in conditions if one.type == "check"),
        max_retries=step.max_retries or MAX_RETRIES_DEFAULT,
    )


def _action(action: UtaskAction, read: ReadTemplate) -> ActionPlan:
    functions = chain_of(action, read.functions)
    actions = [action, *(function.action for function in functions)]
    base = read.template.base_configurations.get(action.base_configuration)
    return ActionPlan(
        plugin=plugin_of(action, read.functions),
        configurations=tuple(_value(one.configuration) for one in actions),
        outputs=tuple(OutputFormat(one.output_strategy, one.output_format) for one in actions),
        base=_value(base),
        hook_at=_hook_at(functions),
    )


def _hook_at(functions: Iterable[UtaskFunction]) -> int:
    """How many configurations are rendered before the pre-hook of a function."""
    return next((at for at, one in enumerate(functions, 1) if one.pre_hook is not None), 0)


def _value(tree: GoTree | None) -> Json:
    return None if tree is None else json_value(tree)
