"""The directory: what is told of own rows, what is heard of others', and how old it is."""

from dataclasses import replace

import pytest

from floe.feed.directory import KIND, ROWS_MAX, Directory, DirectorySource, Learned
from floe.model.errors import IdInvalid
from floe.model.ids import HostId, Instant, StoreId
from floe.model.peer_message import Rows, RowsAfter
from floe.model.summary import Summary
from floe.store.base import Change
from tests.make_store import a_run, a_summary

H2 = DirectorySource(HostId("h2"), StoreId("aaaa"))
NOW = Instant(1_800_000_000_000)
LATER = Instant(NOW + 5_000)


def a_directory(sent: int = 0, **marks: int) -> Directory:
    directory = Directory(sent=sent)
    directory.load({f"{host}@aaaa": mark for host, mark in marks.items()})
    return directory


def rows(*serials: int) -> tuple[Summary, ...]:
    return tuple(a_summary(a_run(n, host="h2", store="aaaa")) for n in serials)


def stored(learned: Learned) -> list[str]:
    return [append.run.key for append in learned.appends]


# Telling


def test_news_are_what_changed_since_the_last_news() -> None:
    directory = a_directory(sent=7)
    directory.changed(9, rows(1))
    first = directory.news()

    directory.changed(12, rows(2, 3))

    assert first == Rows(after=7, upto=9, rows=rows(1))
    assert directory.news() == Rows(after=9, upto=12, rows=rows(2, 3))
    assert directory.news() is None


def test_news_of_many_batches_show_each_run_once() -> None:
    directory = a_directory()
    old, new = rows(1)[0], a_summary(a_run(1, host="h2", store="aaaa"), seq=2)

    directory.changed(1, [old])
    directory.changed(2, rows(2))
    directory.changed(3, [new])

    assert directory.news() == Rows(after=0, upto=3, rows=(*rows(2), new))


def test_facts_that_change_no_row_are_no_news() -> None:
    directory = a_directory(sent=7)

    directory.changed(9, ())

    assert directory.news() is None
    assert directory.head == 7


def test_more_news_than_a_message_holds_are_to_be_asked_for() -> None:
    directory, hearer = a_directory(), a_directory()
    directory.changed(900, rows(*range(1, ROWS_MAX + 2)))

    news = directory.news()

    assert news is not None
    assert news.rows == ()
    assert hearer.receive(H2, news, NOW) == Learned(ask=RowsAfter(after=0))


def test_page_that_is_full_reports_that_there_is_more() -> None:
    changes = [Change(pos=2 * n, row=rows(n)[0]) for n in range(1, ROWS_MAX + 1)]

    page = a_directory(sent=9_000).page(1, 9_000, changes)

    assert (page.upto, page.more, len(page.rows)) == (2 * ROWS_MAX, True, ROWS_MAX)


def test_last_page_reaches_up_to_the_newest_change() -> None:
    page = a_directory(sent=9_000).page(5, 9_000, [Change(pos=8, row=rows(1)[0])])

    assert page == Rows(after=5, upto=9_000, rows=rows(1))


def test_page_with_a_change_that_may_still_be_lost_reaches_up_to_the_newest_that_may_not() -> None:
    changes = [Change(pos=n, row=rows(n)[0]) for n in range(1, ROWS_MAX + 1)]

    page = a_directory(sent=ROWS_MAX - 1).page(0, ROWS_MAX - 1, changes)

    assert (page.upto, page.more) == (ROWS_MAX - 1, False)


# Hearing


def test_rows_that_follow_are_stored_with_their_mark() -> None:
    learned = a_directory(h2=7).receive(H2, Rows(after=7, upto=9, rows=rows(1)), NOW)

    assert stored(learned) == ["h2-1@aaaa"]
    assert [(m.kind, m.key, m.value) for m in learned.marks] == [(KIND, "h2@aaaa", 9)]
    assert learned.ask is None


def test_rows_that_leave_a_gap_are_asked_for_from_where_it_begins() -> None:
    learned = a_directory(h2=7).receive(H2, Rows(after=8, upto=9, rows=rows(1)), NOW)

    assert learned == Learned(ask=RowsAfter(after=7))


def test_rows_received_before_change_nothing() -> None:
    directory = a_directory(h2=7)

    assert directory.receive(H2, Rows(after=3, upto=7, rows=rows(1)), NOW) == Learned()


def test_rows_that_overlap_are_taken() -> None:
    learned = a_directory(h2=7).receive(H2, Rows(after=3, upto=9, rows=rows(1, 2)), NOW)

    assert stored(learned) == ["h2-1@aaaa", "h2-2@aaaa"]


def test_next_page_is_asked_for_at_once() -> None:
    page = Rows(after=0, upto=9, rows=rows(1), more=True)

    assert a_directory().receive(H2, page, NOW).ask == RowsAfter(after=9)


def test_same_is_not_asked_for_again_until_the_answer_is_overdue() -> None:
    directory = a_directory()

    asks = [directory.saw(H2, at, 9).ask for at in (NOW, NOW, LATER)]

    assert asks == [RowsAfter(after=0), None, RowsAfter(after=0)]


def test_quiet_host_that_knows_all_asks_nothing() -> None:
    assert a_directory(h2=9).saw(H2, NOW, 9) == Learned()


def test_store_that_is_not_where_it_was_is_asked_for_what_came_after() -> None:
    assert a_directory(h2=9).saw(H2, NOW, 8).ask == RowsAfter(after=9)


def test_store_that_was_unknown_is_asked_for_everything() -> None:
    wiped = DirectorySource(H2.host, StoreId("bbbb"))

    assert a_directory(h2=9).saw(wiped, NOW, 3).ask == RowsAfter(after=0)


def test_mark_is_of_the_store_that_a_host_has_now() -> None:
    directory = a_directory(h2=9)

    directory.saw(DirectorySource(H2.host, StoreId("bbbb")), NOW)

    assert directory.mark(H2.host) == ("bbbb", 0)


# How old it is


def test_host_that_was_not_seen_for_10_s_is_stale() -> None:
    directory = a_directory()
    directory.saw(H2, NOW)
    h3 = HostId("h3")

    fresh = directory.as_of([H2.host, h3], Instant(NOW + 9_999))
    later = directory.as_of([H2.host, h3], Instant(NOW + 10_000))

    assert (fresh.seen, fresh.stale) == ({"h2": NOW, "h3": None}, ("h3",))
    assert later.stale == ("h2", "h3")


def test_rows_that_cannot_be_read_count_as_not_received() -> None:
    directory = a_directory()
    strange = replace(rows(1)[0], key="none")

    with pytest.raises(IdInvalid):
        directory.receive(H2, Rows(after=0, upto=3, rows=(strange,)), NOW)

    assert directory.mark(H2.host) == (H2.store, 0)
