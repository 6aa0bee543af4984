"""The adopter's end of the hand-over: grants, offers, withdrawals, and what came of them.

A missing answer is not a no. Where the pen may be elsewhere, nothing is written to a run's log.

Source: docs/cluster-protocol.md, "The pen".
"""

from collections.abc import Mapping, Sequence
from typing import Final

from floe.host.leases.base import Leases
from floe.host.peers.candidates import Candidates
from floe.host.peers.facts import UNREADABLE, event_of, fact_of
from floe.host.peers.member import Member
from floe.host.peers.members import Members
from floe.host.peers.outbox import Outbox
from floe.host.rows import Rows
from floe.host.site import Site
from floe.host.step import Step
from floe.host.undoable import Undoable
from floe.model.codec import decode, encode
from floe.model.event import GrantReturned, RunActivated, RunGranted
from floe.model.message import (
    Accepted,
    CancelRun,
    Ended,
    EndedStored,
    Fact,
    Offer,
    Refused,
    Withdraw,
)
from floe.model.refs import HostId, Instant, RunRef, StoreId, ref_of
from floe.model.run import Run
from floe.model.signal import Cancel, HostLost
from floe.store.base import Record

OFFER: Final = "offer"
"""A kind of letters: Offer, or Withdraw in its place."""

CANCEL: Final = "cancel"
"""A kind of letters: CancelRun."""


