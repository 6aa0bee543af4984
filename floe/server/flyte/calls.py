"""Which flows call which commands of packs, and wait for which events."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from floe.dialects.flyte.events import FATAL_EVENT
from floe.dialects.pack_work import ACTION, pack_of
from floe.model.call import OutsideWork
from floe.model.flow import Flow
from floe.model.ids import Shape
from floe.server.flyte.flow_book import FlowVersion
from floe.server.flyte.pack_book import KnownPack

FLOWS_MAX: Final = 20
"""Flows that are named of one command or event."""

Asked = tuple[str, str]
"""A pack, and its command or event."""


class FlowName(NamedTuple):
    """A flow for people."""

    id: str
    name: str


class FlyteUses(NamedTuple):
    """What flows ask of packs."""

    commands: Mapping[Asked, Sequence[FlowName]]
    events: Mapping[Asked, Sequence[FlowName]]


def calls_of(versions: Sequence[FlowVersion], others: Sequence[Flow]) -> FlyteUses:
    """What the flows of flyte, and the nodes of other flows that are commands of packs, ask for."""
    commands: dict[Asked, dict[FlowName, None]] = {}
    events: dict[Asked, dict[FlowName, None]] = {}
    for version in versions:
        flow = FlowName(version.flow.id, version.name)
        for step in version.steps:
            commands.setdefault(_asked(step["command"]), {})[flow] = None
            events.setdefault(_asked(step["event"]), {})[flow] = None
    for other in others:
        for asked in _commands_of(other):
            commands.setdefault(asked, {})[FlowName(other.id, other.name)] = None
    return FlyteUses(
        {asked: tuple(flows) for asked, flows in commands.items()},
        {asked: tuple(flows) for asked, flows in events.items()},
    )


def events_of(pack: KnownPack, command: str | None = None) -> list[str]:
    """The events that a pack declares, or those of one of its commands, each once."""
    commands = [one for one in pack.document.get("commands", ()) if command in (None, one["name"])]
    own = [] if command is not None else [one["name"] for one in pack.document.get("events", ())]
    return [*dict.fromkeys([*own, *(event for one in commands for event in one["events"] or ())])]


def declared_events(packs: Sequence[KnownPack]) -> frozenset[Asked]:
    """All events that packs say they send. A pack with commands may send FATAL."""
    found = set[Asked]()
    for pack in packs:
        name = pack.document["name"]
        found.update((name, event) for event in events_of(pack))
        if pack.document.get("commands"):
            found.add((name, FATAL_EVENT))
    return frozenset(found)


def flows_shape(flows: Sequence[FlowName]) -> Shape:
    """Flows in a list that is not too long."""
    shown = [{"id": flow.id, "name": flow.name} for flow in flows[:FLOWS_MAX]]
    return {"flows": shown, "more_flows": max(0, len(flows) - FLOWS_MAX)}


def _asked(part: Shape) -> Asked:
    return part["packName"], part["name"]


def _commands_of(flow: Flow) -> Iterator[Asked]:
    for node in flow.nodes:
        work = node.work
        if isinstance(work, OutsideWork) and work.type == ACTION:
            yield pack_of(work.queue), work.name
