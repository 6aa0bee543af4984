"""What a host does next: inputs in, the result of a step out. No I/O, no clock, no chance.

The loop stores the appends and ledger rows of a `StepResult` in one transaction, and only then
answers, publishes, sends its messages and carries out its effects. `undo` undoes a step that
could not be stored. With one writer, the check of resources and the activation are one step,
without locks.

Source: docs/cluster-protocol.md, "The pen".
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain

from floe.host.asleep import Asleep
from floe.host.cluster import Cluster
from floe.host.handlers import handle
from floe.host.inputs import Incoming
from floe.host.leases.alone import Alone
from floe.host.leases.base import Lease, Leases
from floe.host.ledger import NO_LEDGER, LedgerRows
from floe.host.peers.base import PeerParts
from floe.host.peers.member import Member
from floe.host.peers.no_peers import NoPeers
from floe.host.placement import Placement, PlacementAlone
from floe.host.shared.alone import SharedAlone
from floe.host.shared.base import Sharing
from floe.host.shared.table import SharedTable
from floe.host.site import Site, SiteSettings
from floe.host.step import Step
from floe.host.step_result import StepResult
from floe.host.undoable import Undo
from floe.kernel.moving import why_stays
from floe.kernel.place import Refusals
from floe.model.effect import Effect
from floe.model.host import HostView
from floe.model.ids import HostId, Instant, RunRef, StoreId
from floe.model.pend import Pend
from floe.model.run import Run
from floe.store.base import Record, Stored
from floe.store.sealing import NO_SEALS, Seals


class HostCore:
    """A host's decisions over its runs."""

    def __init__(
        self,
        settings: SiteSettings,
        store: StoreId,
        *,
        serial: int = 0,
        term: int = 0,
        fence: int = 0,
        rows: LedgerRows = NO_LEDGER,
        named: Callable[[RunRef], str] = str,
        seals: Seals = NO_SEALS,
    ) -> None:
        """`rows` are the rows of the ledger of `rows.LEDGER_KINDS`; see `Site` for the others."""
        site = self.site = Site(
            settings,
            store,
            serial=serial,
            term=term,
            fence=fence,
            rows=rows,
            named=named,
            seals=seals,
        )
        self.table = site.table
        self.shared_rows = SharedTable(rows, site.journal)
        self.cluster = Cluster(site, self.shared_rows, rows) if settings.peers else None
        """The parts that deal with peers; None for a single host."""
        self._peers: PeerParts
        self._leases: Leases
        if self.cluster is None:
            here = PlacementAlone(site)
            self._peers, self._leases = NoPeers(), Alone(site)
            self.sharing: Sharing = SharedAlone(site, self.shared_rows)
            self._placement = Placement(site, here, self._leases, here.grant)
        else:
            cluster = self.cluster
            self._peers, self._leases, self.sharing = cluster, cluster.leases, cluster.sharing
            self._placement = Placement(
                site, cluster.candidates, cluster.leases, cluster.adopter.grant
            )
        self._retry = False
        """Whether pends are to be tried again in the next step."""
        self._woken: tuple[RunRef, ...] = ()
        """Runs that slept while this host was forgotten: the next step supersedes them."""

    def load(self, runs: Iterable[Run], logs: Iterable[Stored | Record] = ()) -> tuple[Effect, ...]:
        """Take folded runs in after a start; return all that they owe.

        `logs` are the events, in order, of runs that this host adopted and that are pending,
        granted or at a peer: they may have to be offered. A single host needs none.
        """
        copies = self.site.returned
        runs = tuple(run for run in runs if run.ref.key not in copies)
        owed = tuple(effect for run in runs for effect in self.table.reload(run.ref, run))
        self._peers.load(runs, logs)
        self._retry = bool(self.table.pends)
        if self.cluster is not None and self.cluster.members.is_forgotten:
            self._woken = tuple(run.ref for run in runs)
        return owed

    def read_again(
        self, ref: RunRef, run: Run | None, logs: Iterable[Stored | Record] = ()
    ) -> tuple[Effect, ...]:
        """Replace a run whose log is not what was believed; return all that it owes.

        `logs` as in `load`.
        """
        self._retry = True
        owed = tuple(self.table.reload(ref, run))
        self._peers.read_again(ref, run, logs)
        return owed

    def let_sleep(self, ref: RunRef) -> bool:
        """Let a run that only waits leave memory, between two steps; False if it may not.

        While a host of a cluster drains, its runs at rest move, so they stay.
        """
        is_moving = self.cluster is not None and self.site.draining
        return not is_moving and self.table.let_sleep(ref)

    def wake(self, ref: RunRef, run: Run | None) -> None:
        """Take a run that was asleep back into memory, as it was read; None if it is gone.

        Its timers are set.
        """
        self.table.reload(ref, run)
        if self.cluster is not None and self.cluster.members.is_forgotten:
            self._woken += (ref,)

    def step(self, inputs: Sequence[Incoming], now: Instant) -> StepResult:
        """Decide all that some inputs cause.

        Raises ValueError where an input carries a value that no store can hold, and Asleep where
        a run is needed that is asleep; nothing has changed then.
        """
        peers = self._peers
        step = Step(self.site, now, peers)
        step.retry_pends = self._retry
        try:
            if self._woken and self.cluster is not None:
                runs = (self.table.runs.get(ref) for ref in self._woken)
                self.cluster.grantee.supersede(step, [run for run in runs if run])
            for one in inputs:
                handle(step, peers, self.sharing, one)
                step.deliver()
            peers.begin(step)
            step.note_freed_slots()
            for run in step.grouped_pends():
                self._leases.pended(step, run)
            self._placement.dispatch(step)
            step.deliver()  # what runs gave back that ended when they began
            step.next_due = peers.finish(step)
            step.pack()
            result = step.result()
        except (ValueError, Asleep):
            self._undo(self.site.journal.take(), step.before)
            raise
        self._retry = step.retry_pends
        self._woken = ()
        return result

    def undo(self, result: StepResult) -> tuple[Effect, ...]:
        """Undo a step that could not be stored; return what its runs owe."""
        owed = self._undo(result.changes, result.before)
        if self.cluster is not None and self.cluster.members.is_forgotten:
            self._woken = tuple(result.before)
        return owed

    @property
    def is_behind(self) -> bool:
        """Whether a step without any input may still give a pend to a host."""
        return self._retry and self._placement.has_room

    # --- questions ---

    def wanted_logs(self, now: Instant) -> Sequence[RunRef]:
        """The logs that are to be read now, so that their runs move or are reported."""
        return self._peers.wanted(now)

    def staying(self, now: Instant) -> Iterable[tuple[RunRef, str]]:
        """The runs that are left here, each with the reason, as the end of a sentence."""
        if self.cluster is not None:
            return self.cluster.moves.staying(now)
        alone = "has nowhere to go: there is no other host"
        runs = (run for run in self.table.runs.values() if run.state == "active")
        awake = ((run.ref, why_stays(run) or alone) for run in runs)
        return chain(awake, ((ref, alone) for ref in self.table.runs.asleep))

    def may_fire(self, now: Instant) -> bool:
        """Whether timers and polls are this host's: it is a single host, or the keeper at work."""
        return self._peers.may_fire(now)

    def keeper_term(self) -> int:
        """The term under which this host is the keeper; 0 for a single host, and for none."""
        return self._peers.keeper_term()

    @property
    def members(self) -> Mapping[HostId, Member]:
        """The peers that ever sent a message and were not forgotten, by id."""
        return self._peers.hosts()

    def host_names(self) -> Collection[HostId]:
        """The names of all hosts; empty while some of them never sent a message here."""
        names = {self.site.id, *self.members}
        return names if len(names) > self.site.settings.peers else ()

    def problems(self, now: Instant) -> Mapping[HostId, tuple[str, ...]]:
        """The problems of each host, this one included, in sentences."""
        found, own = self._peers.problems(now), self.site.id
        return {**found, own: (*self.site.troubles, *found.get(own, ()))}

    def peer_problems(self, now: Instant) -> Mapping[HostId, tuple[str, ...]]:
        """The problems of each host as far as they concern peers; none for a single host."""
        return self._peers.problems(now)

    def dead_ends(self) -> Sequence[str]:
        """Why no host would ever take a run that is started here."""
        return self._peers.dead_ends()

    def disagreement(self) -> str:
        """How hosts disagree about their keeper; empty if they agree, or there are no others."""
        return self._peers.disagreement()

    def lease_problem(self) -> str:
        """Why this host grants no resources now; empty if it may."""
        return self._leases.problem()

    def leases(self) -> list[Lease]:
        """The resources that runs hold and wait for; only the keeper knows all of the cluster's."""
        return self._leases.view()

    def view(self) -> HostView:
        """This host as placement sees it."""
        return self.site.view()

    def called(self, key: str) -> str:
        """The name, in reasons, of the run with a key that a peer gave."""
        return self.site.called(key)

    def moved_to(self, run: Run) -> str:
        """The name of the re-run that took the workspace of a run; empty for none."""
        key = self.site.moved.get(run.ref.key)
        return self.site.called(key) if key else ""

    def is_held_back(self, run: Run) -> bool:
        """Whether an operator has to decide about a run, see `Site.is_held_back`."""
        return self.site.is_held_back(run)

    def place(self, pend: Pend, now: Instant) -> HostId | Refusals:
        """The host that would get a pend now, or why it has to wait."""
        return self._placement.place(pend, now)

    def _undo(
        self, changes: Iterable[Undo], before: Mapping[RunRef, Run | None]
    ) -> tuple[Effect, ...]:
        for undo in changes:
            undo()
        self._retry = True  # what the step had tried is undone with it
        return tuple(
            effect for ref, run in before.items() for effect in self.table.reload(ref, run)
        )
