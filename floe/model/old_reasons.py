"""Rows and reasons of runs that floe 0.1 recorded, as they are put today."""

import re
from typing import Final

from floe.model.result import RunResult, failure

_UNHEARD: Final = re.compile(
    r"task\.(?P<node>[a-z0-9-]+)\.[a-z0-9]+(?: \((?P<how>.*?)\))? has no listener", re.DOTALL
)
_REACHED: Final = re.compile(
    r"task\.[a-z0-9-]+ was reached by task\.(?P<node>[a-z0-9-]+)\.[a-z0-9]+ \((?P<how>.*)\)",
    re.DOTALL,
)
_REJECTED: Final = re.compile(r"[^:;]* was rejected by ")


def result_of_row(good: bool | None, why: str) -> RunResult | None:
    """The result of a run in an old row without one; None for a run that is not over.

    Rows of floe 0.1 have none, and may come from a host that still runs it.
    """
    if good is None or good:
        return "good" if good else None
    if why.startswith(("cancelled by ", "skipped: ")):
        return "cancelled"
    if why.startswith("stalled: "):
        return "stalled"
    return "rejected" if _REJECTED.match(reason_today(why)) else "bad"


def reason_today(why: str) -> str:
    """The reason why a run failed, as it is put today: `unit tests failed: exit status 1`.

    Floe 0.1 put it as `task.unit-tests.bad (exit status 1) has no listener`.
    """
    if why.endswith("has no listener"):
        return _UNHEARD.sub(_as_today, why)
    if " was reached by task." in why:
        return _REACHED.sub(_as_today, why)
    return why


def _as_today(found: "re.Match[str]") -> str:
    return failure(found["node"].replace("-", " "), found["how"] or "")
