"""Starts by hand: what a person may give to a trigger that fires without people.

No I/O, no clock.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from floe.host.repositories import wanted_refs
from floe.model.codec import from_text
from floe.model.errors import ValuesInvalid
from floe.model.flow import Trigger
from floe.model.ids import Json
from floe.model.run import Run

SHOWN_MAX: Final = 10
"""Branches that an error lists."""

MAIN: Final = ("refs/heads/main", "refs/heads/master")
"""The branches that are taken if none is named."""


def head_of(trigger: Trigger, branch: str, found: Mapping[str, str]) -> str:
    """The ref that a start by hand takes of a polled repository: the named branch or tag, else the
    only one that the trigger watches, else `main` or `master`. Raises ValuesInvalid."""
    if branch:
        for ref in (branch, f"refs/heads/{branch}", f"refs/tags/{branch}"):
            if ref in found:
                return ref
        raise _unclear("the repository has no such branch or tag", found)
    watched = wanted_refs(trigger, found)
    for ref in watched if len(watched) == 1 else MAIN:
        if ref in watched:
            return ref
    raise _unclear("a branch is needed: -d branch=NAME", watched)


def as_pushed(values: Mapping[str, Json]) -> Mapping[str, Json]:
    """The values of a push by hand; a body that is JSON is parsed, as of a real webhook."""
    body = values.get("push")
    if not isinstance(body, str):
        return values
    try:
        return {**values, "push": from_text(body)}
    except ValueError:
        return values


def is_by_hand(run: Run) -> bool:
    """Whether a person started a run by a trigger that otherwise fires without people."""
    types = {t.id: t.type for t in run.flow.triggers} if run.flow else {}
    is_own = run.by == f"trigger:{run.trigger}"
    return types.get(run.trigger, "data") != "data" and not is_own and run.rerun_of is None


def _unclear(what: str, refs: Iterable[str]) -> ValuesInvalid:
    names = sorted(ref.removeprefix("refs/heads/").removeprefix("refs/tags/") for ref in refs)
    more = ", …" if len(names) > SHOWN_MAX else ""
    has = f"; it has {', '.join(names[:SHOWN_MAX])}{more}" if names else "; it has none"
    return ValuesInvalid({"branch": what + has})
