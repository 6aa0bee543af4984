"""Maps, sets and lists with many versions: equal to plain ones, and small."""

import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floe.kernel import shared
from floe.kernel.shared import with_item, with_last, with_member, without_item, without_member

KEYS = st.integers(0, 40)


@pytest.fixture(autouse=True, scope="module")
def _soon_shared() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared, "COPIED_MAX", 8)
        yield


@given(st.lists(st.tuples(KEYS, st.integers()), max_size=200))
def test_map_is_a_dict_that_got_the_same_items(updates: list[tuple[int, int]]) -> None:
    plain: dict[int, int] = {}
    items: Mapping[int, int] = {}

    for key, value in updates:
        items = with_item(items, key, value)
        plain[key] = value

    assert list(items.items()) == list(plain.items())
    assert items == plain
    assert len(items) == len(plain)
    assert [key in items for key in range(50)] == [key in plain for key in range(50)]


@given(st.lists(st.tuples(KEYS, st.integers(0, 3)), max_size=300))
def test_map_is_a_dict_that_got_and_lost_the_same_items(updates: list[tuple[int, int]]) -> None:
    plain: dict[int, int] = {}
    items: Mapping[int, int] = {}

    for key, value in updates:
        items = with_item(items, key, value) if value else without_item(items, key)
        plain = plain | {key: value} if value else {k: v for k, v in plain.items() if k != key}

    assert items == plain
    assert sorted(items) == sorted(plain)
    assert len(items) == len(plain)
    assert [items.get(key) for key in range(50)] == [plain.get(key) for key in range(50)]
    assert [key in items for key in range(50)] == [key in plain for key in range(50)]


def test_removal_from_a_large_map_shares_the_rest() -> None:
    items: Mapping[int, int] = dict.fromkeys(range(1000), 0)

    fewer = without_item(without_item(items, 5), 7)
    more = with_item(fewer, 5, 1)

    assert (len(fewer), len(more), more[5], 7 in more) == (998, 999, 1, False)
    assert [*more][:7] == [0, 1, 2, 3, 4, 5, 6]
    assert (fewer.get(5), without_item(fewer, 5) is fewer) == (None, True)


def test_map_that_lost_most_of_its_items_is_a_dict_of_the_others() -> None:
    items: Mapping[int, int] = dict.fromkeys(range(1000), 0)

    for key in range(900):
        items = without_item(with_item(items, key, 1), key)

    assert items == dict.fromkeys(range(900, 1000), 0)


@given(st.lists(st.tuples(KEYS, st.booleans()), max_size=200))
def test_set_is_a_set_that_got_and_lost_the_same_members(updates: list[tuple[int, bool]]) -> None:
    plain: set[int] = set()
    members: Set[int] = frozenset()

    for member, comes in updates:
        members = (with_member if comes else without_member)(members, member)
        (plain.add if comes else plain.discard)(member)

    assert members == plain
    assert sorted(members) == sorted(plain)
    assert len(members) == len(plain)
    assert [one in members for one in range(50)] == [one in plain for one in range(50)]


@pytest.mark.parametrize("count", [0, 5, 8, 9, 30, 100])
def test_list_is_a_tuple_that_got_the_same_items(count: int) -> None:
    versions: list[Sequence[int]] = [()]
    for item in range(count):
        versions.append(with_last(versions[-1], item))

    last = versions[-1]

    assert all(tuple(items) == tuple(range(len(items))) for items in versions)
    assert [last[at] for at in range(-count, count)] == [*range(count), *range(count)]
    assert last[-3:] == tuple(range(count))[-3:]


def test_shared_lists_are_equal_if_their_items_are() -> None:
    def listed(items: Iterable[int]) -> Sequence[int]:
        made: Sequence[int] = ()
        for item in items:
            made = with_last(made, item)
        return made

    assert listed(range(20)) == listed(range(20))
    assert listed(range(20)) != listed(range(1, 21))
    assert listed(range(20)) != listed(range(21))


def test_each_member_of_a_shared_set_comes_once() -> None:
    members: Set[int] = frozenset(range(100))
    for change, member in ((without_member, 1), (without_member, 2), (with_member, 2)):
        members = change(members, member)
    members = with_member(members, 100)

    assert isinstance(members, shared._SharedSet)
    assert sorted(members) == [0, *range(2, 101)]


def versions_of_a_map(updates: Iterable[int]) -> list[Mapping[int, int]]:
    none: Mapping[int, int] = {}
    return list(accumulate(updates, lambda items, n: with_item(items, n, n), initial=none))


def versions_of_a_set(updates: Iterable[int]) -> list[Set[int]]:
    none: Set[int] = frozenset()
    return list(accumulate(updates, with_member, initial=none))


def test_each_version_of_a_map_stays_as_it_was() -> None:
    maps = versions_of_a_map(n % 30 for n in range(100))

    assert [dict(version) for version in maps] == [
        {key: key for key in range(min(n, 30))} for n in range(101)
    ]
    assert [29 in version for version in maps] == [n >= 30 for n in range(101)]


def test_each_version_of_a_set_stays_as_it_was() -> None:
    grown = versions_of_a_set(range(50))
    shrunk = list(accumulate(range(50), without_member, initial=grown[-1]))

    assert [set(version) for version in grown] == [set(range(n)) for n in range(51)]
    assert [set(version) for version in shrunk] == [set(range(n, 50)) for n in range(51)]


@pytest.mark.parametrize("versions", [versions_of_a_map, versions_of_a_set])
def test_versions_share_their_items(versions: Callable[[Iterable[int]], object]) -> None:
    tracemalloc.start()
    kept = versions(range(2_000))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert kept
    assert size < 2_000 * 5_000  # bytes; copies would take twenty times as much
