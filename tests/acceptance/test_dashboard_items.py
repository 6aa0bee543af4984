"""A node with items in a real browser: one node that opens into its items."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.dashboard import Host, browser, complaints, host, page, step
from tests.acceptance.test_dashboard_access import judged

__all__ = ["browser", "complaints", "host", "page"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

CONFIG = """
common: {base-url: /build/api}
flows:
  - name: Matrix
    triggers: [{name: Start, type: data}]
    tasks:
      - name: Test
        type: exec
        listen: trigger.good
        foreach: [eu, us, ap]
        opts:
          shell: |
            echo "tests of $FLOE_ITEM"
            [ "$FLOE_ITEM" != us ] || exit 7
            [ "$FLOE_ITEM" != ap ] || until [ -e "$GO/build" ]; do sleep 0.02; done

  - name: Wide
    triggers: [{name: Start, type: data}]
    tasks:
      - name: Many
        type: exec
        listen: trigger.good
        foreach: ALL
        parallel: 1
        on-item-bad: stop
        opts: {shell: 'echo "number $FLOE_ITEM"; exit 1'}
""".replace("ALL", str(list(range(1000))))


def items(page: Page) -> Locator:
    return page.get_by_role("list", name="Items").get_by_role("link")


def start(page: Page, host: Host, flow: str) -> None:
    page.goto(f"{host.url}/flows/{flow}")
    page.get_by_role("button", name="Start a run").click()


def test_node_opens_into_its_items_and_each_has_its_output(page: Page, host: Host) -> None:
    start(page, host, "matrix")
    step(page, "Test", "running")
    row = page.get_by_role("list", name="Nodes").get_by_role("link").filter(has_text="Test")
    expect(row).to_contain_text("2 of 3 done, 1 failed")
    row.click()
    output = page.get_by_role("log", name="Output")
    expect(output).to_contain_text("tests of us")

    page.get_by_role("link", name="2: ap, running").click()
    expect(output).to_contain_text("tests of ap")
    host.go("build")

    expect(page.get_by_role("link", name="2: ap, good")).to_be_visible()
    expect(row).to_contain_text("3 of 3 done, 1 failed")
    assert judged(page) == []


def test_list_of_a_thousand_items_shows_each_and_the_failed_one_first(
    page: Page, host: Host
) -> None:
    start(page, host, "wide")
    step(page, "Many", "bad")

    page.get_by_role("list", name="Nodes").get_by_role("link").filter(has_text="Many").click()

    expect(page.get_by_role("log", name="Output")).to_contain_text("number 0")
    expect(items(page)).to_have_count(1000)
    expect(page.get_by_role("link", name="0: 0, bad")).to_have_attribute("aria-current", "true")
