"""One peer as this host knows it, its problems, and its view for placement."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from floe.kernel.place import HOST_STALE_S
from floe.model.host import HostView
from floe.model.ids import FlowId, HostId, Instant, Json, RunRef, StoreId, ref_of
from floe.model.nouns import dataclass
from floe.model.peer_message import PROTOCOL, Ping

SKEW_MS: Final = 5000
"""A clock that is further off is reported; no decision depends on it."""

GONE_BACK: Final = (
    "has a store that has gone back in time, as a copy from a backup: stop it, and give the copy "
    "an id of its own with floe host --restored"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of the cluster: a peer."""

    id: HostId
    store: StoreId
    """The store of its first message."""
    seen_at: Instant | None = None
    """By this host's clock; None for not since this host started."""
    ping: Ping | None = None
    other: StoreId | None = None
    """A different store that uses its name."""
    other_at: Instant | None = None
    """When that store last sent a message; 0 for not since this host started."""
    skew_ms: int = 0
    """How far its clock is ahead."""
    stale: bool = True
    tags: frozenset[str] = frozenset()
    """Of its config, as it last sent them, also to an earlier process of this host."""

    @property
    def slots(self) -> int:
        """Runs that it may have active at once."""
        return self.ping.slots if self.ping else 0

    @property
    def active(self) -> int:
        """Runs that it has active."""
        return self.ping.active if self.ping else 0

    @property
    def draining(self) -> bool:
        """Whether it takes no new runs."""
        return self.ping.draining if self.ping else False

    @property
    def about(self) -> Mapping[str, Json]:
        """What it reports to people: version, digests, load."""
        return self.ping.about if self.ping else {}


def member_problems(member: Member, now: Instant) -> tuple[str, ...]:
    """The problems of a member, in sentences; some keep runs away from it."""
    found = list(member_faults(member))
    if member_unseen_ms(member, now) >= HOST_STALE_S * 1000:
        found.append(
            "has sent no message since this host started"
            if member.seen_at is None
            else f"was not seen for {member_unseen_ms(member, now) // 1000} s"
        )
    if abs(member.skew_ms) > SKEW_MS:
        way = "ahead" if member.skew_ms > 0 else "behind"
        found.append(f"its clock is {abs(member.skew_ms) // 1000} s {way} of this host's")
    return tuple(found)


def member_faults(member: Member) -> tuple[str, ...]:
    """The faults of a member that keep every run away from it."""
    found: list[str] = []
    if member.other is not None:
        if (
            member.seen_at is not None
            and member.other_at is not None
            and abs(member.other_at - member.seen_at) < HOST_STALE_S * 1000
        ):
            found.append(
                f"two hosts are called {member.id}: stores {member.store} and {member.other}"
            )
        else:
            found.append(
                f"lost its store: it was {member.store} and is {member.other} now; "
                f"floe host forget {member.id} lets it take runs again"
            )
    if member.about.get("gone_back"):
        found.append(GONE_BACK)
    troubles = member.about.get("troubles")
    found += map(str, troubles) if isinstance(troubles, Sequence) else ()
    if member.ping is None:
        found.append("has not reported its state yet")
    elif member.ping.protocol != PROTOCOL:
        found.append(
            f"speaks protocol {member.ping.protocol}, this host {PROTOCOL}: "
            "the hosts of a cluster need compatible versions of floe"
        )
    return tuple(found)


def member_view(member: Member) -> HostView:
    """A member as placement sees it."""
    ping = member.ping
    return HostView(
        id=member.id,
        store=member.store,
        tags=member.tags,
        slots=member.slots,
        active=member.active,
        draining=member.draining,
        seen_at=member.seen_at,
        held=_refs(ping.held.items()) if ping else {},
        spaces={FlowId(f): r for f, r in _refs(ping.spaces.items()).items()} if ping else {},
        problems=member_faults(member),
        secrets=ping.secrets if ping else frozenset(),
        keys=ping.keys if ping else frozenset(),
        moves=ping is None or ping.moves,
    )


def member_unseen_ms(member: Member, now: Instant) -> int:
    """How long a member has been silent; since 1970 if it has sent nothing to this process."""
    return now - (member.seen_at or 0)


def _refs(items: Iterable[tuple[str, str]]) -> dict[str, RunRef]:
    return {name: ref for name, key in items if (ref := ref_of(key))}
