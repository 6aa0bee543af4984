"""The points at which a hub may die, by name."""

from itertools import product
from typing import Final, get_args

from floe.hub.rows import KINDS
from floe.model.codec import EVENTS
from floe.model.effect import AskData, LoadFlow, PackArchive, SetTimer, StartAction, StopAction
from floe.model.message import Message, Rows, RowsAfter

EFFECTS: Final = (AskData, LoadFlow, PackArchive, SetTimer, StartAction, StopAction)
"""Those that hands carry out; an offer is a message."""

DIRECTORY: Final = (Rows, RowsAfter)
"""Words of the directory, which is not the core's: no decision rests on them."""

MESSAGES: Final = tuple(cls.__name__ for cls in get_args(Message) if cls not in DIRECTORY)

APPENDS: Final = (*EVENTS, *(f"row {kind}" for kind in KINDS))

POINTS: Final = (
    *(f"{when} {name}" for when, name in product(("before", "after"), APPENDS)),
    *(f"after sending {name}" for name in MESSAGES),
    *(f"{when} {cls.__name__}" for when, cls in product(("before", "after"), EFFECTS)),
)
