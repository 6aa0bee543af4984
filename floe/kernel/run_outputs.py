"""The outputs of a run, judged when it ends.

Source: docs/flows.md, "Outputs of a run".
"""

from collections.abc import Mapping

from floe.expr.errors import ExpressionError
from floe.expr.fuel import RESULT_BYTES_MAX, Fuel
from floe.expr.values import as_text, size
from floe.kernel.judge import NodeScope, code_of, fault_text, value_of_part
from floe.model.ids import Json
from floe.model.template import Template, TemplatePart


class _Lacks(Exception):
    """An output without a value, and why."""


def outputs_of(scope: NodeScope) -> tuple[Mapping[str, Json], list[str]]:
    """The outputs of a run by name, and a sentence about each that has no value.

    An output that is one expression keeps its type; any other is text.
    """
    found: dict[str, Json] = {}
    lacking: list[str] = []
    left = RESULT_BYTES_MAX
    for output in scope.flow.outputs:
        try:
            value = _value(output.value, scope)
            left -= size(value, Fuel(RESULT_BYTES_MAX))
            if left < 0:
                raise _Lacks("the outputs of a run have at most 1 MiB together")  # noqa: TRY301
        except _Lacks as why:
            lacking.append(f"output {output.id}: {why}")
        else:
            found[output.id] = value
    return found, lacking


def _value(template: Template, scope: NodeScope) -> Json:
    fuel, parts = Fuel(), template.parts
    if len(parts) == 1 and parts[0].is_value:
        return _of_part(parts[0], scope, fuel)
    return "".join(
        _text_of_part(part, scope, fuel) if part.is_value else part.text for part in parts
    )


def _of_part(part: TemplatePart, scope: NodeScope, fuel: Fuel) -> Json:
    try:
        return value_of_part(part, scope.value, fuel)
    except ExpressionError as fault:
        raise _Lacks(fault_text(code_of(part), fault)) from None


def _text_of_part(part: TemplatePart, scope: NodeScope, fuel: Fuel) -> str:
    value = _of_part(part, scope, fuel)
    try:
        return as_text(value, fuel)
    except ExpressionError as fault:
        raise _Lacks(fault_text(code_of(part), fault)) from None
