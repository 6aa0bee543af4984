"""What a host does with its peers: one part for each duty, and the order in which they act.

Messages reach the parts through `delivery`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import assert_never

from floe.host.child_news import note_arrival
from floe.host.forgetting import Forgetting
from floe.host.inputs import (
    Forget,
    Free,
    GiveBack,
    LogRead,
    Received,
    Surroundings,
    TakeOldest,
    Unsent,
)
from floe.host.leases.current_keeper import CurrentKeeper
from floe.host.leases.keeper import Keeper
from floe.host.leases.kept import Kept
from floe.host.leases.lease_report import LeaseReport
from floe.host.leases.own_claims import OwnClaims
from floe.host.ledger import LedgerRows
from floe.host.peer_messages import PeerMessages
from floe.host.peers.adopter import Adopter
from floe.host.peers.base import PeerInput
from floe.host.peers.candidates import Candidates
from floe.host.peers.facts import fact_of
from floe.host.peers.grantee import Grantee
from floe.host.peers.heartbeat import Heartbeat
from floe.host.peers.lost import as_lost
from floe.host.peers.member import Member, member_problems
from floe.host.peers.members import Members
from floe.host.peers.moves import Moves
from floe.host.peers.outbox import Outbox
from floe.host.peers.seeking import Seeking
from floe.host.shared.alone import SharedAlone
from floe.host.shared.base import Sharing
from floe.host.shared.copying import SharedCopying
from floe.host.shared.keeping import SharedKeeping
from floe.host.shared.table import SharedTable
from floe.host.site import Site
from floe.host.step import Step
from floe.model.event import RunEnded, RunPacked
from floe.model.ids import HostId, Instant, RunRef, StoreId
from floe.model.peer_message import Fact, Message
from floe.model.run import Run
from floe.model.signal import Cancel
from floe.store.base import Append, Record, Stored


class Cluster:
    """The parts of a host that deal with its peers."""

    def __init__(self, site: Site, shared: SharedTable, rows: LedgerRows) -> None:
        self._site = site
        self._now = Instant(0)
        """Of the last step."""
        members = self.members = Members(site, rows)
        outbox = self.outbox = Outbox(site)
        current_keeper = self.current_keeper = CurrentKeeper(site, members, rows)
        claims = self.claims = OwnClaims(site, current_keeper, outbox, shared, rows)
        keeper = self.keeper = Keeper(site, members, current_keeper, claims, outbox, rows)
        report = LeaseReport(site, members, current_keeper, claims, keeper)
        self.leases = Kept(claims, keeper, report)
        self.candidates = Candidates(site, members)
        self.adopter = Adopter(site, members, outbox, self.candidates, self.leases, rows)
        self.sharing: Sharing
        if site.keeper is None:
            self.sharing = SharedAlone(site, shared)
        elif keeper.is_me:
            self.sharing = SharedKeeping(site, shared, members, outbox, keeper, rows)
        else:
            self.sharing = SharedCopying(site.keeper, shared, current_keeper, outbox, site.journal)
        self.heartbeat = Heartbeat(site, members, current_keeper, self.sharing)
        moves = Moves(site, members, outbox, self.candidates, self.adopter, rows)
        self.moves = moves
        self.grantee = Grantee(site, members, outbox, self.heartbeat, current_keeper, moves, rows)
        self._forgetting = Forgetting(
            site, members, outbox, self.adopter, self.grantee, moves, keeper
        )
        self._seeking = Seeking(site, members, outbox)
        self._peer_messages = PeerMessages(
            site,
            members,
            outbox,
            self.candidates,
            self.adopter,
            self.grantee,
            moves,
            claims,
            keeper,
            self.sharing,
            self._forgetting,
            self._seeking,
        )

    def load(self, runs: Sequence[Run], logs: Iterable[Stored | Record]) -> None:
        """Continue after a start with what is on the disk."""
        self.adopter.load(runs, _facts_by_run(logs))
        self.grantee.load()
        self._seeking.load()
        self.moves.load()
        self._site.journal.take()

    def read_again(self, ref: RunRef, run: Run | None, logs: Iterable[Stored | Record]) -> None:
        """Continue a run that is as it was read; None for none."""
        self.adopter.facts.put(ref, None)
        if run is not None:
            self.adopter.load((run,), _facts_by_run(logs))
            self.moves.read_again(run)
        self._site.journal.take()

    # --- questions ---

    def hosts(self) -> Mapping[HostId, Member]:
        """The peers that ever sent a message and were not forgotten, by id."""
        return {member.id: member for member in self.members.lives()}

    def problems(self, now: Instant) -> Mapping[HostId, tuple[str, ...]]:
        """The problems of each host, as far as they concern peers."""
        members = self.members
        others = {m.id: member_problems(m, now) for m in members.lives()}
        return {self._site.id: members.own_faults(now), **others}

    def dead_ends(self) -> Sequence[str]:
        """Why no host would ever take a run that is started here."""
        return self.members.dead_ends()

    def disagreement(self) -> str:
        """How hosts disagree about their keeper; empty if they agree."""
        return self.current_keeper.disagreement()

    def may_fire(self, now: Instant) -> bool:
        """Whether this host is the keeper at work."""
        return self.keeper.is_at_work(now)

    def keeper_term(self) -> int:
        """The term under which this host is the keeper; 0 where it never was."""
        return self.keeper.census.term

    # --- inputs ---

    def receive(self, step: Step, received: PeerInput) -> str:
        """Handle an input; return why it changed nothing, empty if it may have."""
        match received:
            case Received(envelope=envelope, floor=floor):
                self._peer_messages.receive(step, envelope, floor)
                return ""
            case Unsent(run=run, epoch=epoch):
                self.adopter.unsent(step, run, epoch)
                return ""
            case Forget():
                return self._forgetting.by_operator(step, received)
            case Free():
                return self.keeper.free(step, received)
            case Surroundings():
                self.members.surroundings = received
                return ""
            case _:
                assert_never(received)

    def receive_own(self, step: Step, message: Message) -> None:
        """Handle a message from this host to itself."""
        self._peer_messages.receive_own(step, message)

    def cancel(self, step: Step, run: Run, cancel: Cancel) -> bool:
        """Ask for the end of a run whose log is at a peer; False if that was asked before."""
        return self.adopter.cancel(step, run, cancel)

    def learned(self, rows: Sequence[Append]) -> list[Append]:
        """Rows that came from peers; the rows of lost runs as ended.

        Runs in the table stay as they are: what came with a backup the operator decides about, and
        a run that was given away ends here only when its end is reported, or its host is forgotten.
        """
        forgotten, runs = dict(self.members.forgotten.items()), self._site.table.runs
        return [
            replace(row, summary=as_lost(row.summary, forgotten))
            if row.summary and row.run not in runs
            else row
            for row in rows
            if not (row.summary and self.adopter.awaits_end(row.summary))
        ]

    def seek(self, step: Step, wanted: TakeOldest, ticket: int) -> bool:
        """Ask other hosts for outside work; False where this host has the oldest, or none has."""
        return self._seeking.begin(step, wanted, ticket)

    def void(self, step: Step, take: str) -> bool:
        """Let a repeated take never get work; False where no host can have given it some."""
        return self._seeking.void(step, take)

    def give_back(self, step: Step, wanted: GiveBack) -> bool:
        """Give back what a take got at other hosts; False if it got nothing there."""
        return self._seeking.give_back(step, wanted)

    def wanted(self, now: Instant) -> Sequence[RunRef]:
        """The logs that are to be read now, so that their runs move or are reported."""
        return self.moves.wanted(now)

    def read(self, step: Step, run: Run, log: LogRead) -> bool:
        """The log of a run was read; return whether anything changed."""
        return self.moves.read(step, run, log)

    def owes(self, run: RunRef) -> bool:
        """Whether the adopter of a run has not acknowledged its end."""
        return self.grantee.owes(run)

    def is_gone(self, host: HostId, store: StoreId) -> bool:
        """Whether a store was forgotten."""
        return self.members.is_known_gone(host, store)

    # --- around a step ---

    def recorded(self, step: Step, record: Record, run: Run) -> None:
        """An event was recorded; `run` is its run after it."""
        self.adopter.recorded(record, run)
        self.moves.recorded(run, step.now)
        note_arrival(step, run, record.event)
        if isinstance(record.event, RunEnded):
            self.candidates.over(run.ref)
            self.leases.over(step, run)
            self.grantee.over(step, run)
        elif isinstance(record.event, RunPacked):
            self.grantee.packed(run)

    def begin(self, step: Step) -> None:
        """Note which hosts have fallen silent, and grant what is free."""
        if step.now < self._now:
            self._site.journal.undos.append(partial(self._note_time, self._now))
            self.outbox.set_back(step.now)
            self.members.set_back(step.now)
        self._note_time(step.now)
        self.members.age(step)
        self.keeper.tick(step)
        step.deliver()

    def _note_time(self, now: Instant) -> None:
        self._now = now

    def finish(self, step: Step) -> Instant:
        """Send what is due; return when to step again."""
        dues: list[Instant | None] = [self.claims.tick(step), self._seeking.tick(step)]
        dues.append(self.sharing.tick(step))
        self.outbox.flush(step)
        dues += [self.heartbeat.ping(step), self.outbox.next_due]
        dues.append(self.keeper.next_due(step.now))
        return min(due for due in dues if due is not None)


def _facts_by_run(logs: Iterable[Stored | Record]) -> Mapping[RunRef, Sequence[Fact]]:
    facts: dict[RunRef, list[Fact]] = {}
    for item in logs:
        record = item.record if isinstance(item, Stored) else item
        facts.setdefault(record.run, []).append(fact_of(record))
    return facts
