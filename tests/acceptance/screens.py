"""Pictures of every screen of the dashboard in every state, to be looked at.

    .venv/bin/python -m tests.acceptance.screens FOLDER [WORD…]

starts a real host with the flows of screens.yml, brings it from empty to busy to gone, and leaves
`<screen>-<look>.png` in the folder for each screen whose name has one of the words in it.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, expect, sync_playwright

from tests.acceptance.dashboard import CHROMIUM_FLAGS, TOKEN, Host, chromium
from tests.acceptance.fleet import fleet, runs_at_h3

LOOKS: Final = {
    "light": ("light", 1280, 800),
    "dark": ("dark", 1280, 800),
    "phone": ("light", 390, 800),
    "phone-dark": ("dark", 390, 800),
}
WAIT_S: Final = 120.0
PAGES: Final = [f"https://shop.example.com/products/{n}" for n in range(1000)]
"""The items of a long list."""


class Pictures:
    """A browser that is logged in, and where its pictures go."""

    def __init__(self, page: Page, host: Host, folder: Path, words: list[str]) -> None:
        self.page, self.host, self.folder, self.words = page, host, folder, words

    def take(
        self, name: str, path: str | None = None, act: Callable[[], object] = lambda: 0
    ) -> None:
        """One picture per look; `path` is gone to first, `act` done before each."""
        if self.words and not any(word in name for word in self.words):
            return
        for look, (theme, width, height) in LOOKS.items():
            self.page.emulate_media(
                color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce"
            )
            self.page.set_viewport_size({"width": width, "height": height})
            if path is not None:
                self.page.goto(f"{self.host.url}/{path}")
            expect(self.page.locator(".loading")).to_have_count(0)
            act()
            expect(self.page.locator(".loading")).to_have_count(0)
            self.page.wait_for_timeout(350)  # no fact to wait for: a picture of whatever is there
            self.page.screenshot(path=self.folder / f"{name}-{look}.png", full_page=True)

    def start(self, flow: str, trigger: str = "", **values: object) -> str:
        """Start a run; its id."""
        form = {"id": trigger, "values": values}
        return str(self.host.post("push/data", {"ref": {"id": flow}, "form": form})["run"])

    def until(self, run: str, node: str, *states: str) -> None:
        """Wait until a node of a run, or with `""` the run, is in one of these states."""
        deadline = time.monotonic() + WAIT_S
        while True:
            shown = self.host.get(f"runs/{run}")
            nodes = {one["id"]: one["state"] for one in shown["nodes"]}
            if (nodes[node] if node else shown["state"]) in states:
                return
            assert time.monotonic() < deadline, (run, node, nodes)
            time.sleep(0.05)

    def log_in(self) -> None:
        """As admin."""
        self.page.goto(self.host.url)
        self.page.get_by_label("Token").fill(TOKEN)
        self.page.get_by_role("button", name="Log in").click()
        self.page.get_by_role("link", name="Flows").first.wait_for()


def wrong_token(page: Page) -> None:
    """Log in as nobody."""
    page.get_by_label("Token").fill("swordfish")
    page.get_by_role("button", name="Log in").click()
    page.locator("[role=alert]:not(:empty)").wait_for()


def empty(at: Pictures) -> None:
    """Before anything has run."""
    at.take("login", "")
    at.take("login-wrong", "", lambda: wrong_token(at.page))
    at.log_in()
    at.take("now-empty", "")
    at.take("runs-empty", "runs")
    at.take("flows-empty", "flows")
    at.take("flow-empty", "flows/web-shop")
    at.take("hosts-empty", "hosts")
    at.take("secrets-empty", "secrets")
    at.take("tokens-empty", "tokens")
    at.take("nothing-here", "sesame")


def busy(at: Pictures) -> None:
    """Some run, some wait, some have failed."""
    for _ in range(3):
        at.until(at.start("certificates"), "", "archive")
        at.until(at.start("nightly-backup"), "", "archive")
    imported = at.start("import-catalogue")
    at.until(imported, "", "archive")
    moving = at.start("database-migration", version="0047")
    at.until(moving, "migrate", "running")
    for version in ("0048", "0049"):
        at.start("database-migration", version=version)
    training = at.start("train-prices")
    at.until(at.start("pay-invoices", amount=1200), "approve", "asking")
    shop = at.start("web-shop", branch="main", target="staging", note="Prices", urgent=False)
    at.until(shop, "browser-tests", "running")
    at.until(shop, "unit-tests", "good")

    failed = "runs/h1-2"
    at.take("now-busy", "")
    at.take("runs", "runs")
    at.take("runs-none", "runs?text=nothing+like+it")
    at.take("flows", "flows")
    at.take("flow", "flows/web-shop")
    at.take("flow-failing", "flows/nightly-backup")
    at.take("hosts", "hosts")
    at.take("run-running", f"runs/{shop}")
    at.take("run-time", f"runs/{shop}?view=time&node=compile")
    at.take("run-data", f"runs/{shop}?node=compile&tab=data")
    at.take("run-events", f"runs/{shop}?tab=events")
    at.take("run-why", f"runs/{shop}?tab=why")
    at.take("run-past", f"runs/{shop}?node=compile&seq=9")
    at.take("run-line", f"runs/{shop}?node=compile&tab=output&line=20-24")
    at.take("run-failed", failed)
    at.take("run-failed-why", f"{failed}?tab=why")
    at.take("run-pending", f"runs/{training}")
    at.take("run-long", f"runs/{imported}")
    at.take("output-sheet", f"runs/{imported}?node=read&tab=output&sheet=1")
    at.take("run-cancel", f"runs/{shop}", at.page.get_by_role("button", name="Cancel run").click)
    at.take("help", "", lambda: at.page.keyboard.press("?"))
    at.take("run-unknown", "runs/h1-999")
    at.host.go("tests")
    at.until(shop, "sign-off", "asking")
    at.take("now-asking", "")
    at.take("run-asking", f"runs/{shop}")
    at.take("run-asking-time", f"runs/{shop}?view=time")


def skipped(at: Pictures) -> None:
    """Nodes that are skipped."""
    run = at.start("deploy-where-needed")
    at.until(run, "", "archive")
    at.take("skip", f"runs/{run}")
    at.take("skip-why", f"runs/{run}?tab=why")
    at.take("skip-runs", "runs?flow=deploy-where-needed")


def items(at: Pictures) -> None:
    """Nodes with items, some and many."""
    run = at.start("patch-machines")
    at.until(run, "patch", "running")
    while len(at.host.get(f"runs/{run}/nodes/patch").get("item_states", ())) < 20:
        time.sleep(0.1)
    at.take("items", f"runs/{run}")
    at.take("items-one", f"runs/{run}?node=patch&tab=output&item=18")
    at.take("items-why", f"runs/{run}?tab=why")
    at.host.go("patched")
    at.until(run, "", "archive")
    at.take("items-bad", f"runs/{run}")
    links = at.start("check-links")
    at.until(links, "", "archive")
    at.take("items-1000", f"runs/{links}")


def children(at: Pictures) -> None:
    """Runs that are below other runs."""
    run = at.start("roll-out", version="1.4.2")
    at.until(run, "production", "running")
    child = at.host.get(f"runs/{run}")["children"][-1]["run"]
    at.until(child, "probe", "running")
    at.take("children", f"runs/{run}")
    at.take("children-why", f"runs/{run}?tab=why")
    at.take("child", f"runs/{child}")
    at.take("children-now", "")
    at.host.go("probed")
    at.until(run, "", "archive")
    at.take("children-bad", f"runs/{run}")
    fold = at.page.get_by_role("button", name="2 child runs")
    at.take("children-runs", "runs", fold.first.click)
    at.take("children-found", "runs?text=production")


def again(at: Pictures) -> None:
    """Nodes that run again: repetitions and visits."""
    for flow in ("wait-for-health", "repair", "repair-in-vain"):
        run = at.start(flow)
        at.until(run, "", "archive")
        at.take(flow, f"runs/{run}")
        at.take(f"{flow}-why", f"runs/{run}?tab=why")
        at.take(f"{flow}-time", f"runs/{run}?view=time")
    waiting = at.start("wait-for-nothing")
    at.until(waiting, "healthy", "retrying")
    at.take("repeat", f"runs/{waiting}")
    at.take("repeat-why", f"runs/{waiting}?tab=why")


def several(at: Pictures) -> None:
    """As a cluster of three answers, one of which is gone."""
    fleet(at.page)
    at.take("fleet", "hosts")
    at.take("fleet-now", "")
    at.take("fleet-drain", "hosts", at.page.get_by_role("button", name="Drain h2").click)
    at.take("fleet-forget", "hosts", at.page.get_by_role("button", name="Forget h3").click)
    at.page.unroute_all()
    shop = next(run for run in at.host.get("runs")["runs"] if run["flow"] == "web-shop")
    runs_at_h3(at.page, shop)
    at.take("away-now", "")
    at.take("away-runs", "runs")
    at.take("away-run", f"runs/{shop['id']}")
    at.page.unroute_all()


def tokens(at: Pictures) -> None:
    """Personal tokens, one of them new."""
    for name in ("laptop", "deploy script of the shop team"):
        at.host.post("login", {"token": TOKEN, "personal": name})

    def make() -> None:
        at.page.get_by_label("What is it for?").fill("phone")
        at.page.get_by_role("button", name="Make a token").click()

    at.take("tokens", "tokens")
    at.take("tokens-made", "tokens", make)


def secrets(at: Pictures) -> None:
    """Secrets of a host; one that is being removed, and one that is refused."""
    for name in ("NPM_TOKEN", "DEPLOY_KEY"):
        at.host.post("hosts/h1/secrets", {"name": name, "value": "correct horse"})

    def refuse() -> None:
        at.page.get_by_label("Name").fill("SMTP_PASSWORD")
        at.page.get_by_label("Value").fill("12345")
        at.page.get_by_role("button", name="Set the secret").click()
        at.page.get_by_role("alert").wait_for()

    at.take("secrets", "secrets")
    at.take("secrets-refused", "secrets", refuse)
    remove = at.page.get_by_role("button", name="Remove NPM_TOKEN")
    at.take("secrets-remove", "secrets", remove.click)


def gone(at: Pictures) -> None:
    """The host is away, and the page says so."""
    at.page.goto(at.host.url)
    at.page.get_by_role("heading", name="Recent").wait_for()
    at.host.stop()
    at.page.get_by_text("Not connected.").wait_for()
    at.take("now-lost")


def main(folder: Path, words: list[str]) -> None:
    """All of it."""
    folder.mkdir(parents=True, exist_ok=True)
    config = Path(__file__).with_suffix(".yml").read_text(encoding="utf-8")
    config = config.replace("foreach: PAGES", f"foreach: {PAGES}")
    with tempfile.TemporaryDirectory() as there, sync_playwright() as playwright:
        host = Host(Path(there), config)
        host.start()
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        try:
            at = Pictures(browser.new_page(), host, folder, words)
            for part in (
                empty,
                busy,
                skipped,
                items,
                children,
                again,
                several,
                tokens,
                secrets,
                gone,
            ):
                part(at)
        finally:
            browser.close()
            for name in ("tests", "migrated", "patched", "probed"):
                host.go(name)
            host.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
