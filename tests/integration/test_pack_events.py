"""Events of packs start runs of floe's own flows, exactly once."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from floe.dialects.registry import dialect
from tests.integration.test_flyte_scenarios import Packs, a_flyte_site
from tests.make_server import ADMIN
from tests.schemas import check

pytestmark = pytest.mark.slow

DOCUMENT = """
name: Deploy
triggers:
  - name: chat
    type: pack-event
    if: event.payload.command == '/deploy' and values.place != 'moon'
    opts:
      pack: Slack
      event: SlashCommand
      labels: {env: prod}
      values: {place: '{{ event.payload.text }}'}
inputs: [{id: place}]
tasks:
  - name: Say
    type: exec
    listen: trigger.good
    opts: {cmd: echo, args: ['{{ values.event.pack }} {{ values.place }}']}
"""
[FLOW] = dialect().flows(DOCUMENT, "x.yml").flows
OWN = {"X-Floe-Auth": ADMIN}
PACK = "Slack.env.prod"


@pytest.fixture
async def packs(tmp_path: Path) -> AsyncIterator[Packs]:
    async with a_flyte_site(tmp_path, FLOW) as site:
        packs = Packs(site)
        for pack in ({"name": "Slack"}, {"name": "Slack", "labels": {"env": "prod"}}):
            assert (await packs.ask("POST", "/v1/packs", json=pack))[0] == 201
        yield packs


async def send(packs: Packs, pack: str = PACK, **payload: str) -> None:
    body = {"event": "SlashCommand", "payload": {"command": "/deploy", **payload}}
    assert (await packs.ask("POST", f"/v1/packs/{pack}/events", json=body))[0] == 202
    await packs.settled()


async def runs(packs: Packs) -> list[dict[str, Any]]:
    found = (await packs.site.get("runs?flow=deploy", headers=OWN))[1]["runs"]
    return [(await packs.site.get(f"runs/{one['id']}", headers=OWN))[1] for one in found]


async def passed_over(packs: Packs) -> list[str]:
    page = check((await packs.site.get("flows/deploy", headers=OWN))[1], "FlowPage")
    return [one["why"] for trigger in page["triggers"] for one in trigger["passed_over"]]


async def test_an_event_starts_a_run_with_its_values(packs: Packs) -> None:
    await send(packs, text="eu")

    [run] = await runs(packs)
    assert (run["by"], run["trigger"]) == ("trigger:chat", "chat")
    assert run["values"]["place"] == "eu"
    assert run["values"]["event"] == {
        "pack": "Slack",
        "name": "SlashCommand",
        "labels": {"env": "prod"},
        "payload": {"command": "/deploy", "text": "eu"},
    }


async def test_each_event_starts_a_run_of_its_own(packs: Packs) -> None:
    for place in ("eu", "us", "eu"):
        await send(packs, text=place)

    assert sorted(run["values"]["place"] for run in await runs(packs)) == ["eu", "eu", "us"]


async def test_a_pack_without_the_labels_starts_nothing(packs: Packs) -> None:
    await send(packs, "Slack", text="eu")

    assert (await runs(packs), await passed_over(packs)) == ([], [])


async def test_a_false_condition_and_a_missing_value_are_remembered(packs: Packs) -> None:
    await send(packs, text="moon")
    await send(packs)

    assert await runs(packs) == []
    whys = await passed_over(packs)
    assert any("`if` of chat is false" in why for why in whys)
    assert any("`event.payload.text` is missing" in why for why in whys)


async def test_a_person_may_pull_the_trigger_with_an_event_as_json(packs: Packs) -> None:
    form = {"values": {"place": "eu", "event": '{"payload":{"command":"/deploy"}}'}}
    status, started = await packs.site.post(
        "push/data", {"ref": {"id": "deploy"}, "form": form}, headers=OWN
    )

    assert status == 202, started
    [run] = await runs(packs)
    assert run["values"]["event"] == {"payload": {"command": "/deploy"}}
