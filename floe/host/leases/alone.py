"""The leases of a single host: a resource is free when no active run of this host has it."""

from collections.abc import Mapping, Sequence

from floe.host.leases.base import Lease
from floe.host.leases.groups import limit_of, make_room, place_of, skip
from floe.host.leases.own_leases import own_leases
from floe.host.site import Site
from floe.host.step import Step
from floe.kernel.place import Refusals
from floe.model.ids import HostId, Instant, RunRef
from floe.model.pend import Pend
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

    def pended(self, step: Step, run: Run) -> None:
        """Skip the run if its group is full, or cancel the older runs of the group."""
        table, limit = self._site.table, limit_of(run)
        if limit is None:
            return
        active = sorted(table.groups.get(run.group, ()))
        before = [*active, *(r for r in table.grouped_pends[run.group] if r < run.ref)]
        named = self._site.named
        if limit.when_full == "skip" and len(before) >= limit.limit:
            step.decide(run, skip(named(before[0]), limit.limit))
        elif limit.when_full == "cancel-older":
            for old in before[: len(before) + 1 - limit.limit]:
                step.decide(table.runs[old], make_room(named(run.ref)))

    def ready(self, step: Step, run: Run) -> Mapping[str, str] | None:
        """New fences: the run's resources are free, or placement would not have chosen a host. None
        if its group is full."""
        if run.flow is None or self._is_full(run):
            return None
        group = (run.group,) if run.group else ()
        return step.new_fences(self._site.term, (*run.flow.resource_tags, *group))

    def returned(self, step: Step, run: Run) -> None:
        """Nothing to do: the table knows, here and below."""

    revoked = over = over_elsewhere = returned

    def verdict(self, pend: Pend, placed: HostId, now: Instant) -> HostId | Refusals:
        """The host, since placement has respected all that is held; or the run whose place in the
        group it waits for."""
        table = self._site.table
        run = table.runs[pend.run]
        if not self._is_full(run) or (limit := limit_of(run)) is None:
            return placed
        first = self._site.named(min(table.groups[pend.group]))
        return Refusals(by_host={}, resources=(place_of(first, limit.limit),))

    def problem(self) -> str:
        """None: nothing keeps a single host from granting."""
        return ""

    def view(self) -> list[Lease]:
        """All that is held, by kind and tag."""
        return sorted(own_leases(self._site), key=lambda lease: (lease.kind, lease.tag))

    def _is_full(self, run: Run) -> bool:
        limit = limit_of(run)
        return limit is not None and len(self._site.table.groups.get(run.group, ())) >= limit.limit
