"""The grantee's side of the hand-over: accept a run or refuse it permanently, and report its end.

Source: docs/cluster-protocol.md, "The pen".
"""

from collections.abc import Iterable, Mapping
from typing import Final

from floe.host.inputs import FLOOR_MAX
from floe.host.leases.current_keeper import CurrentKeeper
from floe.host.ledger import LedgerRows
from floe.host.peers.facts import UNREADABLE, event_of, sealed_outputs
from floe.host.peers.heartbeat import Heartbeat
from floe.host.peers.member import Member
from floe.host.peers.members import Members
from floe.host.peers.moves import Moves
from floe.host.peers.outbox import Outbox
from floe.host.pends import pend_of
from floe.host.rows import reader_of, row_of
from floe.host.site import Site
from floe.host.step import Step
from floe.host.undoable import Undoable
from floe.kernel.children import cancel_of_orphan
from floe.kernel.evolve import evolve
from floe.kernel.place import Refusals, place
from floe.kernel.sentences import first_parts
from floe.model.codec import decode, encode, encode_event, to_text
from floe.model.event import GrantSuperseded, RunActivated
from floe.model.ids import HostId, Instant, RunRef, StoreId, ref_of
from floe.model.moving import RunResumed
from floe.model.nouns import replace
from floe.model.peer_message import (
    NEVER,
    Accepted,
    CancelRun,
    Ended,
    EndedStored,
    Fact,
    Offer,
    Refused,
    Withdraw,
)
from floe.model.run import Run
from floe.model.signal import Cancel
from floe.model.tags import TRIGGER_GOOD
from floe.store.base import Record
from floe.store.sealing import RUN_KEY

FLOORS_MAX: Final = 10_000
"""Refusals kept in memory for offers whose ledger row was read before it was written; older ones
come with the input."""

ENDED: Final = "ended"
"""A kind of messages in the outbox, and of owed rows: Ended."""


