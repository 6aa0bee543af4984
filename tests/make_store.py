"""Builders for tests of the stores: runs, records, appends and rows, with what does not matter."""

from collections.abc import Iterable
from dataclasses import replace

from floe.model.codec import encode_event, to_text
from floe.model.event import CancelAsked, Event, RunPended
from floe.model.ids import FlowId, HostId, Instant, Json, NodeId, RunRef, StoreId
from floe.model.run import Pruned
from floe.model.summary import Summary, completed
from floe.store.base import Append, Batch, LedgerWrite, Record, RunQuery, RunStore, Stored

NOON = Instant(1_800_000_000_000)


def a_run(serial: int = 1, host: str = "h1", store: str = "k3f9") -> RunRef:
    return RunRef(HostId(host), StoreId(store), serial)


def an_event(why: str = "because", at: int = NOON) -> Event:
    return CancelAsked(at=Instant(at), by="ann", why=why)


def a_pend(values: dict[str, Json] | None = None) -> Event:
    return RunPended(
        at=NOON, flow=FlowId("build"), ver=1, trigger=NodeId("start"), values=values or {}, by="ann"
    )


def a_record(run: RunRef, seq: int, epoch: int = 0, event: Event | None = None) -> Record:
    event = event or an_event(f"{run} {seq}")
    return Record(run=run, epoch=epoch, seq=seq, event=event, body=to_text(encode_event(event)))


def an_append(
    run: RunRef,
    after: int = 0,
    count: int = 1,
    *,
    epoch: int = 0,
    events: Iterable[Event] = (),
    summary: Summary | None = None,
) -> Append:
    facts = tuple(events) or tuple(an_event(f"{run} {after + n}") for n in range(1, count + 1))
    records = tuple(a_record(run, seq, epoch, event) for seq, event in enumerate(facts, after + 1))
    return Append(run=run, epoch=epoch, after=after, records=records, summary=summary)


def a_batch(*appends: Append, promise: bool = False) -> Batch:
    return Batch(appends=appends, promise=promise)


def a_note(key: str, value: Json, kind: str = "mark") -> LedgerWrite:
    return LedgerWrite(kind=kind, key=key, value=value)


def a_summary(run: RunRef | None = None, **fields: object) -> Summary:
    run = run or a_run()
    row = Summary(
        id=str(run),
        key=run.key,
        flow=FlowId("build"),
        ver=1,
        state="pending",
        phase="pending",
        good=None,
        why="",
        host=None,
        adopted_by=run.host,
        epoch=0,
        seq=1,
        trigger=NodeId("start"),
        by="ann",
        pended_at=Instant(NOON + run.serial),
        started_at=None,
        ended_at=None,
    )
    return completed(replace(row, **fields))  # type: ignore[arg-type]  # names are checked by replace


def a_row(run: RunRef, **fields: object) -> Append:
    """An append that only offers a row for the run."""
    return Append(run=run, epoch=0, after=0, records=(), summary=a_summary(run, **fields))


def a_removal(run: RunRef | None = None, *, at: int = NOON, epoch: int | None = None) -> Pruned:
    run = run or a_run()
    return Pruned(key=run.key, flow=FlowId("build"), at=Instant(at), why="it was old", epoch=epoch)


def records_of(stored: Iterable[Stored]) -> list[Record]:
    return [one.record for one in stored]


async def keys_page_by_page(store: RunStore, query: RunQuery) -> list[str]:
    """All runs of a query, by following cursors."""
    keys: list[str] = []
    page = await store.runs(query)
    keys += [row.key for row in page.runs]
    while page.next:
        page = await store.runs(replace(query, cursor=page.next))
        keys += [row.key for row in page.runs]
    return keys
