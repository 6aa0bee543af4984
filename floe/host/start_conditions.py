"""Judges the `if` of a trigger before a run exists.

Source: docs/flows.md, "Conditions of triggers".
"""

from collections.abc import Mapping
from typing import NamedTuple

from floe.expr.errors import ExpressionError
from floe.expr.paths import value_at
from floe.host.inputs import Start
from floe.host.site import SiteSettings
from floe.kernel.condition import unmet
from floe.kernel.judge import fault_text
from floe.model.flow import Trigger
from floe.model.ids import Json
from floe.model.template import Path


class StartVerdict(NamedTuple):
    """Why a trigger starts no run; `why` is empty if it starts one."""

    why: str = ""
    is_fault: bool = False
    """Whether the condition could not be judged."""


def judged_start(start: Start, trigger: Trigger, host: SiteSettings) -> StartVerdict:
    """Judge the `if` of a trigger with the values of a start."""
    if not trigger.condition:
        return StartVerdict()
    known: Mapping[str, Json] = {
        "values": dict(start.values),
        "trigger": {"id": trigger.id, "type": trigger.type},
        "host": {"name": host.id, "tags": sorted(host.tags)},
    }
    if trigger.heard is not None:
        known = {**known, "event": start.values.get("event")}

    def value(path: Path) -> Json:
        return value_at(known, path)

    try:
        why = unmet(trigger.condition, value)
    except ExpressionError as fault:
        text = f"`if` of {trigger.id} failed: {fault_text(trigger.condition, fault)}"
        return StartVerdict(text, is_fault=True)
    return StartVerdict(f"`if` of {trigger.id} is false, since {why}" if why else "")
