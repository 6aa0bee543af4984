"""Which host gets which pend, now: over the views of all members, when something changed.

A view is as old as its host's last word, so what was given since is counted here, and a host that
refused a run is not asked again for it before it says that it is another.
"""

from collections.abc import Iterator
from dataclasses import replace
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Final

from floe.host.peers.members import Member
from floe.host.rows import Book, Journal
from floe.host.runs import Needs, needs_of
from floe.kernel.place import HOST_SCOPED, Refusals, place
from floe.model.host import HostView, Pend
from floe.model.refs import HostId, Instant, RunRef
from floe.model.run import Run

if TYPE_CHECKING:
    from floe.host.core import HubCore
    from floe.host.step import Draft

GRANTS_MAX: Final = 256
"""Pends that one step gives to hosts; the next step, which follows at once, goes on."""

TRIED_MAX: Final = 16
"""Runs of equal needs that are tried where the ones before were refused by hosts."""


LOOK_MS: Final = 10_000
"""Pends are tried again after this long though nothing changed: the net below the news."""


class Placing:
    """What placing needs to know besides the table of runs."""

    def __init__(self, core: "HubCore", journal: Journal) -> None:
        self._core = core
        self._given: Book[HostId, tuple[RunRef, ...]] = Book(journal)
        """Runs granted to a host since it last said how it is, or not answered yet."""
        self._looked: Book[str, Instant] = Book(journal)
        """When pends were tried last."""
        self._refused: Book[RunRef, dict[HostId, int | None]] = Book(journal)
        """Who refused a run, and the number of what that host had said of itself before."""

    def views(self, now: Instant) -> list[HostView]:
        """This host and the others, each with what was given to it.

        One whose store has gone back gives nothing to anybody: what waits there may have run.
        """
        core = self._core
        cluster = core.cluster
        assert cluster is not None
        own = core.view()
        own = replace(own, problems=(*own.problems, *cluster.members.own_faults(now)))
        if cluster.members.has_gone_back:
            return [own]
        return [own, *map(self._charged, cluster.members.views())]

    def place(self, pend: Pend, views: list[HostView], now: Instant) -> HostId | Refusals:
        """Where a pend would go but for the cluster's resources, or why nowhere."""
        if refused := self._refused.get(pend.run):
            pend = replace(pend, refused_by=frozenset(refused))
        return place(pend, views, now, {}, self._core.named)

    def gave(self, host: HostId, run: RunRef) -> None:
        """A run was granted to a host."""
        self._given.put(host, (*(self._given.get(host) or ()), run))

    def refused(self, host: HostId, run: Run, change: int | None) -> None:
        """A host returned a run; `change` is None where it could not be asked at all."""
        given = tuple(r for r in self._given.get(host) or () if r != run.ref)
        self._given.put(host, given or None)
        cluster = self._core.cluster
        assert cluster is not None
        member = cluster.members.by_id.get(host)
        if member is None or member.ping is None:
            return
        if change is None or member.ping.change <= change:
            self._refused.put(run.ref, {**(self._refused.get(run.ref) or {}), host: change})

    def pinged(self, member: Member) -> None:
        """A host said how it is: what it was given is in that, unless it has not answered."""
        runs = self._core.table.runs
        given = self._given.get(member.id) or ()
        open_ = tuple(
            ref
            for ref in given
            if ref in runs and (runs[ref].phase, runs[ref].host) == ("granted", member.id)
        )
        if self._given.put(member.id, open_ or None):
            self._core.table.news = True  # what was counted as there may be over again
        change = member.ping.change if member.ping else 0
        for ref, hosts in self._refused.items():
            if hosts.get(member.id, change) != change:
                rest = {host: c for host, c in hosts.items() if host != member.id}
                self._refused.put(ref, rest or None)
                self._core.table.news = True

    def over(self, run: RunRef) -> None:
        """A run waits no more."""
        self._refused.put(run, None)

    def _charged(self, view: HostView) -> HostView:
        given = self._given.get(view.id)
        if not given:
            return view
        held, spaces = dict(view.held), dict(view.spaces)
        for ref in given:
            run = self._core.table.runs.get(ref)
            flow = run.flow if run else None
            if run is None or flow is None:
                continue
            held |= {tag: ref for tag in flow.resource_tags if tag.startswith(HOST_SCOPED)}
            if flow.reuse_space:
                spaces[run.flow_id] = ref
        return replace(view, active=view.active + len(given), held=held, spaces=spaces)

    # --- giving ---

    def dispatch(self, draft: "Draft") -> None:
        """Give pends to hosts, oldest first, as far as they take them."""
        core, table = self._core, self._core.table
        cluster = core.cluster
        assert cluster is not None
        looked_at = self._looked.get("")
        if looked_at is None or not 0 <= draft.now - looked_at < LOOK_MS:
            table.news = True
        if not table.news:
            return
        self._looked.put("", draft.now)
        table.news = False
        if not table.queues:
            return
        views = self.views(draft.now)
        heads = [(queue[0], needs) for needs, queue in table.queues.items()]
        heapify(heads)
        turns: dict[Needs, list[RunRef]] = {}  # whoever holds a resource goes first
        for ref in cluster.leases.turns():
            if pend := table.pends.get(ref):
                turns.setdefault(needs_of(pend), []).append(ref)
        granted = 0
        while heads:
            if granted == GRANTS_MAX:
                table.news = True
                return
            _, needs = heappop(heads)
            for ref in (*turns.get(needs, ()), *self._tried(needs)):
                if ref not in table.pends:
                    continue
                placed = self.place(table.pends[ref], views, draft.now)
                if isinstance(placed, Refusals):
                    continue
                fences = cluster.leases.ready(draft, table.runs[ref])
                if fences is None:
                    break
                self._give(draft, ref, placed, fences, views)
                granted += 1
                if queue := table.queues.get(needs):
                    heappush(heads, (queue[0], needs))
                break

    def _tried(self, needs: Needs) -> Iterator[RunRef]:
        """The oldest of those with equal needs, and while hosts refused just these, the next."""
        for ref in tuple(self._core.table.queues[needs][:TRIED_MAX]):
            yield ref
            if ref not in self._refused:
                return

    def _give(
        self,
        draft: "Draft",
        ref: RunRef,
        host: HostId,
        fences: dict[str, str],
        views: list[HostView],
    ) -> None:
        core, cluster = self._core, self._core.cluster
        assert cluster is not None
        self.over(ref)
        if host == core.host.id:
            draft.begin(core.table.runs[ref], fences)
        else:
            cluster.pen.grant(draft, core.table.runs[ref], host, fences)
        views[:] = self.views(draft.now)
