"""Findings about a document, and their positions in it."""

from typing import Final, NamedTuple

from floe.model.finding import Finding

FINDINGS_MAX: Final = 100


class Position(NamedTuple):
    """The position of a note: line and column in a document, from 1; zeros for all of it."""

    line: int = 0
    col: int = 0


class Notes:
    """Collects the findings of one document; shows at most FINDINGS_MAX of them."""

    def __init__(self, file: str, instead: str = "") -> None:
        """`instead`: the hint for a value of the run in a text that takes none."""
        self.file = file
        self.instead = instead
        self.errors = 0
        self._findings: dict[Finding, None] = {}

    def error(self, at: Position, what: str, hint: str = "") -> None:
        """Add an error, which makes the flow or the document unusable."""
        self.errors += 1
        self._add(Finding(file=self.file, line=at.line, col=at.col, what=what, hint=hint))

    def warning(self, at: Position, what: str, hint: str = "") -> None:
        """Add a warning: allowed, but probably a mistake."""
        self._add(
            Finding(file=self.file, line=at.line, col=at.col, what=what, hint=hint, level="warning")
        )

    def add(self, finding: Finding) -> None:
        """Add a finding from a different reader."""
        self.errors += finding.level == "error"
        self._add(finding)

    @property
    def is_full(self) -> bool:
        """Further errors would not be shown, so hints for them are not worth computing."""
        return self.errors > FINDINGS_MAX

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings in the order of the document, without duplicates."""
        found = sorted(self._findings, key=lambda f: (f.line, f.col))
        if len(found) <= FINDINGS_MAX:
            return tuple(found)
        kept = [f for f in found if f.level == "error"][:FINDINGS_MAX] or found[:FINDINGS_MAX]
        more = f"{len(found) - len(kept)} more findings are not shown"
        return (*kept, Finding(file=self.file, line=0, col=0, what=more, hint="fix these first"))

    def _add(self, finding: Finding) -> None:
        self._findings.setdefault(finding)
