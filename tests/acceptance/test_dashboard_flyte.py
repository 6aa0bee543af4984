"""Flows of flyte and their runs on the dashboard: steps, events, results, and what waits."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.dashboard import (
    SHOWN,
    Host,
    browser,
    complaints,
    host,
    page,
    status,
    step,
)
from tests.acceptance.flyte_data import CHAT, DEPLOY, ODD, ODD_FLOW, FlyteApi, flow_path
from tests.acceptance.test_dashboard_access import judged
from tests.acceptance.test_dashboard_phone import SMALL, WIDE

__all__ = ["browser", "complaints", "host", "page"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def flyte(host: Host) -> FlyteApi:
    api = FlyteApi(host)
    api.set_up()
    return api


def open_run(page: Page, host: Host, flyte: FlyteApi) -> None:
    """The page of a run whose first step is done."""
    flyte.say()
    flyte.complete("Shell", "Output")
    page.goto(f"{host.url}/runs/h1-1")
    step(page, "build", "good")
    step(page, "announce", "queued")


def why(page: Page) -> str:
    """What is said in the panel Why."""
    page.get_by_role("tab", name="Why").click()
    return page.get_by_role("tabpanel").inner_text()


def test_graph_of_a_flow_has_its_events_and_what_each_step_calls(
    page: Page, host: Host, flyte: FlyteApi
) -> None:
    page.goto(f"{host.url}/{flow_path()}")
    graph = page.get_by_role("group", name="Graph of the flow")

    for text in ("Said", "from Chat", "build", "Shell Run", "announce", "Chat Post", "Output"):
        expect(graph.get_by_text(text, exact=True).first).to_be_visible()


def test_steps_say_what_fires_them_and_where_a_result_leads(
    page: Page, host: Host, flyte: FlyteApi
) -> None:
    page.goto(f"{host.url}/{flow_path()}")
    rows = page.get_by_role("group", name="Steps of the flow").get_by_role("row")
    build, announce, sorry = (rows.nth(number) for number in (1, 2, 3))

    expect(build).to_contain_text("Event.Payload.text|match:'^deploy'")
    expect(build).to_contain_text("Output → announce")
    expect(build).to_contain_text("FATAL → sorry")
    expect(announce).to_contain_text("after build")
    expect(announce).to_contain_text("no pack has these labels")
    expect(sorry).to_contain_text("no such pack is registered")


def test_input_and_context_open_by_keyboard(page: Page, host: Host, flyte: FlyteApi) -> None:
    page.goto(f"{host.url}/{flow_path()}")
    summary = page.get_by_text("input and context")

    summary.focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("main")).to_contain_text("channel: {{ Event.Payload.channel }}")


def test_flow_that_is_posted_again_has_two_versions(
    page: Page, host: Host, flyte: FlyteApi
) -> None:
    flyte.post("flows", DEPLOY | {"description": "Second"})
    page.goto(f"{host.url}/{flow_path()}")

    versions = page.locator("section").filter(has_text="Versions").last
    expect(versions).to_contain_text("current")
    expect(versions).to_contain_text("replaced")


def test_flow_that_was_deleted_says_so_and_shows_its_runs(
    page: Page, host: Host, flyte: FlyteApi
) -> None:
    flyte.say()
    flyte.take("Shell")
    flyte.ask("DELETE", "flows/deploy")
    page.goto(f"{host.url}/{flow_path()}")

    expect(page.get_by_role("main")).to_contain_text("This flow of flyte is not here any more")
    expect(page.get_by_role("link", name="h1-1", exact=True)).to_be_visible()


def test_lists_name_the_flow_of_a_run(page: Page, host: Host, flyte: FlyteApi) -> None:
    open_run(page, host, flyte)
    page.goto(f"{host.url}/runs")
    row = page.get_by_role("listitem").filter(has=page.get_by_role("link", name="deploy h1-1"))
    expect(row).to_contain_text("Chat Said")
    page.goto(f"{host.url}/flows")

    listed = page.get_by_role("list", name="Flows of flyte").get_by_role("listitem")

    expect(listed).to_contain_text("3 steps · on Chat Said, Shell Output, Shell FATAL")
    listed.get_by_role("link", name="deploy").click()
    expect(page.get_by_role("heading", name="Steps")).to_be_visible()


def test_run_follows_its_actions_while_the_page_is_open(
    page: Page, host: Host, flyte: FlyteApi
) -> None:
    open_run(page, host, flyte)
    expect(page.locator(".head")).to_contain_text("NEW 1, SUCCESS 1")

    flyte.post("packs", CHAT | {"labels": {"env": "prod"}})
    flyte.complete("Chat.env.prod", "Posted")

    status(page, "good")
    step(page, "announce", "good")


def test_run_says_which_pack_it_waits_for(page: Page, host: Host, flyte: FlyteApi) -> None:
    open_run(page, host, flyte)
    nobody = why(page)
    flyte.post("packs", CHAT | {"labels": {"env": "prod"}})
    page.reload()
    waits = page.get_by_role("tabpanel")
    expect(waits).to_contain_text("Chat.env.prod` is live; last seen")
    flyte.take("Chat.env.prod")

    expect(waits).to_contain_text(
        re.compile(r"taken by Chat\.env\.prod through h1 at [\d:]+; no result yet")
    )
    assert "a pack `Chat` with label env=prod: none is registered with it" in nobody


def test_slider_shows_the_actions_as_they_were(page: Page, host: Host, flyte: FlyteApi) -> None:
    open_run(page, host, flyte)

    page.goto(f"{host.url}/runs/h1-1?seq=2")

    expect(page.get_by_role("button", name="Back to now")).to_be_visible()
    step(page, "build", "queued")
    step(page, "announce", "waiting")


def test_step_of_a_run_shows_its_input_and_its_result(
    page: Page, host: Host, flyte: FlyteApi
) -> None:
    open_run(page, host, flyte)

    page.get_by_role("list", name="Nodes").get_by_role("link", name="build").click()

    panel = page.get_by_role("tabpanel")
    expect(panel).to_contain_text("make")
    expect(panel).to_contain_text("Output")


def test_hostile_names_of_flows_and_steps_are_text(page: Page, host: Host, flyte: FlyteApi) -> None:
    flyte.post("flows", ODD_FLOW)

    page.goto(f"{host.url}/{flow_path(ODD)}")

    expect(page.get_by_role("heading", level=1)).to_contain_text(SHOWN)
    expect(page.get_by_role("group", name="Steps of the flow")).to_contain_text(SHOWN)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("path", [flow_path(), flow_path(ODD), "flows", "runs/h1-1", ""])
def test_pages_about_flyte_fit_and_can_be_read(
    page: Page, host: Host, flyte: FlyteApi, path: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    flyte.post("flows", ODD_FLOW)
    open_run(page, host, flyte)
    page.goto(f"{host.url}/{path}")
    expect(page.locator("main h1")).to_have_count(1)
    expect(page.get_by_text("Loading")).to_have_count(0)

    assert page.evaluate(WIDE) == []
    if width == 390:
        assert page.evaluate(SMALL) == []
    assert judged(page) == []
