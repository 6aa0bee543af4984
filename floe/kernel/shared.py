"""Maps, sets and lists whose versions share most of their items.

Each event makes a new version of a run. If that copied a map of all nodes, a step of a wide run
would cost more than one of a narrow run. So a large map is a base, which many versions share, below
a small layer of its own. A small map is a dict that is copied, which is faster.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any, Final, Generic, TypeVar, overload

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

COPIED_MAX: Final = 256
"""Items of a map or set that is copied."""

_GONE: Final[Any] = object()
"""In a layer, in place of the value of an item that was removed."""


class _SharedMap(Mapping[K, V]):
    """A base below a layer of newer values; in the order of a dict that had got them."""

    __slots__ = ("base", "count", "layer")

    def __init__(self, base: Mapping[K, V], layer: Mapping[K, V], count: int) -> None:
        self.base = base
        self.layer = layer
        self.count = count

    def __getitem__(self, key: K) -> V:
        return self.layer[key] if key in self.layer else self.base[key]

    def __contains__(self, key: object) -> bool:
        return key in self.layer or key in self.base

    def __iter__(self) -> Iterator[K]:
        yield from self.base
        yield from (key for key in self.layer if key not in self.base)

    def __len__(self) -> int:
        return self.count


class _ThinnedMap(_SharedMap[K, V]):
    """A shared map of which items were removed: its layer marks them."""

    __slots__ = ()

    def __getitem__(self, key: K) -> V:
        if (value := super().__getitem__(key)) is _GONE:
            raise KeyError(key)
        return value

    def __contains__(self, key: object) -> bool:
        if key in self.layer:
            return self.layer[key] is not _GONE  # type: ignore[index]  # it is a key of it
        return key in self.base

    def __iter__(self) -> Iterator[K]:
        yield from (key for key in self.base if self.layer.get(key) is not _GONE)
        new = (key for key in self.layer if key not in self.base)
        yield from (key for key in new if self.layer[key] is not _GONE)


class _SharedSet(Set[K], Generic[K]):
    """A base below a layer that tells which members came and went."""

    __slots__ = ("base", "count", "layer")

    def __init__(self, base: Set[K], layer: Mapping[K, bool], count: int) -> None:
        self.base = base
        self.layer = layer
        self.count = count

    def __contains__(self, member: object) -> bool:
        is_member = self.layer.get(member)  # type: ignore[arg-type]  # any object may be asked for
        return member in self.base if is_member is None else is_member

    def __iter__(self) -> Iterator[K]:
        yield from (one for one in self.base if self.layer.get(one, True))
        yield from (one for one, is_in in self.layer.items() if is_in and one not in self.base)

    def __len__(self) -> int:
        return self.count


class _SharedList(Sequence[T_co]):
    """A base before a short tail."""

    __slots__ = ("base", "tail")

    def __init__(self, base: tuple[T_co, ...], tail: tuple[T_co, ...]) -> None:
        self.base = base
        self.tail = tail

    @overload
    def __getitem__(self, at: int) -> T_co: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[T_co, ...]: ...
    def __getitem__(self, at: int | slice) -> T_co | tuple[T_co, ...]:
        if isinstance(at, slice):
            return (*self.base, *self.tail)[at]
        at += len(self) if at < 0 else 0
        return self.base[at] if at < len(self.base) else self.tail[at - len(self.base)]

    def __iter__(self) -> Iterator[T_co]:
        yield from self.base
        yield from self.tail

    def __len__(self) -> int:
        return len(self.base) + len(self.tail)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _SharedList) and (*self,) == (*other,)

    __hash__ = None  # type: ignore[assignment]  # as of a list: no state that has one is a key


def with_last(items: Sequence[T], item: T) -> Sequence[T]:
    """The items, shared, with one more at their end."""
    if len(items) < COPIED_MAX:
        return (*items, item)
    base, tail = (items.base, items.tail) if isinstance(items, _SharedList) else (tuple(items), ())
    tail = (*tail, item)
    if len(tail) ** 2 > len(base):
        return _SharedList((*base, *tail), ())
    return _SharedList(base, tail)


def with_item(items: Mapping[K, V], key: K, value: V) -> Mapping[K, V]:
    """The items, shared, with one more, or with a new value for a key."""
    if len(items) < COPIED_MAX:
        return {**items, key: value}
    count = len(items) + (key not in items)
    if not isinstance(items, _SharedMap):
        return _SharedMap(items, {key: value}, count)
    return _layered(type(items), items.base, {**items.layer, key: value}, count)


def without_item(items: Mapping[K, V], key: K) -> Mapping[K, V]:
    """The items, shared, without that of a key."""
    if key not in items:
        return items
    if len(items) <= COPIED_MAX:
        return {name: value for name, value in items.items() if name != key}
    base, layer = (items.base, items.layer) if isinstance(items, _SharedMap) else (items, {})
    return _layered(_ThinnedMap, base, {**layer, key: _GONE}, len(items) - 1)


def _layered(
    made: type[_SharedMap[K, V]], base: Mapping[K, V], layer: Mapping[K, V], count: int
) -> _SharedMap[K, V]:
    """A map of a base and a layer, with a new base once the layer is large."""
    if not _is_large(layer, count):
        return made(base, layer, count)
    merged = {**base, **layer}
    if made is _ThinnedMap:
        merged = {key: value for key, value in merged.items() if value is not _GONE}
    return _SharedMap(merged, {}, count)


def with_member(members: Set[K], member: K) -> Set[K]:
    """The members, shared, with one more."""
    return _changed(members, member, is_in=True)


def without_member(members: Set[K], member: K) -> Set[K]:
    """The members, shared, without one of them."""
    return _changed(members, member, is_in=False)


def _changed(members: Set[K], member: K, *, is_in: bool) -> Set[K]:
    if len(members) < COPIED_MAX:
        return frozenset(members) | {member} if is_in else frozenset(members) - {member}
    base, layer = (
        (members.base, members.layer) if isinstance(members, _SharedSet) else (members, {})
    )
    layer = {**layer, member: is_in}
    count = len(members) + is_in - (member in members)
    if not _is_large(layer, count):
        return _SharedSet(base, layer, count)
    gone = [one for one, is_there in layer.items() if not is_there]
    return frozenset(base).union(layer).difference(gone)


def _is_large(layer: Mapping[K, object], count: int) -> bool:
    """Whether the layer, copied for each version, costs more than a new base now and then."""
    return len(layer) ** 2 > count
