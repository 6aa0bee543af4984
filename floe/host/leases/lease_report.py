"""Shows the resources of the cluster to people: their holders, and the runs that wait for them."""

from floe.host.leases.base import Lease, cluster_tags_of
from floe.host.leases.current_keeper import CurrentKeeper
from floe.host.leases.groups import limit_of, place_of
from floe.host.leases.keeper import Keeper
from floe.host.leases.own_claims import OwnClaims
from floe.host.leases.own_leases import own_leases
from floe.host.peers.members import Members
from floe.host.pends import pend_needs
from floe.host.site import Site
from floe.kernel.place import HOST_STALE_S, Refusals
from floe.model.ids import HostId, Instant, RunRef
from floe.model.pend import Pend


class LeaseReport:
    """What this host knows of the cluster's resources; the keeper knows all."""

    def __init__(
        self,
        site: Site,
        members: Members,
        current_keeper: CurrentKeeper,
        claims: OwnClaims,
        keeper: Keeper,
    ) -> None:
        self._site = site
        self._members = members
        self._current_keeper = current_keeper
        self._claims = claims
        self._keeper = keeper

    def leases(self) -> list[Lease]:
        """What is held, as far as this host knows, by kind and tag.

        The keeper knows the resources of the cluster; other hosts know those of their own runs.
        """
        found = [*own_leases(self._site, of_cluster=not self._keeper.is_me)]
        if self._keeper.is_me:
            table = self._keeper.table
            for tag, held in table.held():
                waiting = tuple(h.claim.run for h in table.waiting(tag))
                run, fence = held.claim.run, held.fences[tag]
                found.append(Lease("resource", tag, run, None, fence, held.since, waiting))
        for member in self._members.lives():
            if ping := member.ping:
                found += [Lease("resource", t, run, member.id) for t, run in ping.held.items()]
                found += [Lease("workspace", f, run, member.id) for f, run in ping.spaces.items()]
        return sorted(found, key=lambda lease: (lease.kind, lease.tag))

    def verdict(self, pend: Pend, placed: HostId, now: Instant) -> HostId | Refusals:
        """The host, or what keeps the cluster's resources from a run that the host would take."""
        tags = cluster_tags_of(pend.resource_tags) + ((pend.group,) if pend.group else ())
        if not tags or self._claims.holds(pend.run):
            return placed
        return Refusals(by_host={}, resources=tuple(self._reasons(pend, tags, now)))

    def _reasons(self, pend: Pend, tags: tuple[str, ...], now: Instant) -> list[str]:
        keeper = self._site.keeper
        group = limit_of(self._site.table.runs[pend.run])
        resources = [tag for tag in tags if tag != pend.group]
        names = f"{'resource' if len(resources) == 1 else 'resources'} {', '.join(resources)}"
        if group:
            place = f"a place of max-runs {group.limit}"
            names = f"{names} and {place}" if resources else place
        if problem := self._current_keeper.disagreement():
            return [f"{names}: {problem}"]
        queued = self._claims.queued_of(pend.run)
        if self._keeper.is_me and (problem := self._keeper.problem()):
            return [f"{names}: {problem}"]
        if queued is not None and queued.why:
            return [f"{names}: keeper {keeper} grants nothing now: {queued.why}"]
        if keeper != self._site.id and keeper is not None:
            member = self._members.by_id.get(keeper)
            if member is None or member.seen_at is None:
                return [f"{names}: keeper {keeper} has sent no message since this host started"]
            if (unseen_s := (now - member.seen_at) // 1000) >= HOST_STALE_S:
                return [f"{names}: keeper {keeper} was not seen for {unseen_s} s"]
        if queued is None and (elder := self._elder(pend)):
            return [f"{names}: {self._site.named(elder)} needs the same and is before it"]
        if queued is None:
            return [f"{names}: keeper {keeper} has not answered yet"]
        called = self._site.called
        reasons = [
            place_of(called(run), group.limit)
            if group and tag == pend.group
            else f"resource {tag}, held by {called(run)}"
            for tag, run in queued.holders.items()
        ]
        return [*(reasons or [names]), _line(queued.position - 1)]

    def _elder(self, pend: Pend) -> RunRef | None:
        """The oldest run that needs the same: it alone asks."""
        queue = self._site.table.queues.get(pend_needs(pend), [])
        return queue[0] if queue and queue[0] != pend.run else None


def _line(ahead: int) -> str:
    """The place of a run behind others that wait for the same."""
    if not ahead:
        return "next in line"
    return "1 run is before it" if ahead == 1 else f"{ahead} runs are before it"
