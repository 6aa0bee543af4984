"""What `floe why` says of the actions of flyte: who may take them, and who has."""

import re
from pathlib import Path
from typing import Any

import pytest

from floe.server.flyte import presence
from tests.integration.test_flyte_actions import FLOW
from tests.integration.test_flyte_scenarios import Packs, a_flyte_site
from tests.make_server import ADMIN, Site, until
from tests.schemas import check

pytestmark = pytest.mark.slow

SINCE = r"offered since \d{4}-\S+Z"
SEEN = r"last seen \d{4}-\S+Z"


async def offered(site: Site, *packs: dict[str, Any]) -> Packs:
    """Some packs, and the action of a run, which needs a pack Q with the label env=dev."""
    flyte = Packs(site)
    assert (await flyte.ask("POST", "/v1/flows", json=FLOW))[0] == 201
    for pack in ({"name": "P"}, *packs):
        assert (await flyte.ask("POST", "/v1/packs", json=pack))[0] == 201
    assert (await flyte.ask("POST", "/v1/packs/P/events", json={"event": "E"}))[0] == 202
    await flyte.settled()
    await until(lambda: len(site.hub.loop.core.table.offers) == 1)
    return flyte


async def said(site: Site) -> str:
    """What the step waits for, as the API has it."""
    [run] = site.hub.loop.core.table.runs
    _, why = await site.get(f"runs/{run}/why", headers={"X-Floe-Auth": ADMIN})
    [step] = check(why, "Why")["waiting"]
    [text] = step["for"]
    assert text in why["text"]
    return str(text)


DEV = {"name": "Q", "labels": {"env": "dev"}, "commands": [{"name": "Do"}]}
PACK = r"a pack `Q` with label env=dev"


@pytest.mark.parametrize(
    ("packs", "expected"),
    [
        ([], f"{PACK}: none is registered; {SINCE}"),
        ([{"name": "Q"}], f"{PACK}: none is registered with it; {SINCE}"),
        ([{"name": "Q"}, DEV], rf"{PACK}: `Q\.env\.dev` is live; {SEEN}; {SINCE}"),
        (
            [DEV | {"commands": []}],
            rf"{PACK}: `Q\.env\.dev` has no command `Do`; {SEEN}; {SINCE}",
        ),
    ],
)
async def test_offered_action_says_which_packs_may_take_it(
    packs: list[dict[str, Any]], expected: str, tmp_path: Path
) -> None:
    async with a_flyte_site(tmp_path) as site:
        await offered(site, *packs)
        found = await said(site)

    assert re.fullmatch(expected, found)


async def test_offered_action_says_when_its_silent_pack_was_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "LIVE_MS", 0)
    async with a_flyte_site(tmp_path) as site:
        await offered(site, DEV)
        found = await said(site)

    assert re.fullmatch(f"{PACK}: none is live; {SEEN}; {SINCE}", found)


async def test_taken_action_says_who_has_it_and_that_no_result_came(tmp_path: Path) -> None:
    async with a_flyte_site(tmp_path) as site:
        packs = await offered(site, DEV)
        status, _ = await packs.ask("POST", "/v1/packs/Q.env.dev/actions/take")
        found = await said(site)

    assert status == 200
    assert re.fullmatch(
        r"its answer; taken by Q\.env\.dev through h1 at \S+Z; no result yet", found
    )
