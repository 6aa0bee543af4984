"""Fills a store with copies of runs, faster than running them."""

import asyncio
from dataclasses import replace
from pathlib import Path

from floe.model.ids import Instant, RunRef
from floe.store.base import Append, Batch, LedgerWrite, RunQuery
from floe.store.sqlite import SqliteStore

BATCH = 500


def fill(root: Path, count: int) -> None:
    """Copy the newest run of a stopped host until it has this many, with their folders."""
    asyncio.run(_fill(root, count))


async def _fill(root: Path, count: int) -> None:
    store = SqliteStore(root)
    await store.open()
    try:
        [row] = (await store.runs(RunQuery(limit=1))).runs
        ref = RunRef.parse(row.key, store.store_id)
        model = [stored.record for stored in await store.history(ref)]
        for first in range(ref.serial + 1, count + 1, BATCH):
            serials = range(first, min(first + BATCH, count + 1))
            appends = []
            for serial in serials:
                copy = RunRef(ref.host, ref.store, serial)
                at = Instant(row.pended_at + serial - count - 1)
                summary = replace(row, id=str(copy), key=copy.key, pended_at=at)
                records = tuple(replace(record, run=copy) for record in model)
                appends.append(
                    Append(run=copy, epoch=row.epoch, after=0, records=records, summary=summary)
                )
                for folder in (root / "runs", root / f"spaces/{row.flow}/ws"):
                    (folder / copy.key).mkdir(parents=True, exist_ok=True)
            serial_row = LedgerWrite(kind="serial", key="run", value=serials[-1])
            await store.append(Batch(appends=appends, ledger=[serial_row]))
    finally:
        await store.close()
