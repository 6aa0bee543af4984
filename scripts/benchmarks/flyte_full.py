"""A host whose inbox of events is full: what more events come to, and whether one is lost."""

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Final

from floe.dialects.flyte.audit import go_time
from floe.dialects.flyte.compiled import DIALECT
from floe.dialects.flyte.events import kept_event
from floe.host.inbox import INBOX, ROWS_MAX
from floe.model.codec import to_text
from floe.model.ids import Instant, Json
from floe.store.base import Batch, LedgerWrite
from floe.store.sqlite import SqliteStore
from scripts.benchmarks import machine
from scripts.benchmarks.figures import Row, least, most
from scripts.benchmarks.flyte_client import Client
from scripts.benchmarks.flyte_host import WIDE, FlyteHost, an_event
from scripts.benchmarks.host import wait_served

BATCH: Final = 5_000
SENDERS: Final = 64
EVENTS: Final = 2_000
"""That are sent to the full inbox, each after the answer to the one before of its sender."""


class Answers:
    """What the senders of events got."""

    def __init__(self) -> None:
        self.ms: list[float] = []
        self.accepted = self.refused = self.others = 0
        """202; 503 with a time after which to try again; anything else."""


def full_rows(folder: Path) -> list[Row]:
    """Events for ten flows each, more than a host keeps; then the store, without its host."""
    served = FlyteHost(folder / "full")
    with served.host:
        asyncio.run(served.prepare())
        empty_mb = machine.pss_mb(served.host.hub)
    asyncio.run(_fill(served.host.root))
    start_ms = served.host.start()
    try:
        wait_served(served.port)
        answers = asyncio.run(_flood(served.port))
        memory_mb = machine.pss_mb(served.host.hub) - empty_mb
    finally:
        served.host.stop()
    waiting, runs = _left(served.host.root)
    what = f"{ROWS_MAX:,} events wait"
    lost = ROWS_MAX + answers.accepted - waiting - runs / WIDE
    return [
        Row(f"{what}: start → ready", [start_ms], "ms"),
        Row(f"{what}: memory of the hub", [memory_mb], "MB more"),
        Row(f"{what}: refused with 503 and Retry-After", [answers.refused], "", budget=least(1)),
        Row(f"{what}: accepted meanwhile", [answers.accepted], ""),
        Row(f"{what}: other answers, and lost", [answers.others + abs(lost)], "", budget=most(0)),
        Row(f"{what}: {SENDERS} senders at once, answer, p95", answers.ms, "ms", percent=95),
    ]


async def _fill(root: Path) -> None:
    """Store as many events as a host keeps, in its ledger."""
    store = SqliteStore(root)
    await store.open()
    try:
        for first in range(1, ROWS_MAX + 1, BATCH):
            numbers = range(first, min(first + BATCH, ROWS_MAX + 1))
            rows = [LedgerWrite(kind=INBOX, key=f"{n:016d}", value=_kept(n)) for n in numbers]
            await store.append(Batch(ledger=rows))
    finally:
        await store.close()


def _kept(number: int) -> Json:
    now = Instant(time.time_ns() // 1_000_000)
    sent = an_event("Wide", number)
    event = kept_event(
        sent["event"], "Source", {}, sent["payload"], created_at="", received_at=go_time(now)
    )
    return {"dialect": DIALECT, "body": to_text(event), "at": now}


async def _flood(port: int) -> Answers:
    answers, left = Answers(), iter(range(EVENTS))

    async def send() -> None:
        async with Client(port) as client:
            for number in left:
                event, begun = an_event("Wide", number), time.perf_counter()
                status, _ = await client.ask("POST", "/v1/packs/Source/events", event)
                answers.ms.append((time.perf_counter() - begun) * 1e3)
                is_refusal = status == 503 and "\r\nretry-after:" in client.headers
                answers.accepted += status == 202
                answers.refused += is_refusal
                answers.others += status != 202 and not is_refusal

    async with asyncio.TaskGroup() as senders:
        for _ in range(SENDERS):
            senders.create_task(send())
    return answers


def _left(root: Path) -> tuple[int, int]:
    """The events that wait, and the runs, in a store whose host has stopped."""
    with closing(sqlite3.connect(root / "floe.db")) as conn:
        [[waiting]] = conn.execute("SELECT count(*) FROM ledger WHERE kind = ?", (INBOX,))
        [[runs]] = conn.execute("SELECT count(*) FROM runs")
    return int(waiting), int(runs)
