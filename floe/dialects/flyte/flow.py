"""The nouns of flyte: flows with their steps, packs, events and actions."""

from collections.abc import Mapping
from dataclasses import field

from floe.expr.pongo2.moments import Moment
from floe.model.ids import Json
from floe.model.nouns import dataclass

FlowPlace = tuple[str | int, ...]
"""Where something is in a flow or step of flyte: `("context", "a")`."""

Texts = Mapping[str, str]
"""Labels, or a context: texts by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitedEvent:
    """The event that a step of flyte waits for; the values of `pack_labels` are templates."""

    name: str
    pack_name: str
    pack_labels: Texts = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlyteCommand:
    """The command of a step; the values of `pack_labels` and all texts of `input` are templates."""

    name: str
    pack_name: str
    pack_labels: Texts = field(default_factory=dict)
    input: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlyteStep:
    """A step of a flyte flow; the values of `context` and the criteria are templates."""

    event: AwaitedEvent
    command: FlyteCommand
    id: str = ""
    depends_on: tuple[str, ...] = ()
    context: Texts = field(default_factory=dict)
    criteria: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlyteFlow:
    """A flow of flyte, as it is posted."""

    name: str
    description: str = ""
    steps: tuple[FlyteStep, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FlytePack:
    """The pack that sent an event, as it was registered then."""

    id: str
    name: str
    labels: Texts = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlyteEvent:
    """An event of flyte: a fresh one, or the result of an action."""

    name: str
    pack: FlytePack
    created_at: Moment
    received_at: Moment
    payload: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlyteAction:
    """What a step asks a pack to do, all of it rendered."""

    command: str
    pack_name: str
    pack_labels: Texts
    context: Texts
    """All of it: the inherited one, with that of the step."""
    input: Json


def shown_place(place: FlowPlace) -> str:
    """A place as people write it: `steps[0].context.a`."""
    parts = (f"[{one}]" if isinstance(one, int) else f".{one}" for one in place)
    return "".join(parts).removeprefix(".")
