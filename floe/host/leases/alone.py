"""The leases of a single host: a resource is free when no active run of this host has it."""

from collections.abc import Mapping, Sequence

from floe.host.leases.base import Lease
from floe.host.leases.own import own_leases
from floe.host.site import Site
from floe.host.step import Step
from floe.kernel.place import Refusals
from floe.model.host import Pend
from floe.model.refs import HostId, Instant, RunRef
from floe.model.run import Run


class Alone:
    """Grants resources by the table of runs alone."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @property
    def held(self) -> Mapping[str, RunRef]:
        """All that active runs hold: placement gives none of it to a second run."""
        return self._site.table.held

    def first(self) -> Sequence[RunRef]:
        """None: a run holds nothing before it is active."""
        return ()

    def ready(self, step: Step, run: Run) -> Mapping[str, str]:
        """New fences: what the run needs is free, or placement would not have chosen a host."""
        return step.new_fences(self._site.term, run.flow.resource_tags) if run.flow else {}

    def returned(self, step: Step, run: Run) -> None:
        """Nothing to do: the table knows, here and below."""

    revoked = over = over_elsewhere = returned

    def verdict(self, pend: Pend, placed: HostId, now: Instant) -> HostId | Refusals:
        """The host: placement has respected all that is held."""
        return placed

    def problem(self) -> str:
        """None: nothing keeps a single host from granting."""
        return ""

    def view(self) -> list[Lease]:
        """All that is held, by kind and tag."""
        return sorted(own_leases(self._site), key=lambda lease: (lease.kind, lease.tag))
