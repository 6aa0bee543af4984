"""Runs of this host that only wait: their logs go to their adopters, so that they can move.

While this host drains, such a run is returned to its adopter or, if this host adopted it, granted
to a different host. Else its adopter gets the log of a run that would outlive its host.

Source: docs/cluster-protocol.md, "Runs that move".
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from floe.host.inputs import LogRead
from floe.host.ledger import LedgerRows
from floe.host.peers.adopter import Adopter
from floe.host.peers.candidates import Candidates
from floe.host.peers.facts import fact_of
from floe.host.peers.member import Member
from floe.host.peers.members import Members
from floe.host.peers.outbox import Outbox
from floe.host.peers.returned_copies import ReturnedCopy
from floe.host.pends import PendNeeds, pend_needs, pend_of
from floe.host.site import Site
from floe.host.step import Step
from floe.host.undoable import Undoable
from floe.kernel.moving import may_move, outlives_host, why_stays
from floe.kernel.place import Refusals, place
from floe.kernel.sentences import first_parts
from floe.model.codec import Body, decode, encode, to_text
from floe.model.ids import HostId, Instant, RunRef, StoreId, ref_of
from floe.model.moving import RunReturned
from floe.model.peer_message import Fact, Rested, RestedStored, Returned, ReturnedStored
from floe.model.run import Run
from floe.model.tags import TRIGGER_GOOD

LOGS_MAX: Final = 64
"""Logs that are wanted at once."""

LOG_BYTES_MAX: Final = 8 << 20
"""A longer log, with its flow, does not move: an offer of it might not fit in a frame."""

FACT_BYTES: Final = 100
"""What a frame needs for an event at most, besides its JSON text."""

RETURNED: Final = "returned"
RESTED: Final = "rested"
"""Kinds of messages in the outbox; the first is a kind of owed rows, too."""


MOVES: Final = "moves to a different host"

Chosen = dict[PendNeeds, HostId | Refusals]
"""In one look at all runs: the host that takes runs with these needs, or why none does."""


class Moves:
    """Moves runs that only wait, and reports them to their adopters."""

    def __init__(
        self,
        site: Site,
        members: Members,
        outbox: Outbox,
        candidates: Candidates,
        adopter: Adopter,
        rows: LedgerRows,
    ) -> None:
        self._site = site
        self._members = members
        self._outbox = outbox
        self._candidates = candidates
        self._adopter = adopter
        self._news: Undoable[RunRef, Instant] = Undoable(site.journal)
        """Runs that peers adopted, with the instant of their last event that was not reported."""
        self._reported: Undoable[RunRef, int] = Undoable(site.journal)
        """The last events that their adopters have stored."""
        self._too_long: Undoable[RunRef, bool] = Undoable(site.journal)
        self._owed = {
            key.removeprefix(f"{RETURNED} "): row["message"]
            for key, row in rows.get("owed", {}).items()
            if key.startswith(f"{RETURNED} ") and isinstance(row, Mapping)
        }

    def load(self) -> None:
        """Return again what was not acknowledged, and report what rests."""
        for key, shape in self._owed.items():
            ref = ref_of(key)
            if ref is not None and isinstance(shape, Mapping):
                message = decode(Returned, shape)
                self._outbox.put(ref.host, ref.store, RETURNED, key, message, Instant(0))
        self._owed = {}
        for run in self._site.table.runs.values():
            self.read_again(run)

    def read_again(self, run: Run) -> None:
        """Report a run that was read, if it rests."""
        if self._is_lodger(run):
            self._news.put(run.ref, Instant(0))

    def recorded(self, run: Run, now: Instant) -> None:
        """An event of a run was recorded here."""
        if run.ref.store == self._site.store:
            return
        if self._is_lodger(run):
            self._news.put(run.ref, now)
        else:
            self._drop(run.ref)

    # --- what the shell reads ---

    def wanted(self, now: Instant) -> list[RunRef]:
        """The logs that are to be read now, so that their runs move or are reported."""
        found: list[RunRef] = []
        chosen: Chosen = {}
        known = self._site.table.runs
        runs = tuple(known.values()) if self._site.draining else ()
        if self._site.draining:
            found += islice(known.asleep, LOGS_MAX)  # to read their logs wakes them
        for run in runs:
            if len(found) >= LOGS_MAX:
                return found
            if self._is_here(run) and not self._why_stays(run, now, chosen):
                found.append(run.ref)
        if self._site.draining:
            return found
        for ref, at in self._news.items():
            if len(found) == LOGS_MAX:
                return found
            if not 0 <= now - at < self._site.settings.rest_ms and self._is_reportable(ref):
                found.append(ref)
        return found

    def read(self, step: Step, run: Run, log: LogRead) -> bool:
        """The whole log of a run was read; return whether anything changed.

        The adopter is to offer all of it with the flow, however little of it this host sends now.
        """
        if not log.facts or log.facts[-1].seq != run.seq or not self._is_here(run):
            return False
        if _offer_bytes(run, log.facts) > LOG_BYTES_MAX:
            self._news.put(run.ref, None)
            return self._too_long.put(run.ref, True)
        if self._site.draining:
            return self._move(step, run, log.facts)
        if not self._is_reportable(run.ref):
            return False
        known = max(self._known(run), self._reported.get(run.ref) or 0)
        if known < run.seq:
            message = Rested(run=run.ref.key, epoch=run.epoch, facts=log.facts[known:])
            self._outbox.send(step, run.ref.host, run.ref.store, RESTED, run.ref.key, message)
            step.promise = True  # a power failure here must leave what the adopter has
        self._news.put(run.ref, None)
        return True

    # --- what peers answer ---

    def rested_stored(self, step: Step, member: Member, message: RestedStored) -> None:
        """The adopter of a run has stored its log up to an event."""
        ref = ref_of(message.run)
        run = self._site.table.runs.get(ref) if ref else None
        if (
            run is None
            or run.ref.adopter != (member.id, member.store)
            or run.epoch != message.epoch
        ):
            return
        self._reported.put(run.ref, max(message.seq, self._reported.get(run.ref) or 0))
        sent = self._outbox.get(member.id, RESTED, run.ref.key)
        reported = sent.message if sent else None
        if isinstance(reported, Rested) and reported.facts[-1].seq <= message.seq:
            self._outbox.done(member.id, RESTED, run.ref.key)

    def returned_stored(self, step: Step, member: Member, message: ReturnedStored) -> None:
        """The adopter of a run has taken it back."""
        ref = ref_of(message.run)
        if ref is None or ref.adopter != (member.id, member.store):
            return
        sent = self._outbox.get(ref.host, RETURNED, ref.key)
        if sent and isinstance(sent.message, Returned) and sent.message.epoch == message.epoch:
            self._close(step, ref)

    def answer_again(self, step: Step, member: Member, ref: RunRef, epoch: int) -> bool:
        """Answer an offer of a run that was returned under its epoch; whether it was."""
        sent = self._outbox.get(ref.host, RETURNED, ref.key)
        if sent is None or not isinstance(sent.message, Returned) or sent.message.epoch != epoch:
            return False
        step.send(member.id, member.store, sent.message)
        return True

    def granted(self, step: Step, ref: RunRef) -> None:
        """A run came here under a new epoch: so its adopter has all that this host returned."""
        self._close(step, ref)

    def lost(self, step: Step, host: HostId, store: StoreId) -> None:
        """A host was forgotten: what was to be returned to it is lost, or went on elsewhere."""
        for at, kind, key, outgoing in self._outbox.waiting():
            ref = ref_of(key) if kind == RETURNED and at == host else None
            if ref is not None and outgoing.store == store:
                self._close(step, ref)

    # --- for people ---

    def staying(self, now: Instant) -> Iterator[tuple[RunRef, str]]:
        """The runs that are left here, each with the reason, as the end of a sentence."""
        chosen: Chosen = {}
        for run in self._site.table.runs.values():
            if self._is_here(run):
                yield run.ref, self._why_stays(run, now, chosen) or MOVES
        yield from ((ref, MOVES) for ref in self._site.table.runs.asleep)
        for host, kind, key, _ in self._outbox.waiting():
            if kind == RETURNED and (ref := ref_of(key)):
                yield ref, f"is being returned to {host}"

    # --- parts ---

    def _is_here(self, run: Run) -> bool:
        return run.state == "active" and not self._site.table.is_foreign(run) and not run.superseded

    def _is_lodger(self, run: Run) -> bool:
        """Whether a run is at work here, and a peer adopted it."""
        store = self._site.store
        return run.ref.store != store and run.store == store and run.phase in ("active", "resting")

    def _is_reportable(self, ref: RunRef) -> bool:
        run = self._site.table.runs.get(ref)
        if run is None or not self._is_lodger(run) or not outlives_host(run):
            return False
        return not self._why_kept_from_adopter(run)

    def _known(self, run: Run) -> int:
        """The last event that the adopter of a run surely has; 0 for its own runs: it needs all."""
        if run.ref.store == self._site.store:
            return 0
        return (run.resumed.seq if run.resumed else run.standing[TRIGGER_GOOD]) - 1

    def _why_stays(self, run: Run, now: Instant, chosen: Chosen) -> str:
        """Why a run cannot leave this host, as the end of a sentence; empty if it can."""
        if why := why_stays(run) or ("" if may_move(run) else "waits for nothing"):
            return why
        if run.ref in self._too_long:
            return "has a log that is too long to move"
        if run.ref.store != self._site.store and (why := self._why_kept_from_adopter(run)):
            return why
        next_host = self._next_host(run, now, chosen)
        if not isinstance(next_host, Refusals):
            return ""
        each = [f"{id} {' and '.join(why)}" for id, why in next_host.by_host.items()]
        return f"has nowhere to go: {first_parts(each) or 'no other host is known'}"

    def _why_kept_from_adopter(self, run: Run) -> str:
        host, store = run.ref.host, run.ref.store
        if self._members.is_known_gone(host, store):
            return f"was adopted by {host}, which was forgotten"
        member = self._members.by_id.get(host)
        if member is None or member.store != store or member.stale:
            return f"was adopted by {host}, which does not answer"
        if member.ping is None or not member.ping.moves:
            return f"was adopted by {host}, whose floe is older"
        return ""

    def _next_host(self, run: Run, now: Instant, chosen: Chosen) -> HostId | Refusals:
        """The host that would take a run, or why none does."""
        assert run.flow is not None, "an active run has its flow"
        pend = pend_of(run, run.flow)
        needs = pend_needs(pend)
        if needs not in chosen:
            views = [view for view in self._candidates.views(now) if view.id != self._site.id]
            chosen[needs] = place(pend, views, now, {}, self._site.named)
        return chosen[needs]

    def _move(self, step: Step, run: Run, facts: tuple[Fact, ...]) -> bool:
        chosen: Chosen = {}
        if self._why_stays(run, step.now, chosen):
            return False
        if run.ref.store == self._site.store:
            host = self._next_host(run, step.now, chosen)
            assert not isinstance(host, Refusals), "else the run stays"
            self._adopter.give_away(step, run, facts, host)
        else:
            self._return(step, run, facts[self._known(run) :])
        return True

    def _return(self, step: Step, run: Run, facts: tuple[Fact, ...]) -> None:
        ref, key = run.ref, run.ref.key
        run = step.add(run, (RunReturned(at=step.now, epoch=run.epoch),))
        last = fact_of(step.recorded[ref][-1].record)
        message = Returned(run=key, epoch=run.epoch, facts=(*facts, last))
        step.promise_row("owed", f"{RETURNED} {key}", {"message": encode(message)})
        step.keep_copy(key, ReturnedCopy(run.epoch, run.seq))
        self._outbox.put(ref.host, ref.store, RETURNED, key, message, step.now)
        step.retry_pends |= self._site.table.put(ref, None)

    def _drop(self, ref: RunRef) -> None:
        for kept in (self._news, self._reported, self._too_long):
            kept.put(ref, None)
        self._outbox.done(ref.host, RESTED, ref.key)

    def _close(self, step: Step, ref: RunRef) -> None:
        if self._outbox.done(ref.host, RETURNED, ref.key):
            step.keep("owed", f"{RETURNED} {ref.key}", None)


def _offer_bytes(run: Run, facts: tuple[Fact, ...]) -> int:
    """The bytes of an offer of a run, at most."""
    flow = len(to_text(encode(run.flow)).encode()) if run.flow else 0
    return flow + sum(_bytes_of(fact.body) + FACT_BYTES for fact in facts)


def _bytes_of(body: Body) -> int:
    return len(body if isinstance(body, bytes) else body.encode())