class Grantee:
    """Runs that peers adopted and offer to this host."""

    def __init__(
        self,
        site: Site,
        members: Members,
        outbox: Outbox,
        heartbeat: Heartbeat,
        current_keeper: CurrentKeeper,
        moves: Moves,
        rows: LedgerRows,
    ) -> None:
        self._site = site
        self._members = members
        self._outbox = outbox
        self._heartbeat = heartbeat
        self._current_keeper = current_keeper
        self._moves = moves
        self._floors: Undoable[str, int] = Undoable(site.journal)
        self._owed = {
            key.removeprefix(f"{ENDED} "): row
            for key, row in rows.get("owed", {}).items()
            if key.startswith(f"{ENDED} ") and isinstance(row, Mapping)
        }

    def load(self) -> None:
        """Report again the ends that were not acknowledged."""
        for key, row in self._owed.items():
            ref = ref_of(key)
            shape = row["message"]
            if ref is not None and isinstance(shape, Mapping):
                self._outbox.put(ref.host, ref.store, ENDED, key, decode(Ended, shape), Instant(0))
        self._owed = {}

    def offered(self, step: Step, member: Member, offer: Offer, floor: int | None) -> None:
        """A peer offers a run: accept it in this step, or never under this epoch."""
        ref = ref_of(offer.run)
        if ref is None or ref.adopter != (member.id, member.store):
            return
        if self._answer_again(step, member, ref, offer.epoch) or self._is_left(step):
            return
        stored = self._floor(offer.run, floor)
        if stored == FLOOR_MAX:  # of a backup, or of a run that is over: no later offer fits it
            self._refuse(step, member, offer, "has a log of this run already", NEVER)
            return
        if offer.epoch <= stored:
            self._refuse(step, member, offer, "was refused before")
            # A peer that missed the first refusal takes this one for one of the present state.
            self._heartbeat.void()
            return
        if offer.run_key and (lack := self._site.seals.take(ref, offer.run_key)):
            self._store_floor(step, offer.run, offer.epoch)
            self._refuse(step, member, offer, lack)
            self._heartbeat.void()
            return
        copy = self._site.returned.get(offer.run)
        taken = self._read(offer, ref, copy.events if copy else 0)
        if isinstance(taken, str):
            self._store_floor(step, offer.run, offer.epoch)
            self._refuse(step, member, offer, taken)
            return
        _, run = taken[-1]
        if run.fences and self._current_keeper.outlived(member):
            self._store_floor(step, offer.run, offer.epoch)
            self._refuse(
                step, member, offer, f"its resources were given before {member.id} lost its store"
            )
            return
        if reasons := self._reasons_against(run, step.now):
            self._store_floor(step, offer.run, offer.epoch)
            self._refuse(step, member, offer, reasons)
            self._heartbeat.void()
            return
        step.keep_flow(offer.digest, offer.flow)
        if offer.run_key:
            step.keep(RUN_KEY, offer.run, offer.run_key)
        if copy is not None:
            step.keep_copy(offer.run, None)
            self._moves.granted(step, ref)
        run = step.activate(step.adopt(taken, copy.events if copy else 0))
        step.send(member.id, member.store, _accepted(run))

    def withdrawn(self, step: Step, member: Member, message: Withdraw, floor: int | None) -> None:
        """A peer withdraws an offer: the run stays here if it is active, else it never will be."""
        ref = ref_of(message.run)
        if ref is None or ref.adopter != (member.id, member.store):
            return
        if self._answer_again(step, member, ref, message.epoch) or self._is_left(step):
            return
        if message.epoch > self._floor(message.run, floor):
            self._store_floor(step, message.run, message.epoch)
        self._refuse(step, member, message, "was withdrawn")

    def cancelled(self, step: Step, member: Member, message: CancelRun) -> None:
        """The adopter of a run asks for its end."""
        ref = ref_of(message.run)
        run = self._site.table.runs.get(ref) if ref else None
        if run is None or self._site.table.is_foreign(run) or run.epoch != message.epoch:
            return
        if run.ref.adopter == (member.id, member.store):
            decision = step.decide(run, Cancel(by=message.by, why=message.why))
            step.promise |= bool(decision.events)

    def over(self, step: Step, run: Run) -> None:
        """A run ended here: report that to its adopter until the adopter acknowledges it."""
        if run.ref.store == self._site.store or run.superseded:
            return
        key = run.ref.key
        if self._members.is_known_gone(run.ref.host, run.ref.store):
            return
        is_awaited = run.parent is not None and run.parent.waits
        outputs = run.outputs if is_awaited and not run.sealed else {}
        sealed = sealed_outputs(run, self._site.seals) if is_awaited and run.sealed else ""
        row = row_of(run, reader_of(run, self._site.settings.row_readers))
        message = Ended(run=key, epoch=run.epoch, row=row, outputs=outputs, sealed=sealed)
        step.promise_row("owed", f"{ENDED} {key}", {"message": encode(message)})
        self._outbox.put(run.ref.host, run.ref.store, ENDED, key, message, step.now)

    def packed(self, run: Run) -> None:
        """A run leaves the table: refuse an offer, too, that was read before."""
        if run.ref.store != self._site.store:
            self._put_floor(run.ref.key, FLOOR_MAX)

    def end_stored(self, step: Step, member: Member, message: EndedStored) -> None:
        """The adopter has stored the end of a run."""
        ref = ref_of(message.run)
        if ref is not None and ref.adopter == (member.id, member.store):
            self._close(step, ref)

    def owes(self, run: RunRef) -> bool:
        """Whether the adopter of a run has not acknowledged its end."""
        return self._outbox.get(run.host, ENDED, run.key) is not None

    def lost(self, step: Step, host: HostId, store: StoreId) -> None:
        """A host was forgotten: report nothing to it any more, and cancel the child runs here that
        its runs waited for."""
        for at, kind, key, outgoing in self._outbox.waiting():
            ref = ref_of(key) if kind == ENDED and at == host and outgoing.store == store else None
            if ref is not None:
                self._close(step, ref)
        table = self._site.table
        for run in tuple(table.runs.values()):
            is_here = run.ref.adopter == (host, store) and not table.is_foreign(run)
            if is_here and (cancel := cancel_of_orphan(run)):
                step.decide(run, cancel)

    def supersede(self, step: Step, runs: Iterable[Run]) -> None:
        """This host was forgotten: these runs of it were restarted elsewhere, or ended."""
        for run in runs:
            is_here = run.state == "active" and not self._site.table.is_foreign(run)
            if is_here and not run.superseded:
                run = step.add(run, (GrantSuperseded(at=step.now, epoch=run.epoch),))

    def _close(self, step: Step, ref: RunRef) -> None:
        if self._outbox.done(ref.host, ENDED, ref.key):
            step.keep("owed", f"{ENDED} {ref.key}", None)

    def _answer_again(self, step: Step, member: Member, ref: RunRef, epoch: int) -> bool:
        """Send an acceptance or an end again; return whether there was one."""
        if outgoing := self._outbox.get(ref.host, ENDED, ref.key):
            step.send(member.id, member.store, outgoing.message)
            return True
        if self._moves.answer_again(step, member, ref, epoch):
            return True
        run = self._site.table.runs.get(ref)
        if run is None or run.epoch != epoch or run.started_at is None:
            return False
        step.send(member.id, member.store, _accepted(run))
        return True

    def _is_left(self, step: Step) -> bool:
        """Whether this host was forgotten. Then it answers no offers: it may already have run, lost
        and archived the run, so a refusal could be wrong."""
        return self._members.is_forgotten

    def _floor(self, key: str, stored: int | None) -> int:
        """Epochs up to this are refused; a run in the table was accepted, and is accepted once."""
        ref = ref_of(key)
        if ref in self._site.table.runs:
            return FLOOR_MAX
        if copy := self._site.returned.get(key):
            return copy.floor
        return max(self._floors.get(key) or 0, stored or 0)

    def _store_floor(self, step: Step, key: str, epoch: int) -> None:
        if copy := self._site.returned.get(key):
            step.keep_copy(key, copy._replace(floor=epoch))
            return
        self._put_floor(key, epoch)
        step.promise_row("floor", key, epoch)

    def _put_floor(self, key: str, epoch: int) -> None:
        self._floors.put_newest(key, epoch, FLOORS_MAX)

    def _refuse(
        self, step: Step, member: Member, about: Offer | Withdraw, why: str, change: int = 0
    ) -> None:
        """Refuse an offer until the state of this host changes, or until `change`."""
        change = change or self._heartbeat.change
        answer = Refused(run=about.run, epoch=about.epoch, why=why, change=change)
        step.send(member.id, member.store, answer)

    def _read(self, offer: Offer, ref: RunRef, known: int) -> list[tuple[Record, Run]] | str:
        """The log of an offer with the run after each fact, or why it cannot be read.

        `known`: how many events this host has, which returned the run.
        """
        log: list[tuple[Record, Run]] = []
        run: Run | None = None
        try:
            for fact in offer.facts:
                event = event_of(fact, ref, self._site.seals.opened)
                run = replace(evolve(run, event, ref=ref), flow=offer.flow)
                record = Record(
                    run=ref, epoch=fact.epoch, seq=fact.seq, event=event, body=fact.body
                )
                log.append((record, run))
        except UNREADABLE as error:
            return f"cannot read this run: {type(error).__name__} {error}"
        mine = (self._site.id, self._site.store)
        if run is None or run.phase != "granted" or (run.host, run.store) != mine:
            return "was offered a run that is not granted to it"
        if run.epoch != offer.epoch or [r.seq for r, _ in log] != [*range(1, run.seq + 1)]:
            return "was offered a log with gaps"
        if run.seq <= known:
            return "cannot continue this run: it returned more events than it was offered"
        return log

    def _reasons_against(self, run: Run, now: Instant) -> str:
        """Why this host refuses a run now; empty if it accepts it."""
        assert run.flow is not None
        own = self._site.view(self._members.own_faults(now))
        placed = place(pend_of(run, run.flow), (own,), now, {}, self._site.named)
        return first_parts(placed.by_host[own.id]) if isinstance(placed, Refusals) else ""


def _accepted(run: Run) -> Accepted:
    """The acceptance of an offer, made from the run: the same each time."""
    assert run.started_at is not None
    assert run.host is not None
    event: RunActivated | RunResumed
    if run.resumed is not None:
        seq, at = run.resumed
        event = RunResumed(at=at, host=run.host, epoch=run.epoch, workspace=run.workspace)
    else:
        seq = run.standing[TRIGGER_GOOD]
        event = RunActivated(
            at=run.started_at,
            host=run.host,
            epoch=run.epoch,
            workspace=run.workspace,
            moved_from=run.moved_from,
        )
    fact = Fact(
        epoch=run.epoch,
        seq=seq,
        event=type(event).__name__,
        body=to_text(encode_event(event)),
    )
    return Accepted(run=run.ref.key, epoch=run.epoch, fact=fact)
