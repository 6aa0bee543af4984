"""Facts about what a run asks of people and programs, and their answers."""

from collections.abc import Mapping
from dataclasses import field

from floe.model.ids import NO_ITEM, Instant, Json, NodeId
from floe.model.nouns import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DataAsked:
    """Event: a form is open, or a call waits for its answer."""

    at: Instant
    node: NodeId
    visit: int
    item: int = NO_ITEM
    output_bytes: int = 0
    """Of the request of a call, which is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAnswered:
    """Event: the address of a call was called while its request was not over yet.

    The answer counts when the request is over, however that ends.
    """

    at: Instant
    node: NodeId
    visit: int
    attempt: int
    values: Mapping[str, Json] = field(default_factory=dict)
    by: str = ""
    good: bool = True
    item: int = NO_ITEM


@dataclass(frozen=True, slots=True)
class CallAnswer:
    """An answer to a call of a run whose request is not over yet."""

    values: Mapping[str, Json]
    by: str
    good: bool
