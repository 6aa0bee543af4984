"""What is known of a server, for a check of its flows: its packs, and the keys of its datastore."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from floe.dialects.flyte.flow import AwaitedEvent, FlyteCommand, Texts

FATAL = "FATAL"
"""The event by which any pack says that a command failed."""


class RegisteredPack(NamedTuple):
    """A pack as it registered."""

    name: str
    labels: Texts
    commands: Mapping[str, frozenset[str]]
    """The events of each command, by its name."""
    events: frozenset[str]
    """All events that it names, those of its commands too."""


class KnownServer(NamedTuple):
    """What a server has beside a flow."""

    packs: tuple[RegisteredPack, ...]
    keys: frozenset[str] | None = None
    """Of the items of the datastore; None if they are not known."""

    def named(self, name: str) -> list[RegisteredPack]:
        """The packs with a name; their labels differ."""
        return [pack for pack in self.packs if pack.name == name]

    def results(self, command: FlyteCommand) -> frozenset[str] | None:
        """The events that may end a command; None if no pack has it, or says nothing of it."""
        found = [
            pack.commands[command.name]
            for pack in self.named(command.pack_name)
            if command.name in pack.commands
        ]
        events = frozenset[str]().union(*found)
        return events | {FATAL} if events else None


def known_server(
    documents: Iterable[Mapping[str, Any]], keys: Iterable[str] | None = None
) -> KnownServer:
    """What is known, from the documents with which packs registered."""
    return KnownServer(
        tuple(_pack(document) for document in documents),
        None if keys is None else frozenset(keys),
    )


def has_labels(pack: RegisteredPack, part: AwaitedEvent | FlyteCommand) -> bool:
    """Whether a pack may have the labels that a step asks for; a template may be any value."""
    return all(
        name in pack.labels and (is_template(text) or pack.labels[name] == text)
        for name, text in part.pack_labels.items()
    )


def is_template(text: str) -> bool:
    """Whether a text is more than itself."""
    return any(sign in text for sign in ("{{", "{%", "{#"))


def _pack(document: Mapping[str, Any]) -> RegisteredPack:
    commands: dict[str, frozenset[str]] = {
        one["name"]: frozenset(one.get("events") or ()) for one in document.get("commands") or ()
    }
    events: Sequence[Mapping[str, Any]] = document.get("events") or ()
    return RegisteredPack(
        name=document["name"],
        labels=dict(document.get("labels") or {}),
        commands=commands,
        events=frozenset(one["name"] for one in events).union(*commands.values()),
    )
