"""What floe's own API says of flyte's packs and flows, for people who look at them."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from floe.dialects.flyte.compiled import flow_id_of
from floe.server.flyte import presence
from tests.integration.test_flyte_scenarios import Packs, a_flyte_site
from tests.make_server import ADMIN, Site
from tests.schemas import check

pytestmark = pytest.mark.slow

ODD = "a/b c?<i>%2F{x}"

FLOW: dict[str, Any] = {
    "name": ODD,
    "steps": [
        {
            "id": "one",
            "event": {"packName": "P", "name": "E"},
            "command": {"packName": "Q", "name": "Do", "packLabels": {"env": "dev"}, "input": "x"},
        },
        {
            "id": "two",
            "dependsOn": ["one", "ghost"],
            "event": {"packName": "Q", "name": "Done"},
            "command": {"packName": "R", "name": "Tell"},
        },
        {
            "id": "sorry",
            "event": {"packName": "Q", "name": "FATAL"},
            "command": {"packName": "Q", "name": "Undo", "packLabels": {"env": "{{ Context.e }}"}},
        },
    ],
}
DEV = {
    "name": "Q",
    "labels": {"env": "dev"},
    "commands": [
        {"name": "Do", "events": ["Done"], "links": [{"href": "https://help", "rel": "help"}]}
    ],
    "links": [{"href": "javascript:alert(1)", "rel": "help"}],
}


class Board(Packs):
    """A host with the flow, and packs P and Q."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.site = site

    async def shown(self, path: str, schema: str) -> dict[str, Any]:
        status, shape = await self.site.get(path, headers={"X-Floe-Auth": ADMIN})
        assert status == 200
        return dict(check(shape, schema))

    async def post(self, path: str, body: Any) -> int:
        return (await self.ask("POST", path, json=body))[0]

    async def take_one(self) -> dict[str, Any]:
        """The oldest action for the pack Q."""
        status, text = await self.ask("POST", "/v1/packs/Q.env.dev/actions/take")
        assert status == 200
        return dict(json.loads(text))

    async def packs(self) -> dict[str, Any]:
        return await self.shown("flyte/packs", "FlytePacks")

    async def pack(self, id: str = "Q.env.dev") -> dict[str, Any]:
        return next(one for one in (await self.packs())["packs"] if one["id"] == id)

    async def flow(self) -> dict[str, Any]:
        return await self.shown(f"flyte/flows/{flow_id_of(ODD)}", "FlyteFlowPage")

    async def send(self) -> None:
        assert await self.post("/v1/packs/P/events", {"event": "E"}) == 202
        await self.settled()


@asynccontextmanager
async def a_board(root: Path, *packs: dict[str, Any]) -> AsyncIterator[Board]:
    async with a_flyte_site(root) as site:
        board = Board(site)
        assert await board.post("/v1/flows", FLOW) == 201
        for pack in ({"name": "P", "events": [{"name": "E"}]}, *packs):
            assert await board.post("/v1/packs", pack) == 201
        yield board


async def test_pack_has_the_flows_that_call_its_commands_and_wait_for_its_events(
    tmp_path: Path,
) -> None:
    async with a_board(tmp_path, DEV) as board:
        pack = await board.pack()

    uses = [{"id": flow_id_of(ODD), "name": ODD}]
    [command] = pack["commands"]
    assert (command["name"], command["flows"], command["events"]) == ("Do", uses, ["Done"])
    assert pack["events"] == [{"name": "Done", "flows": uses, "more_flows": 0}]


async def test_link_that_a_browser_must_not_follow_is_not_shown(tmp_path: Path) -> None:
    async with a_board(tmp_path, DEV) as board:
        pack = await board.pack()

    assert pack["links"] == []
    assert pack["commands"][0]["links"] == [{"href": "https://help", "rel": "help"}]


async def test_backlog_moves_from_new_to_taken_to_none(tmp_path: Path) -> None:
    async with a_board(tmp_path, DEV) as board:
        found = [await board.pack()]
        await board.send()
        await board.send()
        found.append(await board.pack())
        taken = await board.take_one()
        found.append(await board.pack())
        await board.ask("POST", taken["links"][0]["href"], json={"event": "Done"})
        await board.settled()
        found.append(await board.pack())

    assert [(one["new"], one["taken"]) for one in found] == [(0, 0), (2, 0), (1, 1), (1, 0)]
    assert [one["commands"][0]["new_since"] is None for one in found] == [True, False, False, False]
    assert [one["taken_since"] is None for one in found] == [True, True, False, True]


