"""What this host says of itself to the others, every 2 s and whenever it changed."""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from floe.host.leases.current_keeper import CurrentKeeper
from floe.host.peers.members import Members
from floe.host.site import Site
from floe.host.step import Step
from floe.host.undoable import Undoable
from floe.model.host import HostView
from floe.model.message import Ping
from floe.model.refs import Instant, StoreId

PING_MS: Final = 2000
PING_MIN_MS: Final = 50
"""Between two pings though more changed."""


class View(NamedTuple):
    """All that others decide by and that may change while this host runs."""

    host: HostView
    keeper_store: StoreId | None
    forgotten: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mine:
    """What was last said of this host, and when."""

    view: View
    change: int
    at: Instant
    is_void: bool = False


class Heartbeat:
    """How this host is, as it was last said."""

    def __init__(self, site: Site, members: Members, current_keeper: CurrentKeeper) -> None:
        self._site = site
        self._members = members
        self._current_keeper = current_keeper
        self._mine: Undoable[str, Mine] = Undoable(site.journal)

    @property
    def change(self) -> int:
        """The number of what was last said of this host."""
        mine = self._mine.get("")
        return mine.change if mine else 0

    def ping(self, step: Step) -> Instant:
        """Say how this host is, if it changed or was not said for a while; return when next."""
        mine, now, view = self._mine.get(""), step.now, self._view()
        change: int = now
        if mine is not None:
            is_new = mine.is_void or mine.view != view
            wait = PING_MIN_MS if is_new else PING_MS
            if 0 <= now - mine.at < wait:
                return Instant(mine.at + wait)
            change = mine.change + is_new
        self._mine.put("", Mine(view=view, change=change, at=now))
        step.send(None, None, self._ping(step, view, change))
        return Instant(now + PING_MS)

    def void(self) -> None:
        """What was last said of this host did not hold: say it anew, under another number."""
        if mine := self._mine.get(""):
            self._mine.put("", replace(mine, is_void=True))

    def _view(self) -> View:
        forgotten = tuple(self._members.forgotten)
        return View(self._site.view(), self._current_keeper.keeper_store, forgotten)

    def _ping(self, step: Step, view: View, change: int) -> Ping:
        host, about = view.host, self._members.about
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
            keeper_store=view.keeper_store,
            forgotten=tuple(sorted(view.forgotten)),
            forgotten_at={key: gone.at for key, gone in self._members.forgotten.items()},
            about=about,
            change=change,
        )
