"""The recorded requests to flyte, in their order, against one floe host."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
from yarl import URL

from floe.dialects.registry import evaluators
from floe.server.settings import Bind
from tests.make_evaluators import pool_of
from tests.make_server import a_site
from tests.recorded import counted, document

RECORDED: Final = "flyte/vectors/http.json"
CASES: Final = document(RECORDED).get("cases", ())
BELOW: Final = re.compile(r"(https?://[a-z.]+)/flyte\b")
TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


Answer = dict[str, Any]


def name_of(case: dict[str, Any]) -> str:
    return f"{case['group']}: {case['why']}"


async def ask(client: aiohttp.ClientSession, base: str, case: dict[str, Any]) -> Answer:
    """The answer to the request of a case, in the form of its expectation."""
    expected = case["expect"]
    async with client.request(
        case["method"],
        URL(base + case["path"], encoded=True),
        headers=case.get("headers", {}),
        data=case.get("body"),
        skip_auto_headers=("Content-Type", "Accept"),
    ) as response:
        text = await response.text()
        found: Answer = {"status": response.status}
        if "location" in expected:
            found["location"] = response.headers["Location"].replace(base, "<base>")
        if "contentType" in expected:
            found["contentType"] = response.headers["Content-Type"]
        plain = TIME.sub("<time>", BELOW.sub(r"\1", text.replace(base, "<base>")))
        if "text" in expected:
            found["text"] = plain
        if "json" in expected:
            found["json"] = json.loads(plain)
        return found


def fits(found: Answer, expected: Answer) -> bool:
    """Whether an answer is as expected. What flyte answers 500 may have any status of an error."""
    return bool(found["status"] >= 400) if expected["status"] == 500 else found == expected


async def session(root: Path, below: str) -> list[Answer]:
    """The answers to all requests, of a host that has no pack, flow and item at first."""
    settings = {"flyte": Bind(address="127.0.0.1:0")}
    pool = pool_of(evaluators=evaluators())
    headers: dict[str, str] | None = None if below else {}
    async with a_site(root, settings=settings, headers=headers, evaluators=pool) as site:
        base = site.url + below if below else site.server.flyte_url
        return [await ask(site.client, base, case) for case in CASES]


@pytest.fixture(scope="module", params=["", "/flyte"], ids=["at the root", "below a path"])
def answers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> list[Answer]:
    return asyncio.run(session(tmp_path_factory.mktemp("site"), request.param))


@pytest.mark.parametrize(
    "number", counted(RECORDED, ((name_of(case), at) for at, case in enumerate(CASES)))
)
def test_recorded_request_is_answered_as_flyte_answered_it(
    answers: list[Answer], number: int
) -> None:
    expected = CASES[number]["expect"]

    assert answers[number] == expected or fits(answers[number], expected)
