"""`max-runs` as a document has it, and the check of its template."""

from typing import NamedTuple

from floe.dialects.floe.templates import TemplateText, check_template, mentioned
from floe.dialects.notes import Notes
from floe.expr.paths import shown
from floe.model.flow import Flow, MaxRuns, WhenFull


class WrittenMaxRuns(NamedTuple):
    """A limit of the runs of a flow, as it is written."""

    limit: int
    per: TemplateText | None = None
    when_full: WhenFull = "queue"

    @property
    def compiled(self) -> MaxRuns:
        """The limit itself."""
        per = self.per.template if self.per else None
        return MaxRuns(limit=self.limit, per=per, when_full=self.when_full)


def check_max_runs(written: WrittenMaxRuns | None, flow: Flow, notes: Notes) -> None:
    """Report a template that no run can fill before it starts."""
    per = written.per if written else None
    if per is None:
        return
    check_template(per, flow, notes)
    for one in mentioned(per):
        if one.path[0] in ("task", "merge"):
            what = f"`per` is filled in before the run starts, when `{shown(one.path)}` is unknown"
            notes.error(one.at, what, "{{ values.branch }}")
