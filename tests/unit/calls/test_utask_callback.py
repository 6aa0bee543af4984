"""uTask's action `callback`: the address, its id, and what the step that waits comes to."""

import json

import pytest

from floe.calls.utask.callback import address_of
from floe.dialects.utask.ids import UtaskId, id_in, id_text
from floe.model.ids import Json
from floe.model.signal import Answered
from floe.nodes.call_ground import CallGround
from tests.make_nodes import a_key
from tests.make_utask_calls import OwnHub, came_to, ground_of

KEY = bytes(range(16))
ITEMS: Json = {"callback-config": {"base_url": "http://u.test/"}}
OWN = a_key()


async def ground_with_key(key: str = KEY.hex()) -> CallGround:
    """A host at which tasks were made, whose callbacks have an address."""
    ground, hub = ground_of(items=lambda: ITEMS), OwnHub()
    await hub.shared.write("utask.key", "ids", key, by="utask", expected=0)
    ground.hub = hub
    return ground


async def created(schema: str = "") -> dict[str, Json]:
    given = {"action": "Create", "schema": schema}
    answer = await came_to("callback", given, await ground_with_key())
    output = answer.outputs["output"]
    assert isinstance(output, dict)
    return output


async def waited(id: str, updates: Json = None) -> Answered:
    given = {"action": "wait", "id": id}
    return await came_to("callback", given, await ground_with_key(), updates=updates)


async def test_address_has_an_id_that_leads_to_the_task_and_a_token() -> None:
    output = await created()

    id, token = output["id"], output["token"]
    assert output["url"] == f"http://u.test/unsecured/callback/{id}?t={token}"
    found = id_in(str(id), [(OWN.run.host, OWN.run.store)], KEY)
    assert found is not None
    assert (found.run, found.kind) == (OWN.run, "callback")


async def test_each_address_has_a_token_of_its_own() -> None:
    assert (await created())["token"] != (await created())["token"]


async def test_schema_of_an_address_has_its_draft() -> None:
    given: dict[str, Json] = {"type": "object", "required": ["ok"]}

    assert (await created(json.dumps(given)))["schema"] == {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **given,
    }
    assert (await created(json.dumps({**given, "version": 4})))["schema"] == {
        "$schema": "http://json-schema.org/draft-04/schema#",
        **given,
    }


@pytest.mark.parametrize("schema", ["{", "[]", "5", '{"type": "nothing"}', "[" * 100_000])
async def test_wrong_schema_blocks_the_step(schema: str) -> None:
    answer = await came_to(
        "callback", {"action": "create", "schema": schema}, await ground_with_key()
    )

    assert (answer.kind, answer.outputs) == ("CLIENT_ERROR", {})


async def test_step_waits_for_the_call_of_its_address() -> None:
    id = str((await created())["id"])

    answer = await waited(id)

    assert answer == Answered(
        good=False,
        why="task is waiting for a callback",
        kind="WAITING",
        outputs={},
        metadata={"awaits": [f"callback:{id}"]},
    )


async def test_step_comes_to_the_body_of_the_call() -> None:
    id = str((await created())["id"])
    called: Json = {
        f"callback:{id}": {"state": "called", "value": {"date": "now", "body": {"ok": True}}}
    }

    answer = await waited(id, updates=called)

    assert answer.outputs == {"output": {"id": id, "date": "now", "body": {"ok": True}}}


@pytest.mark.parametrize(
    "id",
    [
        "nope",
        "",
        id_text(UtaskId(OWN.run, "task"), KEY),
        id_text(UtaskId(a_key(serial=2).run, "callback"), KEY),
        id_text(UtaskId(OWN.run, "callback"), b"a different key!"),
    ],
)
async def test_step_cannot_wait_for_what_is_no_callback_of_its_task(id: str) -> None:
    called: Json = {f"callback:{id}": {"state": "called", "value": {"body": {}}}}

    answer = await waited(id, updates=called)

    assert (answer.kind, answer.outputs) == ("SERVER_ERROR", {})


async def test_host_without_an_address_makes_no_callback() -> None:
    answer = await came_to("callback", {"action": "create"}, ground_of())

    assert answer.kind == "SERVER_ERROR"


async def test_callback_needs_the_key_of_ids() -> None:
    ground = await ground_with_key()
    ground.hub = OwnHub()

    answer = await came_to("callback", {"action": "create"}, ground)

    assert answer.kind == "SERVER_ERROR"


@pytest.mark.parametrize(
    ("items", "address"),
    [
        ({}, ""),
        ({"utask-cfg": {"base_url": "http://a"}}, "http://a/unsecured/callback"),
        (
            {"utask-cfg": {"base_url": "http://a"}, "callback-config": {"base_url": "http://b"}},
            "http://b/unsecured/callback",
        ),
        ({"callback-config": {"base_url": "http://b", "path_prefix": "/c/"}}, "http://b/c"),
    ],
)
def test_items_of_the_config_have_the_address(items: dict[str, Json], address: str) -> None:
    assert address_of(items) == address
