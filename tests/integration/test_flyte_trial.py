"""Events that people try and send, and what is wrong in flows, in floe's own API."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from floe.dialects.flyte.compiled import flow_id_of
from floe.dialects.registry import evaluators
from floe.model.flow import HeardEvent, Trigger
from floe.model.ids import FlowId, NodeId
from tests.make import a_flow, an_end
from tests.make_evaluators import pool_of
from tests.make_server import DEADLINE_S, Site, a_site
from tests.schemas import check

pytestmark = pytest.mark.slow

STEP: dict[str, Any] = {
    "id": "say",
    "event": {"packName": "Chat", "name": "Asked"},
    "command": {"packName": "Chat", "name": "Send", "input": {"text": "{{ Event.Payload.who }}"}},
}
SEND = {"name": "Chat", "labels": {"env": "dev"}, "commands": [{"name": "Send", "events": []}]}
ASKED = {"pack": "Chat.env.dev", "event": "Asked", "payload": {"who": "ada", "n": 5}}


def a_step(id: str, **more: Any) -> dict[str, Any]:
    return {**STEP, "id": id, **more}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path, evaluators=pool_of(evaluators=evaluators())) as site:
        assert (await site.ask("POST", "/flyte/v1/packs", json=SEND))[0] == 201
        yield site


async def add_flow(site: Site, *steps: dict[str, Any], name: str = "answers") -> None:
    flow = {"name": name, "steps": list(steps)}
    assert (await site.ask("POST", "/flyte/v1/flows", json=flow))[0] == 201


async def tried(site: Site, **more: Any) -> Any:
    status, shape = await site.post("flyte/events/try", {**ASKED, **more})
    assert status == 200, shape
    return check(shape, "FlyteTried")


async def sent(site: Site) -> list[str]:
    """Send the event once; the runs that it opened."""
    headers = {"Idempotency-Key": "k-1"}
    async with asyncio.timeout(DEADLINE_S):
        while True:
            status, shape = await site.post("flyte/events/send", ASKED, headers=headers)
            assert status == 202
            if check(shape, "FlyteSent")["judged"]:
                return [str(run) for run in shape["runs"]]


async def only_step(site: Site, **more: Any) -> Any:
    [flow] = (await tried(site, **more))["flows"]
    [step] = flow["steps"]
    return step


async def test_step_that_would_fire_has_its_rendered_input(site: Site) -> None:
    await add_flow(site, a_step("say", context={"who": "{{ Event.Payload.who }}"}))

    step = await only_step(site)

    assert (step["step"], step["outcome"], step["number"]) == ("say", "fires", 1)
    action = {"pack": "Chat", "labels": {}, "command": "Send", "input": {"text": "ada"}}
    assert step["action"] == {**action, "context": {"who": "ada"}, "waits": ""}


async def test_trial_keeps_nothing_and_opens_no_run(site: Site) -> None:
    await add_flow(site, STEP)

    await tried(site)

    assert (await site.get("runs"))[1]["runs"] == []
    assert (await site.get("inbox"))[1]["inboxes"][0]["findings"] == []


async def test_template_that_fails_is_named_with_its_place(site: Site) -> None:
    text = "first\n{{ Event.Payload.who.name }}"
    await add_flow(site, a_step("say", command={**STEP["command"], "input": {"text": text}}))

    step = await only_step(site)

    fault = step["fault"]
    assert (step["outcome"], fault["place"]) == ("fault", "command.input.text")
    assert (fault["line"], fault["template"]) == (2, "{{ Event.Payload.who.name }}")


@pytest.mark.parametrize(
    ("more", "outcome", "why"),
    [
        ({"criteria": "{{ false }}"}, "criteria", "its criteria are false: {{ false }}"),
        ({"dependsOn": ["say"]}, "waits", "it waits for the result of say in a run"),
        (
            {"event": {**STEP["event"], "packLabels": {"env": "prod"}}},
            "labels",
            "it asks for env=prod, and the pack has env=dev",
        ),
    ],
)
async def test_step_that_does_not_fire_says_why(
    site: Site, more: dict[str, Any], outcome: str, why: str
) -> None:
    await add_flow(site, a_step("say", **more))

    step = await only_step(site)

    assert step["outcome"] == outcome
    assert step["why"].startswith(why)


async def test_action_that_no_pack_would_take_says_so(site: Site) -> None:
    command = {"packName": "Mail", "name": "Send"}
    await add_flow(site, a_step("say", command=command))

    step = await only_step(site)

    assert step["action"]["waits"].startswith("no pack Mail is registered")


async def test_event_that_no_flow_waits_for_names_those_that_flows_wait_for(site: Site) -> None:
    await add_flow(site, STEP)

    found = await tried(site, event="Aksed")

    assert (found["flows"], found["near"]) == ([], [{"pack": "Chat", "event": "Asked"}])


async def test_event_of_a_pack_that_is_not_registered_is_tried_and_not_sent(site: Site) -> None:
    await add_flow(site, STEP)

    found = await tried(site, pack="Chat")
    status, _ = await site.post("flyte/events/send", {**ASKED, "pack": "Chat"})

    assert (found["registered"], len(found["flows"]), status) == (False, 1, 404)


async def test_flow_that_cannot_be_judged_says_why(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:  # without evaluators
        await add_flow(site, STEP)

        [flow] = (await tried(site, pack="Chat"))["flows"]

        assert (flow["steps"], flow["failed"]) == ([], "this host has no evaluators")


async def test_events_that_flows_wait_for_have_an_example_of_their_payload(site: Site) -> None:
    criteria = "{{ Event.Payload.user.name == Event.Payload.tags.0 && Event.Payload.user }}"
    after = {**STEP, "event": {"packName": "Chat", "name": "Sent"}, "dependsOn": ["say"]}
    await add_flow(site, a_step("say", criteria=criteria), after)

    _, found = await site.get("flyte/events")

    [event] = check(found, "FlyteEvents")["events"]
    assert (event["pack"], event["event"]) == ("Chat", "Asked")
    assert event["payload"] == {"tags": [""], "user": {"name": ""}, "who": ""}


async def test_flow_of_floe_with_a_trigger_for_the_event_is_listed(tmp_path: Path) -> None:
    heard = HeardEvent(pack="Chat", event="Asked")
    trigger = Trigger(id=NodeId("t"), type="pack-event", name="Asked", heard=heard)
    flow = a_flow(an_end("done"), id=FlowId("joined"), triggers=(trigger,))
    async with a_site(tmp_path, flow) as site:
        found = await tried(site, pack="Chat")

    [start] = found["starts"]
    assert (start["flow"], start["trigger"], start["why"]) == ("joined", "Asked", "")


async def test_items_that_templates_read_are_those_of_now(site: Site) -> None:
    path = "/build/api/flyte/items/teams"
    headers = {"Content-Type": "application/json"}
    await site.ask("PUT", path, data=b'{"web": "ada"}', headers=headers)
    template = "{{ datastore('teams').web }}"
    await add_flow(site, a_step("say", command={**STEP["command"], "input": template}))

    assert (await only_step(site))["action"]["input"] == "ada"


async def test_sent_event_opens_its_runs_in_the_name_of_its_sender(site: Site) -> None:
    await add_flow(site, STEP)

    [run] = await sent(site)

    _, shown = await site.get(f"runs/{run}")
    assert (shown["by"], shown["title"]) == ("admin", "answers: Chat Asked")
    _, audit = await site.ask("GET", "/flyte/v1/audit/flows")
    assert "sentBy" not in str(audit)


async def test_same_idempotency_key_sends_one_event(site: Site) -> None:
    await add_flow(site, STEP)

    assert await sent(site) == await sent(site)

    assert len((await site.get("runs"))[1]["runs"]) == 1


async def test_finding_of_an_event_names_its_event_and_template(site: Site) -> None:
    text = "{{ Event.Payload.who.name }}"
    await add_flow(site, a_step("say", command={**STEP["command"], "input": text}))

    await sent(site)

    _, shape = await site.get("inbox")
    [inbox] = check(shape, "Inboxes")["inboxes"]
    about = inbox["findings"][0]["newest"][0]["about"]
    assert (about["pack"], about["event"], about["step"]) == ("Chat", "Asked", "step say")
    assert (about["place"], about["template"]) == ("command.input", text)


async def test_findings_of_a_flow_have_its_templates_and_its_events(site: Site) -> None:
    broken = a_step("broken", criteria="{{ nothing | unknown }}")
    await add_flow(site, a_step("say", criteria="{{ Event.Payload.who.name }}"), broken)
    await sent(site)

    _, found = await site.get(f"flyte/flows/{flow_id_of('answers')}/findings")

    [template] = check(found, "FlyteFindings")["templates"]
    assert (template["step"], template["number"]) == ("broken", 2)
    assert (template["place"], template["line"]) == ("criteria", 1)
    assert [(one["host"], one["count"]) for one in found["judged"]] == [("h1", 2)]


async def test_flow_that_calls_a_command_no_pack_has_is_doubted(site: Site) -> None:
    await add_flow(site, a_step("say", command={"packName": "Chat", "name": "Shout"}))

    _, found = await site.get(f"flyte/flows/{flow_id_of('answers')}/findings")

    assert any("Shout" in doubt for doubt in found["doubts"]), found["doubts"]


async def test_findings_of_a_flow_that_is_not_there_are_not_found(site: Site) -> None:
    assert (await site.get(f"flyte/flows/{flow_id_of('none')}/findings"))[0] == 404


@pytest.mark.parametrize("body", [{}, {"pack": "P"}, {"pack": 1, "event": "E"}, {"x": 1, **ASKED}])
async def test_trial_of_a_wrong_body_is_refused(site: Site, body: dict[str, Any]) -> None:
    assert (await site.post("flyte/events/try", body))[0] == 422
