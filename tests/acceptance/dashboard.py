"""The dashboard in a real browser against a real host: what its tests share."""

import json
import os
import re
import shutil
import signal
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from jsonschema import ValidationError  # type: ignore[import-untyped]  # has no stubs
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    WebSocket,
    expect,
    sync_playwright,
)

from floe.cli.client import Account, Client
from tests.acceptance.product import Process, started
from tests.acceptance.warm import floe_host
from tests.ports import free_port
from tests.schemas import check

TOKEN = "correct-horse-battery"
HOSTILE = "<img src=x onerror=alert(1)>\u202egpj.exe"
SHOWN = "<img src=x onerror=alert(1)>\\u202egpj.exe"

START_S = 60.0
SEE_MS = 30_000.0
"""How long a page may take to show something, on a machine that is busy."""

expect.set_options(timeout=SEE_MS)

CHROMIUM = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

# Commands wait for files that the test makes: what is seen before is seen while they run.
CONFIG = """
common: {base-url: /build/api}
flows:
  - name: Release
    triggers:
      - name: Request
        type: data
        opts:
          form:
            title: Request a release
            fields:
              - {id: version, prompt: Which version?, type: string}
              - {id: jobs, prompt: How many jobs?, type: number, value: 4, required: false}
      - {name: Bare, type: data}
    tasks:
      - name: Build
        type: exec
        listen: trigger.good
        opts:
          shell: |
            printf 'version %s \\033[32min green\\033[0m\\n' "$FLOE_IN_VERSION"
            until [ -e "$GO/build" ]; do sleep 0.02; done
            echo 'and on it goes'
            [ ! -e "$GO/broken" ]
      - name: Sign Off
        type: data
        listen: task.build.good
        opts:
          form:
            title: May this be released?
            text: 'Version {{ values.version }}'
            fields: [{id: remark, prompt: Anything to note?, type: text, required: false}]
      - name: Ship
        type: exec
        listen: task.sign-off.good
        opts: {shell: 'echo shipped; [ ! -e "$GO/broken" ]'}
      - {name: Released, type: end, listen: task.ship.good}
      - {name: Refused, type: end, listen: task.sign-off.bad}

  - name: Long
    triggers: [{name: Start, type: data}]
    tasks:
      - name: Count
        type: exec
        listen: trigger.good
        opts: {shell: "printf '\\\\033[32m'; seq 1 100000"}
      - {name: Done, type: end, listen: task.count.good}

  - name: Steady
    resource-tags: [bench]
    triggers: [{name: Start, type: data}]
    tasks:
      - name: Say
        type: exec
        listen: trigger.good
        opts:
          shell: |
            seq 1 200
            until [ -e "$GO/build" ]; do sleep 0.02; done
            seq 201 400
            until [ -e "$GO/end" ]; do sleep 0.02; done

  - name: Elsewhere
    host-tags: [moon]
    triggers: [{name: Start, type: data}]
    tasks: [{name: Land, type: end, listen: trigger.good}]

  - name: Hostile
    triggers:
      - name: Start
        type: data
        opts: {form: {title: HOSTILE, fields: [{id: text, prompt: HOSTILE}]}}
    tasks:
      - name: Say
        type: exec
        listen: trigger.good
        opts:
          shell: |
            echo "$FLOE_IN_TEXT"
            printf '<script>alert(2)</script>\\033]0;title\\007\\033[2J after\\n'
            echo "said=$FLOE_IN_TEXT" >> "$FLOE_OUTPUTS"
      - name: Ask
        type: data
        listen: task.say.good
        opts: {form: {title: HOSTILE, fields: [{id: sure, prompt: HOSTILE, required: false}]}}
      - {name: Done, type: end, listen: task.ask.good}
""".replace("HOSTILE", '"<img src=x onerror=alert(1)>\\u202egpj.exe"')


