"""The dashboard of one host of three, in a real browser: it shows and does what is elsewhere."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.cluster import Cluster, clustered
from tests.acceptance.cluster_watch import WAITING
from tests.acceptance.dashboard import TOKEN, browser, complaints, page, status, step
from tests.acceptance.test_dashboard_access import judged
from tests.acceptance.test_dashboard_untrue import a_second_passes

__all__ = ["browser", "complaints", "page"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with clustered(tmp_path / "cluster", WAITING, token=TOKEN) as (cluster, _):
        yield cluster
        (cluster.folder / "go").touch()


@dataclass(frozen=True, slots=True)
class Second:
    """The host that the browser uses, which neither adopts nor runs anything."""

    address: str

    @property
    def url(self) -> str:
        """Of the dashboard."""
        return f"http://{self.address}/app/dash"


def link(page: Page, run: str) -> Locator:
    """The row of a run."""
    return page.get_by_role("link", name=f"west {run}", exact=True)


@pytest.fixture
def host(cluster: Cluster) -> Second:
    return Second(cluster["h2"].address)


def test_run_elsewhere_is_followed_and_signed_off(
    page: Page, cluster: Cluster, host: Second
) -> None:
    run = cluster["h1"].trigger("west")
    cluster["h2"].until_node(run, "say", "running")

    page.goto(f"{host.url}/runs/{run}")

    status(page, "running")
    lines = page.get_by_role("log", name="Output")
    expect(lines).to_contain_text("first on h3")
    expect(lines).not_to_contain_text("second")
    page.get_by_role("list", name="Nodes").get_by_role("link", name="say").click()
    (cluster.folder / "go").touch()
    expect(lines).to_contain_text("second")
    step(page, "sign", "waiting for you")
    page.get_by_role("list", name="Nodes").get_by_role("link", name="sign").click()
    page.get_by_label("Why?").fill("fine")
    page.get_by_role("button", name="Approve").click()
    status(page, "good")


def test_run_that_is_lost_with_its_host_is_over_where_it_was_open(
    page: Page, cluster: Cluster, host: Second
) -> None:
    h1, h2, h3 = cluster.hosts.values()
    run = h3.trigger("west")
    h2.until_node(run, "say", "running")
    page.goto(f"{host.url}/runs/{run}")
    status(page, "running")
    h3.kill()
    h3.end_warden()

    h1.api.post("hosts/h3/forget", {"force": True})

    status(page, "bad")
    expect(page.get_by_text("host h3 was forgotten")).to_be_visible()
    expect(page.get_by_text("the log of this run is gone with it")).to_be_visible()
    page.goto(host.url)
    expect(page.get_by_text("Nothing runs.")).to_be_visible()
    expect(link(page, run)).to_be_visible()


def test_runs_of_a_lost_store_and_of_the_new_one_are_listed_and_opened(
    page: Page, cluster: Cluster, host: Second
) -> None:
    h1, h2, h3 = cluster.hosts.values()
    short = h1.trigger("west")
    h2.until_node(short, "say", "running")
    key = h2.show(short)["key"]
    page.goto(host.url)
    expect(link(page, short)).to_be_visible()

    h1.lose_store(h2, h3)

    expect(link(page, key)).to_be_visible()
    h1.trigger("west")
    expect(link(page, short)).to_be_visible()
    for run in (key, short):
        link(page, run).click()
        expect(page.get_by_role("heading", name=f"west {run}", exact=True)).to_be_visible()
        status(page, "running")
        page.go_back()


def test_host_that_dies_is_shown_with_its_age_and_no_error(
    page: Page, cluster: Cluster, host: Second
) -> None:
    run = cluster["h1"].trigger("west")
    cluster["h2"].until_node(run, "say", "running")
    page.goto(host.url)
    expect(page.get_by_role("link", name="west").first).to_be_visible()

    cluster["h3"].kill()

    expect(page.get_by_text("h3 has not answered since").first).to_be_visible(timeout=60_000)
    page.goto(f"{host.url}/runs/{run}")
    expect(page.get_by_text("h3 has not answered since").first).to_be_visible()
    expect(page.get_by_role("group", name="Graph of the flow")).to_contain_text("say")
    expect(page.get_by_text("Its commands may be running.")).to_be_visible()
    assert judged(page) == []


def test_open_page_of_a_run_keeps_what_was_last_known_while_its_host_is_away(
    page: Page, cluster: Cluster, host: Second
) -> None:
    run = cluster["h1"].trigger("west")
    cluster["h2"].until_node(run, "say", "running")
    page.goto(f"{host.url}/runs/{run}")
    lines = page.get_by_role("log", name="Output")
    expect(lines).to_contain_text("first on h3")

    cluster["h3"].kill()

    expect(page.get_by_text("h3 has not answered since").first).to_be_visible(timeout=60_000)
    status(page, "last known: running")
    step(page, "say", "last known: running")
    expect(lines).to_contain_text("first on h3")
    expect(page.locator(".live-dot")).to_have_count(0)
    facts = page.locator(".head-facts").inner_text()
    took = page.locator(".step-took").first.inner_text()
    a_second_passes(page)
    assert page.locator(".head-facts").inner_text() == facts
    assert page.locator(".step-took").first.inner_text() == took
    page.get_by_role("tab", name="Events").click()
    expect(page.get_by_text("h3 is away")).to_be_visible()


def test_leases_are_not_called_free_while_the_keeper_is_away(
    page: Page, cluster: Cluster, host: Second
) -> None:
    page.goto(f"{host.url}/hosts")
    expect(page.get_by_text("Nothing is held")).to_be_visible()

    cluster[cluster.keeper].kill()

    expect(page.get_by_text("not seen for").first).to_be_visible(timeout=60_000)
    page.reload()
    expect(page.get_by_text(f"Not known while {cluster.keeper} is away")).to_be_visible()
    expect(page.get_by_text("Nothing is held")).to_have_count(0)
