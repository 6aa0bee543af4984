"""Calls of a hub: their addresses, and answers that count once."""

import asyncio

import pytest

from floe.hub.hub import Hub
from floe.model.callback import Callback, CallbackId
from floe.model.errors import NotFound, ValuesInvalid, World
from floe.model.flow import Foreach
from floe.model.form import Field, Form
from floe.model.ids import FlowId, Instant, NodeId
from floe.model.nouns import replace
from floe.model.run import Run
from tests.hands import a_hub, live, until
from tests.make import a_flow, a_node, the_key

URL = "https://ci.example.com/callback"
ASK = a_node("ask", Callback(form=Form(title="Ask", fields=(Field(id="a", prompt="a"),))))
CALLS = a_flow(ASK, id=FlowId("calls"))
ITEMS = a_flow(
    replace(ASK, id=NodeId("all"), foreach=Foreach(values=("x", "y"))), id=FlowId("items")
)


async def waiting(hub: Hub, flow: str = "calls") -> Run:
    """A run with an open call."""
    run = (await hub.trigger(flow, values={}, by="ada")).id
    await until(lambda: (at := live(hub, run)) is not None and at.nodes)
    return await hub.reads.run(run)


def id_in(address: str) -> tuple[CallbackId, str]:
    of, at, proof = address.removeprefix(f"{URL}/").split("/")
    id = CallbackId.parse(of, at)
    assert id is not None
    return id, proof


async def test_each_item_has_an_address_of_its_own() -> None:
    async with a_hub(ITEMS, callbacks_url=URL) as hub:
        run = await waiting(hub, "items")
        found = [(state.item, url) for _, state, url in await hub.callbacks.open_of(run)]

    assert [item for item, _ in found] == [0, 1]
    assert len({url for _, url in found}) == 2


async def test_of_two_answers_at_once_one_counts() -> None:
    async with a_hub(CALLS, callbacks_url=URL) as hub:
        run = await waiting(hub)
        [(_, state, url)] = await hub.callbacks.open_of(run)
        id, _ = id_in(url)
        counted = await asyncio.gather(
            *(hub.callbacks.answer(run, id, state, {"a": text}) for text in ("one", "two"))
        )
        after, _ = hub.callbacks.standing(await hub.reads.run(str(run.ref)), id)

    assert sorted(counted) == [False, True]
    assert after == "answered"


async def test_an_answer_that_does_not_fit_changes_nothing() -> None:
    async with a_hub(CALLS, callbacks_url=URL) as hub:
        run = await waiting(hub)
        [(_, state, url)] = await hub.callbacks.open_of(run)
        id, _ = id_in(url)
        with pytest.raises(ValuesInvalid):
            await hub.callbacks.answer(run, id, state, {"b": 1})
        after, _ = hub.callbacks.standing(await hub.reads.run(str(run.ref)), id)

    assert after == "open"


async def test_an_address_is_unknown_without_its_proof() -> None:
    async with a_hub(CALLS, callbacks_url=URL) as hub:
        run = await waiting(hub)
        [(_, _, url)] = await hub.callbacks.open_of(run)
        id, proof = id_in(url)
        found = await hub.callbacks.find(id, proof)
        with pytest.raises(NotFound):
            await hub.callbacks.find(replace(id, visit=2), proof)

    assert isinstance(found, Run)
    assert found.ref == run.ref


async def test_a_run_that_began_again_has_new_addresses() -> None:
    async with a_hub(CALLS, callbacks_url=URL) as hub:
        run = await waiting(hub)
        [(_, state, url)] = await hub.callbacks.open_of(run)
        id, _ = id_in(url)
        earlier = replace(id, entered_at=Instant(state.entered_at - 1))

    assert hub.callbacks.standing(run, earlier) == ("over", None)
    assert hub.callbacks.standing(None, id) == ("over", None)


async def test_a_host_without_an_address_of_its_own_makes_none() -> None:
    async with a_hub(CALLS) as hub:
        run = await waiting(hub)
        [(id, _, url)] = await hub.callbacks.open_of(run)
        assert (id, url) == ("ask", "")
        with pytest.raises(World, match="no address for callbacks"):
            await hub.callbacks.address_of(the_key(run, "ask"))
