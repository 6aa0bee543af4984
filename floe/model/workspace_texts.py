"""Texts of work in which the workspace of a run is named, by their types."""

from enum import Enum
from typing import Annotated

from floe.model.template import Text


class InWorkspace(Enum):
    """How the workspace of a run gets into a field of a node's work, when the node enters."""

    TEXT = "text"
    """`{{ws}}` is replaced, nothing else: for code."""
    VALUE = "value"
    """So is a leading `.` or `./`."""
    VALUES = "values"
    """The same in each of several values."""


WsText = Annotated[str, InWorkspace.TEXT]
WsValue = Annotated[str, InWorkspace.VALUE]
WsTexts = Annotated[tuple[Text, ...], InWorkspace.VALUES]
