"""Gives pends to hosts, oldest first, when something changed that may let one start."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import Final, Protocol

from floe.host.earlier_children import children_left
from floe.host.leases.base import Leases
from floe.host.pends import PendNeeds, pend_needs
from floe.host.site import Site
from floe.host.step import Step
from floe.kernel.place import Refusals, place
from floe.model.host import HostView
from floe.model.ids import HostId, Instant, RunRef
from floe.model.nouns import replace
from floe.model.peer_message import NEVER
from floe.model.pend import Pend
from floe.model.run import Run

GRANTS_MAX: Final = 256
"""Pends that one step gives to hosts; the next step, which follows at once, continues."""

TRIED_MAX: Final = 16
"""Runs with equal needs that one step tries where hosts refused the ones before."""

RETRY_MS: Final = 10_000
"""Pends are tried again after this time even if nothing changed: a safety net."""

Grant = Callable[[Step, Run, HostId, Mapping[str, str]], None]
"""Gives a run to a host, under the fences of its resources."""


class PlacementHosts(Protocol):
    """The hosts that placement may give runs to."""

    @property
    def has_room(self) -> bool:
        """Whether it makes sense to try any pend now."""

    def views(self, now: Instant) -> Sequence[HostView]:
        """The hosts as they are now, as far as this host knows."""

    def refused(self, ref: RunRef) -> Mapping[HostId, int | None]:
        """Hosts that refused a run and have not changed since, each with its state then."""


class PlacementAlone:
    """Placement on a single host."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @property
    def has_room(self) -> bool:
        """Whether this host can take any run at all now."""
        return self._site.has_room

    def views(self, now: Instant) -> Sequence[HostView]:
        """This host."""
        return (self._site.view(),)

    def refused(self, ref: RunRef) -> Mapping[HostId, int | None]:
        """None: a host refuses no run of its own."""
        return {}

    def grant(self, step: Step, run: Run, host: HostId, fences: Mapping[str, str]) -> None:
        """Begin a run here."""
        step.begin(run, fences)


class Placement:
    """Chooses a host for each pend."""

    def __init__(self, site: Site, hosts: PlacementHosts, leases: Leases, grant: Grant) -> None:
        self._site = site
        self._hosts = hosts
        self._leases = leases
        self._grant = grant
        self._tried_at: Instant | None = None

    @property
    def has_room(self) -> bool:
        """Whether it makes sense to try any pend now."""
        return self._hosts.has_room

    def place(self, pend: Pend, now: Instant) -> HostId | Refusals:
        """The host that would get a pend now, or why it has to wait."""
        placed = self._choose(pend, self._hosts.views(now), now)
        return placed if isinstance(placed, Refusals) else self._leases.verdict(pend, placed, now)

    def dispatch(self, step: Step) -> None:
        """Give pends to hosts, oldest first, as far as hosts take them.

        Of pends with equal needs only the oldest is tried, and no pend is tried twice unless
        something became free.
        """
        table, hosts = self._site.table, self._hosts
        if self._tried_at is None or not 0 <= step.now - self._tried_at < RETRY_MS:
            step.retry_pends = True
        if not step.retry_pends or not hosts.has_room:
            return
        self._tried_at = step.now
        step.retry_pends = False
        if not table.queues:
            return
        heads = [(queue[0], needs) for needs, queue in table.queues.items()]
        heapify(heads)
        first: dict[PendNeeds, list[RunRef]] = {}
        for ref in self._leases.first():
            if pend := table.pends.get(ref):
                first.setdefault(pend_needs(pend), []).append(ref)
        views = hosts.views(step.now)
        granted = 0
        while heads and hosts.has_room:
            if granted == GRANTS_MAX:
                step.retry_pends = True
                return
            _, needs = heappop(heads)
            for ref in (*first.get(needs, ()), *self._candidates(needs)):
                if ref not in table.pends:
                    continue
                placed = self._choose(table.pends[ref], views, step.now)
                if isinstance(placed, Refusals):
                    continue
                run = table.runs[ref]
                fences = self._leases.ready(step, run)
                if fences is None:
                    break
                self._grant(step, run, placed, fences)
                granted += 1
                if queue := table.queues.get(needs):
                    heappush(heads, (queue[0], needs))
                if heads:
                    views = hosts.views(step.now)
                break

    def _choose(self, pend: Pend, views: Sequence[HostView], now: Instant) -> HostId | Refusals:
        """The host for a pend, the resources of a kept cluster aside."""
        if left := children_left(self._site, pend.run):
            return Refusals(by_host={}, resources=left)
        if refused := self._hosts.refused(pend.run):
            never = frozenset(host for host, change in refused.items() if change == NEVER)
            pend = replace(pend, refused_by=frozenset(refused), never_by=never)
        return place(pend, views, now, self._leases.held, self._site.named)

    def _candidates(self, needs: PendNeeds) -> Iterator[RunRef]:
        """The oldest of the runs with equal needs; after one that hosts refused, the next."""
        for ref in tuple(self._site.table.queues[needs][:TRIED_MAX]):
            yield ref
            if not (self._hosts.refused(ref) or children_left(self._site, ref)):
                return
