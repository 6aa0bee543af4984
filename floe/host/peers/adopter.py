"""The adopter's side of the hand-over: grants, offers, withdrawals and their answers.

A missing answer is no refusal. While a peer may write the log of a run, this host writes nothing
to it.

Source: docs/cluster-protocol.md, "The pen".
"""

from collections.abc import Mapping, Sequence
from typing import Final

from floe.host.leases.base import Leases
from floe.host.ledger import LedgerRows
from floe.host.peers.candidates import Candidates
from floe.host.peers.facts import UNREADABLE, event_of, events_after, fact_of, outputs_of
from floe.host.peers.member import Member
from floe.host.peers.members import Members
from floe.host.peers.outbox import Outbox
from floe.host.site import Site
from floe.host.step import Step
from floe.host.undoable import Undoable
from floe.kernel.moving import outlives_host
from floe.model.codec import decode, encode
from floe.model.event import GrantReturned, RunActivated, RunGranted
from floe.model.ids import HostId, Instant, RunRef, StoreId, ref_of
from floe.model.moving import RunResumed, RunReturned
from floe.model.peer_message import (
    Accepted,
    CancelRun,
    Ended,
    EndedStored,
    Fact,
    Offer,
    Refused,
    Rested,
    RestedStored,
    Returned,
    ReturnedStored,
    Withdraw,
)
from floe.model.run import Run
from floe.model.signal import Cancel, HostLost
from floe.model.summary import Summary, completed
from floe.store.base import Record

OFFER: Final = "offer"
"""A kind of messages in the outbox: Offer, or Withdraw in its place."""

CANCEL: Final = "cancel"
"""A kind of messages in the outbox: CancelRun."""


