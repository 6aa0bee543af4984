"""The dashboard of one host of three, in a real browser: it shows and does what is elsewhere."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.cluster import Cluster, clustered
from tests.acceptance.cluster_watch import WAITING
from tests.acceptance.dashboard import TOKEN, browser, complaints, page, status, step
from tests.acceptance.test_dashboard_access import judged, still

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

    url: str


@pytest.fixture
def host(cluster: Cluster) -> Second:
    return Second(f"http://{cluster['h2'].address}/app/dash")


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


def test_host_that_dies_is_shown_with_its_age_and_no_error(
    page: Page, cluster: Cluster, host: Second
) -> None:
    run = cluster["h1"].trigger("west")
    cluster["h2"].until_node(run, "say", "running")
    page.goto(host.url)
    expect(page.get_by_role("link", name="west").first).to_be_visible()

    cluster["h3"].kill()

    expect(page.get_by_text("h3 as of").first).to_be_visible(timeout=60_000)
    page.goto(f"{host.url}/runs/{run}")
    expect(page.get_by_text("h3 as of").first).to_be_visible()
    still(page, "light")
    light = judged(page)
    still(page, "dark")
    assert (light, judged(page)) == ([], [])
