"""Triggers with an `if`, at a served hub: what their senders are answered, and what is kept."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from floe.model.flow import Trigger
from floe.model.form import Field, Form
from floe.model.ids import FlowId, NodeId
from tests.make import a_flow, a_node
from tests.make_server import ADMIN, Site, a_site
from tests.make_webhooks import SECRET, headers_of, stored_body
from tests.schemas import check

GUARDED = a_flow(
    a_node("build"),
    id=FlowId("guarded"),
    triggers=(
        Trigger(
            id=NodeId("start"),
            type="data",
            name="start",
            form=Form(title="Start", fields=(Field(id="env", prompt="Env", required=False),)),
            condition="values.env == 'prod'",
        ),
        Trigger(
            id=NodeId("hook"),
            type="push",
            name="hook",
            secret="$HOOK_SECRET",
            condition="values.branch == 'main'",
        ),
    ),
)
WHY = "`if` of start is false, since values.env was 'test'"


@pytest.fixture
async def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    async with a_site(tmp_path, GUARDED) as site:
        yield site


async def ask(site: Site, env: str, key: str = "") -> tuple[int, Any]:
    headers = {"Idempotency-Key": key} if key else {}
    order = {"ref": {"id": "guarded"}, "form": {"id": "start", "values": {"env": env}}}
    return await site.post("push/data", order, headers=headers)


async def deliver(site: Site, name: str) -> tuple[int, Any]:
    body = stored_body(name)
    headers = headers_of("github", body, name)
    return await site.post("push/guarded/hook", json=None, data=body, headers=headers)


async def trigger_of(site: Site, id: str) -> Any:
    _, flow = await site.get("flows/guarded", headers={"X-Floe-Auth": ADMIN})
    return next(one for one in check(flow, "FlowPage")["triggers"] if one["id"] == id)


async def test_person_is_refused_with_the_sentence(site: Site) -> None:
    status, problem = await ask(site, "test")

    assert (status, problem["detail"]) == (409, WHY)


async def test_same_key_gets_the_same_answer(site: Site) -> None:
    first = await ask(site, "test", "k-1")
    again = await ask(site, "prod", "k-1")
    started = await ask(site, "prod", "k-2")

    assert (first[0], again[0], started[0]) == (409, 409, 202)
    assert again[1]["detail"] == WHY


async def test_page_of_the_flow_shows_what_was_passed_over_with_its_values(site: Site) -> None:
    await ask(site, "test")

    [passed] = (await trigger_of(site, "start"))["passed_over"]

    assert (passed["why"], passed["values"]) == (WHY, {"env": "test"})


async def test_delivery_is_answered_with_no_run_and_the_reason(site: Site) -> None:
    status, shape = await deliver(site, "github-push")
    again = await deliver(site, "github-push")

    why = "`if` of hook is false, since values.branch was 'release/2'"
    assert (status, check(shape, "Hooked")) == (200, {"run": None, "why": why})
    assert again == (200, shape)
    assert len((await trigger_of(site, "hook"))["passed_over"]) == 1


async def test_condition_that_fails_is_a_problem_of_the_flow(site: Site) -> None:
    body = json.dumps({"no": "branch"}).encode()
    headers = headers_of("github", body, "odd")

    status, shape = await site.post("push/guarded/hook", json=None, data=body, headers=headers)

    assert (status, shape["run"]) == (200, None)
    problem = (await trigger_of(site, "hook"))["problem"]
    assert problem.startswith("`if` of hook failed: `values.branch` is missing")
    assert shape["why"] == problem
