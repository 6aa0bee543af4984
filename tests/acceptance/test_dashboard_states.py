"""What opens, comes late or goes wrong, judged by axe in both themes, as wide and on a phone."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.acceptance.dashboard import Host, browser, complaints, host, page, start_release, step
from tests.acceptance.fleet import ago
from tests.acceptance.test_dashboard_access import judged

__all__ = ["browser", "complaints", "host", "page"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

WIDTHS = (1280, 390)


def judge(page: Page, show: Callable[[], None] = lambda: None) -> list[str]:
    """What axe finds wrong in each width with what `show` brings up."""
    found: list[str] = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        show()
        found += [f"{width} px: {one}" for one in judged(page)]
    return found


def test_axe_finds_nothing_wrong_with_a_failed_login(page: Page, host: Host) -> None:
    page.get_by_role("button", name="Log out", exact=True).click()

    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).not_to_be_empty()

    assert judge(page) == []


def test_axe_finds_nothing_wrong_with_dialogs(page: Page, host: Host) -> None:
    start_release(page, host)
    step(page, "Build", "running")

    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    keys = judge(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Cancel run").click()
    expect(page.get_by_role("dialog", name="Cancel Release h1-1?", exact=True)).to_be_visible()
    cancel = judge(page)

    assert (keys, cancel) == ([], [])


def test_axe_finds_nothing_wrong_with_a_sheet_of_output(page: Page, host: Host) -> None:
    start_release(page, host)
    step(page, "Build", "running")

    page.goto(f"{page.url}?node=build&tab=output&sheet=1")
    expect(page.get_by_role("dialog", name="Output of Build")).to_contain_text("in green")

    assert judge(page) == []


def test_axe_finds_nothing_wrong_with_a_token_just_made(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/tokens")
    page.get_by_label("What is it for?").fill("laptop")
    page.get_by_role("button", name="Make a token").click()
    expect(page.get_by_text("Copy it now")).to_be_visible()
    made = judge(page)

    page.get_by_role("button", name="Revoke laptop…").click()
    expect(page.get_by_role("button", name="Keep it")).to_be_visible()

    assert (made, judge(page)) == ([], [])


def test_axe_finds_nothing_wrong_with_a_lost_connection(
    page: Page, host: Host, complaints: list[str]
) -> None:
    start_release(page, host)
    step(page, "Build", "running")

    host.stop()
    expect(page.get_by_text("Not connected.")).to_be_visible()

    assert judge(page) == []
    page.goto("about:blank")  # so that it tries no more
    complaints.clear()  # that nobody answers any more is what this test is about


def test_axe_finds_nothing_wrong_with_a_run_whose_host_is_away(page: Page, host: Host) -> None:
    start_release(page, host)
    step(page, "Build", "running")
    kept = host.get("runs")["runs"][0]

    def away(route: Route) -> None:
        told = {"status": 503, "title": "h3 is away", "host": "h3", "as_of": ago(40), "run": kept}
        route.fulfill(status=503, body=json.dumps(told), content_type="application/problem+json")

    page.route("**/build/api/runs/h1-1", away)
    page.reload()
    expect(page.get_by_text("its nodes, output and forms are shown again")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel run")).to_have_count(0)

    assert judge(page) == []
