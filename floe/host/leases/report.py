"""The cluster's resources as people see them: who holds, who waits, and why a run does."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from floe.host.runs import needs_of
from floe.kernel.place import HOST_SCOPED, HOST_STALE_S, Refusals
from floe.model.host import Pend
from floe.model.refs import HostId, Instant, RunRef

if TYPE_CHECKING:
    from floe.host.core import HubCore


@dataclass(frozen=True, slots=True)
class Lease:
    """What a run holds alone. After a census two may hold one resource: each has its lease."""

    kind: Literal["resource", "workspace"]
    tag: str
    """Of the resource; the flow of a workspace."""
    run: str
    """The key of the run that holds it."""
    host: HostId | None = None
    """Whose own it is; None: it is one of the whole cluster."""
    fence: str = ""
    """`term.counter`; empty where it has none, or another host knows it."""
    since: Instant | None = None
    """When it came to the run; None where another host knows it."""
    waiting: tuple[str, ...] = ()
    """Keys of the runs that have asked for it, in their order."""


class LeaseView:
    """What a host can tell of resources; all of it at their keeper."""

    def __init__(self, core: "HubCore") -> None:
        self._core = core

    def leases(self) -> list[Lease]:
        """What is held, as far as this host knows, by kind and tag.

        The resources of the cluster its keeper knows; other hosts know those of their own runs.
        """
        cluster = self._core.cluster
        found = [*self._own()]
        if cluster is not None and cluster.keeper.is_me:
            holdings = cluster.keeper.holdings
            for tag, held in holdings.held():
                waiting = tuple(h.claim.run for h in holdings.waiting(tag))
                run, fence = held.claim.run, held.fences[tag]
                found.append(Lease("resource", tag, run, None, fence, held.since, waiting))
        for member in cluster.members.lives() if cluster else ():
            if ping := member.ping:
                found += [Lease("resource", t, run, member.id) for t, run in ping.held.items()]
                found += [Lease("workspace", f, run, member.id) for f, run in ping.spaces.items()]
        return sorted(found, key=lambda lease: (lease.kind, lease.tag))

    def _own(self) -> Iterator[Lease]:
        """What this host's runs hold, but for what its own keeper knows."""
        core = self._core
        table, is_keeper = core.table, core.cluster is not None and core.cluster.keeper.is_me
        pends = sorted(table.pends.values(), key=lambda pend: table.runs[pend.run].pended_at)
        for tag, ref in table.held.items():
            is_own = tag.startswith(HOST_SCOPED)
            if is_own or not is_keeper:
                run, host = table.runs[ref], core.host.id if is_own else None
                waiting = tuple(p.run.key for p in pends if tag in p.resource_tags)
                fence = run.fences.get(tag, "")
                yield Lease("resource", tag, ref.key, host, fence, run.started_at, waiting)
        for flow, ref in table.spaces.items():
            waiting = tuple(p.run.key for p in pends if p.reuse_space and p.flow == flow)
            since = table.runs[ref].started_at
            yield Lease("workspace", flow, ref.key, core.host.id, "", since, waiting)

    def verdict(self, pend: Pend, placed: HostId, now: Instant) -> HostId | Refusals:
        """The host, or what keeps the cluster's resources from a run that it would take."""
        tags = tuple(t for t in pend.resource_tags if not t.startswith(HOST_SCOPED))
        cluster = self._core.cluster
        assert cluster is not None
        if not tags or cluster.leases.holds(pend.run):
            return placed
        return Refusals(by_host={}, resources=tuple(self._says(pend, tags, now)))

    def _says(self, pend: Pend, tags: tuple[str, ...], now: Instant) -> list[str]:
        cluster, keeper = self._core.cluster, self._core.host.keeper
        assert cluster is not None
        names = f"{'resource' if len(tags) == 1 else 'resources'} {', '.join(tags)}"
        if problem := cluster.obedience.disagreement():
            return [f"{names}: {problem}"]
        queued = cluster.leases.place_of(pend.run)
        if cluster.keeper.is_me and (problem := cluster.keeper.problem()):
            return [f"{names}: {problem}"]
        if queued is not None and queued.why:
            return [f"{names}: keeper {keeper} gives nothing now: {queued.why}"]
        if keeper != self._core.host.id and keeper is not None:
            member = cluster.members.by_id.get(keeper)
            if member is None or member.seen_at is None:
                return [f"{names}: keeper {keeper} was not heard since this host started"]
            if (unseen_s := (now - member.seen_at) // 1000) >= HOST_STALE_S:
                return [f"{names}: keeper {keeper} was not seen for {unseen_s} s"]
        if queued is None and (elder := self._elder(pend)):
            return [f"{names}: {self._core.named(elder)} needs the same and is before it"]
        if queued is None:
            return [f"{names}: keeper {keeper} has not answered yet"]
        called = self._core.called
        says = [f"resource {tag}, held by {called(run)}" for tag, run in queued.holders.items()]
        place = f"{queued.position}. in the queue of keeper {keeper}"
        return [*(says or [names]), place]

    def _elder(self, pend: Pend) -> RunRef | None:
        """The oldest run that needs the same: it alone asks."""
        queue = self._core.table.queues.get(needs_of(pend), [])
        return queue[0] if queue and queue[0] != pend.run else None
