"""Events that a pack sends, and how their payloads become JSON."""

import json
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, Final

FATAL: Final = "FATAL"
"""The name of the event that ends an action as failed."""


@dataclass(frozen=True)
class EventType:
    """An event that a pack declares: its name, and the URL of a page about it, if there is one."""

    name: str
    help: str = ""


@dataclass(frozen=True)
class Event:
    """An event with its payload: JSON, dataclasses and models of pydantic, also inside others."""

    name: str
    payload: Any = None

    def body(self) -> bytes:
        """The JSON that a server gets. Raises TypeError or ValueError: the payload is no JSON."""
        created = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        shape = {"event": self.name, "payload": self.payload, "createdAt": created}
        return json.dumps(shape, default=_plain, allow_nan=False).encode()


def fatal(payload: Any) -> Event:
    """The event by which a handler says that its command failed."""
    return Event(FATAL, payload)


def event_type(event: EventType | str) -> EventType:
    """An event as it is declared; a name alone has no page."""
    return event if isinstance(event, EventType) else EventType(event)


def _plain(value: Any) -> Any:
    """JSON for a value that `json` does not know."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"a payload has a value of type {type(value).__name__}, which is no JSON")
