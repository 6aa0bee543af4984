"""Renders what a step is to do: its configuration, through its functions, over its base."""

from collections.abc import Mapping
from typing import Final, NamedTuple, cast

from floe.dialects.utask.plans import ActionPlan
from floe.dialects.utask.task_data import TaskData
from floe.dialects.utask.texts import Render, exact, render_leaves
from floe.expr.errors import ExpressionError
from floe.expr.gotext.go_values import Value
from floe.model.ids import Json, Shape

FREE: Final = ("output", "value")
"""Members of configurations that are values of any type: they replace that of a base."""

LEVELS: Final = 2
"""Levels of a configuration that are merged with those of its base: its keys, and maps in them."""


class Unrendered(Exception):
    """A step cannot run, since a text of it cannot be rendered: why, as uTask says it."""


class RenderedAction(NamedTuple):
    """What a step is to do, all texts rendered."""

    configuration: Json
    merges: list[Json]
    """By function, outermost first and after that of the step: the formats of outputs that are
    rendered before the action; null for others."""


class StepTexts:
    """What the texts of one execution see."""

    def __init__(self, data: TaskData, own: Shape, iterator: Value, pre_hook: Json) -> None:
        """`iterator` and `pre_hook` are None for none."""
        self.data, self.own = data, own
        self._world = data.world()
        self._members: dict[str, Value] = {}
        if iterator is not None:
            self._members["iterator"] = iterator
        if pre_hook is not None:
            self._members["pre_hook"] = exact(pre_hook)

    def render(self, arguments: Value = None) -> Render:
        """A renderer; `arguments` are those of a function."""
        more = {} if arguments is None else {"function_args": arguments}
        return self.data.render(self.own, self._world, **self._members, **more)


def rendered_action(plan: ActionPlan, texts: StepTexts, arguments: Value = None) -> RenderedAction:
    """An action as it is to run. `arguments`: those of the function that it is a pre-hook of.

    Raises Unrendered.
    """
    base = None if plan.base is None else _configuration(plan.base, texts.render(arguments))
    configuration: Json = None
    merges: list[Json] = []
    for own, output in zip(plan.configurations, plan.outputs, strict=True):
        render = texts.render(arguments)
        configuration = _configuration(own, render)
        merges.append(_merge(output.format, render) if output.strategy == "merge" else None)
        arguments = exact(configuration)
    return RenderedAction(over_base(base, configuration), merges)


def rendered_hook(plan: ActionPlan, action: ActionPlan, texts: StepTexts) -> RenderedAction:
    """The pre-hook of an action, which sees the arguments of its function. Raises Unrendered."""
    arguments: Value = None
    for own in action.configurations[: action.hook_at]:
        arguments = exact(_configuration(own, texts.render(arguments)))
    return rendered_action(plan, texts, arguments)


def _configuration(value: Json, render: Render) -> Json:
    try:
        return render_leaves(value, render)
    except ExpressionError as error:
        raise Unrendered(f"failed to template configuration: {error.what}") from error


def _merge(format: Json, render: Render) -> Json:
    if not isinstance(format, Mapping):
        raise Unrendered("failed to template merge output: merge output not a map")
    try:
        return render_leaves(format, render)
    except ExpressionError as error:
        raise Unrendered(f"failed to template base output: {error.what}") from error


def over_base(base: Json, own: Json, level: int = 0) -> Json:
    """A configuration over its base: key by key, also in maps that are not free values."""
    if base is None or own is None:
        return base if own is None else own
    if not isinstance(base, Mapping) or not isinstance(own, Mapping):
        return own
    found = dict(base)
    for key, value in own.items():
        is_deep = level < LEVELS and key not in FREE and key in base
        found[key] = over_base(base[key], value, level + 1) if is_deep else value
    return cast(Json, found)
