"""A paused resolution is edited over HTTP: its steps, their states, its resolver inputs."""

from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import pytest_asyncio

from tests.make_server import Site
from tests.make_utask import ask, utask_site

TEMPLATE: Final = """
name: edited
description: made for tests
title_format: edited
resolver_inputs: [{name: ri, default: x}]
steps:
  a:
    description: a
    action: {type: echo, configuration: {output: {v: a}}}
  b:
    description: b
    dependencies: [a]
    custom_states: [MINE]
    action: {type: echo, configuration: {output: {v: b}}}
"""

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """One host for all cases."""
    async with utask_site(tmp_path_factory.mktemp("utask"), TEMPLATE) as made:
        yield made


async def a_resolution(site: Site, *, paused: bool = True) -> str:
    """The path of a resolution whose first pass is due in an hour."""
    _, _, task = await ask(site, "POST", "/task", {"template_name": "edited", "delay": "1h"})
    status, _, made = await ask(site, "POST", "/resolution", {"task_id": task["id"]})
    assert (status, made["state"]) == (201, "TO_AUTORUN_DELAYED")
    path = f"/resolution/{made['id']}"
    if paused:
        assert (await ask(site, "POST", f"{path}/pause"))[0] == 204
    return path


async def shown(site: Site, path: str) -> Any:
    return (await ask(site, "GET", path))[2]


async def test_steps_are_replaced_with_their_states(site: Site) -> None:
    path = await a_resolution(site)
    before = (await shown(site, path))["steps"]
    done = {**before["a"], "state": "DONE", "output": {"v": "by hand"}}
    steps = {"a": done, "c": {**before["b"], "name": "c", "description": "new"}}

    status, _, answer = await ask(site, "PUT", path, {"steps": steps})
    after = (await shown(site, path))["steps"]

    assert status == 204, answer
    assert {name: one["state"] for name, one in after.items()} == {"a": "DONE", "c": "TODO"}
    assert after["a"]["output"] == {"v": "by hand"}
    assert after["c"]["description"] == "new"


async def test_step_is_replaced_as_it_was_shown(site: Site) -> None:
    path = await a_resolution(site)
    step = await shown(site, f"{path}/step/b")

    status, _, answer = await ask(
        site, "PUT", f"{path}/step/b", {**step, "description": "edited", "state": "MINE"}
    )
    after = await shown(site, f"{path}/step/b")

    assert status == 204, answer
    assert (after["description"], after["state"]) == ("edited", "MINE")


async def test_resolver_inputs_are_replaced(site: Site) -> None:
    path = await a_resolution(site)

    status, _, _ = await ask(site, "PUT", path, {"resolver_inputs": {"ri": "new"}})

    assert status == 204
    assert (await shown(site, path))["resolver_inputs"] == {"ri": "new"}


@pytest.mark.parametrize(
    ("part", "body"),
    [
        ("", {"steps": {"a": 1}}),
        ("", {"steps": {"a": {"action": {"type": "nope"}}}}),
        ("", {"steps": {"a": {"action": {"type": "echo"}, "dependencies": ["a"]}}}),
        ("/step/a", {"action": {"type": "echo"}, "state": "NOPE"}),
        ("/step/a/state", {"state": "EXPANDED"}),
        ("/step/a/state", {"state": "HOOKED"}),
        ("/step/a/state", {}),
    ],
)
async def test_edit_with_a_mistake_changes_nothing(site: Site, part: str, body: Any) -> None:
    path = await a_resolution(site)
    before = await shown(site, path)

    status, _, answer = await ask(site, "PUT", f"{path}{part}", body)

    assert (status, "error" in answer) == (400, True)
    assert await shown(site, path) == before


async def test_resolution_that_is_not_paused_is_not_edited(site: Site) -> None:
    path = await a_resolution(site, paused=False)

    for part in ("", "/step/a", "/step/a/state"):
        assert (await ask(site, "PUT", f"{path}{part}", {"state": "DONE"}))[0] == 400


async def test_unknown_step_is_not_found(site: Site) -> None:
    path = await a_resolution(site)

    for part in ("/step/nope", "/step/nope/state"):
        assert (await ask(site, "PUT", f"{path}{part}", {"state": "DONE"}))[0] == 404
