"""Parts of the sentences that explain a run."""

from collections.abc import Iterable, Sequence
from typing import Final

from floe.model.outcome import Outcome
from floe.model.tags import Tag

PARTS_MAX: Final = 8
"""How many items a sentence names; it counts the rest."""

_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "m"))


def duration(seconds: float) -> str:
    """Seconds as people write them in a flow: `2h`, `90s`, `0.5s`."""
    for size, unit in _UNITS:
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size:g}{unit}"
    return f"{seconds:g}s"


def event_text(tag: Tag, outcome: Outcome | None) -> str:
    """An event with its reason: `task.build.bad (exit status 2)`."""
    how = outcome_text(outcome) if outcome is not None else ""
    return f"{tag} ({how})" if how else tag


def outcome_text(outcome: Outcome) -> str:
    """Why an attempt failed: `exit status 2`; empty if there is nothing to add."""
    is_status = outcome.result == "bad" and outcome.status is not None
    status = f"exit status {outcome.status}" if is_status else ""
    return "; ".join(filter(None, (status, outcome.why)))


def either(tags: Iterable[Tag]) -> str:
    """Alternative tags, as text."""
    return " or ".join(tags)


def first_parts(parts: Sequence[str]) -> str:
    """The first `PARTS_MAX` parts of a sentence, and the number of further ones."""
    more = len(parts) - PARTS_MAX
    return "; ".join(parts[:PARTS_MAX]) + (f"; and {more} more" if more > 0 else "")
