"""Events, takes and results of flyte at one host, where they are late, wrong or hostile."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from floe.dialects.flyte.compiled import flow_id_of
from floe.dialects.registry import evaluators
from floe.host import inbox
from floe.host.retention import Wanted
from floe.hub.openings import event_inbox
from floe.model.errors import KeeperAway
from floe.model.ids import HostId
from floe.model.keep import Keep
from floe.server.flyte.ids import FlyteIds
from floe.server.flyte.site import FlyteSite
from tests.integration.test_flyte_scenarios import Packs, a_flyte_site
from tests.make_evaluators import pool_of
from tests.make_server import ADMIN, a_site
from tests.schemas import check

pytestmark = pytest.mark.slow

FLOW: dict[str, Any] = {
    "name": "f",
    "steps": [
        {
            "id": "one",
            "event": {"packName": "P", "name": "E"},
            "command": {
                "packName": "Q",
                "name": "Do",
                "packLabels": {"env": "dev"},
                "input": "{{ Event.Pack.Name }}",
            },
        }
    ],
}
DEV = {"name": "Q", "labels": {"env": "dev", "a": "b"}}


async def offered(packs: Packs) -> None:
    """Two packs and a flow; an action is offered."""
    assert (await packs.ask("POST", "/v1/flows", json=FLOW))[0] == 201
    await offered_by(packs)


async def offered_by(packs: Packs) -> None:
    """Two packs; an action is offered by the flow that is there."""
    for pack in ({"name": "P"}, {"name": "Q"}, DEV):
        assert (await packs.ask("POST", "/v1/packs", json=pack))[0] == 201
    assert await send(packs) == 202


async def send(packs: Packs, **more: object) -> int:
    status, _ = await packs.ask("POST", "/v1/packs/P/events", json={"event": "E", **more})
    await packs.settled()
    return status


async def take(packs: Packs, pack: str = "Q.a.b.env.dev") -> dict[str, Any]:
    status, text = await packs.ask("POST", f"/v1/packs/{pack}/actions/take")
    return json.loads(text) if status == 200 else {"status": status}


async def complete(packs: Packs, link: str, pack: str = "Q.a.b.env.dev", body: Any = None) -> int:
    path = link.replace("Q.a.b.env.dev", pack)
    status, _ = await packs.ask("POST", path, json=body or {"event": "Done"})
    await packs.settled()
    return status


async def test_result_is_checked_before_it_counts(tmp_path: Path) -> None:
    async with a_flyte_site(tmp_path) as site:
        packs = Packs(site)
        await offered(packs)
        nothing = await take(packs, "Q")
        work = await take(packs)
        link = work["links"][0]["href"]
        wrong = link[:-15] + ("0" if link[-15] != "0" else "1") + link[-14:]
        found = [
            await complete(packs, link, "nobody"),
            await complete(packs, link, body=["x"]),
            await complete(packs, wrong),
            await complete(packs, link, "Q"),
            await complete(packs, link, "P"),
            await complete(packs, link),
            await complete(packs, link),
        ]

    assert (nothing, work["input"]) == ({"status": 204}, "P")
    assert found == [404, 400, 404, 403, 403, 202, 500]


async def test_action_that_is_not_taken_takes_no_result(tmp_path: Path) -> None:
    async with a_flyte_site(tmp_path) as site:
        packs = Packs(site)
        await offered(packs)
        [run] = json.loads((await packs.ask("GET", "/v1/audit/flows"))[1])["flows"]
        id = run["actions"]["one"]["id"]
        path = f"/v1/packs/Q.a.b.env.dev/actions/{id}/result"
        status, _ = await packs.ask("POST", path, json={"event": "Done"})
        work = await take(packs)

    assert (status, work["command"]) == (500, "Do")


async def named_take(packs: Packs, name: str, pack: str = "Q.a.b.env.dev") -> tuple[int, str]:
    path = f"/v1/packs/{pack}/actions/take"
    return await packs.ask("POST", path, headers={"Idempotency-Key": name})


async def test_named_take_that_is_repeated_gives_the_same_action(tmp_path: Path) -> None:
    async with a_flyte_site(tmp_path) as site:
        packs = Packs(site)
        await offered(packs)
        first, again = [await named_take(packs, "n") for _ in range(2)]
        next_one = await named_take(packs, "n2")
        nothing = await named_take(packs, "n2")
        await send(packs)
        other = await named_take(packs, "n2")

    assert first[0] == 200
    assert again == first
    assert (next_one[0], nothing[0]) == (204, 204)
    assert other[0] == 200
    assert other != first


async def test_named_take_whose_action_is_over_is_refused(tmp_path: Path) -> None:
    async with a_flyte_site(tmp_path) as site:
        packs = Packs(site)
        await offered(packs)
        work = json.loads((await named_take(packs, "n"))[1])
        await complete(packs, work["links"][0]["href"])
        over, _ = await named_take(packs, "n")
        await site.hub.prune(Wanted(keep=Keep(runs=0, age_s=0)))
        removed, _ = await named_take(packs, "n")

    assert (over, removed) == (409, 409)


async def test_name_of_a_take_is_that_of_its_pack_alone(tmp_path: Path) -> None:
    async with a_flyte_site(tmp_path) as site:
        packs = Packs(site)
        await offered(packs)
        await named_take(packs, "n")
        found = await named_take(packs, "n", "Q")

    assert found == (204, "")


async def test_name_of_a_take_that_is_too_long_is_refused(tmp_path: Path) -> None:
    async with a_flyte_site(tmp_path) as site:
        packs = Packs(site)
        await offered(packs)
        status, _ = await named_take(packs, "n" * 201)
        work = await take(packs)

    assert (status, work["command"]) == (400, "Do")


async def test_sender_of_an_event_cannot_be_forged(tmp_path: Path) -> None:
    async with a_flyte_site(tmp_path) as site:
        packs = Packs(site)
        await offered(packs)
        await take(packs)
        await send(packs, pack={"id": "Root", "name": "Root", "labels": {}})
        work = await take(packs)

    assert work["input"] == "P"


async def test_action_survives_a_restart_between_its_take_and_its_result(tmp_path: Path) -> None:
    async with a_flyte_site(tmp_path) as site:
        packs = Packs(site)
        await offered(packs)
        work = await take(packs)
    async with a_flyte_site(tmp_path) as site:
        packs = Packs(site)
        again = await take(packs)
        path = "/v1/" + work["links"][0]["href"].partition("/v1/")[2]
        status = await complete(packs, path)
        [run] = json.loads((await packs.ask("GET", "/v1/audit/flows"))[1])["flows"]

    assert (again, status) == ({"status": 204}, 202)
    assert run["actions"]["one"]["state"]["value"] == "SUCCESS"


async def test_action_whose_id_cannot_be_made_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(ids: FlyteIds) -> bytes:
        raise KeeperAway("h2 keeps the key and is away", host=HostId("h2"))

    async with a_flyte_site(tmp_path) as site:
        packs = Packs(site)
        await offered(packs)
        with monkeypatch.context() as patched:
            patched.setattr(FlyteIds, "key", away)
            refused = await take(packs)
        work = await take(packs)

    assert (refused, work["command"]) == ({"status": 503}, "Do")


async def test_why_names_the_pack_that_took_an_action(tmp_path: Path) -> None:
    async with a_flyte_site(tmp_path) as site:
        packs = Packs(site)
        await offered(packs)
        [run] = site.hub.loop.core.table.runs
        before = await site.hub.reads.why(run.key)
        await take(packs)
        after = await site.hub.reads.why(run.key)

    assert "a pack `Q` with label env=dev: `Q.a.b.env.dev`" in before.text
    assert "taken by Q.a.b.env.dev through h1" in after.text


async def test_event_that_does_not_fit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_flyte_site(tmp_path) as site:
        packs = Packs(site)
        await offered(packs)
        body = io.BytesIO(json.dumps({"event": "E", "payload": "x" * (3 << 20)}).encode())
        large, _ = await packs.ask("POST", "/v1/packs/P/events", data=body)
        monkeypatch.setattr(inbox, "ROWS_MAX", 0)
        url = f"{site.server.flyte_url}/v1/packs/P/events"
        async with site.client.post(url, json={"event": "E"}) as response:
            full = response.status, response.headers["Retry-After"]

    assert (large, full) == (413, (503, "1"))


async def test_wrong_template_is_found_on_the_flow_and_opens_nothing(tmp_path: Path) -> None:
    async with a_flyte_site(tmp_path) as site:
        packs = Packs(site)
        await offered(packs)
        step = FLOW["steps"][0] | {"criteria": "{{ Event.Nope|nofilter }}"}
        await packs.ask("POST", "/v1/flows", json=FLOW | {"name": "g", "steps": [step]})
        await send(packs)
        runs = json.loads((await packs.ask("GET", "/v1/audit/flows?flowName=g"))[1])["flows"]
        _, answer = await site.get("inbox", headers={"X-Floe-Auth": ADMIN})
        [inbox] = check(answer, "Inboxes")["inboxes"]

    [found] = inbox["findings"]
    assert (runs, inbox["waiting"], inbox["oldest_at"]) == ([], 0, None)
    assert (found["flow"], found["name"], found["count"]) == (flow_id_of("g"), "g", 1)
    assert "step one: criteria" in found["newest"][0]["why"]


async def test_page_of_a_run_shows_its_steps(tmp_path: Path) -> None:
    async with a_flyte_site(tmp_path) as site:
        packs = Packs(site)
        await offered(packs)
        [ref] = site.hub.loop.core.table.runs
        status, page = await site.get(f"runs/{ref}", headers={"X-Floe-Auth": ADMIN})

    assert (status, page["nodes"][0]["name"]) == (200, "one")


async def test_run_goes_on_with_a_version_that_is_removed(tmp_path: Path) -> None:
    then = FLOW["steps"][0] | {"id": "two", "dependsOn": ["one"]}
    then |= {"event": {"packName": "Q", "name": "Done"}}
    async with a_flyte_site(tmp_path) as site:
        packs = Packs(site)
        await packs.ask("POST", "/v1/flows", json=FLOW | {"steps": [FLOW["steps"][0], then]})
        await offered_by(packs)
        await packs.ask("DELETE", "/v1/flows/f")
        await FlyteSite(site.hub).remove_replaced(-1)
        versions = site.hub.shared.of_kind("flyte.version")
        first = await take(packs)
        await complete(packs, first["links"][0]["href"])
        second = await take(packs)
        [run] = json.loads((await packs.ask("GET", "/v1/audit/flows"))[1])["flows"]

    assert (versions, second["command"]) == ([], "Do")
    assert [step["id"] for step in run["steps"]] == ["one", "two"]


async def test_evaluator_processes_run_before_the_address_is_there(tmp_path: Path) -> None:
    async with a_flyte_site(tmp_path) as site:
        evaluators = site.hub.reads.counts().evaluators

    assert evaluators.running == evaluators.most > 0


async def test_first_event_waits_for_the_start_of_an_evaluator_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_inbox, "START_S", 60.0)
    async with a_site(tmp_path, evaluators=pool_of(evaluators=evaluators())) as site:
        packs = Packs(site)
        packs.base = f"{site.url}/flyte"
        for path, body in (("packs", DEV), ("packs", {"name": "P"}), ("flows", FLOW)):
            assert (await packs.ask("POST", f"/v1/{path}", json=body))[0] == 201
        before = site.hub.reads.counts().evaluators.running
        sent, _ = await packs.ask("POST", "/v1/packs/P/events", json={"event": "E"})
        work = await take(packs)

    assert (before, sent, work["command"]) == (0, 202, "Do")


async def test_flow_has_at_most_a_thousand_steps(tmp_path: Path) -> None:
    async with a_flyte_site(tmp_path) as site:
        packs = Packs(site)
        flows = [FLOW | {"steps": FLOW["steps"] * count} for count in (1000, 1001)]
        found = [(await packs.ask("POST", "/v1/flows", json=flow))[0] for flow in flows]

    assert found == [201, 400]