class Adopter:
    """Runs adopted here whose pen is elsewhere, or may be."""

    def __init__(
        self,
        site: Site,
        members: Members,
        outbox: Outbox,
        candidates: Candidates,
        leases: Leases,
        rows: Rows,
    ) -> None:
        self._site = site
        self._members = members
        self._outbox = outbox
        self._candidates = candidates
        self._leases = leases
        self.facts: Undoable[RunRef, tuple[Fact, ...]] = Undoable(site.journal)
        """The logs of runs adopted here whose pen is not known to be here for good."""
        self._cancels: Undoable[RunRef, Cancel] = Undoable(site.journal)
        """Cancels of runs whose pen may be elsewhere."""
        self._resumed: Undoable[RunRef, int] = Undoable(site.journal)
        """Grants of an earlier process: whether it wrote their offers to a socket is not known."""
        for key, shape in rows.get("withdraw", {}).items():
            if (ref := ref_of(key)) and isinstance(shape, Mapping):
                self._cancels.put(ref, decode(Cancel, shape))

    def load(self, runs: Sequence[Run], facts: Mapping[RunRef, Sequence[Fact]]) -> None:
        """Go on after a start: what was granted is offered again, as already offered."""
        for run in runs:
            if run.ref in facts and run.ref.store == self._site.store:
                self.facts.put(run.ref, tuple(facts[run.ref]))
            if run.phase == "granted" and self._is_mine(run):
                self._resumed.put(run.ref, run.epoch)
            if self._is_mine(run):
                self._say(run, Instant(0))

    # --- the adopter ---

    def recorded(self, record: Record, run: Run) -> None:
        """An event of a run was recorded here."""
        ref = run.ref
        if ref.store != self._site.store:
            return
        if run.phase in ("ended", "packed") or (run.phase == "active" and not self._is_mine(run)):
            self.facts.put(ref, None)
        elif run.phase not in ("active", "ending") or isinstance(record.event, RunActivated):
            self.facts.put(ref, (*(self.facts.get(ref) or ()), fact_of(record)))

    def grant(self, step: Step, run: Run, host: HostId, fences: Mapping[str, str]) -> None:
        """Begin a run here, or grant it to a peer and offer it until the peer answers."""
        self._candidates.over(run.ref)
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
        self._say(run, step.now)

    def accepted(self, step: Step, member: Member, message: Accepted) -> None:
        """The grantee has activated a run: its log goes on there."""
        run = self._granted(member, message.run, message.epoch)
        if run is None:
            return
        fact = message.fact
        try:
            event = event_of(fact)
        except UNREADABLE:  # of a newer floe: it is repeated until then
            return
        if not isinstance(event, RunActivated) or (fact.seq, fact.epoch, event.epoch) != (
            run.seq + 1,
            run.epoch,
            run.epoch,
        ):
            return
        self._answered(step, run)
        run = step.add_as_stored(run, event, fact.body)
        self._say(run, step.now)

    def refused(self, step: Step, member: Member, message: Refused) -> None:
        """The grantee said no, and will not say yes to this epoch any more."""
        if run := self._granted(member, message.run, message.epoch):
            self._returned(step, run, message.why, message.change)

    def unsent(self, step: Step, ref: RunRef, epoch: int) -> None:
        """An offer was never written to a socket: that is a no, unless an older process did."""
        run = self._site.table.runs.get(ref)
        if run is None or run.phase != "granted" or run.epoch != epoch or not self._is_mine(run):
            return
        if self._resumed.get(ref) != epoch:
            self._returned(step, run, f"{run.host} refused the connection", None)

    def ended(self, step: Step, member: Member, message: Ended) -> None:
        """A run is over where it ran."""
        step.send(member.id, member.store, EndedStored(run=message.run, epoch=message.epoch))
        ref = ref_of(message.run)
        run = self._site.table.runs.get(ref) if ref else None
        if run is None or not self._is_held_by(run, member, message.epoch):
            return
        self._answered(step, run)
        self._forget_cancel(step, run)
        self._leases.over_elsewhere(step, run)
        step.let_go(run, message.row)
        self.facts.put(run.ref, None)

    def cancel(self, step: Step, run: Run, cancel: Cancel) -> bool:
        """Ask for the end of a run whose pen may be elsewhere; False if that was asked before."""
        if not self._is_mine(run) or run.ref in self._cancels:
            return False
        self._cancels.put(run.ref, cancel)
        step.promise_row("withdraw", run.ref.key, encode(cancel))
        self._say(run, step.now)
        return True

    def lost(self, step: Step, host: HostId, store: StoreId) -> None:
        """A host was forgotten: what it was given is taken from it."""
        for run in tuple(self._site.table.runs.values()):
            if self._is_mine(run) and run.host == host and run.store == store:
                self._answered(step, run)
                run = step.decide(run, HostLost(host=host)).run
                self._leases.revoked(step, run)
                self._cancel_now(step, run)

    def _granted(self, member: Member, key: str, epoch: int) -> Run | None:
        """The run that a host answers for, if its answer counts."""
        ref = ref_of(key)
        run = self._site.table.runs.get(ref) if ref else None
        if run is None or run.phase != "granted" or not self._is_held_by(run, member, epoch):
            return None
        return run

    def _is_mine(self, run: Run) -> bool:
        """Whether a run was adopted here and its pen may be elsewhere."""
        return run.ref.store == self._site.store and self._site.table.is_foreign(run)

    def _is_held_by(self, run: Run, member: Member, epoch: int) -> bool:
        at = (run.epoch, run.host, run.store)
        return self._is_mine(run) and at == (epoch, member.id, member.store)

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

    def _say(self, run: Run, due: Instant) -> None:
        """Say what this state of a run asks for, until it is answered."""
        key, epoch, host = run.ref.key, run.epoch, run.host
        assert host is not None
        cancel = self._cancels.get(run.ref)
        if run.phase == "active":
            if cancel is not None:
                word = CancelRun(run=key, epoch=epoch, by=cancel.by, why=cancel.why)
                self._outbox.put(host, run.store, CANCEL, key, word, due)
        elif cancel is not None:
            self._outbox.put(host, run.store, OFFER, key, Withdraw(run=key, epoch=epoch), due)
        elif run.flow is not None:
            offer = Offer(
                run=key,
                epoch=epoch,
                facts=self.facts.get(run.ref) or (),
                flow=run.flow,
                digest=run.digest or "",
            )
            self._outbox.put(host, run.store, OFFER, key, offer, due)
