"""Webhooks of forges at a served hub: the runs that start, and the reasons if none does."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from floe.model.flow import Trigger
from floe.model.ids import FlowId, NodeId
from tests.make import a_flow, a_node
from tests.make_server import ADMIN, Site, a_site
from tests.make_webhooks import SECRET, headers_of, stored_body
from tests.schemas import check

FILTERED = a_flow(
    a_node("build"),
    id=FlowId("filtered"),
    triggers=(
        Trigger(
            id=NodeId("hook"),
            type="push",
            name="hook",
            secret="$HOOK_SECRET",
            branches=("release/*", "main"),
            paths=("src/**",),
        ),
    ),
)


@pytest.fixture
async def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    async with a_site(tmp_path, FILTERED) as site:
        yield site


async def deliver(site: Site, name: str, **headers: str) -> tuple[int, Any]:
    """Deliver a stored body as its forge does."""
    body = stored_body(name)
    sent = headers_of(name.partition("-")[0], body, name)
    site.client.headers.pop("X-Floe-Auth", None)
    status, shape = await site.post(
        "push/filtered/hook", json=None, data=body, headers={**sent, **headers}
    )
    return status, check(shape, "Hooked") if status < 300 else shape


async def passed_over(site: Site) -> list[str]:
    """The reasons that the page of the flow shows, newest first."""
    _, flow = await site.get("flows/filtered", headers={"X-Floe-Auth": ADMIN})
    return [one["why"] for one in check(flow, "FlowPage")["triggers"][0]["passed_over"]]


@pytest.mark.parametrize("forge", ["github", "gitlab", "gitea", "bitbucket"])
async def test_push_of_each_forge_starts_one_run_however_often_it_comes(
    site: Site, forge: str
) -> None:
    first = await deliver(site, f"{forge}-push")
    again = await deliver(site, f"{forge}-push")

    assert (first[0], again[0]) == (202, 200)
    assert first[1]["run"] == again[1]["run"]
    _, run = await site.get(f"runs/{first[1]['run']}", headers={"X-Floe-Auth": ADMIN})
    assert run["title"] == f"release/2 · {run['values']['hash'][:7]} · Fix the build"


async def test_push_that_filters_leave_out_answers_why_and_the_flow_shows_it(site: Site) -> None:
    status, shape = await deliver(site, "github-tag")
    why = "the tag v1.0 is left out: the trigger has `branches` and no `tags`"

    assert (status, shape) == (200, {"run": None, "why": why})
    assert await passed_over(site) == [why]


async def test_reasons_are_stored(site: Site) -> None:
    await deliver(site, "github-deleted")
    await site.hub.remember("any", "row", 1)  # the rows before it are stored

    assert list(await site.hub.store.ledger("passed-over")) == ["filtered/hook#0"]


async def test_newest_reason_is_shown_first(site: Site) -> None:
    for number in range(12):
        await deliver(site, "github-deleted", **{"X-GitHub-Event": f"event_{number}"})

    shown = await passed_over(site)
    assert len(shown) == 12
    assert shown[0] == "the event event_11 is not in `events`: push"


async def test_delivery_that_was_passed_over_may_be_delivered_again(site: Site) -> None:
    await deliver(site, "github-push", **{"X-GitHub-Event": "issues"})

    status, _ = await deliver(site, "github-push")

    assert status == 202


async def test_push_whose_files_are_unknown_starts_a_run_and_reports_it(site: Site) -> None:
    _, shape = await deliver(site, "bitbucket-push")

    assert shape["run"]
    assert shape["why"] == "`paths` was not applied: Bitbucket names no files"


async def test_one_delivery_of_several_refs_starts_the_runs_that_pass(site: Site) -> None:
    status, shape = await deliver(site, "bitbucket-several")

    assert status == 202
    assert (await site.hub.reads.run(shape["run"])).values["branch"] == "main"
    assert "the branch topic was deleted; the tag v1.0 is left out" in shape["why"]


async def test_ping_starts_nothing_and_is_no_reason(site: Site) -> None:
    assert await deliver(site, "github-push", **{"X-GitHub-Event": "ping"}) == (200, {"run": None})
    assert await passed_over(site) == []


async def test_gitlab_with_a_wrong_token_is_refused(site: Site) -> None:
    status, problem = await deliver(site, "gitlab-push", **{"X-Gitlab-Token": "guessed"})

    assert status == 401
    assert SECRET not in json.dumps(problem)
