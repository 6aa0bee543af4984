"""Who may answer the form of a run.

Source: docs/flows.md, "data".
"""

from floe.model.form import Form
from floe.model.run import Run


def refusal(run: Run, form: Form, by: str) -> str:
    """Why a person may not give the approval that a form asks for; empty if they may.

    The starter of a re-run is the person who requested it. A timer, a poll or a push starts its run
    as `trigger:<id>`, a name that no person has.
    """
    if form.approvers == "not-starter" and by == run.by:
        return f"{by} started this run, so a different person has to answer"
    return ""
