"""The facets of a run as its row keeps them."""

from floe.model.facet import FACETS_BYTES_MAX, Facet, aligned
from floe.model.ids import Instant


def a_facet(kind: str = "step", key: str = "build", row: int = 0, at: int = 1) -> Facet:
    return Facet(kind=kind, key=key, row=row, at=Instant(at))


def test_row_has_one_instant_the_latest_of_its_facets() -> None:
    found = aligned([a_facet("step", at=1), a_facet("phase", at=7), a_facet("step", row=2, at=3)])

    assert [(one.row, one.at) for one in found] == [(0, 7), (0, 7), (2, 3)]


def test_facet_that_is_given_twice_is_kept_once() -> None:
    assert aligned([a_facet(), a_facet()]) == (a_facet(),)


def test_order_in_which_they_are_given_does_not_matter() -> None:
    given = [a_facet(key=str(n), row=n % 3, at=n) for n in range(9)]

    assert aligned(given) == aligned(given[::-1])


def test_newest_rows_stay_of_too_many_facets() -> None:
    found = aligned(a_facet(key="x" * 100, row=n, at=n) for n in range(1_000))

    assert found[0].row == 999
    assert [one.row for one in found] == [*range(999, 999 - len(found), -1)]
    assert sum(len(one.key) for one in found) <= FACETS_BYTES_MAX


def test_facet_longer_than_all_may_be_is_left_out() -> None:
    assert aligned([a_facet(key="x" * FACETS_BYTES_MAX)]) == ()
