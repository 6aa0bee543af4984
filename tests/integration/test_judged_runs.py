"""Runs of judged flows on a hub with real evaluator processes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from floe.evaluators.pool import EvaluatorPool
from floe.host.rows import row_of
from floe.hub.hub import Hub
from floe.kernel.evolve import fold
from floe.model.codec import digest_of, encode, encode_event, to_text
from floe.model.flow import Flow
from floe.model.ids import NodeId, RunRef
from floe.model.nouns import replace as changed
from floe.model.passes import RunOpened
from floe.store.base import Append, Batch, LedgerWrite, Record
from floe.store.memory import MemoryStore
from tests.hands import Hands, a_hub, live, until
from tests.make import H1, NOW
from tests.make_evaluators import pool_of
from tests.toy.reader import toy_flow

pytestmark = pytest.mark.slow


def a_judged_flow(*steps: str) -> Flow:
    """A flow of the toy dialect, which an evaluator process judges."""
    flow = toy_flow("toy", steps)
    assert flow.states is not None
    return replace(flow, states=replace(flow.states, dialect="steps"))


async def opened(store: MemoryStore, flow: Flow) -> str:
    """Store a run of a flow that has just begun; its key."""
    await store.open()
    ref = RunRef(H1, store.store_id, 1)
    event = RunOpened(
        at=NOW,
        flow=flow.id,
        ver=flow.ver,
        digest=digest_of(flow),
        trigger=NodeId("start"),
        values={},
        by="alice",
        host=H1,
        store=store.store_id,
    )
    body = to_text(encode_event(event))
    run = changed(fold(ref, [event]), flow=flow)
    append = Append(
        run=ref,
        epoch=1,
        after=0,
        records=(Record(run=ref, epoch=1, seq=1, event=event, body=body),),
        summary=row_of(run, None),
    )
    row = LedgerWrite(kind="flow", key=digest_of(flow), value=encode(flow))
    await store.append(Batch(appends=(append,), ledger=(row,)))
    return ref.key


def whys(hub: Hub, run: str) -> list[str]:
    """What the nodes of a run came to, and why."""
    at = live(hub, run)
    return [state.outcome.why if state.outcome else "" for state in at.nodes.values()] if at else []


@asynccontextmanager
async def a_judging_hub(
    store: MemoryStore, **limits: Any
) -> AsyncIterator[tuple[Hub, EvaluatorPool]]:
    """A hub whose commands end good at once, and its evaluator processes."""
    pool = pool_of(**limits)
    async with a_hub(store=store, hands=Hands(at_once=0), evaluators=pool) as hub:
        yield hub, pool


async def test_run_is_judged_until_it_is_over() -> None:
    store = MemoryStore()
    run = await opened(store, a_judged_flow("a", "b on a"))

    async with a_judging_hub(store, count=2) as (hub, _):
        await until(lambda: live(hub, run) is None)
        row = await hub.reads.summary(hub.reads.ref(run))

    assert (row.phase, row.result) == ("packed", "good")


async def test_judgement_that_a_restart_interrupts_is_made_again() -> None:
    store = MemoryStore()
    run = await opened(store, a_judged_flow("sleep"))

    async with a_judging_hub(store) as (_, pool):
        await until(lambda: pool.counts().running)
    async with a_judging_hub(store, limit_s=1.0) as (hub, _):
        await until(lambda: whys(hub, run) == ["could not be judged: timed out after 1 s"])


async def test_cancel_of_a_run_ends_its_judgement() -> None:
    store = MemoryStore()
    run = await opened(store, a_judged_flow("sleep"))

    async with a_judging_hub(store) as (hub, pool):
        await until(lambda: pool.counts().running)
        await hub.cancel(run, by="alice")
        await until(lambda: not pool.counts().waiting)
        await until(lambda: live(hub, run) is None)


async def test_poisonous_step_fails_alone() -> None:
    store = MemoryStore()
    run = await opened(store, a_judged_flow("exit", "a"))

    async with a_judging_hub(store) as (hub, _):
        await until(lambda: (at := live(hub, run)) is not None and at.phase == "resting")

        assert whys(hub, run) == ["could not be judged: ended with exit status 7", ""]


async def test_why_names_what_delays_a_judgement() -> None:
    store = MemoryStore()
    run = await opened(store, a_judged_flow("sleep"))

    async with a_judging_hub(store, limit_s=1.0) as (hub, pool):
        ref = hub.reads.ref(run)
        await until(lambda: "timed out after 1 s" in pool.wait_of(ref))
        why = await hub.reads.why(run)

    assert "timed out after 1 s" in why.text
