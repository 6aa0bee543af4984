"""A finding as JSON."""

from floe.model.finding import Finding
from floe.shapes.findings import finding_shape


def test_finding_keeps_its_position_and_hint() -> None:
    finding = Finding(
        file="a.yml",
        line=3,
        col=7,
        level="error",
        what="no such key `x`",
        hint="did you mean `y`?",
    )

    assert finding_shape(finding) == {
        "file": "a.yml",
        "line": 3,
        "col": 7,
        "level": "error",
        "what": "no such key `x`",
        "hint": "did you mean `y`?",
    }
