"""Packs in Python: programs that carry out commands of flows for a floe host or a server of flyte.

The room needs the standard library alone, and imports nothing else of floe.
"""

from floe.packs.events import Event, EventType, fatal
from floe.packs.inputs import WrongInput
from floe.packs.journal_file import JournalRefused
from floe.packs.pack import Pack
from floe.packs.settings import PackSettings
from floe.packs.wire import NotSent

__all__ = [
    "Event",
    "EventType",
    "JournalRefused",
    "NotSent",
    "Pack",
    "PackSettings",
    "WrongInput",
    "fatal",
]
