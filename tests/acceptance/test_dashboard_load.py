"""How a page of the dashboard comes up: with few bytes, and with nothing that moves afterwards."""

from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.dashboard import TOKEN, Host, browser, complaints, host, page, step

__all__ = ["browser", "complaints", "host", "page"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

LOAD_KB: Final = 80
"""Most bytes on the wire until the first page is shown, without replies of the API."""

SHIFT_MAX: Final = 0.05
"""Most of the layout that may move: the sum of Chromium's layout shifts."""

WATCH: Final = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const { value, hadRecentInput, sources } of list.getEntries())
    if (!hadRecentInput)
      shifts.push([value, ...sources.map(({ node }) => node?.className || node?.nodeName || "")]);
}).observe({ type: "layout-shift", buffered: true });
"""
"""Records every layout shift of a page, with what moved."""

PAGES: Final = [
    "",
    "runs",
    "flows",
    "flows/release",
    "hosts",
    "secrets",
    "tokens",
    "runs/{asking}",
    "runs/{asking}?view=time",
    "runs/{steady}",
    "runs/{steady}?tab=events",
    "runs/{steady}?tab=data&node=say",
    "runs/{pending}",
    "runs/{long}?node=count&tab=output",
    "runs/{bad}",
    "runs/{bad}?tab=why",
    "runs?text=nothing",
    "sesame",
]


@pytest.fixture
def busy(page: Page, host: Host) -> dict[str, str]:
    """Runs in several states: one asks, one runs, one is pending, one is over."""
    host.go("build")
    started = {
        "asking": start(host, "release", "request", version="1.0"),
        "steady": start(host, "steady", "start"),
        "pending": start(host, "elsewhere", "start"),
        "long": start(host, "long", "start"),
    }
    page.goto(f"{host.url}/runs/{started['asking']}")
    step(page, "Sign Off", "waiting for you")
    page.goto(f"{host.url}/runs/{started['long']}")
    step(page, "Done", "good")
    host.go("broken")
    started["bad"] = start(host, "release", "request", version="2.0")
    page.goto(f"{host.url}/runs/{started['bad']}")
    step(page, "Build", "bad")
    return started


def start(host: Host, flow: str, trigger: str, **values: object) -> str:
    """Start a run; its id."""
    form = {"id": trigger, "values": values}
    return str(host.post("push/data", {"ref": {"id": flow}, "form": form})["run"])


def test_first_load_is_small(browser: Browser, host: Host) -> None:
    sizes: dict[str, float] = {}
    with browser.new_context() as context:
        login = f"{host.url.removesuffix('/app/dash')}/build/api/login"
        context.request.post(login, data={"token": TOKEN}, headers={"Origin": host.url}).dispose()
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        addresses: dict[str, str] = {}

        def answered(event: dict[str, Any]) -> None:
            addresses[event["requestId"]] = event["response"]["url"]

        def loaded(event: dict[str, Any]) -> None:
            sizes[addresses.get(event["requestId"], "")] = event["encodedDataLength"]

        session.on("Network.responseReceived", answered)
        session.on("Network.loadingFinished", loaded)
        page.goto(host.url)
        expect(page.get_by_role("heading", name="Running")).to_be_visible()
        page.wait_for_load_state("networkidle")

    own = sum(size for address, size in sizes.items() if "/app/" in address)
    assert 20_000 < own <= LOAD_KB * 1000


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_moves_after_it_is_shown(
    page: Page, host: Host, busy: dict[str, str], width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.add_init_script(WATCH)
    moved: dict[str, list[Any]] = {}

    for path in PAGES:
        page.goto(f"{host.url}/{path.format(**busy)}")
        expect(page.locator("main h1").first).to_be_attached()
        page.wait_for_load_state("networkidle")
        shifts: list[Any] = page.evaluate("shifts")
        if sum(shift[0] for shift in shifts) > SHIFT_MAX:
            moved[path] = shifts

    assert moved == {}
