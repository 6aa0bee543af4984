"""Facets: what `floe/store/base.py` promises about lists by them, for every implementation."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from floe.model.errors import Yours
from floe.model.facet import Facet, aligned
from floe.model.ids import Instant, RunRef
from floe.model.summary import Summary
from floe.store import sqlite_facets
from floe.store.base import Append, Batch, FacetFilter, FacetQuery, RunStore
from tests.conformance.test_store import MAKERS
from tests.make_store import NOON, a_batch, a_removal, a_row, a_run, a_summary, an_append


@pytest.fixture(params=MAKERS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RunStore]:
    """An open store of each kind."""
    made = MAKERS[request.param](tmp_path)
    await made.open()
    yield made
    await made.close()


def a_facet(text: str, row: int = 0, at: int = 0) -> Facet:
    """`tag:prod` becomes a facet of the kind `tag`."""
    kind, _, key = text.partition(":")
    return Facet(kind=kind, key=key, row=row, at=Instant(NOON + at))


def with_facets(run: RunRef, *facets: Facet, seq: int = 1, **fields: object) -> Summary:
    return a_summary(run, seq=seq, facets=aligned(facets), **fields)


def own(run: RunRef, *facets: Facet, after: int = 0) -> Append:
    """Events of a run, with the facets of its new row."""
    return an_append(run, after, summary=with_facets(run, *facets, seq=after + 1))


def by(*texts: str, **fields: object) -> FacetQuery:
    """`tag:prod|test` is a filter with two keys."""
    parts = (text.partition(":") for text in texts)
    filters = tuple(FacetFilter(kind=k, keys=tuple(keys.split("|"))) for k, _, keys in parts)
    return replace(FacetQuery(filters=filters), **fields)  # type: ignore[arg-type]  # checked by replace


async def listed(store: RunStore, query: FacetQuery) -> list[str]:
    """`h1-1 0`: the runs of a page and their rows."""
    page = await store.runs_by_facets(query)
    return [f"{match.run.id} {match.row}" for match in page.matches]


async def all_pages(store: RunStore, query: FacetQuery) -> list[str]:
    found, page = [], await store.runs_by_facets(query)
    found += [match.run.id for match in page.matches]
    while page.next:
        page = await store.runs_by_facets(replace(query, cursor=page.next))
        found += [match.run.id for match in page.matches]
    return found


async def test_run_is_found_by_a_facet_of_its_row(store: RunStore) -> None:
    await store.append(a_batch(own(a_run(1), a_facet("tag:prod")), own(a_run(2))))

    page = await store.runs_by_facets(by("tag:prod"))

    assert [match.run for match in page.matches] == [await store.find(a_run(1))]
    assert page.matches[0].run.facets == (a_facet("tag:prod"),)


async def test_kind_and_key_must_both_be_equal(store: RunStore) -> None:
    await store.append(a_batch(own(a_run(1), a_facet("tag:prod"))))

    assert await listed(store, by("step:prod")) == []
    assert await listed(store, by("tag:pro")) == []


async def test_filters_must_match_facets_of_one_row(store: RunStore) -> None:
    both = (a_facet("step:build", 1), a_facet("label:linux", 1))
    apart = (a_facet("step:build", 1), a_facet("label:linux", 2))
    await store.append(a_batch(own(a_run(1), *both), own(a_run(2), *apart)))

    assert await listed(store, by("step:build", "label:linux")) == ["h1-1 1"]


async def test_any_key_of_a_filter_matches(store: RunStore) -> None:
    rows = (own(a_run(n), a_facet(f"tag:{n}", at=n)) for n in (1, 2, 3))
    await store.append(a_batch(*rows))

    assert await listed(store, by("tag:1|3")) == ["h1-3 0", "h1-1 0"]


async def test_run_with_two_of_the_keys_is_listed_once(store: RunStore) -> None:
    await store.append(a_batch(own(a_run(1), a_facet("tag:a"), a_facet("tag:b"))))

    assert await listed(store, by("tag:a|b")) == ["h1-1 0"]


@pytest.mark.parametrize(
    ("order", "runs"), [("newest", ["h1-2 1", "h1-1 2"]), ("oldest", ["h1-1 1", "h1-2 1"])]
)
async def test_run_is_listed_once_at_the_first_of_its_rows(
    store: RunStore, order: str, runs: list[str]
) -> None:
    first = (a_facet("step:a", 1, at=1), a_facet("step:a", 2, at=3))
    await store.append(a_batch(own(a_run(1), *first), own(a_run(2), a_facet("step:a", 1, at=4))))

    assert await listed(store, by("step:a", order=order)) == runs


async def test_row_without_a_filter_s_facet_is_no_place_in_the_order(store: RunStore) -> None:
    facets = (a_facet("step:a", 1, at=1), a_facet("label:x", 1, at=1), a_facet("step:a", 2, at=9))
    await store.append(a_batch(own(a_run(1), *facets)))

    page = await store.runs_by_facets(by("step:a", "label:x"))

    assert [(match.row, match.at) for match in page.matches] == [(1, NOON + 1)]


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
async def test_pages_are_the_list_without_a_gap(store: RunStore, order: str, limit: int) -> None:
    rows = (own(a_run(n), a_facet("tag:a", at=n // 2), a_facet("tag:b")) for n in range(1, 8))
    await store.append(a_batch(*rows))

    found = await all_pages(store, by("tag:a|b", order=order, limit=limit))

    newest = [f"h1-{n}" for n in range(7, 0, -1)]
    assert found == (newest if order == "newest" else newest[::-1])


async def test_last_page_has_no_next(store: RunStore) -> None:
    await store.append(a_batch(*(own(a_run(n), a_facet("tag:a")) for n in (1, 2))))

    assert (await store.runs_by_facets(by("tag:a", limit=2))).next == ""


async def test_page_that_read_enough_facets_is_short_and_has_a_next(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_facets, "READ_MAX", 3)
    most = (own(a_run(n), a_facet("tag:a", at=n), a_facet("only:b")) for n in range(1, 20))
    await store.append(a_batch(own(a_run(50), a_facet("tag:a"), a_facet("one:c")), *most))

    assert await all_pages(store, by("tag:a", "one:c|d")) == ["h1-50"]


async def test_facets_of_a_newer_row_replace_the_older_ones(store: RunStore) -> None:
    await store.append(a_batch(own(a_run(1), a_facet("tag:old"), a_facet("tag:same"))))
    await store.append(a_batch(own(a_run(1), a_facet("tag:new"), a_facet("tag:same"), after=1)))

    assert await listed(store, by("tag:old")) == []
    assert await listed(store, by("tag:new", "tag:same")) == ["h1-1 0"]


async def test_row_without_facets_takes_them_away(store: RunStore) -> None:
    await store.append(a_batch(own(a_run(1), a_facet("tag:old"))))
    await store.append(a_batch(own(a_run(1), after=1)))

    assert await listed(store, by("tag:old")) == []


async def test_row_that_is_refused_as_old_changes_no_facet(store: RunStore) -> None:
    await store.append(a_batch(own(a_run(1), a_facet("tag:here")), own(a_run(1), after=1)))
    late = with_facets(a_run(1), a_facet("tag:late"), seq=1)

    await store.append(a_batch(replace(a_row(a_run(1)), summary=late)))

    assert await listed(store, by("tag:late|here")) == []


async def test_row_from_a_peer_brings_its_facets(store: RunStore) -> None:
    row = with_facets(a_run(1, host="h2"), a_facet("tag:far"))

    await store.append(a_batch(replace(a_row(a_run(1, host="h2")), summary=row)))

    assert await listed(store, by("tag:far")) == ["h2-1 0"]


async def test_changes_have_the_facets_for_other_hosts(store: RunStore) -> None:
    await store.append(a_batch(own(a_run(1), a_facet("tag:prod", 3))))

    (change,) = await store.changes(0, 9)

    assert isinstance(change.row, Summary)
    assert change.row.facets == (a_facet("tag:prod", 3),)


async def test_row_of_a_higher_edition_replaces_one_of_the_same_events(store: RunStore) -> None:
    await store.append(a_batch(own(a_run(1), a_facet("tag:old"))))
    again = with_facets(a_run(1), a_facet("tag:new"), edition=1)

    await store.append(a_batch(replace(a_row(a_run(1)), summary=again)))

    assert await listed(store, by("tag:old|new")) == ["h1-1 0"]
    assert await listed(store, by("tag:new")) == ["h1-1 0"]


async def test_removed_run_leaves_no_facets(store: RunStore) -> None:
    await store.append(a_batch(own(a_run(1), a_facet("tag:prod")), own(a_run(2))))

    await store.append(Batch(prunes=(a_removal(a_run(1)), a_removal(a_run(2)))))

    assert await listed(store, by("tag:prod")) == []


async def test_text_of_a_facet_is_kept_to_the_letter(store: RunStore) -> None:
    facet = Facet(kind="ta'g\n", key='a"b\\ü😀=%_[1]', row=7, at=NOON)
    await store.append(a_batch(own(a_run(1), facet)))

    page = await store.runs_by_facets(
        FacetQuery(filters=(FacetFilter(kind=facet.kind, keys=(facet.key,)),))
    )

    assert [match.run.facets for match in page.matches] == [(facet,)]


@pytest.mark.parametrize(
    "query",
    [
        FacetQuery(filters=()),
        FacetQuery(filters=(FacetFilter(kind="tag", keys=()),)),
        by("tag:a", limit=0),
        by("tag:a", cursor="x"),
        by("tag:a", cursor="1.2.no-run"),
    ],
    ids=["no filter", "no key", "limit 0", "no cursor", "cursor without a run"],
)
async def test_query_that_makes_no_sense_is_refused(store: RunStore, query: FacetQuery) -> None:
    with pytest.raises(Yours):
        await store.runs_by_facets(query)


async def test_facet_that_a_peer_sends_twice_counts_once(store: RunStore) -> None:
    run, twice = a_run(1), (a_facet("tag:prod"), a_facet("tag:prod"))
    await store.append(a_batch(own(run, a_facet("tag:test"))))

    await store.append(a_batch(an_append(run, 1, summary=a_summary(run, seq=2, facets=twice))))

    assert await listed(store, by("tag:prod")) == [f"{run} 0"]
