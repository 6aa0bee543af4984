"""The keyboard is never lost: not by what the feed brings, not by an answer, not behind a sheet."""

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.dashboard import (
    Host,
    browser,
    complaints,
    host,
    page,
    start_release,
    status,
    step,
)

__all__ = ["browser", "complaints", "host", "page"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def has_keyboard(page: Page) -> str:
    """What has the keyboard, by its address, its name or its kind."""
    at = "document.activeElement"
    found = page.evaluate(f"{at}.getAttribute('href') ?? ({at}.innerText || {at}.tagName)")
    return str(found)


def test_run_keeps_the_keyboard_when_it_ends(page: Page, host: Host) -> None:
    host.go("build")
    start_release(page, host)
    step(page, "Sign Off", "waiting for you")
    page.goto(host.url)
    expect(page.locator(".row-name")).to_have_count(1)
    page.keyboard.press("j")

    host.post(
        "push/data",
        {"ref": {"id": "release"}, "run": "h1-1", "form": {"id": "sign-off", "values": {}}},
    )

    recent = page.locator("section", has=page.get_by_role("heading", name="Recent"))
    expect(recent.locator(".row-name")).to_be_focused()


def test_answer_by_keyboard_leaves_the_keyboard_on_the_page(page: Page, host: Host) -> None:
    host.go("build")
    start_release(page, host)
    step(page, "Sign Off", "waiting for you")
    page.goto(host.url)
    waiting = page.get_by_role("region", name="Waiting for you")

    waiting.get_by_role("button", name="Approve").focus()
    page.keyboard.press("Enter")

    expect(waiting).to_be_hidden()
    expect(page.locator("main:focus, main :focus")).to_have_count(1)


def test_slider_keeps_the_keyboard_at_its_first_event(page: Page, host: Host) -> None:
    start_release(page, host)
    step(page, "Build", "running")
    page.goto(f"{host.url}/runs/h1-1?seq=2")
    back = page.get_by_role("button", name="Back one event")
    expect(back).to_have_attribute("aria-disabled", "false")

    back.focus()
    page.keyboard.press("Enter")
    expect(back).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("Enter")

    expect(back).to_be_focused()
    assert page.url.endswith("seq=1")


def test_sheet_takes_the_keyboard_keeps_it_and_gives_it_back(page: Page, host: Host) -> None:
    start_release(page, host)
    page.get_by_role("list", name="Nodes").get_by_role("link", name="Build").click()
    expect(page.get_by_role("log", name="Output")).to_contain_text("in green")

    page.keyboard.press("x")
    sheet = page.get_by_role("dialog", name="Output of Build")
    expect(sheet.get_by_role("log", name="Output")).to_be_focused()
    for _ in range(8):
        page.keyboard.press("Tab")
        expect(sheet.locator(":focus")).to_have_count(1)
    page.get_by_role("log", name="Output").focus()
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_have_count(0)
    status(page, "running")
    assert has_keyboard(page) != "BODY"


def test_dialog_gives_the_keyboard_back_to_its_button(page: Page, host: Host) -> None:
    start_release(page, host)
    button = page.get_by_role("button", name="Cancel run")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()

    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(button).to_be_focused()


def test_search_from_any_page_goes_to_the_runs(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/hosts")
    expect(page.get_by_role("heading", name="Hosts", level=1)).to_be_visible()

    page.keyboard.press("/")

    expect(page.get_by_label("Text")).to_be_focused()
