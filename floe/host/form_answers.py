"""Answers of people to the forms of runs."""

from collections.abc import Mapping
from typing import Final

from floe.expr.form_values import checked_values
from floe.kernel.approval import refusal
from floe.model.errors import Conflict, Forbidden, NotFound, TooLarge
from floe.model.form import Form
from floe.model.ids import Json, NodeId
from floe.model.run import Run
from floe.model.signal import DataGiven
from floe.model.work import Ask

WHY_MAX: Final = 2000
"""Characters of the reason of a rejection."""


def data_node(run: Run, node: str) -> NodeId:
    """The node whose form values are given, by id or `task.sign-off`. Raises NotFound."""
    id = NodeId(node.removeprefix("task."))
    found = run.flow.by_id.get(id) if run.flow else None
    if found is None or not isinstance(found.work, Ask):
        asks = [n.id for n in run.flow.nodes if isinstance(n.work, Ask)] if run.flow else []
        raise NotFound(
            f"{run.ref} has no data node {node!r}", f"it has {', '.join(asks) or 'none'}"
        )
    return id


def open_form(run: Run, node: NodeId, name: str, visit: int = 0) -> tuple[Form, int]:
    """The form of a node that waits for values, and of which visit it is.

    `name` is the run's, `visit` the visit that is answered; 0 for the latest. Raises Conflict.
    """
    state = run.nodes.get(node)
    if state is not None and visit not in (0, state.visit):
        raise Conflict(
            f"visit {visit} of the form {node} of {name} is not open: the node is in its "
            f"visit {state.visit}",
            "load the form again, and answer that one",
        )
    if state is None or state.phase != "asking" or not isinstance(state.work, Ask):
        reason = "not open yet" if state is None and run.state != "archive" else "not open any more"
        raise Conflict(f"the form {node} of {name} is {reason}", f"see floe why {name}")
    return state.work.form, state.visit


def answered(
    run: Run,
    node: str,
    name: str,
    values: Mapping[str, Json],
    *,
    good: bool,
    visit: int,
    by: str,
    why: str = "",
) -> DataGiven:
    """The answer to an open form of a run of that name: checked values. `visit` 0 is the latest.

    `why`: of a rejection. Raises NotFound, Forbidden, ValuesInvalid, TooLarge, Conflict.
    """
    id = data_node(run, node)
    form, asked = open_form(run, id, name, visit)
    if refused := refusal(run, form, by):
        raise Forbidden(f"the form {id} of {name}: {refused}", _ASK_ANOTHER)
    if len(why) > WHY_MAX:
        raise TooLarge(f"the reason of a rejection has at most {WHY_MAX} characters")
    given = checked_values(form, values, complete=good)
    return DataGiven(node=id, values=given, good=good, by=by, visit=asked, why=why.strip())


_ASK_ANOTHER: Final = (
    "ask a colleague; each person needs a personal token (`floe login --personal NAME`)"
)
