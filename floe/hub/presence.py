"""What this host says of itself to the others, every 2 s and whenever it changed."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from floe.hub.rows import Book, Journal
from floe.model.message import Ping
from floe.model.refs import Instant

if TYPE_CHECKING:
    from floe.hub.core import HubCore
    from floe.hub.draft import Draft

PING_MS: Final = 2000
PING_MIN_MS: Final = 50
"""Between two pings though more changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mine:
    """What was last said of this host, and when."""

    ping: Ping
    at: Instant
    is_void: bool = False


class Presence:
    """How this host is, as it was last said."""

    def __init__(self, core: "HubCore", journal: Journal) -> None:
        self._core = core
        self._mine: Book[str, Mine] = Book(journal)

    @property
    def change(self) -> int:
        """The number of what was last said of this host."""
        mine = self._mine.get("")
        return mine.ping.change if mine else 0

    def ping(self, draft: "Draft") -> Instant:
        """Say how this host is, if it changed or was not said for a while; return when next."""
        mine, now = self._mine.get(""), draft.now
        ping = self._ping(now, mine.ping.change if mine else now)
        if mine is not None:
            is_new = mine.is_void or view_of(mine.ping) != view_of(ping)
            wait = PING_MIN_MS if is_new else PING_MS
            if 0 <= now - mine.at < wait:
                return Instant(mine.at + wait)
            if is_new:
                ping = replace(ping, change=ping.change + 1)
        self._mine.put("", Mine(ping=ping, at=now))
        draft.send(None, None, ping)
        return Instant(now + PING_MS)

    def void(self) -> None:
        """What was last said of this host did not hold: say it anew, under another number."""
        if mine := self._mine.get(""):
            self._mine.put("", replace(mine, is_void=True))

    def _ping(self, now: Instant, change: int) -> Ping:
        core = self._core
        view = core.view()
        cluster = core.cluster
        assert cluster is not None
        return Ping(
            at=now,
            tags=view.tags,
            slots=view.slots,
            active=view.active,
            draining=view.draining,
            held={tag: ref.key for tag, ref in view.held.items()},
            spaces={flow: ref.key for flow, ref in view.spaces.items()},
            keeper=core.host.keeper,
            keeper_store=cluster.keeper_store,
            forgotten=tuple(sorted(cluster.members.forgotten)),
            forgotten_at={key: gone.at for key, gone in cluster.members.forgotten.items()},
            about=cluster.members.about,
            change=change,
        )


def view_of(ping: Ping) -> tuple[object, ...]:
    """All that others decide by, and what people are to see at once."""
    return (
        ping.protocol,
        ping.tags,
        ping.slots,
        ping.active,
        ping.draining,
        ping.held,
        ping.spaces,
        ping.keeper,
        ping.keeper_store,
        ping.forgotten,
    )
