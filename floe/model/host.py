"""A host as other hosts see it, and the reasons why it would not take a run."""

from collections.abc import Mapping
from dataclasses import field

from floe.model.ids import FlowId, HostId, Instant, RunRef, StoreId
from floe.model.nouns import dataclass
from floe.model.secret_name import SecretName


@dataclass(frozen=True, slots=True, kw_only=True)
class HostView:
    """The current knowledge about a host."""

    id: HostId
    store: StoreId
    tags: frozenset[str]
    slots: int
    """How many slots it has: runs that have a command, or are to have one."""
    active: int = 0
    """How many of them are taken. A run that only waits for forms and timers takes none."""
    draining: bool = False
    seen_at: Instant | None = None
    """The last sign of life; None for this host itself."""
    held: Mapping[str, RunRef] = field(default_factory=dict)
    """Host-scoped resources (`host:nic`) and the run that holds each."""
    spaces: Mapping[FlowId, RunRef] = field(default_factory=dict)
    """Flows with `reuse-space` that are active there."""
    problems: tuple[str, ...] = ()
    """Reasons why it can take no run at all, in sentences."""
    secrets: frozenset[SecretName] | None = None
    """The secrets that it has; None if runs are placed without regard to them."""
    keys: frozenset[str] = frozenset()
    """The ids of its keys for sealed runs."""
    lacks_key: str = ""
    """Why it can take no sealed run of this host, as `no key 9c1f77a0`; empty if it can."""
    moves: bool = True
    """Whether it continues runs that began on a different host; an older floe does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AsOf:
    """How recent a list of all hosts' runs is."""

    seen: Mapping[HostId, Instant | None]
    """The last message of each other host; None if there was none."""
    stale: tuple[HostId, ...] = ()
    """Hosts that have been silent for too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskUse:
    """The bytes that the files of a host take."""

    at: Instant
    """When they were measured."""
    workspaces: int
    outputs: int
    store: int
