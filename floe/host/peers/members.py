"""The peers of this host, and the stores that were forgotten.

A peer is known from its first message on. One that returns with a different store has lost the
first, and is granted nothing until the first is forgotten. No decision compares the clocks of two
hosts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from floe.host.inputs import Surroundings
from floe.host.ledger import LedgerRows
from floe.host.peers.forgotten_stores import ForgottenStore, forgotten_in
from floe.host.peers.member import GONE_BACK, Member, member_unseen_ms, member_view
from floe.host.site import Site
from floe.host.step import Step
from floe.host.undoable import Undoable
from floe.kernel.place import HOST_STALE_S
from floe.model.codec import encode
from floe.model.host import HostView
from floe.model.ids import (
    HostId,
    Instant,
    Json,
    StoreId,
    address_key,
    address_of,
)
from floe.model.peer_message import Envelope, Ping

FORGOTTEN: Final = "was forgotten by the other hosts: start it with a new store"

FORGET_AFTER_S: Final = 30
"""A host that was seen within this time is forgotten only by force."""


class Members:
    """All peers that ever sent a message, and the forgotten stores."""

    def __init__(self, site: Site, rows: LedgerRows) -> None:
        self._site = site
        self.surroundings = Surroundings(
            about={}, head=None, has_gone_back=False, expected=site.settings.peers
        )
        self.by_id: Undoable[HostId, Member] = Undoable(site.journal)
        self.forgotten: Undoable[str, ForgottenStore] = Undoable(site.journal)
        """By `h2@store`."""
        self.twins: Undoable[StoreId, Instant] = Undoable(site.journal)
        """Stores of hosts that use the name of this one, and when they last sent a message."""
        self._returning: Undoable[HostId, Instant] = Undoable(site.journal)
        """Hosts of forgotten stores that may return with a new store, and since when this host has
        waited for them; 0 for since its first step."""
        others = rows.get("other", {})
        for host, store in rows.get("member", {}).items():
            member = Member(id=HostId(host), store=StoreId(str(store)))
            if host in others:
                other = StoreId(str(others[host]))
                member = replace(member, other=other, other_at=Instant(0))
            tags = rows.get("tags", {}).get(host, ())
            assert isinstance(tags, Sequence), "they are kept as a list"
            self.by_id.put(member.id, replace(member, tags=frozenset(map(str, tags))))
        self._publish_tags()
        for key, gone in forgotten_in(rows.get("forgotten", {})).items():
            self.forgotten.put(key, gone)
            self._returning.put(address_of(key)[0], Instant(0))

    @property
    def expected(self) -> int:
        """The number of other hosts that the config names."""
        return self.surroundings.expected

    @property
    def has_gone_back(self) -> bool:
        """Whether peers know later facts of this store than the store has."""
        return self.surroundings.has_gone_back

    @property
    def about(self) -> Mapping[str, Json]:
        """What pings report about this host to people."""
        known = self.surroundings
        if known.head is None:
            return known.about
        return {**known.about, "head": known.head, "gone_back": known.has_gone_back}

    @property
    def me(self) -> Member:
        """This host, as the sender of messages to itself."""
        return Member(id=self._site.id, store=self._site.store)

    @property
    def is_forgotten(self) -> bool:
        """Whether the peers have forgotten this host."""
        return address_key(self._site.id, self._site.store) in self.forgotten

    def is_known_gone(self, host: HostId, store: StoreId) -> bool:
        """Whether a store was forgotten."""
        return address_key(host, store) in self.forgotten

    def receive(self, step: Step, envelope: Envelope) -> Member | None:
        """Note that a host sent a message; None where a different store is known by its name."""
        host, store, now = envelope.from_host, envelope.from_store, step.now
        if host == self._site.id:
            self.twins.put(store, now)
            return None
        known = self.by_id.get(host)
        if known is None:
            known = Member(id=host, store=store)
            step.promise_row("member", host, store)  # it may give work to takers of this host
        if known.store != store:
            if known.other != store:
                step.retry_pends = True
                step.keep("other", host, store)
            self.by_id.put(host, replace(known, other=store, other_at=now))
            return None
        if known.stale:
            step.retry_pends = True
        changed = replace(known, seen_at=now, stale=False)
        if changed.other_at is not None and now - changed.other_at >= HOST_STALE_S * 1000:
            changed = replace(changed, other=None, other_at=None)  # the other store is gone
            step.retry_pends = True
            step.keep("other", host, None)
        self.by_id.put(host, changed)
        return changed

    def pinged(self, step: Step, member: Member, ping: Ping) -> Member:
        """Keep the ping of a peer; return the peer as it is known now."""
        old = member.ping
        is_new = old is None or old.change != ping.change or _advertised(old) != _advertised(ping)
        step.retry_pends |= is_new
        changed = replace(member, ping=ping, skew_ms=ping.at - step.now, tags=ping.tags)
        self.by_id.put(member.id, changed)
        if changed.tags != member.tags or member.id not in self._site.hosts:
            step.keep("tags", member.id, sorted(changed.tags))
            self._publish_tags()
        return changed

    def age(self, step: Step) -> None:
        """Note which hosts have fallen silent: they no longer keep others from being granted."""
        now, changed = step.now, False
        for member in self.by_id.values():
            if not member.stale and member_unseen_ms(member, now) >= HOST_STALE_S * 1000:
                changed |= self.by_id.put(member.id, replace(member, stale=True))
        for store, at in self.twins.items():
            if now - at >= HOST_STALE_S * 1000:
                changed |= self.twins.put(store, None)
        for host, since in self._returning.items():
            if not since or since > now:
                self._returning.put(host, now)
            elif now - since >= HOST_STALE_S * 1000:
                changed |= self._returning.put(host, None)
        step.retry_pends |= changed

    def set_back(self, now: Instant) -> None:
        """The clock was set back: no host was seen in what is the future now."""
        for member in self.by_id.values():
            if member.seen_at is not None and member.seen_at > now:
                self.by_id.put(member.id, replace(member, seen_at=now))
            if member.other_at is not None and member.other_at > now:
                self.by_id.put(member.id, replace(self.by_id[member.id], other_at=now))
        for store, at in self.twins.items():
            if at > now:
                self.twins.put(store, now)

    def forget(
        self, step: Step, host: HostId, store: StoreId, at: Instant, *, by_operator: bool
    ) -> bool:
        """Keep that a store was forgotten permanently; return whether that is new.

        `at`: when an operator forgot it. `by_operator`: whether that was at this host. A host that
        peers forgot, and that never sent a message here, may have left the config long ago: it does
        not count as a configured one.
        """
        key, known = address_key(host, store), self.by_id.get(host)
        is_known = known is not None and known.store == store
        before = self.forgotten.get(key)
        if before is None or by_operator:
            count = self.expected if by_operator or is_known else 0
            gone = ForgottenStore(at=before.at if before else at, expected=count)
            self.forgotten.put(key, gone)
            step.promise_row("forgotten", key, encode(gone))
        if before is not None:
            return False
        self._returning.put(host, step.now)
        if known is not None and store in (known.store, known.other):
            left: Member | None = replace(known, other=None, other_at=None)
            if is_known:  # the other store is the host now: a keeper has to ask it, too
                left = Member(id=host, store=known.other) if known.other else None
                step.keep("tags", host, None)
            self.by_id.put(host, left)
            step.keep("member", host, left.store if left else None)
            step.keep("other", host, None)
            self._publish_tags()
        step.retry_pends = True
        return True

    def gone(self) -> set[HostId]:
        """Configured hosts that no keeper waits for: their stores were forgotten, and no
        replacement has sent a message within `HOST_STALE_S`."""
        all_gone = self.forgotten.items()
        hosts = {address_of(key)[0] for key, gone in all_gone if gone.expected == self.expected}
        return {host for host in hosts if host not in self._returning}

    def lives(self) -> list[Member]:
        """The peers that were not forgotten, by id."""
        return sorted(self.by_id.values(), key=lambda member: member.id)

    def _publish_tags(self) -> None:
        self._site.know_peers({member.id: member.tags for member in self.by_id.values()})

    # --- views and problems ---

    def views(self) -> list[HostView]:
        """The peers as placement sees them."""
        return [member_view(member) for member in self.by_id.values()]

    def own_faults(self, now: Instant) -> tuple[str, ...]:
        """What keeps every run away from this host, besides the problems of its machine."""
        found = self.dead_ends()
        found += [
            f"two hosts are called {self._site.id}: stores {self._site.store} and {store}"
            for store, at in self.twins.items()
            if now - at < HOST_STALE_S * 1000
        ]
        return tuple(found)

    def dead_ends(self) -> list[str]:
        """Why no host would ever take a run that is started here."""
        found: list[str] = []
        if self.is_forgotten:
            found.append(FORGOTTEN)
        if self.has_gone_back:
            found.append(GONE_BACK)
        return found


def _advertised(ping: Ping) -> tuple[object, ...]:
    """The part of a ping that decisions depend on, or that people are to see at once."""
    return (
        ping.protocol,
        ping.tags,
        ping.slots,
        ping.active,
        ping.draining,
        ping.held,
        ping.spaces,
        ping.secrets,
        ping.keys,
        ping.queues,
        ping.moves,
        ping.keeper,
        ping.keeper_store,
        ping.forgotten,
    )
