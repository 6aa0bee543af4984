"""The refs of one repository as they were seen last, and the changes that a new look finds.

No I/O, no clock.
"""

from collections.abc import Mapping
from dataclasses import field, replace
from fnmatch import fnmatchcase
from typing import Final

from floe.expr.patterns import is_match
from floe.model.codec import encode
from floe.model.ids import Instant
from floe.model.nouns import dataclass
from floe.store.base import LedgerWrite


@dataclass(frozen=True, slots=True, order=True)
class RefScope:
    """Which refs were looked at: a shell pattern, and a regular expression of what was not."""

    pattern: str
    exclude: str = ""

    def covers(self, ref: str) -> bool:
        """Whether a ref was looked at."""
        if not fnmatchcase(ref, self.pattern):
            return False
        return not (self.exclude and is_match(self.exclude, ref))


ALWAYS: Final = (RefScope("refs/heads/*"), RefScope("refs/tags/*"))
"""Of each repository all branches and tags are remembered, so that a changed filter finds no change
where nothing changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRef:
    """A ref as it was seen last."""

    commit: str
    change: int = 0
    """The number of its last change; 0 for none since the first look."""
    emptied: bool = False
    """Whether it went when all branches did. It is no change if it comes back as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRepository:
    """What is remembered of a repository beside its seen refs."""

    scopes: tuple[RefScope, ...] = ()
    """What of it was looked at."""
    term: int = 0
    """Of the keeper that looked last; 0 for a host without others."""
    unwatched_at: Instant | None = None
    """Since when no trigger watches it."""


@dataclass(slots=True, kw_only=True)
class SeenRefs:
    """A repository and its refs as they were seen last."""

    about: SeenRepository
    refs: dict[str, SeenRef] = field(default_factory=dict)
    change: int = 0
    """The number of the last change of any ref."""


def compare_seen(known: SeenRefs, found: Mapping[str, str]) -> set[str]:
    """Give each seen ref that changed the next number; return the refs whose row changed."""
    fresh = set()
    for ref, commit in sorted(found.items()):
        before = known.refs.get(ref)
        is_same = before is not None and before.commit == commit
        if before is not None and is_same and not before.emptied:
            continue
        fresh.add(ref)
        if before is not None and is_same:
            known.refs[ref] = replace(before, emptied=False)
        elif before is None and not any(scope.covers(ref) for scope in known.about.scopes):
            known.refs[ref] = SeenRef(commit=commit)  # no poll looked for it before
        else:
            known.change += 1
            known.refs[ref] = SeenRef(commit=commit, change=known.change)
    return fresh


def forget_gone(
    known: SeenRefs, name: str, found: Mapping[str, str], scopes: set[RefScope], *, alone: bool
) -> list[LedgerWrite]:
    """Forget seen refs that were deleted, so that they are new when they are made again.

    Where no branch is left, as in a mirror that is being filled again, nothing is forgotten.
    """
    is_empty = not any(ref.startswith("refs/heads/") for ref in found)
    rows = []
    for ref in known.refs.keys() - found.keys():
        seen = known.refs[ref]
        if seen.emptied or not any(scope.covers(ref) for scope in scopes):
            continue
        if is_empty:
            known.refs[ref] = replace(seen, emptied=True)
            rows.append(ref_row(ref, name, known.refs[ref]))
        elif alone:
            del known.refs[ref]
            rows.append(LedgerWrite(kind="ref", key=f"{ref} {name}", value=None))
    return rows


def ref_row(ref: str, name: str, seen: SeenRef) -> LedgerWrite:
    """The ledger row of a ref."""
    return LedgerWrite(kind="ref", key=f"{ref} {name}", value=encode(seen))


def seen_repository_row(name: str, about: SeenRepository) -> LedgerWrite:
    """The ledger row of a repository whose refs were seen."""
    return LedgerWrite(kind="repository", key=name, value=encode(about))
