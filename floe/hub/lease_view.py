"""The cluster's resources as people see them: who holds, who waits, and why a run does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from floe.hub.members import ref_of
from floe.hub.table import needs_of
from floe.kernel.place import HOST_SCOPED, HOST_STALE_S, Refusals
from floe.model.host import Pend
from floe.model.refs import HostId, Instant, RunRef

if TYPE_CHECKING:
    from floe.hub.core import HubCore


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """One resource at this moment."""

    tag: str
    run: str
    """The key of the run that holds it; empty where nobody does."""
    fence: str
    """`term.counter`; empty where nobody holds it."""
    since: Instant | None
    """When it came to the run."""
    beside: tuple[str, ...] = ()
    """Other runs that said in a census that they hold it as well."""
    waiting: tuple[str, ...] = ()
    """Keys of the runs that have asked for it, in their order."""


class LeaseView:
    """What a host can tell of resources; all of it at their keeper."""

    def __init__(self, core: "HubCore") -> None:
        self._core = core

    def leases(self) -> Mapping[str, Lease]:
        """The resources of the cluster by tag, as their keeper; without others, this host's."""
        cluster = self._core.cluster
        if cluster is None:
            return self._alone()
        holdings = cluster.keeper.holdings
        tags = {tag for tag, _ in holdings.held()} | {t for h in holdings.waiting() for t in h.tags}
        leases: dict[str, Lease] = {}
        for tag in sorted(tags):
            first, *others = holdings.holders(tag) or ("",)
            held = holdings.by_run.get(first)
            leases[tag] = Lease(
                tag=tag,
                run=first,
                fence=held.fences[tag] if held else "",
                since=held.since if held else None,
                beside=tuple(others),
                waiting=tuple(h.claim.run for h in holdings.waiting(tag)),
            )
        return leases

    def _alone(self) -> Mapping[str, Lease]:
        table = self._core.table
        leases: dict[str, Lease] = {}
        for tag, ref in sorted(table.held.items()):
            run = table.runs[ref]
            waiting = sorted(ref for ref, pend in table.pends.items() if tag in pend.resource_tags)
            leases[tag] = Lease(
                tag=tag,
                run=ref.key,
                fence=run.fences.get(tag, ""),
                since=run.started_at,
                waiting=tuple(ref.key for ref in waiting),
            )
        return leases

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
            return [f"{names}: {elder} needs the same and is before it"]
        if queued is None:
            return [f"{names}: keeper {keeper} has not answered yet"]
        says = [f"resource {tag}, held by {_short(run)}" for tag, run in queued.holders.items()]
        place = f"{queued.position}. in the queue of keeper {keeper}"
        return [*(says or [names]), place]

    def _elder(self, pend: Pend) -> RunRef | None:
        """The oldest run that needs the same: it alone asks."""
        queue = self._core.table.queues.get(needs_of(pend), [])
        return queue[0] if queue and queue[0] != pend.run else None


def _short(key: str) -> str:
    ref = ref_of(key)
    return str(ref) if ref else key
