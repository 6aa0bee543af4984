"""What real packs of flyte sent over the wire, sent again as it was: headers, bodies and order."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from yarl import URL

from tests.integration.test_flyte_scenarios import Packs, a_flyte_site
from tests.recorded import counted, document

pytestmark = pytest.mark.slow

RECORDED: Final = "flyte/vectors/client-wire.json"
CASES: Final = document(RECORDED).get("cases", ())
NUMBERED: Final = re.compile(r"<id\d+>")
ACTION: Final = re.compile(r"(?<=/actions/)[0-9a-f]{24}(?=/result)")
TIME: Final = "2022-01-02T15:04:05.123456789Z"
NOT_SENT: Final = ("Content-Length", "Accept-Encoding")
"""Headers that the connection of the test makes by itself."""


class Wire(Packs):
    """Sends the recorded requests of one pack."""

    async def offer(self, works: list[dict[str, Any]], pack: str) -> None:
        """Have actions wait, in an order: those that the recorded takes were answered with."""
        assert (await self.ask("POST", "/v1/packs", json={"name": "Setup"}))[0] == 201
        for number, work in enumerate(works):
            command = {"packName": pack, "name": work["command"], "input": work["input"]}
            step = {"event": {"packName": "Setup", "name": f"go {number}"}, "command": command}
            flow = {"name": f"f{number}", "steps": [step]}
            assert (await self.ask("POST", "/v1/flows", json=flow))[0] == 201
            event = {"event": f"go {number}"}
            assert (await self.ask("POST", "/v1/packs/Setup/events", json=event))[0] == 202
            await self.settled()

    async def send(self, exchange: dict[str, Any]) -> tuple[int, Any]:
        """The status and the answer to a recorded request, with its names for ids and times."""
        path = NUMBERED.sub(lambda found: self.ids[found[0]], exchange["path"])
        headers = {k: v for k, v in exchange["headers"].items() if k not in NOT_SENT}
        body = json.dumps(exchange.get("body")).replace("<time>", TIME)
        is_sent = (
            exchange.get("body") is not None or headers.get("Content-Type") == "application/json"
        )
        async with self.site.client.request(
            exchange["method"],
            URL(self.base + path, encoded=True),
            headers=headers,
            data=body.encode() if is_sent else None,
            skip_auto_headers=("Content-Type", "Accept", "User-Agent"),
        ) as response:
            text = (await response.text()).replace(self.base, "<base>")
        for id in ACTION.findall(text):
            self.ids.setdefault(f"<id{len(self.ids) + 1}>", id)
        for name, id in self.ids.items():
            text = text.replace(id, name)
        return response.status, json.loads(text) if text.startswith("{") else None

    ids: dict[str, str]


def expected(exchange: dict[str, Any], found: Any) -> tuple[int, Any]:
    """The recorded status and answer; the time of an answer is its own, and that of a list of links
    was not recorded."""
    answer = exchange.get("answer")
    if isinstance(answer, str):
        return exchange["status"], found
    if isinstance(answer, dict) and "lastSeen" in answer:
        answer = answer | {"lastSeen": found["lastSeen"]}
    return exchange["status"], answer if exchange["status"] < 400 else None


@pytest.mark.parametrize("case", counted(RECORDED, ((case["name"], case) for case in CASES)))
async def test_recorded_pack_is_answered_as_it_was(case: dict[str, Any], tmp_path: Path) -> None:
    exchanges = case["exchanges"]
    pack = next(one["body"]["name"] for one in exchanges if one["path"] == "/v1/packs")
    works = [one["answer"] for one in exchanges if "command" in (one.get("answer") or {})]
    wrong = []
    async with a_flyte_site(tmp_path) as site:
        wire = Wire(site)
        wire.ids = {}
        await wire.offer(works, pack)
        for exchange in exchanges:
            if exchange["status"] == 404:  # the pack was deleted meanwhile
                await wire.ask("DELETE", exchange["path"].removesuffix("/actions/take"))
            status, answer = await wire.send(exchange)
            if (status, answer) != expected(exchange, answer):
                wrong.append((exchange, status, answer))

    assert wrong == []
