"""What a host does with its peers: one part for each duty, and the order in which they act."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import assert_never

from floe.host.inputs import Forget, Free, Received, Surroundings, Unsent
from floe.host.leases.claims import OwnClaims
from floe.host.leases.current_keeper import CurrentKeeper
from floe.host.leases.keeper import Keeper
from floe.host.leases.kept import Kept
from floe.host.leases.report import LeaseReport
from floe.host.peers.adopter import Adopter
from floe.host.peers.base import PeerInput
from floe.host.peers.candidates import Candidates
from floe.host.peers.facts import fact_of
from floe.host.peers.grantee import Grantee
from floe.host.peers.heartbeat import Heartbeat
from floe.host.peers.lost import as_lost
from floe.host.peers.member import Member, problems_of
from floe.host.peers.members import FORGET_AFTER_S, Members
from floe.host.peers.outbox import Outbox
from floe.host.rows import Rows
from floe.host.site import Site
from floe.host.step import Step
from floe.model.event import RunEnded, RunPacked
from floe.model.message import (
    Accepted,
    Acquire,
    Behind,
    CancelRun,
    Census,
    Claims,
    Ended,
    EndedStored,
    Envelope,
    Fact,
    Forgotten,
    Held,
    HeldHeard,
    Message,
    NotMe,
    Offer,
    Ping,
    Queued,
    Refused,
    Release,
    Released,
    RowsAfter,
    Withdraw,
)
from floe.model.message import Rows as DirectoryRows
from floe.model.refs import HostId, Instant, RunRef, StoreId, place_key, place_of
from floe.model.run import Run
from floe.model.signal import Cancel
from floe.store.base import Append, Record, Stored


class Cluster:
    """The parts of a host that deal with its peers."""

    def __init__(self, site: Site, rows: Rows) -> None:
        self._site = site
        self._now = Instant(0)
        """Of the last step."""
        members = self.members = Members(site, rows)
        outbox = self.outbox = Outbox(site)
        current_keeper = self.current_keeper = CurrentKeeper(site, members, rows)
        claims = self.claims = OwnClaims(site, current_keeper, outbox, rows)
        keeper = self.keeper = Keeper(site, members, current_keeper, claims, outbox, rows)
        report = LeaseReport(site, members, current_keeper, claims, keeper)
        self.leases = Kept(claims, keeper, report)
        self.candidates = Candidates(site, members)
        self.adopter = Adopter(site, members, outbox, self.candidates, self.leases, rows)
        self.heartbeat = Heartbeat(site, members, current_keeper)
        self.grantee = Grantee(site, members, outbox, self.heartbeat, current_keeper, rows)

    def load(self, runs: Sequence[Run], logs: Iterable[Stored | Record]) -> None:
        """Continue after a start with what is on the disk."""
        facts: dict[RunRef, list[Fact]] = {}
        for item in logs:
            record = item.record if isinstance(item, Stored) else item
            facts.setdefault(record.run, []).append(fact_of(record))
        self.adopter.load(runs, facts)
        self.grantee.load()
        self._site.journal.take()

    # --- questions ---

    def hosts(self) -> Mapping[HostId, Member]:
        """The peers that ever sent a message and were not forgotten, by id."""
        return {member.id: member for member in self.members.lives()}

    def problems(self, now: Instant) -> Mapping[HostId, tuple[str, ...]]:
        """The problems of each host, as far as they concern peers."""
        members = self.members
        others = {m.id: problems_of(m, now) for m in members.lives()}
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
                self._receive(step, envelope, floor)
                return ""
            case Unsent(run=run, epoch=epoch):
                self.adopter.unsent(step, run, epoch)
                return ""
            case Forget():
                return self._forget(step, received)
            case Free():
                return self.keeper.free(step, received)
            case Surroundings():
                self.members.surroundings = received
                return ""
            case _:
                assert_never(received)

    def cancel(self, step: Step, run: Run, cancel: Cancel) -> bool:
        """Ask for the end of a run whose log is at a peer; False if that was asked before."""
        return self.adopter.cancel(step, run, cancel)

    def learned(self, rows: Iterable[Append]) -> list[Append]:
        """Rows that came from peers; the rows of lost runs as ended.

        Runs in the table stay as they are: what came with a backup the operator decides about.
        """
        forgotten, runs = dict(self.members.forgotten.items()), self._site.table.runs
        return [
            replace(row, summary=as_lost(row.summary, forgotten))
            if row.summary and row.run not in runs
            else row
            for row in rows
        ]

    def _forget(self, step: Step, forget: Forget) -> str:
        members = self.members
        known = members.by_id.get(forget.host)
        store = forget.store or (known.store if known else None)
        if self._site.is_self(forget.host, store):
            return "a host does not forget itself; drain it, or stop it"
        if store is None:
            return f"this host knows no host {forget.host}; floe hosts lists them"
        gone = members.forgotten.get(place_key(forget.host, store))
        if gone is not None and gone.expected == members.expected:
            return f"{forget.host} with the store {store} is forgotten already"
        if known is not None and known.store == store and known.seen_at is not None:
            seen_s = (step.now - known.seen_at) // 1000
            if seen_s < FORGET_AFTER_S and not forget.force:
                return f"{forget.host} was seen {seen_s} s ago; --force forgets it all the same"
        self._forgotten(step, forget.host, store, step.now, by_operator=True)
        return ""

    def _forgotten(
        self, step: Step, host: HostId, store: StoreId, at: Instant, *, by_operator: bool = False
    ) -> None:
        """A store was forgotten permanently."""
        if not self.members.forget(step, host, store, at, by_operator=by_operator):
            return
        if self._site.is_self(host, store):
            self.grantee.supersede(step)
            return
        self.adopter.lost(step, host, store)
        self.grantee.lost(step, host, store)
        self.keeper.lost(step, host, store)
        self.outbox.drop(host, store)

    # --- messages ---

    def receive_own(self, step: Step, message: Message) -> None:
        """Handle a message from this host to itself, like any other."""
        self._take(step, self.members.me, message, None)

    def _receive(self, step: Step, envelope: Envelope, floor: int | None) -> None:
        site, members, message = self._site, self.members, envelope.message
        host, store = envelope.from_host, envelope.from_store
        if envelope.to_host not in (None, site.id) or site.is_self(host, store):
            return
        is_answer = isinstance(message, NotMe | Forgotten)
        if envelope.to_store not in (None, site.store):
            if not is_answer:
                step.send(host, store, NotMe(mine=site.store))
            return
        if members.is_known_gone(host, store):
            if not is_answer:
                step.send(host, store, Forgotten())
            return
        member = members.receive(step, envelope)
        if isinstance(message, Ping):
            for key in message.forgotten:
                self._forgotten(step, *place_of(key), message.forgotten_at.get(key, step.now))
            if members.is_known_gone(host, store):
                step.send(host, store, Forgotten())
                return
        if isinstance(message, Forgotten) and envelope.to_store is None:
            return  # it names no store of this host
        if member is None:
            if host != site.id and not isinstance(message, Ping):
                self._take(step, Member(id=host, store=store), message, floor)
            return
        self._take(step, member, message, floor)
        self.outbox.hasten(host, step.now)

    def _take(self, step: Step, member: Member, message: Message, floor: int | None) -> None:
        match message:
            case Ping() as ping:
                pinged = self.members.pinged(step, member, ping)
                step.retry_pends |= self.candidates.pinged(pinged)
            case NotMe():
                pass  # the sender's store is known by now
            case Forgotten():
                self._forgotten(step, self._site.id, self._site.store, step.now)
            case Offer() as message:
                self.grantee.offered(step, member, message, floor)
            case Withdraw() as message:
                self.grantee.withdrawn(step, member, message, floor)
            case CancelRun() as message:
                self.grantee.cancelled(step, member, message)
            case EndedStored() as message:
                self.grantee.end_stored(step, member, message)
            case Accepted() as message:
                self.adopter.accepted(step, member, message)
            case Refused() as message:
                self.adopter.refused(step, member, message)
            case Ended() as message:
                self.adopter.ended(step, member, message)
            case Held() as message:
                self.claims.held(step, member, message)
            case Queued() as message:
                self.claims.queued(step, member, message)
            case Released() as message:
                self.claims.released(step, member, message)
            case Census() as message:
                self.claims.counted(step, member, message)
            case Acquire() as message:
                self.keeper.acquire(step, member, message)
            case HeldHeard() as message:
                self.keeper.held_heard(step, member, message)
            case Release() as message:
                self.keeper.released(step, member, message)
            case Claims() as message:
                self.keeper.answered(step, member, message)
            case Behind() as message:
                self.keeper.behind(step, member, message)
            case DirectoryRows() | RowsAfter():
                pass  # the directory handles them
            case message:
                assert_never(message)

    # --- around a step ---

    def recorded(self, step: Step, record: Record, run: Run) -> None:
        """An event was recorded; `run` is its run after it."""
        self.adopter.recorded(record, run)
        if isinstance(record.event, RunEnded):
            self.candidates.over(run.ref)
            self.leases.over(step, run)
            self.grantee.over(step, run)
        elif isinstance(record.event, RunPacked):
            self.grantee.packed(run)

    def begin(self, step: Step) -> None:
        """Note which hosts have fallen silent, and grant what is free."""
        if step.now < self._now:
            self.outbox.set_back(step.now)
            self.members.set_back(step.now)
        self._now = step.now
        self.members.age(step)
        self.keeper.tick(step)
        step.deliver()

    def finish(self, step: Step) -> Instant:
        """Send what is due; return when to step again."""
        dues: list[Instant | None] = [self.claims.tick(step)]
        self.outbox.flush(step)
        dues += [self.heartbeat.ping(step), self.outbox.next_due]
        dues.append(self.keeper.next_due(step.now))
        return min(due for due in dues if due is not None)
