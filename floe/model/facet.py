"""Facets: facts about a run by which lists and audits find it."""

from collections.abc import Iterable
from typing import Final

from floe.model.ids import Instant
from floe.model.nouns import dataclass, replace

FACETS_BYTES_MAX: Final = 16_384
"""Characters of the kinds and keys of one run's facets: a message to other hosts has 500 rows."""

FACET_BYTES: Final = 24
"""Counted for each facet besides its kind and key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """A fact about a run by which lists find it: the dialect of its flow derives it."""

    kind: str
    """What it tells, such as `tag` or `step`."""
    key: str
    """Its value, such as `env=prod`."""
    row: int = 0
    """The part of the run that it is about: 0 for the run, otherwise an action. The filters of a
    query must match facets of one row."""
    at: Instant
    """When the part last changed. Lists are ordered by it; a row has one, the latest."""


def facet_cursor(at: Instant, row: int, run: str) -> str:
    """The place after a row in a list of runs by facets; `run` is a key."""
    return f"{at:x}.{row}.{run}"


def aligned(facets: Iterable[Facet]) -> tuple[Facet, ...]:
    """The facets of a run as rows keep them: in order, each once, with one `at` for each row.

    The facets of the newest rows stay if all together are longer than `FACETS_BYTES_MAX`.
    """
    by_row: dict[int, dict[tuple[str, str], Facet]] = {}
    latest: dict[int, Instant] = {}
    for one in facets:
        by_row.setdefault(one.row, {})[one.kind, one.key] = one
        latest[one.row] = max(one.at, latest.get(one.row, one.at))
    left, kept = FACETS_BYTES_MAX, list[Facet]()
    for row in sorted(by_row, key=lambda row: (-latest[row], -row)):
        each, at = by_row[row], latest[row]
        for name in sorted(each):
            left -= len(name[0]) + len(name[1]) + FACET_BYTES
            if left < 0:
                return tuple(kept)
            one = each[name]
            kept.append(one if one.at == at else replace(one, at=at))
    return tuple(kept)
