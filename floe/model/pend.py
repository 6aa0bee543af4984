"""A pending run as placement sees it."""

from floe.model.ids import FlowId, HostId, RunRef
from floe.model.nouns import dataclass
from floe.model.secret_name import SecretName


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
    sealed: bool = False
    """Whether its host needs the key that wraps the key of the run."""
    begun: bool = False
    """Whether it continues: it began on a different host, and keeps all that it has done."""
    refused_by: frozenset[HostId] = frozenset()
    """Hosts that returned this run's grant and have not changed since."""
    never_by: frozenset[HostId] = frozenset()
    """Those of them that have a log of this run from a backup: they never take it."""
