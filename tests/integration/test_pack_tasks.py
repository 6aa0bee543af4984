"""Tasks of floe's own flows that packs of flyte carry out."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from floe.dialects.registry import dialect
from floe.model.flow import Flow
from floe.model.ids import NodeId
from tests.integration.test_flyte_scenarios import Packs, a_flyte_site
from tests.make_server import ADMIN, until

pytestmark = pytest.mark.slow

DOCUMENT = """
name: Announce
triggers:
  - name: start
    type: data
    opts: {form: {title: S, fields: [{id: env, value: prod}, {id: n, type: number, value: 7}]}}
tasks:
  - name: s1
    type: pack
    listen: trigger.good
    timeout: 1h
    retry: {max: 1, backoff: {first: 0.001}}
    opts:
      pack: Chat
      labels: {env: '{{ values.env }}'}
      command: Send
      input: {text: 'it is {{ values.n }}', n: '{{ values.n }}'}
      good: [Sent]
  - {name: refused, type: end, listen: task.s1.bad}
"""
[FLOW] = dialect().flows(DOCUMENT, "x.yml").flows
ECHO: dict[str, Any] = {
    "name": "echo",
    "steps": [
        {
            "id": "one",
            "event": {"packName": "Chat", "name": "Sent"},
            "command": {"packName": "Log", "name": "Write", "input": "{{ Event.Payload }}"},
        }
    ],
}
PROD = {"name": "Chat", "labels": {"env": "prod", "a": "b"}}
OWN = {"X-Floe-Auth": ADMIN}
PACK = "Chat.a.b.env.prod"


@pytest.fixture
async def packs(tmp_path: Path) -> AsyncIterator[Packs]:
    async with a_flyte_site(tmp_path, FLOW) as site:
        packs = Packs(site)
        for pack in ({"name": "Chat"}, PROD, {"name": "Log"}):
            assert (await packs.ask("POST", "/v1/packs", json=pack))[0] == 201
        yield packs


async def started(packs: Packs, flow: Flow = FLOW) -> str:
    """A run whose command is offered."""
    run = (await packs.site.hub.trigger(flow.id, values={"env": "prod", "n": 7}, by="ada")).id
    await until(lambda: len(packs.site.hub.loop.core.table.offers) > 0)
    return run


async def take(packs: Packs, pack: str = PACK) -> tuple[int, Any, str]:
    """The status, the work and the link for its result."""
    status, text = await packs.ask("POST", f"/v1/packs/{pack}/actions/take")
    work = json.loads(text) if status == 200 else None
    return status, work, work["links"][0]["href"] if work else ""


async def answer(packs: Packs, link: str, event: str, payload: object = None) -> int:
    return (await packs.ask("POST", link, json={"event": event, "payload": payload}))[0]


async def node(packs: Packs, run: str) -> dict[str, Any]:
    found = (await packs.site.get(f"runs/{run}/nodes/s1", headers=OWN))[1]
    assert isinstance(found, dict)
    return found


async def test_a_pack_with_the_labels_takes_the_command_with_its_input(packs: Packs) -> None:
    run = await started(packs)

    other, _, _ = await take(packs, "Chat")
    status, work, link = await take(packs)

    assert (other, status, work["command"]) == (204, 200, "Send")
    assert work["input"] == {"text": "it is 7", "n": 7}
    assert (await take(packs))[0] == 204
    assert await answer(packs, link, "Sent", {"id": 3}) == 202
    shown = await node(packs, run)
    assert (shown["state"], shown["outputs"]) == ("good", {"event": "Sent", "payload": {"id": 3}})


async def test_the_second_result_and_one_of_a_different_pack_change_nothing(packs: Packs) -> None:
    run = await started(packs)
    _, _, link = await take(packs)

    assert await answer(packs, link.replace(PACK, "Log"), "Sent") == 403
    assert await answer(packs, link, "Sent") == 202
    assert await answer(packs, link, "FATAL") == 500
    assert (await node(packs, run))["outputs"]["event"] == "Sent"


async def test_a_bad_result_offers_the_command_again_and_the_old_link_is_gone(packs: Packs) -> None:
    run = await started(packs)
    _, _, first = await take(packs)

    assert await answer(packs, first, "Refused") == 202
    await until(lambda: len(packs.site.hub.loop.core.table.offers) > 0)
    _, _, second = await take(packs)

    assert await answer(packs, first, "Sent") == 404
    assert await answer(packs, second, "FATAL", "no") == 202
    shown = await node(packs, run)
    assert (shown["state"], shown["why"]) == ("bad", "its result is FATAL")


async def test_the_result_of_a_cancelled_run_is_refused(packs: Packs) -> None:
    run = await started(packs)
    _, _, link = await take(packs)
    await packs.site.hub.cancel(run, by="ada")

    assert await answer(packs, link, "Sent") == 500


async def test_a_result_is_an_event_for_flows_of_flyte(packs: Packs) -> None:
    assert (await packs.ask("POST", "/v1/flows", json=ECHO))[0] == 201
    await started(packs)
    _, _, link = await take(packs)

    assert await answer(packs, link, "Sent", "hello") == 202
    await packs.settled()

    status, work, _ = await take(packs, "Log")
    assert (status, work["command"], work["input"]) == (200, "Write", "hello")


async def test_a_guessed_link_is_unknown(packs: Packs) -> None:
    await started(packs)
    _, _, link = await take(packs)
    start, _, id = link.removesuffix("/result").rpartition("/")
    wrong = f"{id[:-1]}{int(id[-1], 16) ^ 1:x}"

    assert await answer(packs, f"{start}/{wrong}/result", "Sent") == 404


async def test_why_names_the_pack_that_it_waits_for(packs: Packs) -> None:
    run = await started(packs)

    found = (await packs.site.get(f"runs/{run}/why", headers=OWN))[1]

    assert "a pack `Chat` with label env=prod" in found["text"]
    assert NodeId("s1") in {one["node"].removeprefix("task.") for one in found["waiting"]}
