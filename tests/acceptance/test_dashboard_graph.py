"""Graphs of any size: declared order, one stop of the tab key, any scale, equal nodes stacked."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FloatRect, Locator, Page, expect

from tests.acceptance.dashboard import Host, browser, complaints, page, status
from tests.acceptance.graphs import FAN, GRAPHS
from tests.acceptance.test_dashboard_access import judged

__all__ = ["browser", "complaints", "page"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path, GRAPHS)
    host.go("end")
    try:
        host.start()
        yield host
    finally:
        host.stop()


def graph(page: Page) -> Locator:
    """The graph that is shown."""
    return page.get_by_role("group", name="Graph of the flow")


def run(page: Page, host: Host, flow: str, result: str) -> Locator:
    """The graph of a new run, which is over."""
    started = host.post("push/data", {"ref": {"id": flow}, "form": {"id": "start", "values": {}}})
    page.goto(f"{host.url}/runs/{started['run']}")
    status(page, result)
    return graph(page)


def box(of: Locator) -> FloatRect:
    """Where it is on the screen."""
    found = of.bounding_box()
    assert found is not None
    return found


def focused(page: Page) -> str:
    """The first words of what has the focus."""
    return str(page.evaluate("document.activeElement.innerText.trim().split('\\n')[0]"))


def test_siblings_are_in_declared_order(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/flows/branches")
    names = ["Unit Tests", "Lint", "Package Check"]

    tops = [box(graph(page).get_by_text(name, exact=True))["y"] for name in names]

    assert tops == sorted(tops)


def test_name_is_shown_whole_where_there_is_room(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/flows/branches")
    name = graph(page).get_by_text("Deploy to the staging environment", exact=True)
    expect(name).to_be_visible()

    assert name.evaluate("(name) => name.scrollWidth <= name.clientWidth")


def test_kind_of_a_node_is_shown_whole_beside_its_time(page: Page, host: Host) -> None:
    text = run(page, host, "kinds", "bad").locator(".node-text", has=page.locator(".node-took"))
    expect(text.locator(".node-kind")).to_have_text("git-checkout")
    kind, around = box(text.locator(".node-kind")), box(text)

    assert kind["x"] + kind["width"] < around["x"] + around["width"]
    assert text.locator(".node-kind").evaluate("(kind) => kind.scrollWidth <= kind.clientWidth")


def test_graph_is_one_stop_and_arrows_move_inside(page: Page, host: Host) -> None:
    shown = run(page, host, "branches", "good")
    shown.get_by_role("link", name="Check Out").focus()

    page.keyboard.press("ArrowRight")
    assert focused(page) == "Lint"
    page.keyboard.press("ArrowUp")
    assert focused(page) == "Unit Tests"
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("node=unit-tests"))
    page.keyboard.press("Tab")

    assert page.evaluate("document.activeElement.closest('.graph')") is None
    page.keyboard.press("Shift+Tab")
    assert focused(page) == "Unit Tests"


def test_large_graph_fits_is_magnified_and_small_again(page: Page, host: Host) -> None:
    shown = run(page, host, "forty", "good")
    tools = page.get_by_role("group", name="Size of the graph")
    inside = "(box) => [box.scrollWidth <= box.clientWidth, box.scrollHeight <= box.clientHeight]"

    tools.get_by_role("button", name="Fit").click()
    expect(page.locator(".minimap")).to_have_count(0)
    assert shown.evaluate(inside) == [True, True]
    small = box(shown.get_by_role("link", name="Prepare"))["width"]

    shown.get_by_role("link", name="Prepare").focus()
    for _ in range(6):
        page.keyboard.press("+")

    expect(page.locator(".minimap")).to_be_visible()
    assert box(shown.get_by_role("link", name="Prepare"))["width"] > 2 * small


def test_texts_of_a_graph_are_legible_at_every_scale(page: Page, host: Host) -> None:
    shown = run(page, host, "forty", "good")
    sizes = """(box) => [...box.querySelectorAll('.node-name, .node-type')]
      .filter((text) => text.checkVisibility())
      .map((text) => parseFloat(getComputedStyle(text).fontSize) * text.currentCSSZoom)"""
    broken_words = """(box) => [...box.querySelectorAll('.node-name')].flatMap(
      ({firstChild: text}) => [...text.data.matchAll(/\\S+/g)].filter(({0: word, index}) => {
        const range = document.createRange();
        range.setStart(text, index);
        range.setEnd(text, index + word.length);
        return new Set([...range.getClientRects()].map(({top}) => Math.round(top))).size > 1;
      }).map(([word]) => word))"""

    for _ in range(10):
        found: list[float] = shown.evaluate(sizes)
        assert all(size >= 10.99 for size in found)
        assert shown.evaluate(broken_words) == []
        page.get_by_role("button", name="Smaller").click()


def test_click_on_the_overview_shows_that_part(page: Page, host: Host) -> None:
    shown = run(page, host, "forty", "good")
    for _ in range(4):
        page.get_by_role("button", name="Larger").click()
    overview = box(page.locator(".minimap"))

    page.mouse.click(overview["x"] + overview["width"] - 2, overview["y"] + overview["height"] / 2)

    expect(shown.get_by_role("link", name="Done")).to_be_in_viewport()


def test_equal_siblings_are_a_stack_that_shows_how_they_are_and_opens(
    page: Page, host: Host
) -> None:
    shown = run(page, host, "wide", "bad")
    stack = shown.get_by_role("link", name=f"Shard ×{FAN}")
    expect(stack).to_have_accessible_name(re.compile(rf"^Shard ×{FAN} 1 bad \d+ "))
    lines: int = page.evaluate(
        "document.querySelectorAll('.graph-lines path.line')[0].getAttribute('d').split('M').length"
    )
    assert lines < 10

    stack.click()
    one = shown.get_by_role("link", name="Shard 007")
    expect(one).to_be_visible()
    one.click()
    expect(page).to_have_url(re.compile("node=shard-007"))
    page.reload()
    expect(one).to_be_visible()
    shown.get_by_role("link", name=f"Shard ×{FAN} close").click()

    expect(stack).to_be_visible()


def test_arrows_reach_the_nodes_of_an_open_stack(page: Page, host: Host) -> None:
    shown = run(page, host, "wide", "bad")
    shown.get_by_role("link", name="Split").focus()

    page.keyboard.press("ArrowRight")
    assert focused(page).startswith(f"Shard ×{FAN}")
    page.keyboard.press("Enter")
    expect(shown.get_by_role("link", name="Shard 000")).to_be_visible()
    page.keyboard.press("ArrowDown")

    assert focused(page).startswith("Shard 0")


def test_axe_finds_nothing_wrong_with_a_stack(page: Page, host: Host) -> None:
    shown = run(page, host, "wide", "bad")
    closed = judged(page)

    shown.get_by_role("link", name=f"Shard ×{FAN}").click()
    expect(shown.get_by_role("link", name="Shard 000")).to_be_visible()

    assert (closed, judged(page)) == ([], [])
