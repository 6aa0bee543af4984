"""The rows of the children of a judged run that came to a host, as its hub reads them."""

import pytest

from floe.host.inputs import ChildrenRead
from floe.hub import children as children_module
from floe.hub.children import children_read
from floe.model.ids import Key, NodeId, RunRef
from floe.store.base import Append, Batch
from floe.store.memory import MemoryStore
from tests.make import REF
from tests.make_store import a_run, a_summary


async def test_all_children_of_a_run_are_read_also_in_pages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(children_module, "PAGE", 2)
    store = MemoryStore()
    await store.open()
    key = str(Key(REF, 1, NodeId("a"), 1, 1))
    rows = [a_summary(a_run(serial), parent=key, state="archive") for serial in range(1, 6)]
    rows.append(a_summary(a_run(7), parent="", state="archive"))
    appends = [
        Append(run=RunRef.parse(row.key), epoch=row.epoch, after=0, records=(), summary=row)
        for row in rows
    ]
    await store.append(Batch(appends=tuple(appends)))

    [one] = await children_read([REF], store)

    await store.close()
    assert isinstance(one.input, ChildrenRead)
    assert (one.run, {row.key for row in one.input.rows}) == (REF, {row.key for row in rows[:5]})
