"""A finding in a document as JSON."""

from floe.model.finding import Finding
from floe.model.ids import Shape


def finding_shape(finding: Finding) -> Shape:
    """One of the findings in a document."""
    return {
        "file": finding.file,
        "line": finding.line,
        "col": finding.col,
        "level": finding.level,
        "what": finding.what,
        "hint": finding.hint,
    }
