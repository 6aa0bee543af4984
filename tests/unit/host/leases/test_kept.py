"""The leases of a cluster, through the port that placement uses."""

from floe.host.leases.base import Leases
from floe.host.leases.kept import Kept
from floe.kernel.place import Refusals
from tests.make import a_flow, an_end
from tests.make_hosts import Host, carry
from tests.make_leases import DB, two


def leases_of(host: Host) -> Leases:
    assert host.core.cluster is not None
    assert isinstance(host.core.cluster.leases, Kept)
    return host.core.cluster.leases


def test_keeper_claims_from_itself_within_one_step() -> None:
    h1, _ = two()

    ref = h1.start(DB)

    assert h1.run(ref).phase == "active"
    assert h1.run(ref).fences.keys() == {"db"}


def test_run_that_ends_when_it_begins_returns_what_it_held_in_that_step() -> None:
    h1, _ = two()
    at_once = a_flow(an_end(on="trigger.good"), resource_tags=("db",))

    first, second = h1.start(at_once), h1.start(DB)

    assert h1.run(first).phase == "ended"
    assert h1.run(second).phase == "active"


def test_placement_respects_no_resource_that_a_claim_decides_about() -> None:
    h1, _ = two()
    h1.start(DB)

    assert leases_of(h1).held == {}


def test_host_that_placement_chose_has_to_wait_for_a_held_resource() -> None:
    h1, h2 = two()
    h1.start(DB)
    waiter = h2.start(DB)
    carry(h1, h2)

    verdict = leases_of(h2).verdict(h2.core.table.pends[waiter], h2.id, h2.now)

    assert isinstance(verdict, Refusals)
    assert verdict.resources


def test_host_that_is_not_the_keeper_reports_it() -> None:
    _, h2 = two()

    assert leases_of(h2).problem() == "h2 is not the keeper"
