"""A node that entered twice, in a real browser on a host whose store has such a run."""

import asyncio
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Page, Route, expect

from floe.model.ids import Instant
from tests.acceptance.dashboard import Host, browser, complaints, page
from tests.make_visits import store_second_visit

__all__ = ["browser", "complaints", "page"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

RUN = "h1-1"
RUN_MS = 40_000
"""How long before the host's start the run began."""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host with one run, which no test changes."""
    host = Host(tmp_path_factory.mktemp("host"))
    root = host.folder / ".floe" / "h1"
    root.mkdir(parents=True)
    began_at = Instant(int(time.time() * 1000) - RUN_MS)
    with ThreadPoolExecutor(1) as thread:  # the browser's event loop is in this one
        assert thread.submit(asyncio.run, store_second_visit(root, began_at)).result() == RUN
    try:
        host.start()
        yield host
    finally:
        host.stop()


def show(page: Page, host: Host, query: str) -> None:
    page.goto(f"{host.url}/runs/{RUN}{query}")


def attempts(page: Page) -> list[str]:
    """The attempts that the output can be switched to."""
    group = page.get_by_role("group", name="Attempts")
    expect(group).to_be_visible()
    return [text.strip() for text in group.get_by_role("link").all_inner_texts()]


def test_list_of_nodes_names_the_visit(page: Page, host: Host) -> None:
    show(page, host, "")

    row = page.get_by_role("list", name="Nodes").get_by_role("link").filter(has_text="build")
    expect(row).to_contain_text("visit 2 · attempt 3")


def test_output_is_of_the_latest_visit_until_an_earlier_one_is_chosen(
    page: Page, host: Host
) -> None:
    show(page, host, "?node=build&tab=output")
    output = page.get_by_role("log", name="Output")
    expect(output).to_contain_text("second visit, third attempt")
    latest = attempts(page)

    page.get_by_role("group", name="Visits").get_by_role("link", name="visit 1").click()

    expect(output).to_contain_text("first visit, second attempt")
    assert (latest, attempts(page)) == (["#1", "#2", "#3"], ["#1", "#2"])


def test_attempt_is_chosen_within_its_visit(page: Page, host: Host) -> None:
    show(page, host, "?node=build&tab=output&visit=1")

    page.get_by_role("group", name="Attempts").get_by_role("link", name="#1").click()

    expect(page.get_by_role("log", name="Output")).to_contain_text("first visit, first attempt")
    href = page.get_by_role("link", name="Raw").get_attribute("href")
    assert href is not None
    assert href.endswith("/nodes/build/log?visit=1&attempt=1")


def test_earlier_moment_shows_the_output_of_its_own_visit(page: Page, host: Host) -> None:
    show(page, host, "?node=build&tab=output&seq=14")

    output = page.get_by_role("log", name="Output")
    expect(output).to_contain_text("first visit, second attempt")


def test_data_of_an_earlier_visit_has_its_own_outputs(page: Page, host: Host) -> None:
    show(page, host, "?node=build&tab=data")
    panel = page.get_by_role("tabpanel")
    expect(panel).to_contain_text("new")

    page.get_by_role("group", name="Visits").get_by_role("link", name="visit 1").click()

    expect(panel).to_contain_text("old")


def test_timeline_names_the_visit_of_each_attempt(page: Page, host: Host) -> None:
    show(page, host, "?view=time")

    row = page.get_by_role("group", name="Timeline").get_by_role("link", name="build:")
    bars = re.compile("visit 1 attempt 1 .*visit 1 attempt 2 .*visit 2 attempt 3 ")
    expect(row).to_have_attribute("aria-label", bars)


def test_form_names_its_visit_and_the_answer_before(page: Page, host: Host) -> None:
    show(page, host, "?node=ask&tab=form")

    panel = page.get_by_role("tabpanel")
    expect(panel).to_contain_text("visit 2, asked")
    expect(panel).to_contain_text("Rejected by ann")


def test_late_answer_to_an_earlier_visit_is_refused(page: Page, host: Host) -> None:
    def stale(route: Route) -> None:
        """The run as a page has it that missed the second visit."""
        run = route.fetch().json()
        forms = [{**form, "visit": 1} for form in run["forms"] if form["node"] == "ask"]
        route.fulfill(json={**run, "forms": forms})

    page.route(f"**/api/runs/{RUN}", stale)
    show(page, host, "?node=ask&tab=form")

    with page.expect_response("**/push/data") as answer:
        page.get_by_role("button", name="Approve").click()

    assert answer.value.status == 409
    expect(page.get_by_role("alert")).to_contain_text("the node is in its visit 2")
