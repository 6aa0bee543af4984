"""Reads `outputs` of a flow, and checks what they name."""

from typing import Final

from floe.dialects.floe.templates import TemplateText, check_template, read_template
from floe.dialects.kinds import Unfit, quoted, text_of
from floe.dialects.notes import Notes
from floe.dialects.tree import Table
from floe.kernel.judge import AT_NODE
from floe.kernel.named_values import RUN_AT_NODE
from floe.model.flow import Flow, RunOutput
from floe.model.ids import NAME

OUTPUTS_MAX: Final = 100
"""Outputs of one flow."""


class RunOutputTexts:
    """The outputs of a flow, with their texts as written."""

    def __init__(self, table: Table | None, notes: Notes) -> None:
        self._texts: dict[str, TemplateText] = {}
        for name, (key_at, tree) in table.entries.items() if table else ():
            if not NAME.fullmatch(name):
                what = f"an output cannot have the name {quoted(name)}"
                notes.error(key_at, what, "letters, digits, _ and -, at most 63, no digit first")
                continue
            try:
                self._texts[name] = read_template(text_of(tree, name), notes, AT_NODE)
            except Unfit as fault:
                notes.error(fault.at, fault.what, fault.hint)
        if table and len(table.entries) > OUTPUTS_MAX:
            what = f"a flow has at most {OUTPUTS_MAX} outputs"
            notes.error(table.at, what, "put several values into one map")

    @property
    def outputs(self) -> tuple[RunOutput, ...]:
        """The outputs themselves."""
        return tuple(RunOutput(id=n, value=text.template) for n, text in self._texts.items())

    def check(self, flow: Flow, notes: Notes) -> None:
        """Report what no run can give, and types that never fit."""
        for text in self._texts.values():
            check_template(text, flow, notes, RUN_AT_NODE, also=AT_NODE)
