"""What is too long to be drawn whole: only what is near is drawn, and all of it can be reached."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.dashboard import Host, browser, complaints, page, status

__all__ = ["browser", "complaints", "page"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

MANY: Final = 300
"""More of a kind than are drawn at once."""

WIDE: Final = """
common: {base-url: /build/api}
flows:
  - name: Wide
    triggers: [{name: Start, type: data}]
    tasks:
      - {name: Fail, type: exec, listen: merge.heard-0.good, opts: {cmd: "false"}}
""" + "".join(
    f"      - {{name: Heard {at}, class: merge, type: any, wait: [trigger.good]}}\n"
    f"      - {{name: Never {at}, class: merge, type: any, wait: [task.fail.good]}}\n"
    for at in range(MANY)
)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path, WIDE)
    try:
        host.start()
        yield host
    finally:
        host.stop()


@pytest.fixture
def wide(page: Page, host: Host) -> str:
    """A run of many nodes that is over: its address."""
    run = host.post("push/data", {"ref": {"id": "wide"}, "form": {"id": "start", "values": {}}})
    page.goto(f"{host.url}/runs/{run['run']}")
    status(page, "bad")
    return page.url


def test_events_are_drawn_near_what_is_seen(page: Page, wide: str) -> None:
    page.goto(f"{wide}?tab=events")
    table = page.get_by_role("tabpanel").get_by_role("table")
    expect(table.get_by_role("link", name="The run after event 1", exact=True)).to_be_visible()
    last = table.get_by_role("link", name="The run after event 500", exact=True)
    expect(last).to_have_count(0)

    page.evaluate("document.querySelector('.events').scrollTop = 1e6")

    expect(last).to_be_visible()
    expect(table.get_by_role("link", name="The run after event 1", exact=True)).to_have_count(0)


def test_event_that_was_unfolded_is_so_when_it_is_back_in_sight(page: Page, wide: str) -> None:
    page.goto(f"{wide}?tab=events")
    first = page.get_by_role("tabpanel").get_by_role("row").filter(has_text="RunPended")
    first.locator("summary").click()
    expect(first.locator("pre")).to_be_visible()

    page.evaluate("document.activeElement.blur()")
    page.evaluate("document.querySelector('.events').scrollTop = 1e6")
    expect(first).to_have_count(0)
    page.evaluate("document.querySelector('.events').scrollTop = 0")

    expect(first.locator("pre")).to_be_visible()


def test_nodes_that_never_ran_are_drawn_near_what_is_seen(page: Page, wide: str) -> None:
    page.goto(f"{wide}?tab=why")
    never = page.get_by_role("tabpanel").locator("dt")
    expect(never.first).to_be_visible()
    assert never.count() < MANY
    expect(never.filter(has_text=f"never-{MANY - 1}")).to_have_count(0)

    page.evaluate("scrollTo(0, 1e6)")

    expect(never.filter(has_text=f"never-{MANY - 1}")).to_be_visible()
