"""The keeper's table: order of arrival, places in the queue, and claims that hosts report."""

from floe.host.leases.table import LeaseTable
from floe.host.peers.no_peers import NoPeers
from floe.host.step import Step
from floe.model.peer_message import Claim, Claimed, GroupLimit
from tests.make import NOW
from tests.make_hosts import a_host_core


def a_table() -> tuple[LeaseTable, Step]:
    site = a_host_core("h1").core.site
    return LeaseTable(site.journal, {}), Step(site, NOW, NoPeers())


def a_claim(serial: int, number: int = 1) -> Claim:
    return Claim(run=f"h1-{serial}@h1st0", number=number)


def test_claim_overtakes_only_claims_without_a_common_tag() -> None:
    table, step = a_table()
    table.merge(step, Claimed(claim=a_claim(1), fences={"db": "1.1"}, tags=("db",)))
    table.add(step, a_claim(2), ("db", "lab"))
    table.add(step, a_claim(3), ("lab",))
    other = table.add(step, a_claim(4), ("gpu",))

    assert table.ready() == other


def test_as_many_claims_hold_a_group_as_it_has_places() -> None:
    table, step = a_table()
    pair = GroupLimit(tag="max-runs a", limit=2)
    table.merge(
        step, Claimed(claim=a_claim(1), fences={pair.tag: "1.1"}, tags=(pair.tag,), group=pair)
    )
    behind = table.add(step, a_claim(2), (pair.tag, "db"), pair)
    table.merge(step, Claimed(claim=a_claim(3), fences={"db": "1.2"}, tags=("db",)))
    table.add(step, a_claim(4), (pair.tag,), pair)

    held_up = table.ready()
    table.remove(step, a_claim(3).run)

    assert held_up is None  # the second place is kept for the claim before it
    assert table.ready() == behind


def test_members_of_a_group_are_sorted_by_fence_then_by_arrival() -> None:
    table, step = a_table()
    pair = GroupLimit(tag="max-runs a", limit=3)
    table.add(step, a_claim(1), (pair.tag,), pair)
    for serial, fence in ((2, "1.10"), (3, "1.9"), (4, "0.99")):
        fences = {pair.tag: fence}
        table.merge(
            step, Claimed(claim=a_claim(serial), fences=fences, tags=(pair.tag,), group=pair)
        )

    assert [entry.claim for entry in table.members(pair.tag)] == [*map(a_claim, (4, 3, 2, 1))]


def test_place_of_a_claim_counts_those_that_share_a_tag() -> None:
    table, step = a_table()
    table.add(step, a_claim(1), ("db",))
    table.add(step, a_claim(2), ("gpu",))
    third = table.add(step, a_claim(3), ("db", "lab"))

    assert table.position(third) == 2


def test_report_of_an_earlier_claim_of_a_run_does_not_replace_its_later_one() -> None:
    table, step = a_table()
    later = table.add(step, a_claim(1, number=2), ("db",))

    table.merge(step, Claimed(claim=a_claim(1), fences={"db": "1.1"}, tags=("db",)))

    assert (table.by_run[later.claim.run], table.holders("db")) == (later, ())


def test_every_change_is_a_row_that_is_promised() -> None:
    table, step = a_table()

    table.add(step, a_claim(1), ("db",))
    table.remove(step, a_claim(1).run)

    assert [(row.kind, row.key) for row in step.ledger] == [("kept", a_claim(1).run)] * 2
    assert step.promise
