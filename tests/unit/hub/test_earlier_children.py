"""Which children of lost starts are left, as a hub reads it in its lists."""

from collections.abc import Collection
from dataclasses import replace

import pytest

from floe.host.inputs import ChildrenLeft
from floe.hub import children as children_module
from floe.hub.children import children_left
from floe.model.ids import HostId, Key, NodeId, RunRef, StoreId
from floe.model.summary import Summary
from floe.store.base import Append, Batch
from floe.store.memory import MemoryStore
from tests.make import REF
from tests.make_store import a_run, a_summary

UNREAD = ChildrenLeft(epoch=2, rows=5)


def a_child(serial: int = 1, **others: object) -> Summary:
    """A child of `REF` that h2 adopted and h3 runs."""
    row = a_summary(a_run(serial, host="h2", store="aaaa"))
    given = {
        "state": "active",
        "host": HostId("h3"),
        "store": StoreId("bbbb"),
        "parent": str(Key(REF, 1, NodeId("go"), 1, 1)),
        "awaited": True,
    }
    return replace(row, **(given | others))  # type: ignore[arg-type]  # fields of it


async def names_left(*rows: Summary, forgotten: Collection[str] = ()) -> tuple[str, ...]:
    """What the parent waits for, with these rows in the lists."""
    store = MemoryStore()
    await store.open()
    appends = [
        Append(run=RunRef.parse(row.key), epoch=row.epoch, after=0, records=(), summary=row)
        for row in rows
    ]
    await store.append(Batch(appends=tuple(appends)))
    [one] = await children_left({REF: UNREAD}, store, forgotten, str)
    await store.close()
    assert isinstance(one.input, ChildrenLeft)
    assert (one.run, replace(one.input, names=())) == (REF, UNREAD)
    return one.input.names


async def test_child_that_runs_elsewhere_is_left() -> None:
    names = await names_left(a_child())

    assert names == ("the end of h2-1, a child of its lost start, active on h3",)


async def test_child_that_waits_for_a_host_is_left_while_its_adopter_lives() -> None:
    names = await names_left(a_child(state="pending", host=None, store=None))

    assert names == ("the end of h2-1, a child of its lost start, which waits for a host",)


@pytest.mark.parametrize(
    "row",
    [
        a_child(state="archive"),
        a_child(awaited=False),
        a_child(parent=str(Key(a_run(7), 1, NodeId("go"), 1, 1))),
        a_child(parent="", awaited=False),
    ],
    ids=["ended", "not waited for", "of a different parent", "no child"],
)
async def test_other_run_is_not_left(row: Summary) -> None:
    assert await names_left(row) == ()


@pytest.mark.parametrize(
    "row",
    [a_child(host=HostId("h2"), store=StoreId("aaaa")), a_child(state="pending", host=None)],
    ids=["running there", "not given away"],
)
async def test_child_of_a_forgotten_host_is_lost_with_it(row: Summary) -> None:
    assert await names_left(row, forgotten=("h2@aaaa",)) == ()


async def test_child_of_a_forgotten_host_that_runs_elsewhere_is_left() -> None:
    assert len(await names_left(a_child(), forgotten=("h2@aaaa",))) == 1


async def test_children_on_all_pages_of_the_lists_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children_module, "PAGE", 1)

    assert len(await names_left(a_child(1), a_child(2), a_child(3))) == 3