class Adopter:
    """Runs that this host adopted and whose log a peer writes, or may write."""

    def __init__(
        self,
        site: Site,
        members: Members,
        outbox: Outbox,
        candidates: Candidates,
        leases: Leases,
        rows: LedgerRows,
    ) -> None:
        self._site = site
        self._members = members
        self._outbox = outbox
        self._candidates = candidates
        self._leases = leases
        self.facts: Undoable[RunRef, tuple[Fact, ...]] = Undoable(site.journal)
        """The logs of adopted runs that may still be offered to a peer."""
        self._cancels: Undoable[RunRef, Cancel] = Undoable(site.journal)
        """Cancels of runs whose log a peer may write."""
        self._resumed: Undoable[RunRef, int] = Undoable(site.journal)
        """Grants of an earlier process, which may have written their offers to a socket."""
        self._begun: Undoable[RunRef, bool] = Undoable(site.journal)
        """Runs that began elsewhere and are granted to a peer that has not answered."""
        for key, shape in rows.get("withdraw", {}).items():
            if (ref := ref_of(key)) and isinstance(shape, Mapping):
                self._cancels.put(ref, decode(Cancel, shape))

    def load(self, runs: Sequence[Run], facts: Mapping[RunRef, Sequence[Fact]]) -> None:
        """Continue what was read: offer again what was granted."""
        for run in runs:
            if run.ref in facts and run.ref.store == self._site.store:
                self.facts.put(run.ref, tuple(facts[run.ref]))
            if run.phase == "granted" and self._is_lent(run):
                self._resumed.put(run.ref, run.epoch)
            if self._is_lent(run):
                self._send(run, Instant(0))

    def recorded(self, record: Record, run: Run) -> None:
        """An event of a run was recorded here."""
        ref = run.ref
        if ref.store != self._site.store:
            return
        if run.phase in ("ended", "packed") or (run.state == "active" and not self._is_lent(run)):
            self.facts.put(ref, None)
        else:
            self.facts.put(ref, (*(self.facts.get(ref) or ()), fact_of(record)))

    def grant(self, step: Step, run: Run, host: HostId, fences: Mapping[str, str]) -> None:
        """Begin a run here, or grant it to a peer and offer it until the peer answers."""
        self._candidates.given(run.ref)
        if host == self._site.id:
            step.begin(run, fences)
            return
        granted = RunGranted(
            at=step.now,
            host=host,
            store=self._members.by_id[host].store,
            epoch=run.epoch + 1,
            fences=fences,
        )
        run = step.add(run, (granted,))
        self._candidates.granted(host, run.ref)
        self._send(run, step.now)

    def accepted(self, step: Step, member: Member, message: Accepted) -> None:
        """The grantee has activated a run, and writes its log from now on."""
        run = self._granted(member, message.run, message.epoch)
        if run is None:
            return
        fact = message.fact
        try:
            event = event_of(fact, run.ref, self._site.seals.opened)
        except UNREADABLE:  # of a newer floe: the grantee repeats it until this host is upgraded
            return
        if not isinstance(event, RunActivated | RunResumed) or (
            fact.seq,
            fact.epoch,
            event.epoch,
        ) != (
            run.seq + 1,
            run.epoch,
            run.epoch,
        ):
            return
        self._answered(step, run)
        run = step.add_as_stored(run, event, fact.body)
        self._send(run, step.now)

    def pinged(self, step: Step, member: Member) -> None:
        """A peer says what it can: offer it runs that began, or withdraw them if its floe is older
        by now. It would begin them again."""
        assert member.ping is not None
        for ref in tuple(self._begun):
            run = self._site.table.runs.get(ref)
            if run is None or (run.host, run.store) != (member.id, member.store):
                continue
            sent = self._outbox.get(member.id, OFFER, ref.key)
            if sent is None or (isinstance(sent.message, Offer) and not member.ping.moves):
                self._send(run, step.now)

    def rested(self, step: Step, member: Member, message: Rested) -> None:
        """A run only waits at the peer that runs it: keep the events that this host lacks."""
        run = self._held_by(member, message.run, message.epoch)
        if run is None:
            return
        if extended := self._extended(step, run, message.facts, is_returned=False):
            stored = RestedStored(run=message.run, epoch=message.epoch, seq=extended.seq)
            step.promise = True
            step.send(member.id, member.store, stored)

    def returned(self, step: Step, member: Member, message: Returned) -> None:
        """The peer that ran a run returns it: this host has the pen, and grants it again."""
        run = self._held_by(member, message.run, message.epoch)
        if run is not None:
            extended = self._extended(step, run, message.facts, is_returned=True)
            if extended is None:
                return
            self._outbox.done(member.id, CANCEL, message.run)
            self._cancel_now(step, extended)
        step.send(member.id, member.store, ReturnedStored(run=message.run, epoch=message.epoch))

    def give_away(self, step: Step, run: Run, facts: tuple[Fact, ...], host: HostId) -> None:
        """Grant a run to a peer that only waits here; `facts` are its log."""
        self.facts.put(run.ref, facts)
        run = step.add(run, (RunReturned(at=step.now, epoch=run.epoch),))
        self.grant(step, run, host, {})

    def refused(self, step: Step, member: Member, message: Refused) -> None:
        """The grantee refused a run, and will never accept it under this epoch."""
        if run := self._granted(member, message.run, message.epoch):
            self._returned(step, run, message.why, message.change)

    def unsent(self, step: Step, ref: RunRef, epoch: int) -> None:
        """An offer was never written to a socket: a refusal, unless an earlier process wrote it."""
        run = self._site.table.runs.get(ref)
        if run is None or run.phase != "granted" or run.epoch != epoch or not self._is_lent(run):
            return
        if self._resumed.get(ref) != epoch:
            self._returned(step, run, f"{run.host} refused the connection", None)

    def ended(self, step: Step, member: Member, message: Ended) -> None:
        """A run ended at the peer that ran it."""
        try:
            outputs = outputs_of(message, self._site.seals.opened)
        except UNREADABLE:  # the key of the run is gone here: the grantee repeats it
            return
        step.send(member.id, member.store, EndedStored(run=message.run, epoch=message.epoch))
        run = self._held_by(member, message.run, message.epoch)
        if run is None:
            return
        self._answered(step, run)
        self._forget_cancel(step, run)
        self._candidates.over(run.ref)
        self._leases.over_elsewhere(step, run)
        step.let_go(run, completed(message.row), outputs)
        self.facts.put(run.ref, None)

    def awaits_end(self, row: Summary) -> bool:
        """Whether the row of a peer shows the end of a run whose end was not reported here.

        A forgotten host lists the ends of its runs, but reports none of them. With such a row the
        next start of this host would not read the run, and its grant would never be revoked.
        """
        if row.state != "archive":
            return False
        ref = RunRef.parse(row.key)
        if ref in self._site.unreadable:  # its end is reported again once its key is back
            return ref.store == self._site.store
        run = self._site.table.runs.get(ref)
        return run is not None and self._is_lent(run)

    def cancel(self, step: Step, run: Run, cancel: Cancel) -> bool:
        """Ask for the end of a run whose log a peer may write; False if that was asked before."""
        if not self._is_lent(run) or run.ref in self._cancels:
            return False
        self._cancels.put(run.ref, cancel)
        step.promise_row("withdraw", run.ref.key, encode(cancel))
        self._send(run, step.now)
        return True

    def lost(self, step: Step, host: HostId, store: StoreId) -> None:
        """A host was forgotten: the runs that were granted to it are lost there."""
        self._candidates.lost(host)
        for run in tuple(self._site.table.runs.values()):
            if self._is_lent(run) and run.host == host and run.store == store:
                self._answered(step, run)
                run = step.decide(run, HostLost(host=host, keeps=outlives_host(run))).run
                self._leases.revoked(step, run)
                self._cancel_now(step, run)

    def _extended(
        self, step: Step, run: Run, facts: Sequence[Fact], *, is_returned: bool
    ) -> Run | None:
        """A run at a peer with events that this host may have; None where it refuses them."""
        opened = self._site.seals.opened
        try:
            new = events_after(run, facts, opened, is_returned=is_returned)
        except UNREADABLE as error:  # of a newer floe: the peer repeats it until this is upgraded
            what = f"{type(error).__name__}: {error}"
            step.refused.append(f"the events of {run.ref} from {run.host}: {what}")
            return None
        was_granted = run.phase == "granted"
        if was_granted and new:
            self._answered(step, run)
        for event, body in new:
            run = step.add_as_stored(run, event, body)
        if was_granted and run.state == "active":
            self._send(run, step.now)
        return run

    def _held_by(self, member: Member, key: str, epoch: int) -> Run | None:
        """The run of this host that a peer has, or may have, under an epoch."""
        ref = ref_of(key)
        run = self._site.table.runs.get(ref) if ref else None
        return run if run is not None and self._is_held_by(run, member, epoch) else None

    def _granted(self, member: Member, key: str, epoch: int) -> Run | None:
        """The run that an answer is about, if the answer counts."""
        run = self._held_by(member, key, epoch)
        return run if run is not None and run.phase == "granted" else None

    def _is_lent(self, run: Run) -> bool:
        """Whether this host adopted a run and a peer may write its log."""
        return run.ref.store == self._site.store and self._site.table.is_foreign(run)

    def _is_held_by(self, run: Run, member: Member, epoch: int) -> bool:
        at = (run.epoch, run.host, run.store)
        return self._is_lent(run) and at == (epoch, member.id, member.store)

    def _moves_at(self, run: Run) -> bool | None:
        """Whether the host that a run is granted to would not begin it again; None: unknown yet."""
        if run.started_at is None:
            return True
        self._begun.put(run.ref, True)
        member = self._members.by_id.get(run.host) if run.host else None
        return member.ping.moves if member and member.ping else None

    def _returned(self, step: Step, run: Run, why: str, change: int | None) -> None:
        assert run.host is not None
        host = run.host
        self._answered(step, run)
        self._leases.returned(step, run)
        run = step.add(run, (GrantReturned(at=step.now, epoch=run.epoch, why=f"{host}: {why}"),))
        self._candidates.returned(host, run, change)
        self._cancel_now(step, run)

    def _cancel_now(self, step: Step, run: Run) -> None:
        if cancel := self._cancels.get(run.ref):
            self._forget_cancel(step, run)
            if run.phase not in ("ended", "packed"):
                step.decide(run, cancel)

    def _forget_cancel(self, step: Step, run: Run) -> None:
        if self._cancels.put(run.ref, None):
            step.keep("withdraw", run.ref.key, None)

    def _answered(self, step: Step, run: Run) -> None:
        assert run.host is not None
        self._outbox.done(run.host, OFFER, run.ref.key)
        self._outbox.done(run.host, CANCEL, run.ref.key)
        self._resumed.put(run.ref, None)
        self._begun.put(run.ref, None)

    def _send(self, run: Run, due: Instant) -> None:
        """Send the request that fits the state of a run, until it is answered."""
        key, epoch, host = run.ref.key, run.epoch, run.host
        assert host is not None
        cancel = self._cancels.get(run.ref)
        if run.state == "active":
            if cancel is not None:
                request = CancelRun(run=key, epoch=epoch, by=cancel.by, why=cancel.why)
                self._outbox.put(host, run.store, CANCEL, key, request, due)
            return
        moves = self._moves_at(run)
        if cancel is not None or moves is False:
            self._outbox.put(host, run.store, OFFER, key, Withdraw(run=key, epoch=epoch), due)
        elif run.flow is not None and moves is not None:
            offer = Offer(
                run=key,
                epoch=epoch,
                facts=self.facts.get(run.ref) or (),
                flow=run.flow,
                digest=run.digest or "",
                run_key=self._site.seals.row(run.ref) if run.sealed else "",
            )
            self._outbox.put(host, run.store, OFFER, key, offer, due)
