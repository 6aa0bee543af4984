"""The port through which placement obtains the resources of the whole cluster.

Two kinds of lease holder stand behind it: a single host (`alone`), and the host that the config
names as the keeper (`kept`). A database can be the third.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from floe.host.step import Step
from floe.kernel.place import HOST_SCOPED, Refusals
from floe.model.ids import HostId, Instant, RunRef
from floe.model.nouns import dataclass
from floe.model.pend import Pend
from floe.model.run import Run


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease: what one run holds. After a census two runs may hold one resource."""

    kind: Literal["resource", "workspace"]
    tag: str
    """Of the resource; the flow of a workspace."""
    run: str
    """The key of the run that holds it."""
    host: HostId | None = None
    """The host that it belongs to; None for a resource of the whole cluster."""
    fence: str = ""
    """`term.counter`; empty where it has none, or only a peer knows it."""
    since: Instant | None = None
    """When the run came to hold it; None where only a peer knows."""
    waiting: tuple[str, ...] = ()
    """Keys of the runs that asked for it, in order."""


class Leases(Protocol):
    """The port for leases: grants each resource of the cluster to one run at a time."""

    @property
    def held(self) -> Mapping[str, RunRef]:
        """Held resources that placement itself has to respect: `ready` does not check them."""

    def first(self) -> Sequence[RunRef]:
        """Runs that hold all that they need and still wait for a host: placement tries them first,
        so that they do not keep others waiting."""

    def pended(self, step: Step, run: Run) -> None:
        """A run of a group came to wait for a host. If the group is full, skip it or cancel older
        runs, as its flow demands."""

    def ready(self, step: Step, run: Run) -> Mapping[str, str] | None:
        """The fences of a run that holds all that it needs; None where it has to wait.

        The run uses them from then on: they come back with `returned` or `over`.
        """

    def returned(self, step: Step, run: Run) -> None:
        """A host returned a granted run: it waits for a host again, and holds what it held."""

    def revoked(self, step: Step, run: Run) -> None:
        """The host of a run was forgotten; a restarted run takes over what it held."""

    def over(self, step: Step, run: Run) -> None:
        """A run ended here, and its last process is gone."""

    def over_elsewhere(self, step: Step, run: Run) -> None:
        """A run that this host adopted ended at a peer."""

    def verdict(self, pend: Pend, placed: HostId, now: Instant) -> HostId | Refusals:
        """The host that placement chose, or the reasons why the run has to wait for resources."""

    def problem(self) -> str:
        """Why this host grants nothing now; empty if it may."""

    def view(self) -> list[Lease]:
        """All that is held, as far as this host knows, by kind and tag."""


def cluster_tags_of(tags: Sequence[str]) -> tuple[str, ...]:
    """The tags that need leases, the resources of the whole cluster, among some tags."""
    return tuple(tag for tag in tags if not tag.startswith(HOST_SCOPED))


def tags_of(run: Run) -> tuple[str, ...]:
    """The tags of the leases of a run: resources of the whole cluster, its place in its group."""
    group = (run.group,) if run.group else ()
    return (*cluster_tags_of(run.flow.resource_tags), *group) if run.flow else ()
