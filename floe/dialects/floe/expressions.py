"""Expressions in documents, without braces: `values.env == 'prod'`; and their checks at a node."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from floe.dialects.floe.other_words import value_of_variable
from floe.dialects.floe.templates import Mentioned, TemplateText, check_template, mentioned
from floe.dialects.kinds import Schema, Unfit, quoted, scalar
from floe.dialects.notes import Notes
from floe.dialects.tree import Scalar, Tree
from floe.expr.errors import ExpressionError
from floe.expr.paths import HOSTS
from floe.expr.template import WrittenPart
from floe.kernel.judge import AT_NODE
from floe.kernel.named_values import RUN_AT_NODE
from floe.model.flow import Flow
from floe.model.ids import NodeId
from floe.model.nouns import dataclass
from floe.model.template import TemplatePart


class ExpressionText(NamedTuple):
    """An expression as it is written in a document."""

    tree: Scalar
    code: str


NO_EXPRESSION: Final[ExpressionText | None] = None


@dataclass(frozen=True)
class ExpressionKind:
    """Kind of value: one expression, without braces. `true`, `false` and numbers are some too."""

    label: str = "expression"

    def read(self, tree: Tree, key: str, notes: Notes) -> ExpressionText:
        from floe.expr.flow.expression import expression  # most flows have none

        written = scalar(
            tree, key, "an expression", "a list in it is written ['a', 'b'], in quotes"
        )
        if written.kind in ("date", "nothing"):
            what = f"`{key}` takes an expression, but YAML reads {quoted(written.text)} differently"
            raise Unfit(written.at, what, f'quote it: {key}: "{written.text}"')
        code = written.text if written.kind == "text" else written.text.lower()
        if code.lstrip(" $").startswith("{{"):
            what = f"`{key}` is an expression as a whole, without braces"
            raise Unfit(written.at, what, f"{key}: {code.strip(' ${}')}")
        try:
            expression(code)
        except ExpressionError as fault:
            at = written.position_of(fault.offset or 0)
            hint = fault.hint or value_of_variable(code[fault.offset or 0 :])
            raise Unfit(at, fault.what, hint) from None
        return ExpressionText(written, code)

    def schema(self) -> Schema:
        return {"type": ["string", "boolean", "number"]}


def check_expression(
    text: ExpressionText | None,
    flow: Flow,
    notes: Notes,
    *,
    node: NodeId | None = None,
    given: tuple[str, ...] = (),
) -> None:
    """Report what an expression names and no run can give, and types that never fit.

    With `node` the expression is judged when this node enters: nodes that are not before it are
    warned of. `given`: further first names that its judge adds, such as `item` and `index`.
    """
    if text is None:
        return
    also = (*AT_NODE, HOSTS, *given) if node is not None else given
    check_template(_template(text), flow, notes, RUN_AT_NODE, node=node, also=also)


def named_in(text: ExpressionText) -> Iterator[Mentioned]:
    """The paths in an expression."""
    return mentioned(_template(text))


def _template(text: ExpressionText) -> TemplateText:
    return TemplateText(text.tree, (WrittenPart(0, TemplatePart(code=text.code)),))
