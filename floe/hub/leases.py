"""The adopter's side of leases: claims on the cluster's resources, until they are over."""

from typing import TYPE_CHECKING

from floe.hub.members import Member
from floe.hub.rows import Journal, Rows
from floe.kernel.place import HOST_SCOPED, Refusals
from floe.model.host import Pend
from floe.model.message import Census, Held, Queued, Released
from floe.model.refs import HostId, Instant, StoreId
from floe.model.run import Run

if TYPE_CHECKING:
    from floe.hub.core import HubCore
    from floe.hub.draft import Draft


class Leases:
    """Claims of runs adopted here."""

    def __init__(self, core: "HubCore", journal: Journal, rows: Rows) -> None:
        self._core = core

    @property
    def keeper_store(self) -> StoreId | None:
        """The keeper's."""
        return None

    def load(self) -> None:
        """Go on after a start."""

    def ready(self, draft: "Draft", run: Run) -> dict[str, str] | None:
        """The fences of a run that holds all it needs of the cluster; None where it waits."""
        assert run.flow is not None
        return None if any(not t.startswith(HOST_SCOPED) for t in run.flow.resource_tags) else {}

    def nowhere(self, draft: "Draft", run: Run) -> None:
        """No host takes a run now."""

    def over(self, draft: "Draft", run: Run) -> None:
        """A run is over."""

    def lost(self, draft: "Draft", host: HostId, store: StoreId) -> None:
        """A host was forgotten."""

    def held(self, draft: "Draft", member: Member, message: Held) -> None:
        """From the keeper."""

    def queued(self, draft: "Draft", member: Member, message: Queued) -> None:
        """From the keeper."""

    def released(self, draft: "Draft", member: Member, message: Released) -> None:
        """From the keeper."""

    def census(self, draft: "Draft", member: Member, message: Census) -> None:
        """From the keeper."""

    def tick(self, draft: "Draft") -> Instant | None:
        """What is due."""
        return None

    def verdict(self, pend: Pend, placed: HostId, now: Instant) -> HostId | Refusals:
        """Whether only the cluster's resources keep a run from a host."""
        return placed
