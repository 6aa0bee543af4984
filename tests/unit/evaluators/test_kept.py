"""What an evaluator process keeps."""

from floe.evaluators.kept import KeptValues


def test_value_that_was_used_longest_ago_goes_first() -> None:
    kept: KeptValues[str] = KeptValues(10)
    kept.add("a", "A", 5)
    kept.add("b", "B", 5)
    kept.get("a")
    kept.add("c", "C", 5)

    assert [kept.get(key) for key in "abc"] == ["A", None, "C"]


def test_newest_value_stays_however_large_it_is() -> None:
    kept: KeptValues[str] = KeptValues(10)
    kept.add("a", "A", 5)
    kept.add("b", "B", 100)

    assert [kept.get(key) for key in "ab"] == [None, "B"]


def test_value_grows_by_what_is_added_to_it() -> None:
    kept: KeptValues[str] = KeptValues(10)
    kept.add("a", "A", 5)
    kept.add("b", "B", 4)
    kept.add("b", "BB", 2)

    assert [kept.get(key) for key in "ab"] == [None, "BB"]


def test_dropped_value_leaves_its_room() -> None:
    kept: KeptValues[str] = KeptValues(10)
    kept.add("a", "A", 5)
    kept.add("b", "B", 5)
    kept.drop("a")
    kept.drop("a")
    kept.add("c", "C", 5)

    assert [kept.get(key) for key in "abc"] == [None, "B", "C"]
