"""Nodes that run more than once, in a browser: how often they ran, and how often they may."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.dashboard import Host, browser, complaints, host, page, status
from tests.acceptance.test_dashboard_access import judged

__all__ = ["browser", "complaints", "host", "page"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

CONFIG = """
common: {base-url: /build/api}
flows:
  - name: Repair
    triggers: [{name: Start, type: data}]
    tasks:
      - {name: Count, type: exec, listen: trigger.good, opts: {shell: echo 9}}
      - name: Test
        type: exec
        listen: [task.count.good, task.fix.good]
        loop: {max: 3}
        opts: {shell: 'echo still broken; exit 1'}
      - {name: Fix, type: exec, listen: task.test.bad, opts: {shell: echo fixed none}}

  - name: Wait
    triggers: [{name: Start, type: data}]
    tasks:
      - name: Healthy
        type: exec
        listen: trigger.good
        repeat: {until: "outputs.n == '30'", every: 0.001, max: 30}
        opts:
          shell: |
            n=$(($(cat n 2>/dev/null || echo 0) + 1))
            echo $n > n
            echo "look number $n"
            echo "n=$n" >> "$FLOE_OUTPUTS"
"""


def start(page: Page, host: Host, flow: str, result: str) -> None:
    page.goto(f"{host.url}/flows/{flow}")
    page.get_by_role("button", name="Start a run").click()
    status(page, result)


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("list", name="Nodes").get_by_role("link").filter(has_text=name)


def graph(page: Page) -> Locator:
    return page.get_by_role("group", name="Graph of the flow")


def test_page_of_a_flow_tells_how_often_a_node_may_run(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/flows/repair")
    expect(graph(page)).to_contain_text("exec · at most 3 visits")

    page.goto(f"{host.url}/flows/wait")
    expect(graph(page)).to_contain_text("exec · at most 30 attempts")


def test_last_visit_that_began_is_shown_where_a_loop_came_round_too_often(
    page: Page, host: Host
) -> None:
    start(page, host, "repair", "bad")

    expect(row(page, "Test")).to_contain_text("visit 3 of 3 · went round 3 times")
    expect(graph(page)).to_contain_text("visit 3 of 3")
    row(page, "Test").click()
    visits = page.get_by_role("group", name="Visits").get_by_role("link")
    expect(visits).to_have_text(["visit 1", "visit 2", "visit 3"])
    expect(page.get_by_role("log", name="Output")).to_contain_text("still broken")
    assert judged(page) == []


def test_line_that_leads_back_is_drawn_completely(page: Page, host: Host) -> None:
    start(page, host, "repair", "bad")

    sheet = page.locator(".graph-lines")
    beyond = sheet.evaluate(
        "(svg) => Math.max(...[...svg.querySelectorAll('path.line')].map((line) => {"
        " const { x, width } = line.getBBox(); return x + width; })) - svg.width.baseVal.value"
    )

    assert beyond < 0


def test_repeated_node_names_its_attempt_in_graph_and_steps(page: Page, host: Host) -> None:
    start(page, host, "wait", "good")

    expect(row(page, "Healthy")).to_contain_text("attempt 30 of 30")
    expect(graph(page)).to_contain_text("attempt 30 of 30")
    row(page, "Healthy").click()
    page.get_by_role("group", name="Attempts").get_by_role("link", name="#7 ").click()
    expect(page.get_by_role("log", name="Output")).to_contain_text("look number 7")
    assert judged(page) == []
