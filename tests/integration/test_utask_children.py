"""A parent goes on whatever the task of its step comes to, and however its own story went."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.test_utask_calls import created, host, task_in, template_of
from tests.make_server import ADMIN, Site
from tests.make_utask import ask

pytestmark = pytest.mark.asyncio(loop_scope="module")

PARENT = template_of("subtask-manual").replace("name: subtask-manual", "name: parent")
STRICT = """
name: strict
description: some text
title_format: title
resolver_inputs: [{name: why, regex: '^[a-z]+$'}]
steps:
  one: {action: {type: echo, configuration: {error_message: bad, error_type: client}}}
"""
OF_A_WAITER = """
name: of-a-waiter
description: some text
title_format: title
steps:
  sub: {action: {type: subtask, configuration: {template: waiter}}}
"""
WAITER = """
name: waiter
description: some text
title_format: title
auto_runnable: true
steps:
  make: {action: {type: callback, configuration: {action: create}}}
  wait:
    dependencies: [make]
    action: {type: callback, configuration: {action: wait, id: '{{.step.make.output.id}}'}}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """One host for all cases."""
    folder = tmp_path_factory.mktemp("utask")
    async with host(folder, PARENT, STRICT, WAITER, OF_A_WAITER) as made:
        yield made


async def waiting(site: Site, template: str = "parent") -> tuple[str, str]:
    """A parent that waits, and the task of its step."""
    parent = await created(site, template)
    shown = await task_in(site, parent, "WAITING")
    return parent, shown["resolution"]["steps"]["sub"]["output"]["id"]


async def told(site: Site, method: str, path: str, body: Any = None) -> Any:
    status, _, shown = await ask(site, method, path, body)
    assert status < 300, shown
    return shown


async def cancelled_by_floe(site: Site, task: str) -> None:
    """Cancel the run of a task in floe's own way, as its page does."""
    runs = (await site.get("runs", headers={"X-Floe-Auth": ADMIN}))[1]["runs"]
    waits = [run["key"] for run in runs if run["label"] == "TODO"]
    assert len(waits) == 1
    status, shown = await site.post(f"runs/{waits[0]}/cancel", {}, headers={"X-Floe-Auth": ADMIN})
    assert status == 202, shown


async def left(site: Site, task: str) -> None:
    await told(site, "POST", f"/task/{task}/wontfix")


async def deleted(site: Site, task: str) -> None:
    await told(site, "DELETE", f"/task/{task}")


@pytest.mark.parametrize(
    ("end", "state"),
    [(cancelled_by_floe, "cancelled"), (left, "wontfix"), (deleted, "cancelled")],
    ids=lambda one: getattr(one, "__name__", ""),
)
async def test_parent_learns_of_each_end_of_a_task_that_no_person_took(
    site: Site, end: Any, state: str
) -> None:
    parent, child = await waiting(site)

    await end(site, child)

    shown = await task_in(site, parent, "BLOCKED")
    step = shown["resolution"]["steps"]["sub"]
    assert (step["state"], step["error"]) == (
        "CLIENT_ERROR",
        f"Task '{child}' changed state: {state}",
    )


async def test_parent_that_is_started_over_waits_for_a_new_task(site: Site) -> None:
    parent, child = await waiting(site)
    resolution = (await told(site, "GET", f"/task/{parent}"))["resolution"]
    await told(site, "POST", f"/resolution/{resolution}/pause")
    await told(site, "POST", "/resolution", {"task_id": child})
    await task_in(site, child, "DONE")

    await told(site, "POST", "/resolution", {"task_id": parent, "start_over": True})

    shown = await task_in(site, parent, "WAITING")
    second = shown["resolution"]["steps"]["sub"]["output"]["id"]
    assert second != child
    await told(site, "POST", "/resolution", {"task_id": second})
    await task_in(site, parent, "DONE")


async def test_task_that_ends_while_its_parent_is_paused_counts_when_that_goes_on(
    site: Site,
) -> None:
    parent, child = await waiting(site)
    resolution = (await told(site, "GET", f"/task/{parent}"))["resolution"]
    await told(site, "POST", f"/resolution/{resolution}/pause")
    await told(site, "POST", "/resolution", {"task_id": child})
    await task_in(site, child, "DONE")
    paused = await told(site, "GET", f"/resolution/{resolution}")

    await told(site, "POST", f"/resolution/{resolution}/run")

    await task_in(site, parent, "DONE")
    assert paused["state"] == "PAUSED"


async def test_parent_of_a_task_that_waits_rests_and_ends_with_it(site: Site) -> None:
    parent, child = await waiting(site, "of-a-waiter")
    task = await task_in(site, child, "WAITING")
    before = await told(site, "GET", f"/task/{parent}")
    url = task["resolution"]["steps"]["make"]["output"]["url"]

    await told(site, "POST", url.removeprefix("http://utask.test"), {"ok": True})

    done = await task_in(site, parent, "DONE")
    assert (before["state"], done["resolution"]["run_count"]) == ("WAITING", 2)


async def test_task_that_is_started_over_with_wrong_values_stays_as_it_is(site: Site) -> None:
    _, _, made = await ask(site, "POST", "/task", {"template_name": "strict", "input": {}})
    asked = {"task_id": made["id"], "resolver_inputs": {"why": "fine"}}
    await told(site, "POST", "/resolution", asked)
    before = await task_in(site, made["id"], "BLOCKED")

    wrong = {**asked, "resolver_inputs": {"why": "NO"}, "start_over": True}
    status, _, refused = await ask(site, "POST", "/resolution", wrong)

    after = await task_in(site, made["id"], "BLOCKED")
    assert (status, "doesnt comply" in refused["error"]) == (400, True)
    assert after == before
