"""The questions that the server and the command line ask a host. Nothing here changes anything."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from floe.dialects.base import FlowText
from floe.feed.directory_sync import DirectorySync
from floe.feed.feed import Feed
from floe.feed.listener import Listening
from floe.feed.listeners import Listeners
from floe.feed.run_names import RunNames
from floe.host.inbox import InboxView
from floe.host.passed_over import PassedOver
from floe.host.peers.whereabouts import log_host, pen_of
from floe.host.pends import PendQueue
from floe.host.rerun_plan import RerunRequest, RerunSource, space_of
from floe.host.rows import reader_of, row_of
from floe.host.watches import Watch
from floe.hub.children import places_of_children
from floe.hub.ended.notices import Notices
from floe.hub.flows import FlowBook
from floe.hub.history import FoundRun, History
from floe.hub.host_reads import HostReads
from floe.hub.triggers import Triggers
from floe.kernel.place import Refusals
from floe.kernel.why import why
from floe.model.call import OutsideWork
from floe.model.codec import iso
from floe.model.errors import Conflict, FloeError, Lost, NotFound, Removed
from floe.model.flow import Flow, Trigger
from floe.model.host import AsOf
from floe.model.ids import FlowId, HostId, Instant, Json, RunRef, Shape, StoreId, address_of
from floe.model.notice import OwedNotices
from floe.model.nouns import replace
from floe.model.run import Run
from floe.model.summary import Summary
from floe.model.why import Why
from floe.store.base import FacetPage, FacetQuery, FlowRuns, RunPage, RunQuery, Stored

BAD_MAX: Final = 100  # bad runs in a row of a flow are counted up to this


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reads(HostReads):
    """Answers questions about a host at work: runs, flows and the feed, and hosts."""

    history: History
    sync: DirectorySync
    names: RunNames
    listeners: Listeners
    triggers: Triggers
    starts_passed_over: PassedOver
    notices: Notices
    takers: dict[str, Callable[[OutsideWork], str]] = dataclasses.field(default_factory=dict)
    """The takers of types of outside work, as servers know them."""

    # --- flows ---

    def book(self) -> FlowBook:
        """The flows of the last good reading of the config, and its findings."""
        return self.flows.book

    def flow(self, name: str) -> Flow:
        """A flow by `id` or `id@ver`. Raises NotFound, which names a host that has the flow."""
        try:
            return self.flows.book.find(name)
        except NotFound:
            fleet = self.fleet()
            if not (hosts := fleet.hosts_with(name)):
                raise
        url = fleet.url_of(hosts[0])
        hint = f"{hosts[0]} has it, ask there" + (f": FLOE_URL={url}" if url else "")
        raise NotFound(f"no flow {name[:80]!r} at {self.host}", hint)

    async def written_of(self, run: Run, source: str) -> FlowText | None:
        """The flow-file of a run, which it read at `source`, as in `FlowFiles.written`."""
        return await self.parts.flow_files.written(run, self.flows.book, source)

    async def flow_runs(self, flows: Sequence[Flow]) -> Mapping[FlowId, FlowRuns]:
        """The newest runs of each flow: one query of the store, whatever their number."""
        found = await self.parts.store.flow_runs({flow.id for flow in flows}, BAD_MAX)
        return {flow.id: found.get(flow.id, FlowRuns()) for flow in flows}

    def next_due(self, flow: Flow, trigger: Trigger) -> Instant | None:
        """When a trigger fires or polls next; None for a trigger without a time."""
        return self.triggers.next_due(flow, trigger)

    def trigger_problem(self, flow: Flow, trigger: Trigger) -> str:
        """The present problem of a trigger; empty for none."""
        watch = Watch(flow.id, flow.ver, trigger.id)
        return self.starts_passed_over.fault(flow, trigger) or self.triggers.problems.get(watch, "")

    def passed_over(self, flow: Flow, trigger: Trigger) -> Sequence[Shape]:
        """Why a trigger started nothing lately: `at`, `why` and `values`, newest first."""
        return self.starts_passed_over.of(flow, trigger)

    def event_inbox(self) -> InboxView:
        """The outside events that wait for their runs, and what was wrong with earlier ones."""
        return self.loop.core.site.inbox.view()

    # --- runs ---

    async def notices_of(self, run: str) -> OwedNotices | None:
        """The notices of a run that ended here; None for none."""
        return await self.notices.of(self.ref(run))

    def as_of(self) -> AsOf:
        """The age of the lists of other hosts' runs."""
        return self.sync.directory.as_of(self.others(), self.now())

    def ref(self, name: str) -> RunRef:
        """The run of a name or key. Raises IdInvalid."""
        return self.names.ref(name)

    def stores(self) -> list[tuple[HostId, StoreId]]:
        """The stores that may have opened a run: this host's, those of others, forgotten ones."""
        site = self.loop.core.site
        others = [(member.id, member.store) for member in self.members()]
        return [(site.id, site.store), *others, *map(address_of, self.sync.forgotten)]

    def name_of(self, ref: RunRef) -> str:
        """The shortest name that leads to a run."""
        return self.names.of(ref)

    def name_of_key(self, key: str) -> str:
        """The same by the key that a host gave; what is no key stays as it is."""
        return self.loop.core.called(key)

    async def find(self, name: str) -> FoundRun:
        """A run and the place of its log. Raises IdInvalid."""
        ref = self.ref(name)
        peers, store, forgotten = self.parts.peers, self.parts.store, self.sync.forgotten
        if peers is None and not forgotten:
            return FoundRun(ref=ref)
        row, host = await store.find(ref), None
        if row is None and (removed := await self._removed(ref)):
            raise removed
        if peers is not None:
            known = {one.host for one in peers.seen()}.union(self.others())
            at = log_host(ref, row, known, forgotten)
            host = None if at == self.host else at
        if row is None or row.state != "archive" or not (gone := forgotten.get(pen_of(row))):
            return FoundRun(ref=ref, row=row, host=host)
        if host is None and await store.history(ref, 0, 1):
            return FoundRun(ref=ref, row=row)  # the log came here with a backup
        if self.archiving and await self.archiving.has(row):
            return FoundRun(ref=ref, row=row)
        place, how = address_of(pen_of(row))[0], "good" if row.good else "bad"
        text = f"{self.name_of(ref)} ended {how}: {row.why}; its log is gone with {place}"
        lost = Lost(f"{text} since {iso(gone.at)}", host=place, since=gone.at)
        return FoundRun(ref=ref, row=row, host=host, lost=lost)

    async def runs(self, query: RunQuery) -> RunPage:
        """One page of runs, newest first."""
        return await self.parts.store.runs(query)

    async def runs_by_facets(self, query: FacetQuery) -> FacetPage:
        """One page of the runs with some facets."""
        return await self.parts.store.runs_by_facets(query)

    async def summary(self, ref: RunRef) -> Summary:
        """The row of a run. Raises NotFound."""
        run = self._live(ref)
        if run is not None and not self.loop.core.table.is_foreign(run):
            return self.row_of(run)
        if row := await self.row(ref):
            return row
        raise await self.missing(ref)

    def row_of(self, run: Run) -> Summary:
        """The row of a run that was folded."""
        return row_of(run, reader_of(run, self.parts.host.row_readers))

    async def row(self, ref: RunRef) -> Summary | None:
        """The row of a run as the store has it; None for none."""
        return await self.parts.store.find(ref)

    async def run(self, run: str) -> Run:
        """A run, folded, with its flow where that was read. Raises IdInvalid, NotFound."""
        ref = self.ref(run)
        found = self._live(ref) or await self.history.run(ref)
        if found is None:
            raise await self.missing(ref)
        return found

    async def run_at(self, run: str, seq: int) -> Run:
        """A run as it was after one of its events. Raises IdInvalid, NotFound."""
        ref = self.ref(run)
        if found := await self.history.folded(ref, seq):
            return found
        raise await self.missing(ref)

    async def events(self, run: str, after: int = 0, limit: int = 0) -> Sequence[Stored]:
        """The log of a run after a sequence number. Raises IdInvalid, NotFound."""
        ref = self.ref(run)
        await self.summary(ref)
        return await self.history.events(ref, after, limit)

    async def why(self, run: str) -> Why:
        """Why a run waits, or why it ended. Raises IdInvalid, NotFound."""
        at = await self.run(run)
        core, limit = self.loop.core, self.effects.limit()
        placed = core.place(pend, self.now()) if (pend := core.table.pends.get(at.ref)) else None
        found = why(
            at,
            placed if isinstance(placed, Refusals) else None,
            queued=[key for key in self.effects.waiting() if key.run == at.ref],
            limit=str(limit) if limit else "",
            stuck=self.effects.stuck(),
            trouble=self.machine.reason() or (self.hangs() if at.phase == "reading" else ""),
            is_held_back=core.is_held_back(at),
            children=await places_of_children(at, self.parts.store, self.name_of),
            takers=self.takers,
        )
        wait = self.effects.judgements.wait_of(at.ref)
        return replace(found, text=f"{found.text}; {wait}") if wait else found

    async def earlier(self, run: str, again: RerunRequest) -> RerunSource:
        """A run that is to start again. Raises IdInvalid, NotFound, Conflict."""
        old = await self.run(run)
        name, book, why_gone = self.name_of(old.ref), self.book(), await self._why_gone(old)
        if old.flow is not None and old.digest is not None and not again.latest:
            return RerunSource(
                run=old, name=name, flow=old.flow, digest=old.digest, why_gone=why_gone
            )
        flow = book.find(old.flow_id if again.latest else f"{old.flow_id}@{old.ver}")
        if again.latest and flow.flow_file and (again.node or again.failed):
            raise Conflict(
                f"the latest flow {flow.id} comes from a file that is read when a run starts",
                "run all of it again, or leave latest out",
            )
        digest = book.digest_of(flow)
        return RerunSource(run=old, name=name, flow=flow, digest=digest, why_gone=why_gone)

    async def _why_gone(self, run: Run) -> str:
        """Why the workspace of a run that ran here does not exist any more; empty if it does."""
        if run.host != self.host or not (space := space_of(run)):
            return ""
        if to := self.moved_to(run):
            return f"it was moved to {to}"
        return "" if await self.places.quick(Path(space), Path(space).is_dir) else "it was removed"

    def queues(self) -> Iterator[PendQueue]:
        """The runs that wait for a host, by their needs."""
        core = self.loop.core
        for queue in core.table.queues.values():
            stored = [ref for ref in queue if self.loop.storing.get(ref, ref) is not None]
            if stored:
                placed = core.place(core.table.pends[stored[0]], self.now())
                refusals = placed if isinstance(placed, Refusals) else None
                yield PendQueue(why(core.table.runs[stored[0]], refusals), stored)

    async def kept(self, kind: str) -> Mapping[str, Json]:
        """The rows of a kind that the server has the hub remember, by key."""
        return await self.parts.store.ledger(kind)

    # --- the feed ---

    def position(self) -> str:
        """The position of a listener that knows as much as this host."""
        return self.listeners.pos

    def listen(self, after: str | None = None) -> Listening:
        """Listen from now on, or from a position that any host gave."""
        return self.listeners.listen(after)

    def own_feed(self) -> Feed:
        """The events that were recorded at this host."""
        return self.feed

    async def missing(self, ref: RunRef) -> FloeError:
        """The error for a run that is not here."""
        name = self.name_of(ref)
        return await self._removed(ref) or NotFound(f"no run {name}", "floe runs lists them")

    async def _removed(self, ref: RunRef) -> Removed | None:
        """The error for a run that was removed; None if it was not."""
        if self._live(ref) is not None or ref in self.loop.storing:
            return None
        name = self.name_of(ref)
        if pruned := await self.parts.store.pruned(ref):
            what = f"{name} of {pruned.flow} was removed at {iso(pruned.at)}: {pruned.why}"
            return Removed(what, at=pruned.at, why=pruned.why)
        site = self.loop.core.site
        is_own = (ref.host, ref.store) == (site.id, site.store)
        if is_own and 1 <= ref.serial <= site.serial and await self.row(ref) is None:
            # Every number up to the last was given to a run.
            return Removed(f"{name} was removed; when and why is no longer known", at=None)
        return None
