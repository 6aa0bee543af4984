"""Forms the output of a step: as its functions say, innermost first, then as the step says."""

from collections.abc import Callable, Mapping, Sequence

from floe.dialects.utask.plans import ActionPlan
from floe.dialects.utask.texts import Render, render_leaves
from floe.model.ids import Json


def formed(
    plan: ActionPlan, output: Json, merges: Sequence[Json], render: Callable[[Json], Render]
) -> Json:
    """The output of a step, from that of its action.

    `merges` were rendered before the action. `render` gives the renderer of texts that see an
    output. Raises ExpressionError.
    """
    for one, merge in zip(reversed(plan.outputs), reversed(merges), strict=True):
        if one.strategy == "merge" and isinstance(merge, Mapping):
            output = {**merge, **output} if isinstance(output, Mapping) else dict(merge)
        elif one.strategy == "template":
            output = render_leaves(one.format, render(output))
    return output
