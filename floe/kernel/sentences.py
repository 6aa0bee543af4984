"""Parts of the sentences that explain a run."""

from collections.abc import Iterable, Sequence
from typing import Final

from floe.model.outcome import Outcome
from floe.model.tags import Tag

PARTS_MAX: Final = 8
"""How many items a sentence names; it counts the rest."""

_SIGNALS: Final = {
    130: "SIGINT",
    134: "SIGABRT",
    135: "SIGBUS",
    136: "SIGFPE",
    137: "SIGKILL, as when memory runs out",
    139: "SIGSEGV",
    143: "SIGTERM",
}
"""Exit statuses of commands that a signal ended: 128 and its number, on Linux."""

_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "m"))


def duration(seconds: float) -> str:
    """Seconds in a sentence, as people write them in a flow: `2h`, `90s`, `0.5s`."""
    for size, unit in _UNITS:
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size:g}{unit}"
    return f"{seconds:g}s"


def event_text(tag: Tag, outcome: Outcome | None) -> str:
    """An event in a sentence, with its reason: `task.build.bad (exit status 2)`."""
    how = outcome_text(outcome) if outcome is not None else ""
    return f"{tag} ({how})" if how else tag


def outcome_text(outcome: Outcome) -> str:
    """Why an attempt failed, in a sentence: `exit status 2`; empty if there is nothing to add."""
    status = ""
    if outcome.result == "bad" and outcome.status is not None:
        ended_by = _SIGNALS.get(outcome.status, "")
        status = f"exit status {outcome.status}" + (f" ({ended_by})" if ended_by else "")
    return "; ".join(filter(None, (status, outcome.why)))


def either(tags: Iterable[Tag]) -> str:
    """Alternative tags in a sentence."""
    return " or ".join(tags)


def first_parts(parts: Sequence[str]) -> str:
    """The first `PARTS_MAX` parts of a sentence, and the number of further ones."""
    more = len(parts) - PARTS_MAX
    return "; ".join(parts[:PARTS_MAX]) + (f"; and {more} more" if more > 0 else "")
