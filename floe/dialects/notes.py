"""What is to be said about a document, and where in it."""

from typing import Final, NamedTuple

from floe.model.errors import Finding

FINDINGS_MAX: Final = 100


class Position(NamedTuple):
    """A place in a document, line and column from 1; zeros for the document as a whole."""

    line: int = 0
    col: int = 0


class Notes:
    """Collects the findings of one document; past FINDINGS_MAX they are only counted."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.errors = 0
        self._findings: dict[Finding, None] = {}

    def error(self, at: Position, what: str, hint: str = "") -> None:
        """Something that makes its flow, or the document, unusable."""
        self.errors += 1
        self._add(Finding(file=self.file, line=at.line, col=at.col, what=what, hint=hint))

    def warning(self, at: Position, what: str, hint: str = "") -> None:
        """Something that is allowed, and probably not meant."""
        self._add(
            Finding(file=self.file, line=at.line, col=at.col, what=what, hint=hint, level="warning")
        )

    def add(self, finding: Finding) -> None:
        """Something that was found elsewhere."""
        self.errors += finding.level == "error"
        self._add(finding)

    @property
    def is_full(self) -> bool:
        """More would not be shown: no need to look for what was meant."""
        return self.errors > FINDINGS_MAX

    @property
    def findings(self) -> tuple[Finding, ...]:
        """In the order of the document; one thing said twice is said once."""
        found = sorted(self._findings, key=lambda f: (f.line, f.col))
        if len(found) <= FINDINGS_MAX:
            return tuple(found)
        kept = [f for f in found if f.level == "error"][:FINDINGS_MAX] or found[:FINDINGS_MAX]
        more = f"{len(found) - len(kept)} more findings are not shown"
        return (*kept, Finding(file=self.file, line=0, col=0, what=more, hint="mend these first"))

    def _add(self, finding: Finding) -> None:
        self._findings.setdefault(finding)
