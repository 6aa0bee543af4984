"""What a host does next: words in, a batch out. No I/O, no clock, no chance.

The loop stores `Decided.appends` and `Decided.ledger` in one transaction, and only then answers,
publishes, sends `Decided.messages` and carries out `Decided.effects`. A decision that could not be
stored is taken back with `undo`. One writer makes the check of resources and the activation one
step, without locks.

Source: docs/cluster-protocol.md, "The pen".
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from floe.host.cluster import Cluster
from floe.host.decided import Decided
from floe.host.handlers import hear
from floe.host.inputs import Addressed
from floe.host.leases.report import Lease, LeaseView
from floe.host.peers.members import Member, ref_of
from floe.host.rows import Rows
from floe.host.runs import RunTable
from floe.host.step import Draft
from floe.kernel.place import Refusals, place
from floe.model.effect import Effect
from floe.model.host import HostView, Pend
from floe.model.refs import HostId, Instant, RunRef, StoreId
from floe.model.run import Run
from floe.store.base import LedgerWrite, Record, Stored

NO_ROWS: Final[Rows] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """What this host is."""

    id: HostId
    tags: frozenset[str]
    slots: int = 64
    """Runs active at once."""
    workspace_root: str
    """Absolute. Workspaces are `<root>/spaces/<flow>/ws/<run key>`, or `…/ws/single`."""
    peers: int = 0
    """Other hosts that the config names; with 0 nothing of a cluster is there."""
    keeper: HostId | None = None
    """The host that keeps the cluster's resources and fires its timers."""


class HubCore:
    """A host's decisions over its runs."""

    def __init__(
        self,
        host: HostSettings,
        store: StoreId,
        *,
        serial: int = 0,
        term: int = 0,
        fence: int = 0,
        rows: Rows = NO_ROWS,
        named: Callable[[RunRef], str] = str,
    ) -> None:
        """`serial` is of the newest run, `term` the seconds since 1970 at which the store was
        made, `fence` the last fencing counter given, `rows` the ledger's rows of `rows.KINDS`,
        `named` gives the name of a run in reasons."""
        self.host = host
        self.store = store
        self.table = RunTable(store)
        self.draining = "host" in rows.get("drain", {})
        self.troubles: tuple[str, ...] = ()
        """What of the machine keeps every run away from this host, in sentences."""
        self.serial = serial
        self.term = term
        self.fence = fence
        self.once: dict[str, RunRef] = {}
        self.flows_stored: set[str] = set()
        self.named = named
        self.cluster = Cluster(self, rows) if host.peers else None

    def load(self, runs: Iterable[Run], logs: Iterable[Stored | Record] = ()) -> tuple[Effect, ...]:
        """Take folded runs in after a start; return all that they owe.

        `logs` are the facts, in order, of runs adopted here that are pending or granted or whose
        pen is at another host: they may have to be offered. A host without others needs none.
        """
        runs = tuple(runs)
        owed = tuple(effect for run in runs for effect in self.table.reload(run.ref, run))
        if self.cluster is not None:
            self.cluster.load(runs, logs)
        return owed

    def read_again(self, ref: RunRef, run: Run | None) -> tuple[Effect, ...]:
        """Replace a run whose log is not what was believed; return all that it owes."""
        return tuple(self.table.reload(ref, run))

    def step(self, words: Sequence[Addressed], now: Instant) -> Decided:
        """Decide everything that these words bring about.

        Raises ValueError where a word carries what no store can hold; nothing has changed then.
        """
        draft = Draft(self, now)
        try:
            for word in words:
                hear(draft, word)
                if self.cluster is not None:
                    self.cluster.deliver(draft)
            if self.cluster is None:
                draft.dispatch()
            else:
                draft.next_due = self.cluster.close(draft)
            return draft.decided()
        except ValueError:
            if self.cluster is not None:
                self.cluster.undo(self.cluster.journal.take())
            self._undo(draft.ledger, draft.before)
            raise

    def undo(self, decided: Decided) -> tuple[Effect, ...]:
        """Take back what could not be stored; return what its runs owe."""
        if self.cluster is not None:
            self.cluster.undo(decided.changes)
        return self._undo(decided.ledger, decided.before)

    @property
    def is_behind(self) -> bool:
        """Whether a step without any word may still give a pend to a host."""
        return self.table.news and (self.cluster is not None or self.has_room)

    @property
    def has_room(self) -> bool:
        """Whether this host takes any run at all now."""
        return not self.troubles and not self.draining and self.table.active < self.host.slots

    def may_fire(self, now: Instant) -> bool:
        """Whether timers and polls are this host's: it is alone, or the keeper at work."""
        return self.cluster is None or self.cluster.keeper.is_at_work(now)

    def keeper_term(self) -> int:
        """Under which this host keeps; 0 for a host without others, or before it ever kept."""
        return self.cluster.keeper.opening.term if self.cluster else 0

    @property
    def members(self) -> Mapping[HostId, Member]:
        """The other hosts that were heard and not forgotten, by id."""
        lives = self.cluster.members.lives() if self.cluster else ()
        return {member.id: member for member in lives}

    def problems(self, now: Instant) -> Mapping[HostId, tuple[str, ...]]:
        """What is wrong with each host, this one included, in sentences; none: an empty tuple."""
        if self.cluster is None:
            return {self.host.id: self.troubles}
        members = self.cluster.members
        others = {m.id: members.problems(m, now) for m in members.lives()}
        own = (*self.troubles, *members.own_faults(now))
        return {self.host.id: own, **others}

    def is_held_back(self, run: Run) -> bool:
        """Whether an operator is to decide about a run: it was adopted or held by a store of which
        this one is a copy, and may have gone on from there."""
        is_over = run.state == "archive"
        return run.ref.store != self.store and self.table.is_note(run) and not is_over

    def called(self, key: str) -> str:
        """What reasons call the run of a key that another host gave."""
        ref = ref_of(key)
        return self.named(ref) if ref else key

    def leases(self) -> list[Lease]:
        """Who holds what and who waits; of a cluster's resources only the keeper knows all."""
        return LeaseView(self).leases()

    def view(self) -> HostView:
        """This host as placing sees it."""
        return HostView(
            id=self.host.id,
            store=self.store,
            tags=self.host.tags,
            slots=self.host.slots,
            active=self.table.active,
            draining=self.draining,
            held={t: r for t, r in self.table.held.items() if t.startswith("host:")},
            spaces=dict(self.table.spaces),
            problems=self.troubles,
        )

    def place(self, pend: Pend, now: Instant) -> HostId | Refusals:
        """Where a pend would go at this moment, or why nowhere."""
        if self.cluster is not None:
            return self.cluster.place(pend, now)
        return place(pend, (self.view(),), now, self.table.held, self.named)

    def _undo(
        self, ledger: Iterable[LedgerWrite], before: Mapping[RunRef, Run | None]
    ) -> tuple[Effect, ...]:
        for row in reversed(tuple(ledger)):
            if row.kind == "once":
                self.once.pop(row.key, None)
            elif row.kind == "flow":
                self.flows_stored.discard(row.key)
            elif row.kind == "drain":
                self.draining = row.value is None
        self.table.news = True  # what the step had done with the news is undone with it
        return tuple(
            effect for ref, run in before.items() for effect in self.table.reload(ref, run)
        )
