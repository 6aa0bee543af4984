"""Whole stories of flyte, as its own server went through them, against floe hosts."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from floe.dialects.registry import evaluators
from floe.model.flow import Flow
from floe.model.judging import JudgeRun
from floe.server.settings import Bind
from floe.store.sqlite import SqliteStore
from tests.make_evaluators import pool_of
from tests.make_server import Site, a_site, until
from tests.recorded import counted, document

pytestmark = pytest.mark.slow

RECORDED: Final = "flyte/vectors/scenarios.json"
CASES: Final = document(RECORDED).get("cases", ())


class Packs:
    """The programs of a story, which call one host."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.base = site.server.flyte_url
        self.taken: dict[str, tuple[str, str]] = {}
        """The packs and the links for the results of named actions."""

    async def ask(self, method: str, path: str, **more: Any) -> tuple[int, str]:
        url = path if path.startswith("http") else self.base + path
        async with self.site.client.request(method, URL(url, encoded=True), **more) as response:
            return response.status, await response.text()

    async def settled(self) -> None:
        """Wait until all events are judged."""
        hub = self.site.hub
        table = hub.loop.core.table
        await until(
            lambda: (
                not hub.inbox.waiting
                and not any(
                    isinstance(one, JudgeRun) for ref in table.runs for one in table.owed(ref)
                )
            )
        )

    async def set_up(self, case: dict[str, Any]) -> None:
        for pack in case.get("packs", ()):
            assert (await self.ask("POST", "/v1/packs", json=pack))[0] == 201
        for flow in case.get("flows", ()):
            assert (await self.ask("POST", "/v1/flows", json=flow))[0] == 201
        for key, (kind, content) in case.get("datastore", {}).items():
            form = aiohttp.FormData()
            form.add_field("value", content.encode(), filename=key, content_type=kind)
            assert (await self.ask("PUT", f"/v1/datastore/{key}", data=form))[0] == 201

    async def act(self, one: dict[str, Any]) -> Any:
        """Do one operation; what it came to, in the form of the story."""
        pack = quote(str(one.get("pack", "")), safe="")
        match one["op"]:
            case "event":
                status, _ = await self.ask("POST", f"/v1/packs/{pack}/events", json=one["body"])
                await self.settled()
                return {"status": status}
            case "take":
                return await self.take(one, pack)
            case "result":
                _, link = self.taken[one["of"]]
                status, _ = await self.ask("POST", link, json=one["body"])
                await self.settled()
                return {"status": status}
            case "post-pack":
                return {"status": (await self.ask("POST", "/v1/packs", json=one["body"]))[0]}
            case "post-flow":
                return {"status": (await self.ask("POST", "/v1/flows", json=one["body"]))[0]}
            case _:
                return await self.audit(one)

    async def take(self, one: dict[str, Any], pack: str) -> Any:
        query = f"?actionName={one['actionName']}" if "actionName" in one else ""
        status, text = await self.ask("POST", f"/v1/packs/{pack}/actions/take{query}", json=None)
        found: dict[str, Any] = {"status": status}
        if status == 200:
            work = json.loads(text)
            found |= {"command": work["command"], "input": work["input"]}
            [link] = work["links"]
            assert link["rel"].endswith("actionResult")
            if "as" in one:
                self.taken[one["as"]] = one["pack"], link["href"]
        return found

    async def audit(self, one: dict[str, Any]) -> Any:
        status, text = await self.ask("GET", f"/v1/audit/flows{one.get('query', '')}")
        flows = json.loads(text)["flows"]
        if one.get("ordered"):
            return {"status": status, "runs": [flow["name"] for flow in flows]}
        return {"status": status, "runs": ordered([seen(flow) for flow in flows])}


def seen(flow: dict[str, Any]) -> Any:
    """A correlation in the form of the stories."""
    actions = {
        step: {
            "command": one["name"],
            "packName": one["packName"],
            "state": one["state"]["value"],
            "states": [state["value"] for state in one["states"]],
            "context": one.get("context", {}),
            "input": one.get("input"),
            "trigger": one["trigger"]["event"],
            "result": one["result"]["event"],
        }
        for step, one in flow["actions"].items()
    }
    return {"flow": flow["name"], "actions": actions}


def ordered(runs: list[Any]) -> list[Any]:
    return sorted(runs, key=json.dumps)


def wanted(one: dict[str, Any]) -> Any:
    """The expectation of an operation."""
    kept = {key: one[key] for key in ("status", "command", "input", "runs") if key in one}
    if "runs" in kept and not one.get("ordered"):
        kept["runs"] = ordered(
            [json.loads(json.dumps(run, sort_keys=True)) for run in kept["runs"]]
        )
    return kept


@asynccontextmanager
async def a_flyte_site(root: Path, *flows: Flow) -> AsyncIterator[Site]:
    """A host with flyte's API at an address of its own, and some flows of floe's own."""
    root.mkdir(exist_ok=True)
    settings = {"flyte": Bind(address="127.0.0.1:0")}
    pool = pool_of(evaluators=evaluators())
    store = SqliteStore(root / "floe.db")
    async with a_site(
        root, *flows, settings=settings, headers={}, evaluators=pool, store=store
    ) as site:
        yield site


async def played(case: dict[str, Any], root: Path) -> list[tuple[Any, Any]]:
    """What each operation of a story came to, and what it should."""
    async with a_flyte_site(root) as site:
        packs = Packs(site)
        await packs.set_up(case)
        found = []
        for one in case["do"]:
            got = await packs.act(one)
            found.append((json.loads(json.dumps(got, sort_keys=True)), wanted(one)))
        return found


@pytest.mark.parametrize("case", counted(RECORDED, ((case["name"], case) for case in CASES)))
async def test_story_goes_as_in_flyte(case: dict[str, Any], tmp_path: Path) -> None:
    found = await played(case, tmp_path)
    if case.get("unordered"):
        takes = [[one for one in pair if "command" in one] for pair in zip(*found, strict=True)]
        assert ordered(takes[0]) == ordered(takes[1])
        found = [pair for pair in found if "command" not in pair[1]]

    assert [got for got, _ in found] == [expected for _, expected in found]
