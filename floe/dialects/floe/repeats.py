"""`repeat` of tasks: as it is written, and what cannot stand beside it."""

from typing import Final, NamedTuple

from floe.dialects.floe.expressions import ExpressionText, check_expression
from floe.dialects.notes import Notes, Position
from floe.kernel.repeat import GIVEN
from floe.model.callback import Callback
from floe.model.flow import Flow, Repeat
from floe.model.ids import NodeId
from floe.model.work import Action, Work


class WrittenRepeat(NamedTuple):
    """`repeat` as it is written in a document."""

    until: ExpressionText | None
    every_s: float
    max: int

    @property
    def compiled(self) -> Repeat | None:
        """What the flow keeps of it; None if `until` is missing or wrong, which was reported."""
        if self.until is None:
            return None
        return Repeat(until=self.until.code, every_s=self.every_s, max=self.max)


NO_REPEAT: Final[WrittenRepeat | None] = None


def check_work(work: Work, type_: str, at: Position, notes: Notes) -> None:
    """Report `repeat` of a task that runs nothing."""
    if not isinstance(work, Action) or isinstance(work, Callback):
        what = f"a task of type `{type_}` has nothing to repeat"
        notes.error(at, what, "`repeat` is for tasks that a host carries out, such as exec")


def check_repeat(written: WrittenRepeat | None, flow: Flow, node: NodeId, notes: Notes) -> None:
    """Report what `until` names and no attempt can give."""
    if written is not None:
        check_expression(written.until, flow, notes, node=node, given=GIVEN)
