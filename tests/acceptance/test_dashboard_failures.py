"""The run's page: what went wrong and the newest line are in sight without scrolling."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.dashboard import Host, browser, complaints, host, page, status, step

__all__ = ["browser", "complaints", "host", "page"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

CONFIG = """
common: {base-url: /build/api}
flows:
  - name: App CI
    triggers: [{name: Start, type: data}]
    tasks:
      - name: Unit Tests
        type: exec
        listen: trigger.good
        opts: {shell: "seq 1 60; printf '\\\\033[31mE   assert 41 == 42\\\\033[0m\\\\n'; exit 1"}
  - name: Holding
    unheard-bad: hold
    triggers: [{name: Start, type: data, opts: {form: {fields: [{id: version, value: '7'}]}}}]
    tasks:
      - {name: Lint, type: exec, listen: trigger.good, opts: {shell: 'echo no; exit 3'}}
      - name: Count
        type: exec
        listen: trigger.good
        opts: {shell: 'seq 1 300; until [ -e "$GO/end" ]; do sleep 0.02; done'}
  - name: Wide
    triggers: [{name: Start, type: data}]
    tasks:
      - {name: One, type: exec, listen: trigger.good, opts: {cmd: 'true'}}
      - {name: Two, type: exec, listen: trigger.good, opts: {cmd: 'true'}}
      - {name: Three, type: exec, listen: trigger.good, opts: {cmd: 'true'}}
      - name: Sign Off
        type: data
        listen: task.one.good
        opts: {form: {title: Is it good?}}
"""

SCREENS = {"laptop": (1280, 800), "phone": (390, 844)}


def opened(page: Page, host: Host, flow: str, screen: str, query: str = "") -> None:
    """Start a run, and show it on a screen."""
    width, height = SCREENS[screen]
    page.set_viewport_size({"width": width, "height": height})
    run = host.post("push/data", {"ref": {"id": flow}})["run"]
    page.goto(f"{host.url}/runs/{run}{query}")


def is_in_sight(page: Page, found: Locator) -> bool:
    """Whether all of an element is on the screen, with the page not scrolled."""
    box, screen = found.bounding_box(), page.viewport_size
    assert box
    assert screen
    return box["y"] >= 0 and box["y"] + box["height"] <= screen["height"]


@pytest.mark.parametrize("screen", SCREENS)
def test_last_lines_of_the_failed_node_are_in_sight(page: Page, host: Host, screen: str) -> None:
    opened(page, host, "app-ci", screen)
    status(page, "bad")

    end = page.get_by_role("region", name="The end of the output of Unit Tests")

    expect(end).to_contain_text("E   assert 41 == 42")
    expect(end).to_contain_text("56 lines before these")
    assert is_in_sight(page, end)
    end.get_by_role("link", name="Output of Unit Tests").click()
    expect(page.get_by_role("log", name="Output")).to_contain_text("E   assert 41 == 42")


def test_newest_line_of_a_followed_output_is_in_sight(page: Page, host: Host) -> None:
    opened(page, host, "holding", "laptop", "?node=count&tab=output")
    newest = page.get_by_role("log", name="Output").get_by_text("300", exact=True).first

    expect(newest).to_be_visible()

    assert is_in_sight(page, newest)
    assert is_in_sight(page, page.get_by_role("log", name="Output"))


def test_run_that_goes_on_shows_how_many_nodes_failed(page: Page, host: Host) -> None:
    opened(page, host, "holding", "laptop")

    status(page, "running, 1 failed")
    page.goto(host.url)
    expect(page.get_by_role("listitem").filter(has_text="Holding h1-1")).to_contain_text("1 failed")
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(page.get_by_role("list", name="Runs")).to_contain_text("1 failed")


def test_form_comes_first_on_a_phone(page: Page, host: Host) -> None:
    opened(page, host, "wide", "phone")
    step(page, "Sign Off", "waiting for you")

    assert is_in_sight(page, page.get_by_role("button", name="Approve"))


def test_moments_are_chosen_on_the_timeline(page: Page, host: Host) -> None:
    opened(page, host, "app-ci", "laptop")
    status(page, "bad")
    slider = page.get_by_role("slider", name="Moment of the run")
    expect(slider).to_have_count(0)

    page.get_by_role("link", name="Timeline").click()

    expect(slider).to_be_visible()
