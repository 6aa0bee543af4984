"""The dashboard in a hand: nothing is wider than the screen, and what is pressed fits a thumb."""

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.dashboard import Host, browser, complaints, host, page, start_release, step

__all__ = ["browser", "complaints", "host", "page"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

WIDE = """() => [...document.querySelectorAll("body, body *")].filter((element) => {
  const over = element.scrollWidth - element.clientWidth;
  const { overflowX } = getComputedStyle(element);
  return over > 1 && (element === document.body || overflowX === "auto" || overflowX === "scroll");
}).map((element) => element.className || element.tagName)"""
"""What can be scrolled sideways."""

SMALL = """() => [...document.querySelectorAll("main :is(a[href], button, select, input, summary)")]
  .filter((element) => !element.matches(".output-number, [type=checkbox], [type=range]"))
  .filter((element) => element.checkVisibility({ visibilityProperty: true }))
  .map((element) => [element.closest(".row")?.querySelector(".row-name") === element
    ? element.closest(".row") : element, element])
  .filter(([touched]) => touched.getBoundingClientRect().height < 43.5)
  .map(([, element]) => element.outerHTML.slice(0, 120))"""
"""What can be pressed and is less high than a thumb is wide; a row is pressed anywhere."""


def pages(page: Page, host: Host, ask: str) -> dict[str, list[str]]:
    """What `ask` finds on each page of a host that has something to show, as on a phone."""
    page.set_viewport_size({"width": 390, "height": 800})
    host.post("push/data", {"ref": {"id": "steady"}, "form": {"id": "start", "values": {}}})
    host.post("push/data", {"ref": {"id": "steady"}, "form": {"id": "start", "values": {}}})
    start_release(page, host)
    step(page, "Build", "running")
    run = page.url.partition("?")[0].removeprefix(f"{host.url}/")
    views = [f"{run}?{view}" for view in ("tab=events", "tab=why", "view=time&tab=data", "seq=4")]
    found = {}
    for path in ("", "runs", "flows", "flows/release", "hosts", "secrets", "tokens", run, *views):
        page.goto(f"{host.url}/{path}")
        expect(page.locator("main h1")).to_have_count(1)
        expect(page.get_by_text("Loading")).to_have_count(0)
        found[path] = page.evaluate(ask)
    return {path: wrong for path, wrong in found.items() if wrong}


def test_no_page_scrolls_sideways_on_a_phone(page: Page, host: Host) -> None:
    assert pages(page, host, WIDE) == {}


def test_what_is_pressed_on_a_phone_fits_a_thumb(page: Page, host: Host) -> None:
    assert pages(page, host, SMALL) == {}


def test_rows_of_a_table_are_cards_that_name_their_parts(page: Page, host: Host) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    host.post("push/data", {"ref": {"id": "steady"}, "form": {"id": "start", "values": {}}})
    page.goto(f"{host.url}/hosts")

    cell = page.get_by_role("group", name="Leases").get_by_role("cell").filter(has_text="steady")

    expect(cell).to_be_visible()
    assert cell.evaluate("cell => getComputedStyle(cell, '::before').content") == '"held by"'
