"""What a person may do to a run besides what each run allows: over the API, for each language."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.make import a_flow, a_node
from tests.make_server import ADMIN, Site, a_site
from tests.make_utask import ask, utask_site

ADMINS = {"X-Floe-Auth": ADMIN}

TEMPLATE = """
name: careful
description: some text
title_format: title
resolver_inputs:
  - {name: pin, type: password, regex: '^[0-9]+$'}
  - {name: count, type: number, default: 3}
steps:
  one:
    action:
      type: echo
      configuration:
        error_message: '{{.resolver_input.pin}} {{.resolver_input.count}}'
        error_type: client
"""


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with utask_site(tmp_path, TEMPLATE) as site:
        yield site


async def a_task(site: Site) -> str:
    """The run of a task that no person has taken."""
    status, _, made = await ask(site, "POST", "/task", {"template_name": "careful"})
    assert status == 201, made
    return "h1-1"


async def act(site: Site, run: str, act: str, **values: Any) -> tuple[int, Any]:
    body = {"values": values} if values else {}
    return await site.post(f"runs/{run}/acts/{act}", body, headers=ADMINS)


async def test_run_of_floes_own_has_no_acts(tmp_path: Path) -> None:
    async with a_site(tmp_path, a_flow(a_node("build"))) as site:
        run = await site.start("flow")
        offered = await site.get(f"runs/{run}/acts")
        status, refused = await site.post(f"runs/{run}/acts/pause", {})

    assert offered == (200, {"hint": "", "acts": []})
    assert (status, "without such acts" in refused["detail"]) == (409, True)


async def test_new_task_offers_the_form_of_its_resolver(site: Site) -> None:
    run = await a_task(site)

    _, offered = await site.get(f"runs/{run}/acts", headers=ADMINS)

    resolve, leave = offered["acts"]
    fields = [(one["id"], one["password"], one["value"]) for one in resolve["form"]["fields"]]
    assert (resolve["id"], leave["id"]) == ("resolve", "wontfix")
    assert fields == [("pin", True, None), ("count", False, 3)]


@pytest.mark.parametrize(
    ("name", "values", "status"),
    [
        ("resolve", {"pin": "letters"}, 422),
        ("resolve", {}, 422),
        ("resolve", {"pin": "1", "count": "many"}, 422),
        ("resolve", {"pin": "1", "other": "x"}, 422),
        ("wontfix", {"pin": "1"}, 400),
        ("extend", {}, 409),
        ("pause", {}, 409),
        ("nope%2F..%2Fcancel", {}, 409),
        ("x" * 5000, {}, 409),
    ],
)
async def test_act_that_does_not_fit_the_task_changes_nothing(
    site: Site, name: str, values: dict[str, str], status: int
) -> None:
    run = await a_task(site)

    found, refused = await act(site, run, name, **values)

    _, shown = await site.get(f"runs/{run}", headers=ADMINS)
    assert (found, shown["label"], shown["phase"]) == (status, "TODO", "resting"), refused


async def test_values_of_the_form_are_those_of_the_resolver(site: Site) -> None:
    run = await a_task(site)

    status, _ = await act(site, run, "resolve", pin="4711", count="8")

    _, _, tasks = await ask(site, "GET", "/task?type=all")
    _, _, found = await ask(site, "GET", f"/resolution/{tasks[0]['resolution']}")
    assert (status, found["resolver_inputs"]) == (202, {"pin": "4711", "count": 8})
    assert found["resolver_username"] == "admin"


async def test_short_password_is_hidden_where_it_stands_alone(site: Site) -> None:
    run = await a_task(site)

    await act(site, run, "resolve", pin="4711")

    _, events = await site.get(f"runs/{run}/events", headers=ADMINS)
    assert '"pin": "***"' in json.dumps(events)
