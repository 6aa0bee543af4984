"""The list for whose items a node runs: as written, or what its expression comes to.

Source: docs/flows.md, "foreach and matrix".
"""

from collections.abc import Sequence

from floe.expr.errors import ExpressionError
from floe.expr.fuel import Fuel
from floe.kernel.items import ITEMS_MAX
from floe.kernel.judge import LIST_FUEL, NodeScope, fault_text, value_of
from floe.model.flow import Foreach
from floe.model.ids import Json


def list_of(foreach: Foreach, scope: NodeScope) -> tuple[tuple[Json, ...], str]:
    """The list of a node's items, or why it is wrong; nothing of both for an empty list."""
    if not foreach.expression:
        return foreach.values, ""
    text = foreach.expression
    try:
        found = value_of(text, scope, Fuel(LIST_FUEL))
    except ExpressionError as fault:
        return (), f"foreach: {fault_text(text, fault)}"
    if isinstance(found, str):
        return (), f"foreach: `{text}` is a text, not a list; try: |parse_json, or |split(',')"
    if not isinstance(found, Sequence):
        return (), f"foreach: `{text}` is no list"
    if len(found) > ITEMS_MAX:
        return (), f"foreach: `{text}` has {len(found)} items; at most {ITEMS_MAX} are allowed"
    return tuple(found), ""