class Host:
    """A `floe host` process with a root and an address of its own."""

    def __init__(self, folder: Path, config: str = CONFIG) -> None:
        """`$GO` in the config is the folder."""
        self.folder = folder
        self.address = f"127.0.0.1:{free_port()}"
        (folder / "config.yml").write_text(config.replace("$GO", str(folder)), encoding="utf-8")
        self.log = folder / "host.log"
        self.process: Process | None = None

    @property
    def url(self) -> str:
        return f"http://{self.address}/app/dash"

    def get(self, path: str) -> dict[str, Any]:
        """Ask its API."""
        with closing(self._api()) as api:
            return api.get(path)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Tell its API."""
        with closing(self._api()) as api:
            return api.post(path, body)

    def _api(self) -> Client:
        return Client(Account(url=f"http://{self.address}", token=TOKEN))

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = {"HOST_NAME": "h1", "PUB_BIND": self.address, "CONF": "config.yml"}
        env = {f"FLOE_{name}": value for name, value in {**options, "ADMIN": TOKEN}.items()}
        self.process = started(
            floe_host, cwd=self.folder, env={**os.environ, **env}, output=self.log
        )
        deadline = time.monotonic() + START_S
        while not self.is_ready():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)

    def is_ready(self) -> bool:
        """Ask it."""
        try:
            with urllib.request.urlopen(f"http://{self.address}/build/api/readyz"):
                return True
        except OSError:
            return False

    def stop(self) -> None:
        """Stop it as a service manager would; commands go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def go(self, name: str) -> None:
        """Let the command that waits for `name` go on."""
        (self.folder / name).touch()


def chromium() -> str:
    """Where the browser is."""
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    assert path, "these tests need Chromium: apt-get install chromium-headless-shell"
    return path


@pytest.fixture
def host(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Host]:
    """A host with the config `CONFIG` of the test's module, else with its own."""
    config = getattr(request.module, "CONFIG", None)
    host = Host(tmp_path, config) if config else Host(tmp_path)
    try:
        host.start()
        yield host
    finally:
        host.go("build")
        host.go("end")
        host.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained about; a test may clear what it caused on purpose."""
    return []


@pytest.fixture
def page(browser: Browser, host: Host, complaints: list[str]) -> Iterator[Page]:
    """A page that is logged in, and that must not complain: no error, no CSP violation.

    Each frame of the feed, in both directions, must be as the description of the API has it.
    """

    def hear(message: ConsoleMessage) -> None:
        # Chromium reports each answer of 400 and above, as an asked-for 401 of GET login is.
        if message.type in ("error", "warning") and "the server responded with" not in message.text:
            complaints.append(message.text)

    def follow(feed: WebSocket) -> None:
        feed.on("framereceived", lambda text: judge(text, "Frame"))
        feed.on("framesent", lambda text: judge(text, "FeedRequest"))

    def judge(text: str | bytes, schema: str) -> None:
        try:
            check(json.loads(text), schema)
        except ValidationError as error:
            complaints.append(f"not as the schema {schema} describes: {error.message}")

    # What moves would be drawn sixty times a second by the CPU that the other tests need.
    with browser.new_context(reduced_motion="reduce") as context:
        page = context.new_page()
        page.set_default_timeout(SEE_MS)
        page.on("console", hear)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("websocket", follow)
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        # By the API: the login page would be one more load for each test.
        origin = f"http://{host.address}"
        login = f"{origin}/build/api/login"
        context.request.post(login, data={"token": TOKEN}, headers={"Origin": origin})
        page.goto(host.url)
        expect(page.get_by_role("link", name="Flows").first).to_be_visible()
        yield page
        # What a test answers for the host may be under way still; it has no page to go to any more.
        page.unroute_all(behavior="ignoreErrors")
    assert complaints == []


def start_release(page: Page, host: Host, version: str = "1.0") -> None:
    """Start a run from the form on the flow's page; it is shown then."""
    page.goto(f"{host.url}/flows/release")
    page.get_by_label("Which version?").fill(version)
    page.get_by_role("button", name="Start a run").click()
    page.wait_for_url(re.compile(r"/runs/h1-\d+"))


def reject(page: Page, why: str = "") -> None:
    """Reject the open form, with a reason if there is one."""
    page.get_by_role("button", name="Reject…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why").fill(why)
    dialog.get_by_role("button", name="Reject", exact=True).click()


def status(page: Page, word: str) -> None:
    """Wait until the run's heading says so."""
    expect(page.locator(".head").get_by_role("status")).to_have_text(word, timeout=SEE_MS)


def step(page: Page, name: str, state: str) -> None:
    """Wait until a node in the list is in a state, by its name for those who do not see."""
    row = page.get_by_role("list", name="Nodes").get_by_role("link").filter(has_text=name)
    expect(row.get_by_role("img", name=state, exact=True)).to_be_visible(timeout=SEE_MS)


def start_long(page: Page, host: Host) -> Locator:
    """A run with 100,000 lines of output, which is shown; returns the lines."""
    page.goto(f"{host.url}/flows/long")
    page.get_by_role("button", name="Start a run").click()
    status(page, "good")
    page.get_by_role("list", name="Nodes").get_by_role("link", name="Count").click()
    return page.get_by_role("log", name="Output")
