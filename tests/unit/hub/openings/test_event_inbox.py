"""The work on the inbox of events: what the store or the core refuses loses no event."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from floe.dialects.base import Around, SharedRowReader
from floe.hub.openings import event_inbox
from floe.model.codec import digest_of
from floe.model.flow import Flow
from floe.model.ids import FlowId, Json
from floe.store.base import Batch
from floe.store.memory import MemoryStore
from tests.hands import RefusingStore, a_hub, settled, until
from tests.toy.dialect import real_flow
from tests.toy.evaluators import EvaluatorsHere

BUILD = real_flow("toy build event=pushed", "a")
PUSHED: Json = {"event": "pushed"}


class Flows:
    """The same flows for each event."""

    def __init__(self, *flows: Flow) -> None:
        self.flows = flows

    async def flows_of(self, event: Json, rows: SharedRowReader) -> Mapping[str, Flow]:
        return {digest_of(flow): flow for flow in self.flows}

    def around(self, flow: Flow, digest: str, rows: SharedRowReader) -> Around | None:
        return None


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_inbox, "AGAIN_S", 0)
    monkeypatch.setattr("floe.hub.loop.STORE_RETRY_S", 0)


async def test_event_whose_runs_the_store_refuses_is_judged_again() -> None:
    store = RefusingStore()
    parts = {"event_flows": {"toy": Flows(BUILD)}, "evaluators": EvaluatorsHere()}
    async with a_hub(store=store, **parts) as hub:
        number = (await hub.inbox.hear("toy", PUSHED, wait_s=0)).number
        store.refusals = 2
        heard = await hub.inbox.opened(number, wait_s=30.0)

    assert heard.runs is not None
    assert len(heard.runs) == 1


async def test_events_of_a_host_without_evaluators_are_findings() -> None:
    async with a_hub(event_flows={"toy": Flows(BUILD)}) as hub:
        heard = await hub.inbox.hear("toy", PUSHED, wait_s=30.0)
        found = hub.inbox.findings("build")

    assert (heard.runs, found.count) == ((), 1)


class PickyStore(MemoryStore):
    """A store that cannot hold one flow."""

    async def append(self, batch: Batch) -> int:
        flows = [row.value for row in batch.ledger if row.kind == "flow"]
        if any(isinstance(flow, Mapping) and flow["id"] == "odd" for flow in flows):
            raise ValueError("half a character")
        return await super().append(batch)


async def test_event_whose_run_no_store_can_hold_is_a_finding_and_blocks_no_other() -> None:
    odd = real_flow("toy odd event=odd", "a")
    parts = {"event_flows": {"toy": Flows(odd, BUILD)}, "evaluators": EvaluatorsHere()}
    async with a_hub(store=PickyStore(), **parts) as hub:
        events: tuple[Json, ...] = ({"event": "odd"}, PUSHED)
        bad, good = [(await hub.inbox.hear("toy", one, wait_s=0)).number for one in events]
        opened = [(await hub.inbox.opened(number, wait_s=30.0)).runs for number in (bad, good)]
        found = hub.inbox.findings("odd")

    assert [len(runs or ()) for runs in opened] == [0, 1]
    assert (found.count, hub.inbox.waiting) == (1, 0)


async def test_sender_does_not_wait_while_many_events_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_inbox, "AHEAD_MAX", 0)
    parts = {"event_flows": {"toy": Flows(BUILD)}, "evaluators": EvaluatorsHere()}
    async with a_hub(**parts) as hub:
        heard = await hub.inbox.hear("toy", PUSHED, wait_s=30.0)

    assert heard.runs is None


async def test_sender_that_does_not_wait_has_the_number_alone() -> None:
    parts = {"event_flows": {"toy": Flows(BUILD)}, "evaluators": EvaluatorsHere()}
    async with a_hub(**parts) as hub:
        heard = await hub.inbox.hear("toy", PUSHED, wait_s=0)
        await until(lambda: not hub.inbox.waiting)

    assert heard == (1, None)


async def test_runs_of_many_events_are_opened_in_several_steps() -> None:
    flows = [replace(BUILD, id=FlowId(f"build{n}")) for n in range(20)]
    store = RefusingStore()
    parts = {"event_flows": {"toy": Flows(*flows)}, "evaluators": EvaluatorsHere()}
    async with a_hub(store=store, **parts) as hub:
        for _ in range(3):
            await hub.inbox.hear("toy", PUSHED, wait_s=0)
        await until(lambda: not hub.inbox.waiting)
        await settled(hub)

    opened = [len(batch.appends) for batch in store.batches if batch.appends]
    assert opened == [20, 20, 20]
