"""The core of a hub, made from what the store kept."""

from floe.host.inputs import Drain, Incoming
from floe.hub.parts import core_of, hello_of
from floe.model.ids import Instant
from floe.store.base import Batch, LedgerWrite
from tests.hands import parts_of
from tests.make import a_flow


async def test_core_continues_the_serial_and_the_drain_of_the_store() -> None:
    parts = parts_of(a_flow())
    await parts.store.open()
    rows = (
        LedgerWrite(kind="serial", key="run", value=41),
        LedgerWrite(kind="drain", key="host", value=True),
    )
    await parts.store.append(Batch(ledger=rows))

    core = await core_of(parts.host, parts.store, parts.clock, str)

    assert (core.site.serial, core.site.draining) == (41, True)


async def test_store_keeps_the_term_of_its_first_core() -> None:
    parts = parts_of(a_flow())
    await parts.store.open()
    first = await core_of(parts.host, parts.store, parts.clock, str)
    again = await core_of(parts.host, parts.store, parts.clock, str)

    assert again.site.term == first.site.term
    assert (
        not again.step([Incoming(input=Drain(on=False), ticket=1)], Instant(1)).replies[0].changed
    )


async def test_two_starts_on_one_store_differ_by_their_process() -> None:
    parts = parts_of(a_flow())
    await parts.store.open()

    first, second = hello_of(parts), hello_of(parts)

    assert (first.store, first.process != second.process) == (second.store, True)
