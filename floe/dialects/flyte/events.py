"""Events of flyte: as runs keep them, and as they are shown.

An event is kept as `{event, pack: {name, labels?}, payload?, createdAt?, receivedAt}`: what follows
from the rest is left out, since every run keeps those that began and ended its actions.
"""

from collections.abc import Mapping
from typing import Final

from floe.model.ids import Json, Shape

ZERO_TIME: Final = "0001-01-01T00:00:00Z"

FATAL_EVENT: Final = "FATAL"
"""The name of the result of an action that failed."""

SENT_BY: Final = "sentBy"
"""In an event that a person sent in place of its pack: who."""

NO_RESULT: Final[Mapping[str, Json]] = {
    "event": "",
    "pack": {"id": "", "name": ""},
    "createdAt": ZERO_TIME,
    "receivedAt": ZERO_TIME,
}
"""The result, as it is shown, of an action that is not over."""


def kept_event(
    name: str,
    pack: str,
    labels: Mapping[str, str],
    payload: Json,
    *,
    created_at: str,
    received_at: str,
) -> Shape:
    """An event as runs keep it. `created_at` is empty if its sender gave none."""
    event: Shape = {"event": name, "pack": {"name": pack}, "receivedAt": received_at}
    if labels:
        event["pack"]["labels"] = dict(labels)
    if payload is not None:
        event["payload"] = payload
    if created_at:
        event["createdAt"] = created_at
    return event


def pack_id(name: str, labels: Mapping[str, str]) -> str:
    """The id of a pack: processes with the same name and labels are one."""
    return ".".join([name, *(f"{key}.{labels[key]}" for key in sorted(labels))])


def shown_event(event: Shape) -> Shape:
    """An event with all that flyte shows of it."""
    pack = event["pack"]
    id = pack_id(pack["name"], pack.get("labels", {}))
    shown: Shape = {"event": event["event"], "pack": {"id": id, **pack}}
    if "payload" in event:
        shown["payload"] = event["payload"]
    received = event["receivedAt"]
    return {**shown, "createdAt": event.get("createdAt", received), "receivedAt": received}
