"""Commands of flyte's packs as outside work: their queues, and the labels that they need."""

from collections.abc import Iterable, Mapping
from typing import Final

from floe.model.ids import Json

ACTION: Final = "flyte.action"
"""The type of outside work that a pack takes."""

GOOD: Final = "good"
"""In the config of a command of floe's own flows: the events that are a good result."""

QUEUES: Final = "flyte:"
"""Begins the names of the queues of packs."""


def is_task(config: Json) -> bool:
    """Whether the config of a command is that of a task of a flow of floe's own."""
    return isinstance(config, Mapping) and GOOD in config


def is_good(config: Json, event: str, *, fatal: str) -> bool:
    """Whether an event is a good result of a command of floe's own flows."""
    wanted = config[GOOD] if isinstance(config, Mapping) else None
    return event in wanted if isinstance(wanted, list) and wanted else event != fatal


def queue_of(pack: str) -> str:
    """The queue from which the packs with a name take their actions."""
    return f"{QUEUES}{pack}"


def pack_of(queue: str) -> str:
    """The name of the packs that take from a queue."""
    return queue.removeprefix(QUEUES)


def is_queue(queue: str) -> bool:
    """Whether packs take from a queue."""
    return queue.startswith(QUEUES)


def labels_of(labels: Mapping[str, str]) -> frozenset[str]:
    """Labels of a pack as outside work has them."""
    return frozenset(f"{quoted(name)}={value}" for name, value in labels.items())


def labels_in(labels: Iterable[str]) -> dict[str, str]:
    """Labels of a pack in those of outside work, by name."""
    pairs = (label.partition("=") for label in labels)
    return dict(sorted((_unquoted(name), value) for name, _, value in pairs))


def quoted(name: str) -> str:
    """The name of a label, so that the first `=` after it ends it."""
    return name.replace("%", "%25").replace("=", "%3D")


def _unquoted(name: str) -> str:
    return name.replace("%3D", "=").replace("%25", "%")