async def test_backlog_is_there_after_a_restart(tmp_path: Path) -> None:
    async with a_board(tmp_path, DEV) as board:
        await board.send()
        await board.send()
        await board.take_one()
    async with a_flyte_site(tmp_path) as site:
        pack = await Board(site).pack()

    assert (pack["new"], pack["taken"]) == (1, 1)


async def test_commands_and_events_that_no_pack_has_are_named(tmp_path: Path) -> None:
    async with a_board(tmp_path) as board:
        await board.send()
        found = await board.packs()

    assert [(one["pack"], one["command"], one["new"]) for one in found["missing"]] == [
        ("Q", "Do", 1),
        ("Q", "Undo", 0),
        ("R", "Tell", 0),
    ]
    assert [(one["pack"], one["event"]) for one in found["unsent"]] == [
        ("Q", "Done"),
        ("Q", "FATAL"),
    ]


async def test_pack_with_any_name_is_removed_once(tmp_path: Path) -> None:
    async with a_board(tmp_path, {"name": ODD, "labels": {"a/b": "<b>"}}) as board:
        path = f"/build/api/flyte/packs/{quote(f'{ODD}.a/b.<b>', safe='')}"
        told = [
            (await board.site.ask("DELETE", path, headers={"X-Floe-Auth": ADMIN}))[0]
            for _ in range(2)
        ]
        left = [one["id"] for one in (await board.packs())["packs"]]

    assert (told, left) == ([204, 404], ["P"])


async def test_flow_says_what_a_result_may_be_and_where_it_leads(tmp_path: Path) -> None:
    async with a_board(tmp_path, DEV) as board:
        flow = await board.flow()

    one, two, sorry = flow["steps"]
    assert one["may_be"] == [
        {"event": "Done", "declared": True, "steps": ["s1"]},
        {"event": "FATAL", "declared": True, "steps": ["s2"]},
    ]
    assert [step["served"] for step in (one, two, sorry)] == ["live", "no-pack", "command"]
    assert (two["depends_on"], two["unknown"]) == (["one", "ghost"], ["ghost"])
    assert (flow["name"], flow["count"], len(flow["versions"])) == (ODD, 3, 1)


async def test_step_says_whether_its_pack_is_silent_or_lacks_a_label(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "LIVE_MS", 0)
    async with a_board(tmp_path, DEV) as board:
        silent = (await board.flow())["steps"][0]["served"]
        await board.post("/v1/packs", {"name": "R", "commands": [{"name": "Tell"}]})
        await board.ask("DELETE", "/v1/packs/Q.env.dev")
        await board.post("/v1/packs", DEV | {"labels": {"env": "prod"}})
        labels = (await board.flow())["steps"][0]["served"]

    assert (silent, labels) == ("silent", "labels")


async def test_posted_flow_is_a_new_version_and_the_old_one_is_named(tmp_path: Path) -> None:
    async with a_board(tmp_path) as board:
        before = await board.flow()
        await board.post("/v1/flows", FLOW | {"description": "new", "steps": FLOW["steps"][:1]})
        after = await board.flow()

    assert (before["count"], after["count"], after["description"]) == (3, 1, "new")
    assert [one["version"] for one in after["versions"]] == [after["version"], before["version"]]
    assert before["digest"] != after["digest"]


async def test_deleted_flow_is_not_found(tmp_path: Path) -> None:
    async with a_board(tmp_path) as board:
        path = f"/flyte/v1/flows/{quote(ODD, safe='')}"
        await board.site.ask("DELETE", path, headers={"X-Floe-Auth": ADMIN})
        path = f"flyte/flows/{flow_id_of(ODD)}"
        status, problem = await board.site.get(path, headers={"X-Floe-Auth": ADMIN})

    assert (status, problem["hint"]) == (404, "it may have been deleted; its runs go on")


async def test_list_of_flows_has_those_of_flyte_in_short(tmp_path: Path) -> None:
    async with a_board(tmp_path) as board:
        await board.send()
        short = (await board.shown("flows", "Flows"))["flyte"]
        [row] = (await board.shown("flyte/flows", "FlyteFlows"))["flows"]

    assert short == {"flows": [{"id": flow_id_of(ODD), "name": ODD}], "packs": 1, "items": 0}
    assert (row["name"], row["last"]["state"]) == (ODD, "active")
    assert row["events"][0] == {"pack": "P", "event": "E"}
