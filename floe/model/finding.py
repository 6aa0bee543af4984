"""A finding: what is wrong with a document, or probably a mistake in it."""

import dataclasses
from collections.abc import Sequence
from typing import Literal

from floe.model.secret import without_password


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A finding about a document: one error or warning."""

    file: str
    line: int
    """From 1; 0 for the document as a whole."""
    col: int
    """From 1; 0 for the document as a whole."""
    what: str
    hint: str = ""
    level: Literal["error", "warning"] = "error"

    def __post_init__(self) -> None:
        for name in ("file", "what", "hint"):
            object.__setattr__(self, name, without_password(getattr(self, name)))

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.col}" if self.line else self.file
        return f"{where}: {self.level}: {self.what}" + (
            f"\n    try: {self.hint}" if self.hint else ""
        )


def worst_level(findings: Sequence[Finding]) -> str:
    """The most serious level among findings: `error`, `warning` or empty."""
    levels = {f.level for f in findings}
    return "error" if "error" in levels else "warning" if levels else ""
