"""The messages of peers: each is checked for its sender, and reaches the part whose duty it is."""

from typing import assert_never

from floe.host.forgetting import Forgetting
from floe.host.leases.groups import make_room
from floe.host.leases.keeper import Keeper
from floe.host.leases.own_claims import OwnClaims
from floe.host.peers.adopter import Adopter
from floe.host.peers.candidates import Candidates
from floe.host.peers.grantee import Grantee
from floe.host.peers.member import Member
from floe.host.peers.members import Members
from floe.host.peers.moves import Moves
from floe.host.peers.outbox import Outbox
from floe.host.peers.seeking import Seeking
from floe.host.shared.base import Sharing
from floe.host.site import Site
from floe.host.step import Step
from floe.model.ids import address_of, ref_of
from floe.model.peer_message import (
    Accepted,
    Acquire,
    Behind,
    CancelRun,
    Census,
    Claims,
    Ended,
    EndedStored,
    Envelope,
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
    Rested,
    RestedStored,
    Returned,
    ReturnedStored,
    RowsAfter,
    Withdraw,
    Yield,
)
from floe.model.peer_message import Rows as Rows
from floe.model.run import Run
from floe.model.shared_message import (
    SharedPage,
    SharedSince,
    SharedWritten,
    WriteShared,
)
from floe.model.take_message import FoundWork, SeekWork, Take, Taken, Untake, Untaken


class PeerMessages:
    """Delivers messages to the parts of a host."""

    def __init__(
        self,
        site: Site,
        members: Members,
        outbox: Outbox,
        candidates: Candidates,
        adopter: Adopter,
        grantee: Grantee,
        moves: Moves,
        claims: OwnClaims,
        keeper: Keeper,
        sharing: Sharing,
        forgetting: Forgetting,
        seeking: Seeking,
    ) -> None:
        self._site = site
        self._members = members
        self._outbox = outbox
        self._candidates = candidates
        self._adopter = adopter
        self._grantee = grantee
        self._moves = moves
        self._claims = claims
        self._keeper = keeper
        self._sharing = sharing
        self._forgetting = forgetting
        self._seeking = seeking

    def receive_own(self, step: Step, message: Message) -> None:
        """Handle a message from this host to itself, like any other."""
        self._take(step, self._members.me, message, None)

    def receive(self, step: Step, envelope: Envelope, floor: int | None) -> None:
        """Handle a message from a peer; `floor` is the highest epoch refused here of its run."""
        site, members, message = self._site, self._members, envelope.message
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
                self._forgetting.forget(
                    step, *address_of(key), message.forgotten_at.get(key, step.now)
                )
            if members.is_known_gone(host, store):
                step.send(host, store, Forgotten())
                return
        if isinstance(message, Forgotten) and envelope.to_store is None:
            return  # it names no store of this host
        if member is None:
            sender = Member(id=host, store=store)
            if isinstance(message, Ping):
                self._sharing.receive(step, sender, message)
            elif host != site.id:
                self._take(step, sender, message, floor)
            return
        self._take(step, member, message, floor)
        self._outbox.hasten(host, step.now)

    def _take(self, step: Step, member: Member, message: Message, floor: int | None) -> None:
        if self._site.unreadable and ref_of(getattr(message, "run", "")) in self._site.unreadable:
            return  # what it knows of the run cannot be read now: the sender repeats it
        match message:
            case Ping() as ping:
                pinged = self._members.pinged(step, member, ping)
                step.retry_pends |= self._candidates.pinged(pinged)
                self._adopter.pinged(step, pinged)
                self._sharing.receive(step, member, ping)
            case NotMe():
                pass  # the sender's store is known by now
            case Forgotten():
                self._forgetting.forget(step, self._site.id, self._site.store, step.now)
            case Offer() as message:
                self._grantee.offered(step, member, message, floor)
            case Withdraw() as message:
                self._grantee.withdrawn(step, member, message, floor)
            case CancelRun() as message:
                self._grantee.cancelled(step, member, message)
            case EndedStored() as message:
                self._grantee.end_stored(step, member, message)
            case Accepted() as message:
                self._adopter.accepted(step, member, message)
            case Refused() as message:
                self._adopter.refused(step, member, message)
            case Ended() as message:
                self._adopter.ended(step, member, message)
            case Rested() as message:
                self._adopter.rested(step, member, message)
            case RestedStored() as message:
                self._moves.rested_stored(step, member, message)
            case Returned() as message:
                self._adopter.returned(step, member, message)
            case ReturnedStored() as message:
                self._moves.returned_stored(step, member, message)
            case Held() as message:
                self._claims.held(step, member, message)
            case Queued() as message:
                self._claims.queued(step, member, message)
            case Yield() as message:
                if run := self._claims.yielded(step, member, message):
                    self._make_room(step, run, message.by)
            case Released() as message:
                self._claims.released(step, member, message)
            case Census() as message:
                self._claims.counted(step, member, message)
            case Acquire() as message:
                self._keeper.acquire(step, member, message)
            case HeldHeard() as message:
                self._keeper.held_heard(step, member, message)
            case Release() as message:
                self._keeper.released(step, member, message)
            case Claims() as message:
                self._keeper.answered(step, member, message)
                self._sharing.receive(step, member, message)
            case Behind() as message:
                self._keeper.behind(step, member, message)
            case SeekWork() as message:
                self._seeking.sought(step, member, message)
            case FoundWork() as message:
                self._seeking.found(step, member, message)
            case Take() as message:
                self._seeking.take(step, member, message)
            case Taken() as message:
                self._seeking.taken(step, member, message)
            case Untake() as message:
                self._seeking.untake(step, member, message)
            case Untaken() as message:
                self._seeking.untaken(step, member, message)
            case WriteShared() | SharedWritten() | SharedSince() | SharedPage() as message:
                self._sharing.receive(step, member, message)
            case Rows() | RowsAfter():
                pass  # the directory handles them
            case message:
                assert_never(message)

    def _make_room(self, step: Step, run: Run, by: str) -> None:
        """End a run of this host, for a newer one of its group."""
        cancel = make_room(self._site.called(by))
        if self._site.table.is_foreign(run):
            self._adopter.cancel(step, run, cancel)
        else:
            step.decide(run, cancel)
