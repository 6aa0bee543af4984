"""What a hub is put together from."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from floe.host.core import HostSettings
from floe.hub.clock import Clock
from floe.hub.effects import ActSettings
from floe.hub.flows import FlowBook, FlowFiles
from floe.model.flow import Action
from floe.nodes.base import Executor, Refs
from floe.peers.base import Peers
from floe.store.base import RunStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a hub is put together from; `app` chooses them."""

    host: HostSettings
    acts: ActSettings
    store: RunStore
    executors: Mapping[type[Action], Executor]
    refs: Refs
    flow_files: FlowFiles
    clock: Clock
    book: FlowBook
    read_book: Callable[[], Awaitable[FlowBook]]
    """Reads the config again. Raises ConfigInvalid."""
    peers: Peers | None = None
    """The other hosts; None where the config names none."""
    places: Mapping[str, Path] = field(default_factory=dict)
    """Folders that runs need room in, by what they are called in a sentence."""
    version: str = ""
    """Of floe, for people."""
