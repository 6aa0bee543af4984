"""The pings of this host: its state, every 2 s and whenever it changed."""

from collections.abc import Mapping
from dataclasses import replace
from heapq import nsmallest
from operator import itemgetter
from typing import Final, NamedTuple

from floe.host.leases.current_keeper import CurrentKeeper
from floe.host.peers.members import Members
from floe.host.shared.base import Sharing
from floe.host.site import Site
from floe.host.step import Step
from floe.host.undoable import Undoable
from floe.model.host import HostView
from floe.model.ids import Instant, StoreId
from floe.model.nouns import dataclass
from floe.model.peer_message import QUEUES_MAX, Ping

PING_MS: Final = 2000
PING_MIN_MS: Final = 50
"""Between two pings, however much changes."""


class AdvertisedState(NamedTuple):
    """In a heartbeat: the state that decisions of peers depend on, and that may change."""

    host: HostView
    keeper_store: StoreId | None
    forgotten: tuple[str, ...]
    queues: Mapping[str, Instant]
    shared: tuple[int, int]
    """The term and the last number of the shared rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advertised:
    """The last heartbeat: the state in it, and when it was sent."""

    state: AdvertisedState
    change: int
    at: Instant
    is_void: bool = False


class Heartbeat:
    """Advertises the state of this host to its peers."""

    def __init__(
        self, site: Site, members: Members, current_keeper: CurrentKeeper, sharing: Sharing
    ) -> None:
        self._sharing = sharing
        self._site = site
        self._members = members
        self._current_keeper = current_keeper
        self._last: Undoable[str, Advertised] = Undoable(site.journal)

    @property
    def change(self) -> int:
        """The number of the last advertised state."""
        last = self._last.get("")
        return last.change if last else 0

    def ping(self, step: Step) -> Instant:
        """Send a ping if the state changed or 2 s are over; return when the next one is due."""
        last, now, state = self._last.get(""), step.now, self._state()
        change: int = now
        if last is not None:
            is_new = last.is_void or last.state != state
            wait = PING_MIN_MS if is_new else PING_MS
            if 0 <= now - last.at < wait:
                return Instant(last.at + wait)
            change = last.change + is_new
        self._last.put("", Advertised(state=state, change=change, at=now))
        step.send(None, None, self._ping(step, state, change))
        return Instant(now + PING_MS)

    def void(self) -> None:
        """The last advertised state was wrong: send the state again, under a new number."""
        if last := self._last.get(""):
            self._last.put("", replace(last, is_void=True))

    def _state(self) -> AdvertisedState:
        forgotten = tuple(self._members.forgotten)
        keeper, queues = self._current_keeper.keeper_store, self._site.table.offers.oldest()
        if len(queues) > QUEUES_MAX:
            queues = dict(nsmallest(QUEUES_MAX, queues.items(), key=itemgetter(1)))
        return AdvertisedState(
            self._site.view(), keeper, forgotten, queues, self._sharing.advertised()
        )

    def _ping(self, step: Step, state: AdvertisedState, change: int) -> Ping:
        host, about = state.host, self._members.about
        if host.problems:
            about = {**about, "troubles": list(host.problems)}
        return Ping(
            at=step.now,
            tags=host.tags,
            slots=host.slots,
            active=host.active,
            draining=host.draining,
            held={tag: ref.key for tag, ref in host.held.items()},
            spaces={flow: ref.key for flow, ref in host.spaces.items()},
            keeper=self._site.keeper,
            keeper_store=state.keeper_store,
            forgotten=tuple(sorted(state.forgotten)),
            forgotten_at={key: gone.at for key, gone in self._members.forgotten.items()},
            secrets=host.secrets or frozenset(),
            keys=host.keys,
            queues=state.queues,
            shared_term=state.shared[0],
            shared_number=state.shared[1],
            about=about,
            moves=True,
            change=change,
        )
