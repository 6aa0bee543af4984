"""A host as other hosts see it, and the reasons why it would not take a run."""

from collections.abc import Mapping
from dataclasses import field
from typing import NamedTuple

from floe.model.ids import FlowId, HostId, Instant, RunRef, StoreId
from floe.model.nouns import dataclass
from floe.model.secret_name import SecretName
from floe.model.tags import Tag


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Pend:
    """The properties of a pending run that its placement depends on."""

    run: RunRef
    flow: FlowId
    host_tags: frozenset[str]
    resource_tags: tuple[str, ...]
    reuse_space: bool
    prefers: HostId | None = None
    """The host that has the workspace which a re-run takes over."""
    only: HostId | None = None
    """The one host that may take the run; None for any."""
    secrets: frozenset[SecretName] = frozenset()
    """The secrets that its nodes name."""
    group: str = ""
    """The runs that count together for the flow's `max-runs`; empty without it."""
    refused_by: frozenset[HostId] = frozenset()
    """Hosts that returned this run's grant and have not changed since."""


class NeverRan(NamedTuple):
    """A node that never entered in a run that has ended, and was not skipped."""

    tags: tuple[Tag, ...]
    """The tags that it waited for."""
    why: str
    """The reason, as a sentence: `Approval by Ops was not rejected`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """The answer to `floe why`: one sentence and its parts."""

    text: str
    hosts: Mapping[HostId, tuple[str, ...]] = field(default_factory=dict)
    """Pending: each host and the reasons it does not take the run."""
    waiting: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Active: each unfinished node (`task.build`) and what it waits for."""
    never: Mapping[str, NeverRan] = field(default_factory=dict)
    """Ended: each node that never entered."""
    skipped: Mapping[str, str] = field(default_factory=dict)
    """Each node that was skipped, with the reason as the end of a sentence."""


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
