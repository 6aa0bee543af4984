"""The page of packs: what each can do, whether it is live, what waits, and what no pack has."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.dashboard import SHOWN, Host, browser, complaints, host, page
from tests.acceptance.flyte_data import CHAT, ODD_FLOW, ODD_PACK, SHELL, FlyteApi
from tests.acceptance.test_dashboard_access import judged
from tests.acceptance.test_dashboard_phone import SMALL, WIDE

__all__ = ["browser", "complaints", "host", "page"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def flyte(host: Host) -> FlyteApi:
    return FlyteApi(host)


def test_page_without_packs_says_how_one_registers(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/packs")

    expect(page.get_by_role("main")).to_contain_text("No pack has registered yet")
    expect(page.get_by_role("main")).to_contain_text(f"FLYTE_API=http://{host.address}/flyte")
    expect(page.get_by_role("link", name="a pack in five minutes")).to_be_visible()


def test_bar_has_flyte_once_there_is_something_of_it(
    page: Page, host: Host, flyte: FlyteApi
) -> None:
    bar = page.get_by_role("navigation", name="Pages")
    expect(bar.get_by_role("link", name="Hosts")).to_be_visible()
    expect(bar.get_by_role("link", name="Flyte")).to_have_count(0)
    flyte.post("packs", CHAT)

    page.reload()
    bar.get_by_role("link", name="Flyte").click()

    expect(page.get_by_role("heading", name="Packs")).to_be_visible()
    expect(bar.get_by_role("link", name="Flyte")).to_have_attribute("aria-current", "page")


def test_pack_shows_its_commands_and_the_flows_that_call_them(
    page: Page, host: Host, flyte: FlyteApi
) -> None:
    flyte.set_up()
    page.goto(f"{host.url}/packs")

    commands = page.get_by_role("group", name="Commands of Shell")
    expect(commands).to_contain_text("Run")
    expect(commands.get_by_role("link", name="help")).to_have_attribute(
        "href", "https://wiki.example.com/run"
    )
    commands.get_by_role("link", name="deploy").click()

    expect(page.get_by_role("heading", name="deploy", exact=True)).to_be_visible()


def test_backlog_comes_and_goes_while_the_page_is_open(
    page: Page, host: Host, flyte: FlyteApi
) -> None:
    flyte.set_up()
    page.goto(f"{host.url}/packs")
    commands = page.get_by_role("group", name="Commands of Shell")
    expect(commands).to_contain_text("none")

    flyte.say()
    expect(commands).to_contain_text("1 action new")
    result = flyte.take("Shell")
    expect(commands).to_contain_text("1 action taken")
    flyte.post(result, {"event": "Output"})

    expect(commands).to_contain_text("none")


def test_command_without_a_pack_is_named_with_what_waits_for_it(
    page: Page, host: Host, flyte: FlyteApi
) -> None:
    flyte.set_up()
    flyte.say()
    flyte.complete("Shell", "FATAL")
    page.goto(f"{host.url}/packs")

    waiting = page.get_by_role("list", name="Actions wait for packs that are not there")
    expect(waiting).to_contain_text("Pager Call")
    expect(waiting).to_contain_text("no pack with this name is registered · 1 action new")


def test_pack_is_removed_once_that_is_confirmed(page: Page, host: Host, flyte: FlyteApi) -> None:
    flyte.set_up()
    page.goto(f"{host.url}/packs")
    packs = page.get_by_role("list", name="Packs", exact=True)
    shell = packs.locator("details").filter(has_text="id Shell")

    shell.get_by_role("button", name="Remove…").click()
    page.get_by_role("button", name="Keep it").click()
    expect(shell).to_be_visible()
    shell.get_by_role("button", name="Remove…").click()
    page.get_by_role("button", name="Remove it").click()

    expect(shell).to_have_count(0)
    missing = page.get_by_role("list", name="Commands that no pack has")
    expect(missing).to_contain_text("Shell Run")


def test_two_hundred_packs_are_closed_and_searched(page: Page, host: Host, flyte: FlyteApi) -> None:
    for number in range(200):
        flyte.post("packs", SHELL | {"name": f"Shell{number}"})
    page.goto(f"{host.url}/packs")
    packs = page.get_by_role("list", name="Packs", exact=True)
    expect(packs.locator("details")).to_have_count(200)
    expect(packs.locator("details[open]")).to_have_count(0)

    page.get_by_label("Text").fill("shell17")
    expect(packs.locator("details")).to_have_count(11)
    packs.locator("summary").first.focus()
    page.keyboard.press("Enter")

    expect(packs.locator("details[open]")).to_contain_text("registered")


def test_hostile_names_are_text(page: Page, host: Host, flyte: FlyteApi) -> None:
    flyte.post("flows", ODD_FLOW)
    flyte.post("packs", ODD_PACK)
    page.goto(f"{host.url}/packs")
    packs = page.get_by_role("list", name="Packs", exact=True)

    expect(packs).to_contain_text(SHOWN)
    expect(page.locator("a[href^='javascript']")).to_have_count(0)
    packs.get_by_role("button", name="Remove…").click()
    page.get_by_role("button", name="Remove it").click()

    expect(page.get_by_role("main")).to_contain_text("No pack has registered yet")


@pytest.mark.parametrize("width", [1280, 390])
def test_page_of_packs_fits_and_can_be_read(
    page: Page, host: Host, flyte: FlyteApi, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    flyte.set_up()
    flyte.post("flows", ODD_FLOW)
    flyte.post("packs", ODD_PACK)
    flyte.say()
    page.goto(f"{host.url}/packs")
    commands = page.get_by_role("group", name="Commands of Shell")
    expect(commands).to_contain_text(re.compile("1 action new"))

    assert page.evaluate(WIDE) == []
    if width == 390:
        assert page.evaluate(SMALL) == []
    assert judged(page) == []
