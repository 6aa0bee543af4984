"""The starts that triggers pass over, as they are kept."""

from collections.abc import Mapping

from floe.host.passed_over import (
    FAULT,
    KEPT_MAX,
    PASSED_OVER,
    VALUE_MAX,
    VALUES_MAX,
    WHY_MAX,
    PassedOver,
)
from floe.host.undoable import UndoJournal
from floe.model.flow import Trigger
from floe.model.ids import Instant, Json, NodeId
from tests.make import a_flow, a_node

FLOW = a_flow(a_node("build"))
HOOK = Trigger(id=NodeId("hook"), type="push", name="hook", condition="values.on")
OTHER = Trigger(id=NodeId("other"), type="push", name="other")


def kept(rows: Mapping[str, Json] | None = None, faults: Mapping[str, Json] = {}) -> PassedOver:
    return PassedOver({PASSED_OVER: rows or {}, FAULT: faults}, UndoJournal())


def test_newest_reason_comes_first_and_the_oldest_goes() -> None:
    passed = kept()

    for number in range(KEPT_MAX + 1):
        passed.add(FLOW, HOOK, f"why {number}", Instant(number))

    shown = [row["why"] for row in passed.of(FLOW, HOOK)]
    assert shown == [f"why {number}" for number in range(KEPT_MAX, 0, -1)]
    assert passed.of(FLOW, OTHER) == []


def test_rows_bring_the_newest_starts_back_and_are_a_ring() -> None:
    passed = kept()
    rows: dict[str, Json] = {}
    for number in range(KEPT_MAX + 5):
        row = passed.add(FLOW, HOOK, f"why {number}", Instant(number), values={"n": number})
        rows[row.key] = row.value

    again = kept(rows)

    assert len(rows) == KEPT_MAX
    assert again.of(FLOW, HOOK) == passed.of(FLOW, HOOK)
    assert again.of(FLOW, HOOK)[0] == {
        "at": "1970-01-01T00:00:00.104Z",
        "why": "why 104",
        "values": {"n": "104"},
    }


def test_row_of_an_older_floe_is_read_and_comes_last() -> None:
    old: Json = [{"at": "1970-01-01T00:00:01.000Z", "why": "new"}, {"at": "…", "why": "old"}]
    passed = kept({f"{FLOW.id}/hook": old})

    passed.add(FLOW, HOOK, "newest", Instant(2000))

    assert [row["why"] for row in passed.of(FLOW, HOOK)] == ["newest", "new", "old"]


def test_reason_is_one_short_line() -> None:
    passed = kept()

    passed.add(FLOW, HOOK, "a\nb " + "c " * 200, Instant(0))

    (row,) = passed.of(FLOW, HOOK)
    assert row["why"].startswith("a b")
    assert len(row["why"]) <= WHY_MAX


def test_values_are_few_short_and_without_secrets() -> None:
    passed = kept()
    many: dict[str, Json] = {f"v{i}": "x" * 1000 for i in range(100)}
    secrets: dict[str, Json] = {"token": "s3cret", "url": "https://me:s3cret@h/r"}

    passed.add(FLOW, HOOK, "why", Instant(0), values={**secrets, **many})

    (row,) = passed.of(FLOW, HOOK)
    assert len(row["values"]) == VALUES_MAX
    assert max(map(len, row["values"].values())) <= VALUE_MAX
    assert "s3cret" not in str(row)


def test_request_with_the_same_key_is_answered_with_its_reason() -> None:
    passed = kept()

    passed.add(FLOW, HOOK, "why", Instant(0), once="k1")

    assert passed.answer(FLOW, HOOK, "k1") == "why"
    assert passed.answer(FLOW, HOOK, "k2") == ""
    assert passed.answer(FLOW, OTHER, "k1") == ""


def test_fault_of_a_condition_is_stored_when_it_changes_alone() -> None:
    passed = kept()

    rows = [passed.judged(FLOW, HOOK, fault) for fault in ("", "broken", "broken", "")]

    assert [[row.value for row in some] for some in rows] == [[], ["broken"], [], [None]]


def test_fault_is_shown_while_the_trigger_has_a_condition() -> None:
    passed = kept(faults={f"{FLOW.id}/hook": "broken", f"{FLOW.id}/other": "broken"})

    assert passed.fault(FLOW, HOOK) == "broken"
    assert passed.fault(FLOW, OTHER) == ""


def test_damaged_row_is_left_out() -> None:
    assert kept({f"{FLOW.id}/hook": "no list"}).of(FLOW, HOOK) == []
