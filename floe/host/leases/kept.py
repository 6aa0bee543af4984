"""The leases of a cluster: the keeper grants them, and each host claims them for its runs."""

from collections.abc import Mapping, Sequence

from floe.host.leases.base import Lease
from floe.host.leases.keeper import Keeper
from floe.host.leases.lease_report import LeaseReport
from floe.host.leases.own_claims import OwnClaims
from floe.host.step import Step
from floe.kernel.place import Refusals
from floe.model.ids import HostId, Instant, RunRef
from floe.model.pend import Pend
from floe.model.run import Run


class Kept:
    """Claims resources from the keeper, which may be this host.

    Source: docs/cluster-protocol.md, "Leases".
    """

    def __init__(self, claims: OwnClaims, keeper: Keeper, report: LeaseReport) -> None:
        self._claims = claims
        self._keeper = keeper
        self._report = report

    @property
    def held(self) -> Mapping[str, RunRef]:
        """Nothing: a claim, not placement, decides who gets a resource."""
        return {}

    def first(self) -> Sequence[RunRef]:
        """The runs whose claims are granted."""
        return self._claims.granted()

    def pended(self, step: Step, run: Run) -> None:
        """Claim a place in the run's group at once, if the group's state may end a run."""
        self._claims.pended(step, run)

    def ready(self, step: Step, run: Run) -> Mapping[str, str] | None:
        """The fences of a granted claim; else the run is claimed for, and waits."""
        return self._claims.ready(step, run)

    def returned(self, step: Step, run: Run) -> None:
        """The claim of the run holds as before."""
        self._claims.returned(step, run)

    def revoked(self, step: Step, run: Run) -> None:
        """The next claim of the run takes over what the last one holds."""
        self._claims.revoked(step, run)

    def over(self, step: Step, run: Run) -> None:
        """Release what the run held, or its place in the queue."""
        self._claims.over(step, run)

    def over_elsewhere(self, step: Step, run: Run) -> None:
        """End the claim of the run: the host that ran it releases what it held."""
        self._claims.over_elsewhere(step, run)

    def verdict(self, pend: Pend, placed: HostId, now: Instant) -> HostId | Refusals:
        """The host, or the state of the claim as reasons."""
        return self._report.verdict(pend, placed, now)

    def problem(self) -> str:
        """Why this host grants nothing now: it is not the keeper, or cannot be one yet."""
        return self._keeper.problem()

    def view(self) -> list[Lease]:
        """All that is held, as far as this host knows; the keeper knows all."""
        return self._report.leases()
