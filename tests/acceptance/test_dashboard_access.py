"""The dashboard for everybody: by keyboard, in both themes, on a phone, judged by axe."""

import json
import re
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.dashboard import (
    Host,
    browser,
    complaints,
    host,
    page,
    start_long,
    start_release,
    status,
    step,
)

__all__ = ["browser", "complaints", "host", "page"]  # fixtures

AXE = Path(__file__).parent.parent / "data" / "axe" / "axe-core" / "axe.min.js"
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
COLOURS = ("color-contrast", "link-in-text-block")
"""The rules that see colours: in the second theme no other can come to a different result."""
Theme = Literal["light", "dark"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def judged(page: Page) -> list[str]:
    """What axe finds wrong with a page as it is, in both themes, one line per element."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    still(page, "light")
    light = _violations(page, {"type": "tag", "values": RULES})
    still(page, "dark")
    return [*light, *(f"dark: {one}" for one in _violations(page, {"values": COLOURS}))]


def _violations(page: Page, only: dict[str, object]) -> list[str]:
    asked = json.dumps({"runOnly": {"type": "rule", **only}, "resultTypes": ["violations"]})
    found: list[dict[str, Any]] = page.evaluate(f"axe.run({asked}).then(r => r.violations)")
    return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]


def still(page: Page, theme: Theme) -> None:
    """Show a theme, and nothing that moves: half faded in, any colour is too pale."""
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")


@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_wrong_with_any_page(page: Page, host: Host, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    wrong: dict[str, list[str]] = {}

    def judge(name: str) -> None:
        if found := judged(page):
            wrong[name] = found

    expect(page.get_by_role("link", name="Start Release")).to_be_visible()
    judge("now, empty")
    start_release(page, host)
    expect(page.get_by_role("log", name="Output")).to_contain_text("in green")
    judge("run, running")
    page.get_by_role("link", name="Timeline").click()
    judge("run, timeline")
    page.goto(f"{host.url}/flows/elsewhere")
    page.get_by_role("button", name="Start a run").click()
    page.get_by_role("tab", name="Why").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("moon")
    judge("run, pending")
    host.go("build")
    page.goto(f"{host.url}/runs/h1-1?tab=form")
    step(page, "Sign Off", "waiting for you")
    judge("run, asking")
    page.goto(host.url)
    expect(page.get_by_role("region", name="Waiting for you")).to_contain_text("released?")
    judge("now, busy")
    host.go("broken")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("main")).to_contain_text("failing since")
    judge("now, failing")
    for tab in ("data", "events", "form", "output"):
        page.goto(f"{host.url}/runs/h1-1?node=build&tab={tab}")
        status(page, "bad")
        expect(page.get_by_text("Loading")).to_have_count(0)
        judge(f"run, {tab}")
    page.goto(f"{host.url}/runs/h1-1?seq=5")
    expect(page.get_by_role("button", name="Back to now")).to_be_visible()
    judge("run, a moment")
    for path in ("runs", "flows", "flows/release", "hosts", "secrets", "tokens", "runs/h1-99"):
        page.goto(f"{host.url}/{path}")
        expect(page.locator("main h1")).to_have_count(1)
        expect(page.get_by_text("Loading")).to_have_count(0)
        judge(path)

    assert wrong == {}


def test_theme_is_chosen_and_kept(page: Page, host: Host) -> None:
    page.emulate_media(color_scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)

    page.get_by_role("button", name="Theme: system").click()
    page.reload()

    expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
    assert page.evaluate(ground) != light
    page.keyboard.press("d")
    assert page.evaluate(ground) == light


def test_keys_move_through_lists_and_open_what_is_found(page: Page, host: Host) -> None:
    start_release(page, host)
    page.goto(host.url)
    expect(page.get_by_role("link", name="release h1-1")).to_be_visible()

    page.keyboard.press("j")
    expect(page.get_by_role("link", name="release h1-1")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/runs/h1-1"))
    status(page, "running")
    page.keyboard.press("v")
    expect(page.get_by_role("group", name="Timeline of the nodes")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("r")
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_label("Text")).to_be_focused()
    page.keyboard.type("nothing like it?")

    expect(page.get_by_text("No run matches")).to_be_visible()
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_question_mark_shows_the_keys(page: Page) -> None:
    page.keyboard.press("?")

    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("follow the output")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_keys_are_not_cut_off_on_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_be_visible()

    cut = keys.evaluate("dialog => dialog.scrollWidth - dialog.clientWidth")

    assert cut == 0


def test_phone_has_steps_for_a_graph_and_a_sheet_for_output(page: Page, host: Host) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    start_release(page, host)

    page.get_by_role("list", name="Nodes").get_by_role("link", name="Build").click()

    sheet = page.locator(".output.is-sheet")
    expect(sheet).to_contain_text("in green")
    box = sheet.bounding_box()
    assert box is not None
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 390, 800)
    page.get_by_role("link", name="Close the sheet").click()
    expect(page.get_by_role("list", name="Nodes")).to_be_visible()
    expect(page.get_by_role("group", name="Graph of the flow")).to_be_hidden()


def test_buttons_of_a_form_fit_a_thumb(page: Page, host: Host) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    host.go("build")
    start_release(page, host)

    for name in ("Approve", "Reject"):
        box = page.get_by_role("button", name=name).bounding_box()
        assert box is not None
        assert box["height"] >= 44


def test_personal_token_is_made_shown_once_and_revoked(page: Page, host: Host) -> None:
    page.get_by_role("link", name="admin").click()
    page.get_by_label("What is it for?").fill("laptop")
    page.get_by_role("button", name="Make a token").click()
    expect(page.get_by_text(re.compile("floe_"))).to_be_visible()
    tokens = page.get_by_role("list", name="Tokens")
    expect(tokens).to_contain_text("laptop")

    page.reload()
    expect(page.get_by_text(re.compile("floe_"))).to_be_hidden()
    tokens.get_by_role("button", name="Revoke laptop…").click()
    tokens.get_by_role("button", name="Revoke laptop", exact=True).click()

    expect(page.get_by_text("No personal tokens")).to_be_visible()


def test_leases_name_their_holder_and_who_waits(page: Page, host: Host) -> None:
    for _ in range(2):
        page.goto(f"{host.url}/flows/steady")
        page.get_by_role("button", name="Start a run").click()
        page.wait_for_url(re.compile(r"/runs/h1-\d+"))

    page.get_by_role("link", name="Hosts").click()

    row = page.get_by_role("group", name="Leases").get_by_role("row").filter(has_text="bench")
    expect(row).to_contain_text("steady h1-1")
    expect(row).to_contain_text("1 run: h1-2")


def test_long_output_is_one_stop_for_the_tab_key(page: Page, host: Host) -> None:
    lines = start_long(page, host)
    expect(lines.get_by_role("link", name="Line 100000")).to_be_visible()

    lines.focus()
    page.keyboard.press("Tab")

    expect(lines).not_to_be_focused()
    assert lines.locator(":focus").count() == 0


def test_reason_leads_to_the_run_that_it_names(page: Page, host: Host) -> None:
    for _ in range(2):
        host.post("push/data", {"ref": {"id": "steady"}, "form": {"id": "start", "values": {}}})
    page.goto(host.url)

    page.get_by_role("main").get_by_role("link", name="h1-1", exact=True).click()

    page.wait_for_url(re.compile("/runs/h1-1$"))


def test_form_that_waits_leads_to_the_node_that_asks(page: Page, host: Host) -> None:
    host.go("build")
    start_release(page, host)
    status(page, "waiting for you")

    page.goto(host.url)

    asked = page.get_by_role("region", name="Waiting for you")
    node = re.compile(r"/runs/h1-1\?node=sign-off")
    expect(asked.get_by_role("link", name="Release h1-1")).to_have_attribute("href", node)
