"""The reasons that push triggers keep."""

from floe.host.passed_over import KEPT_MAX, WHY_MAX, PassedOver
from floe.model.flow import Trigger
from floe.model.refs import Instant, NodeId
from tests.make import a_flow, a_node

FLOW = a_flow(a_node("build"))
HOOK = Trigger(id=NodeId("hook"), type="push", name="hook")
OTHER = Trigger(id=NodeId("other"), type="push", name="other")


def test_newest_reason_comes_first_and_the_oldest_goes() -> None:
    passed = PassedOver({})

    for number in range(KEPT_MAX + 1):
        passed.add(FLOW, HOOK, f"why {number}", Instant(number))

    shown = [row["why"] for row in passed.of(FLOW, HOOK)]
    assert shown == [f"why {number}" for number in range(KEPT_MAX, 0, -1)]
    assert passed.of(FLOW, OTHER) == []


def test_entry_brings_the_reasons_back() -> None:
    row = PassedOver({}).add(FLOW, HOOK, "the branch x was deleted", Instant(1000))

    again = PassedOver({row.key: row.value}).of(FLOW, HOOK)

    assert again == [{"at": "1970-01-01T00:00:01.000Z", "why": "the branch x was deleted"}]


def test_reason_is_one_short_line() -> None:
    passed = PassedOver({})

    passed.add(FLOW, HOOK, "a\nb " + "c " * 200, Instant(0))

    (row,) = passed.of(FLOW, HOOK)
    assert row["why"].startswith("a b")
    assert len(row["why"]) <= WHY_MAX


def test_damaged_entry_is_left_out() -> None:
    assert PassedOver({f"{FLOW.id}/hook": "no list"}).of(FLOW, HOOK) == []
