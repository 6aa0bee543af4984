"""The keeper's table of the cluster's resources."""

from typing import TYPE_CHECKING

from floe.hub.members import Member
from floe.hub.rows import Journal, Rows
from floe.hub.words import Free
from floe.model.message import Acquire, Behind, Claims, HeldHeard, Ping, Release
from floe.model.refs import HostId, Instant, StoreId

if TYPE_CHECKING:
    from floe.hub.core import HubCore
    from floe.hub.draft import Draft


class Keeper:
    """Who holds what, and who waits."""

    def __init__(self, core: "HubCore", journal: Journal, rows: Rows) -> None:
        self._core = core

    def free(self, draft: "Draft", word: Free) -> str:
        """An operator takes a resource from its holder."""
        return "this host keeps no resources"

    def lost(self, draft: "Draft", host: HostId, store: StoreId) -> None:
        """A host was forgotten."""

    def pinged(self, draft: "Draft", member: Member, ping: Ping) -> None:
        """A host said how it is."""

    def asked(self, draft: "Draft", member: Member, message: Acquire) -> None:
        """A claim."""

    def held_heard(self, draft: "Draft", member: Member, message: HeldHeard) -> None:
        """A turn is known."""

    def released(self, draft: "Draft", member: Member, message: Release) -> None:
        """A claim is over."""

    def answered(self, draft: "Draft", member: Member, message: Claims) -> None:
        """To a census."""

    def behind(self, draft: "Draft", member: Member, message: Behind) -> None:
        """To a census."""

    def tick(self, draft: "Draft") -> None:
        """What is due."""

    def next_due(self, now: Instant) -> Instant | None:
        """When."""
        return None

    def is_at_work(self, now: Instant) -> bool:
        """Whether this host keeps the resources now."""
        return False
