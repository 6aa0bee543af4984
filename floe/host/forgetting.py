"""What follows when a store is forgotten permanently: by an operator here, or by a peer."""

from floe.host.child_news import note_loss
from floe.host.inputs import Forget
from floe.host.leases.keeper import Keeper
from floe.host.peers.adopter import Adopter
from floe.host.peers.grantee import Grantee
from floe.host.peers.members import FORGET_AFTER_S, Members
from floe.host.peers.moves import Moves
from floe.host.peers.outbox import Outbox
from floe.host.site import Site
from floe.host.step import Step
from floe.model.ids import HostId, Instant, StoreId, address_key


class Forgetting:
    """Lets each part act on the loss of a store."""

    def __init__(
        self,
        site: Site,
        members: Members,
        outbox: Outbox,
        adopter: Adopter,
        grantee: Grantee,
        moves: Moves,
        keeper: Keeper,
    ) -> None:
        self._site = site
        self._members = members
        self._outbox = outbox
        self._adopter = adopter
        self._grantee = grantee
        self._moves = moves
        self._keeper = keeper

    def by_operator(self, step: Step, forget: Forget) -> str:
        """Forget a store as an operator asked; return why that is refused, empty if it is not."""
        members = self._members
        known = members.by_id.get(forget.host)
        store = forget.store or (known.store if known else None)
        if self._site.is_self(forget.host, store):
            return "a host does not forget itself; drain it, or stop it"
        if store is None:
            return f"this host knows no host {forget.host}; floe hosts lists them"
        gone = members.forgotten.get(address_key(forget.host, store))
        if gone is not None and gone.expected == members.expected:
            return f"{forget.host} with the store {store} is forgotten already"
        if known is not None and known.store == store and known.seen_at is not None:
            seen_s = (step.now - known.seen_at) // 1000
            if seen_s < FORGET_AFTER_S and not forget.force:
                return f"{forget.host} was seen {seen_s} s ago; --force forgets it all the same"
        self.forget(step, forget.host, store, step.now, by_operator=True)
        return ""

    def forget(
        self, step: Step, host: HostId, store: StoreId, at: Instant, *, by_operator: bool = False
    ) -> None:
        """A store was forgotten permanently."""
        if not self._members.forget(step, host, store, at, by_operator=by_operator):
            return
        if not self._site.is_self(host, store):
            self._adopter.lost(step, host, store)
            self._grantee.lost(step, host, store)
            self._moves.lost(step, host, store)
            self._keeper.lost(step, host, store)
            self._outbox.drop(host, store)
            note_loss(step, store)
        if self._members.is_forgotten:  # what came back with the loss of a different host, too
            self._grantee.supersede(step, tuple(self._site.table.runs.values()))
