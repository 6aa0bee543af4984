"""The adopter's end of the hand-over: grants, offers, withdrawals, and what came of them.

A missing answer is not a no. Where the pen may be elsewhere, nothing is written to a run's log.

Source: docs/cluster-protocol.md, "The pen".
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from floe.host.peers.grantee import UNREADABLE, event_of, fact_of
from floe.host.peers.members import Member, ref_of
from floe.host.rows import Book, Journal, Rows
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
from floe.model.refs import HostId, Instant, RunRef, StoreId
from floe.model.run import Run
from floe.model.signal import Cancel, HostLost
from floe.store.base import Record

if TYPE_CHECKING:
    from floe.host.core import HubCore
    from floe.host.step import Draft

OFFER: Final = "offer"
"""A kind of letters: Offer, or Withdraw in its place."""

CANCEL: Final = "cancel"
"""A kind of letters: CancelRun."""


class Pen:
    """Runs adopted here whose pen is elsewhere, or may be."""

    def __init__(self, core: "HubCore", journal: Journal, rows: Rows) -> None:
        self._core = core
        self.facts: Book[RunRef, tuple[Fact, ...]] = Book(journal)
        """The logs of runs adopted here whose pen is not known to be here for good."""
        self._cancels: Book[RunRef, Cancel] = Book(journal)
        """Cancels of runs whose pen may be elsewhere."""
        self._resumed: Book[RunRef, int] = Book(journal)
        """Grants of an earlier process: whether it wrote their offers to a socket is not known."""
        for key, shape in rows.get("withdraw", {}).items():
            if (ref := ref_of(key)) and isinstance(shape, Mapping):
                self._cancels.put(ref, decode(Cancel, shape))

    def load(self, runs: Sequence[Run], facts: Mapping[RunRef, Sequence[Fact]]) -> None:
        """Go on after a start: what was granted is offered again, as already offered."""
        cluster = self._core.cluster
        assert cluster is not None
        for run in runs:
            if run.ref in facts and run.ref.store == self._core.store:
                self.facts.put(run.ref, tuple(facts[run.ref]))
            if run.phase == "granted" and self._is_mine(run):
                self._resumed.put(run.ref, run.epoch)
            if self._is_mine(run):
                self._say(run, Instant(0))

    # --- the adopter ---

    def noted(self, record: Record, run: Run) -> None:
        """A fact of a run was recorded here."""
        ref = run.ref
        if ref.store != self._core.store:
            return
        if run.phase in ("ended", "packed") or (run.phase == "active" and not self._is_mine(run)):
            self.facts.put(ref, None)
        elif run.phase not in ("active", "ending") or isinstance(record.event, RunActivated):
            self.facts.put(ref, (*(self.facts.get(ref) or ()), fact_of(record)))

    def grant(self, draft: "Draft", run: Run, host: HostId, fences: dict[str, str]) -> None:
        """Give a run to another host, and offer it until it is answered."""
        cluster = self._core.cluster
        assert cluster is not None
        granted = RunGranted(
            at=draft.now,
            host=host,
            store=cluster.members.by_id[host].store,
            epoch=run.epoch + 1,
            fences=fences,
        )
        run = draft.add(run, (granted,))
        cluster.placing.gave(host, run.ref)
        self._say(run, draft.now)

    def accepted(self, draft: "Draft", member: Member, message: Accepted) -> None:
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
        self._answered(draft, run)
        run = draft.add_as_stored(run, event, fact.body)
        self._say(run, draft.now)

    def refused(self, draft: "Draft", member: Member, message: Refused) -> None:
        """The grantee said no, and will not say yes to this epoch any more."""
        if run := self._granted(member, message.run, message.epoch):
            self._returned(draft, run, message.why, message.change)

    def unsent(self, draft: "Draft", ref: RunRef, epoch: int) -> None:
        """An offer was never written to a socket: that is a no, unless an older process did."""
        run = self._core.table.runs.get(ref)
        if run is None or run.phase != "granted" or run.epoch != epoch or not self._is_mine(run):
            return
        if self._resumed.get(ref) != epoch:
            self._returned(draft, run, f"{run.host} refused the connection", None)

    def ended(self, draft: "Draft", member: Member, message: Ended) -> None:
        """A run is over where it ran."""
        draft.send(member.id, member.store, EndedStored(run=message.run, epoch=message.epoch))
        ref = ref_of(message.run)
        run = self._core.table.runs.get(ref) if ref else None
        if run is None or not self._is_held_by(run, member, message.epoch):
            return
        cluster = self._core.cluster
        assert cluster is not None
        self._answered(draft, run)
        self._forget_cancel(draft, run)
        cluster.leases.over_elsewhere(draft, run)
        draft.let_go(run, message.row)
        self.facts.put(run.ref, None)

    def cancel(self, draft: "Draft", run: Run, cancel: Cancel) -> bool:
        """Ask for the end of a run whose pen may be elsewhere; False if that was asked before."""
        if not self._is_mine(run) or run.ref in self._cancels:
            return False
        self._cancels.put(run.ref, cancel)
        draft.promise_row("withdraw", run.ref.key, encode(cancel))
        self._say(run, draft.now)
        return True

    def lost(self, draft: "Draft", host: HostId, store: StoreId) -> None:
        """A host was forgotten: what it was given is taken from it."""
        for run in tuple(self._core.table.runs.values()):
            if self._is_mine(run) and run.host == host and run.store == store:
                self._answered(draft, run)
                run = draft.decide(run, HostLost(host=host)).run
                draft.cluster.leases.revoked(draft, run)
                self._cancel_now(draft, run)

    def _granted(self, member: Member, key: str, epoch: int) -> Run | None:
        """The run that a host answers for, if its answer counts."""
        ref = ref_of(key)
        run = self._core.table.runs.get(ref) if ref else None
        if run is None or run.phase != "granted" or not self._is_held_by(run, member, epoch):
            return None
        return run

    def _is_mine(self, run: Run) -> bool:
        """Whether a run was adopted here and its pen may be elsewhere."""
        return run.ref.store == self._core.store and self._core.table.is_note(run)

    def _is_held_by(self, run: Run, member: Member, epoch: int) -> bool:
        at = (run.epoch, run.host, run.store)
        return self._is_mine(run) and at == (epoch, member.id, member.store)

    def _returned(self, draft: "Draft", run: Run, why: str, change: int | None) -> None:
        cluster = self._core.cluster
        assert cluster is not None
        assert run.host is not None
        host = run.host
        self._answered(draft, run)
        cluster.leases.returned(draft, run)
        run = draft.add(run, (GrantReturned(at=draft.now, epoch=run.epoch, why=f"{host}: {why}"),))
        cluster.placing.refused(host, run, change)
        self._cancel_now(draft, run)

    def _cancel_now(self, draft: "Draft", run: Run) -> None:
        if cancel := self._cancels.get(run.ref):
            self._forget_cancel(draft, run)
            if run.phase not in ("ended", "packed"):
                draft.decide(run, cancel)

    def _forget_cancel(self, draft: "Draft", run: Run) -> None:
        if self._cancels.put(run.ref, None):
            draft.keep("withdraw", run.ref.key, None)

    def _answered(self, draft: "Draft", run: Run) -> None:
        outbox = draft.cluster.outbox
        assert run.host is not None
        outbox.done(run.host, OFFER, run.ref.key)
        outbox.done(run.host, CANCEL, run.ref.key)
        self._resumed.put(run.ref, None)

    def _say(self, run: Run, due: Instant) -> None:
        """Say what this state of a run asks for, until it is answered."""
        cluster = self._core.cluster
        assert cluster is not None
        key, epoch, host = run.ref.key, run.epoch, run.host
        assert host is not None
        cancel = self._cancels.get(run.ref)
        if run.phase == "active":
            if cancel is not None:
                word = CancelRun(run=key, epoch=epoch, by=cancel.by, why=cancel.why)
                cluster.outbox.put(host, run.store, CANCEL, key, word, due)
        elif cancel is not None:
            cluster.outbox.put(host, run.store, OFFER, key, Withdraw(run=key, epoch=epoch), due)
        elif run.flow is not None:
            offer = Offer(
                run=key,
                epoch=epoch,
                facts=self.facts.get(run.ref) or (),
                flow=run.flow,
                digest=run.digest or "",
            )
            cluster.outbox.put(host, run.store, OFFER, key, offer, due)
