"""Lists by facets: pages of each kind of filter, in a store with many runs.

The time is that of the processor: a page reads memory, and waits for no disk.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from floe.model.facet import Facet, aligned
from floe.model.ids import FlowId, HostId, Instant, NodeId, RunRef, StoreId
from floe.model.run import Run
from floe.model.summary import summary_of
from floe.store.base import Append, Batch, FacetFilter, FacetQuery
from floe.store.sqlite import SqliteStore
from scripts.benchmarks.figures import Row, most
from scripts.benchmarks.plan import Plan

BATCH: Final = 500
ROUNDS: Final = 20
EPOCH: Final = 1_800_000_000_000

FILTERS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "all runs have it": {"team": ("all",)},
    "oldest first": {"team": ("all",)},
    "1 % have it": {"tag": ("t7",)},
    "one run has it": {"id": ("n77",)},
    "no run has it": {"id": ("none",)},
    "one flow of ten": {"flow": ("f3",)},
    "1 % have it, of one flow of ten": {"tag": ("t7",), "flow": ("f7",)},
    "1 % have it, of a flow without any": {"tag": ("t7",), "flow": ("f3",)},
    "any of 20 keys": {"tag": tuple(f"t{n}" for n in range(20))},
    "two filters, half of the runs": {"team": ("all",), "half": ("0",)},
    "three filters, 1 %": {"team": ("all",), "half": ("1",), "tag": ("t7",)},
    "two filters, never on one row": {"half": ("0",), "step": ("build",)},
}


def facets(plan: Plan) -> list[Row]:
    """A page of 50 runs, by each kind of filter."""
    taken = asyncio.run(_taken(plan))
    what = f"list by facets, {plan.history:,} runs"
    return [Row(f"{what}: {name}", found, "ms", budget=most(10)) for name, found in taken.items()]


async def _taken(plan: Plan) -> Mapping[str, list[float]]:
    store = SqliteStore(plan.folder / "facets")
    await store.open()
    try:
        for first in range(0, plan.history, BATCH):
            rows = [_row(n) for n in range(first, min(first + BATCH, plan.history))]
            await store.append(Batch(appends=rows))
        return {name: await _pages_ms(store, _query(name), plan) for name in FILTERS}
    finally:
        await store.close()


def _query(name: str) -> FacetQuery:
    filters = tuple(FacetFilter(kind=kind, keys=keys) for kind, keys in FILTERS[name].items())
    return FacetQuery(filters=filters, order="oldest" if name == "oldest first" else "newest")


async def _pages_ms(store: SqliteStore, query: FacetQuery, plan: Plan) -> list[float]:
    """The first page and the one after it, each some times."""
    first = await store.runs_by_facets(query)
    found = []
    for _ in plan.rounds(ROUNDS):
        for cursor in ("", first.next):
            begun = time.process_time()
            await store.runs_by_facets(replace(query, cursor=cursor))
            found.append((time.process_time() - begun) * 1e3)
    return found


def _row(number: int) -> Append:
    """The row of a run with eleven facets, as another host sends it."""
    at = Instant(EPOCH + number)
    run = Run(
        ref=RunRef(HostId("h2"), StoreId("aaaaaaaaaa"), number + 1),
        flow_id=FlowId("flow"),
        ver=1,
        digest=None,
        phase="active",
        seq=3,
        trigger=NodeId("start"),
        values={},
        by="ann",
        pended_at=at,
    )
    of_run = {"team": "all", "half": f"{number % 2}", "tag": f"t{number % 100}", "id": f"n{number}"}
    of_run["flow"] = f"f{number % 10}"
    of_actions = {"step": "build", "command": "make", "label": "os=linux"}
    found = [Facet(kind=kind, key=key, at=at) for kind, key in of_run.items()]
    for action in (1, 2):
        found += [Facet(kind=kind, key=key, row=action, at=at) for kind, key in of_actions.items()]
    row = replace(summary_of(run), facets=aligned(found))
    return Append(run=run.ref, epoch=0, after=0, records=(), summary=row)
