"""What `max-runs` of a flow means for a run of it: whom it waits for, and how it ends otherwise."""

from floe.model.flow import MaxRuns
from floe.model.peer_message import GroupLimit
from floe.model.run import Run
from floe.model.signal import Cancel, Skip

CANCELLER = "max-runs"
"""The party that cancels older runs, as their reason names it."""


def limit_of(run: Run) -> MaxRuns | None:
    """The limit of the group in which a run counts; None for none."""
    return run.flow.max_runs if run.group and run.flow else None


def group_limit(run: Run) -> GroupLimit | None:
    """The limit of the group of a run, as a claim has it."""
    limit = limit_of(run)
    if limit is None:
        return None
    return GroupLimit(tag=run.group, limit=limit.limit, when_full=limit.when_full)


def place_of(name: str, limit: int) -> str:
    """What a run waits for, where the named run has a place in its group."""
    if limit == 1:
        return f"{name}, which still runs (max-runs 1)"
    return f"{name} or another of the {limit} runs before it (max-runs {limit})"


def skip(name: str, limit: int) -> Skip:
    """The end of a run that is one too many in its group, because of the named run."""
    which = "is still running" if limit == 1 else f"and {limit - 1} more are still running"
    return Skip(why=f"skipped: {name} of this flow {which} (max-runs {limit})")


def make_room(name: str) -> Cancel:
    """The end of an older run of a group, for the named run."""
    return Cancel(by=CANCELLER, why=f"{name} of this flow is newer")
