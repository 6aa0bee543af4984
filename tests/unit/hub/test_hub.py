"""Acts of callers: each once, and refused with a reason."""

import pytest

from floe.model.errors import Conflict, NotFound
from tests.hands import Hands, a_hub, over, settled, until
from tests.make import a_flow, a_form, a_node, an_end

FLOW = a_flow(a_node("build"), an_end(on="task.build.good"))
SIGNED = a_flow(a_form("sign-off"), an_end(on="task.sign-off.good"))


async def test_trigger_with_a_known_key_is_answered_with_the_first_run() -> None:
    async with a_hub(FLOW) as hub:
        first = await hub.trigger("flow", values={}, by="alice", once="k")
        again = await hub.trigger("flow", values={}, by="bob", once="k")

    assert (again.id, first.is_known, again.is_known) == (first.id, False, True)


async def test_flow_that_no_host_has_is_not_found() -> None:
    async with a_hub(FLOW) as hub:
        with pytest.raises(NotFound, match="no flow 'other'"):
            await hub.trigger("other", values={}, by="alice")


async def test_form_is_answered_once() -> None:
    async with a_hub(SIGNED) as hub:
        run = (await hub.trigger("flow", values={}, by="alice")).id
        await settled(hub)
        done = await hub.give(run, "sign-off", {"ok": True}, by="bob")
        await until(over(hub, run))

        with pytest.raises(Conflict):
            await hub.give(run, "sign-off", {"ok": False}, by="carol")

    assert done.id == run


async def test_run_that_is_over_is_not_cancelled() -> None:
    hands = Hands()
    async with a_hub(FLOW, hands=hands) as hub:
        run = (await hub.trigger("flow", values={}, by="alice")).id
        await settled(hub)
        hands.exit("build")
        await until(over(hub, run))

        with pytest.raises(Conflict, match="is over"):
            await hub.cancel(run, by="bob")
