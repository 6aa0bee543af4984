"""Notices of a run and deliveries that a trigger passed over, as the dashboard shows them."""

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.dashboard import Host, browser, complaints, page, status
from tests.make_webhooks import SECRET, headers_of, stored_body
from tests.receivers import Webhook, a_webhook

__all__ = ["browser", "complaints", "page"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

CONFIG = """
common: {{base-url: /build/api}}
flows:
  - name: build
    triggers:
      - {{name: start, type: data}}
      - {{name: pushed, type: push, opts: {{secret: '@{secret}', branches: [main]}}}}
    on-end:
      - {{slack: '{slack}'}}
      - {{mail: {{to: [ops@example.com]}}}}
    tasks:
      - {{name: Fail, type: exec, listen: trigger.good, opts: {{shell: exit 3}}}}
"""


@pytest.fixture
def slack() -> Iterator[Webhook]:
    with a_webhook() as hook:
        yield hook


@pytest.fixture
def host(tmp_path: Path, slack: Webhook) -> Iterator[Host]:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    host = Host(tmp_path, CONFIG.format(secret=secret, slack=slack.url))
    try:
        host.start()
        yield host
    finally:
        host.stop()


def test_page_of_a_run_shows_its_notices(page: Page, host: Host) -> None:
    host.post("push/data", {"ref": {"id": "build"}, "form": {"id": "start"}})
    page.goto(f"{host.url}/runs/h1-1")
    status(page, "bad")

    page.get_by_role("tab", name="Why").click()

    notices = page.locator("section.values", has=page.get_by_role("heading", name="Notices"))
    expect(notices.locator("div").first).to_contain_text("Slack at 127.0.0.1sent at")
    expect(notices).to_contain_text("the config of this host has no `smtp` (given up after 1 try)")
    expect(page.locator("body")).not_to_contain_text("s3cr3t-path")


def test_page_of_a_flow_shows_what_its_trigger_passed_over(page: Page, host: Host) -> None:
    body = stored_body("github-deleted")
    request = urllib.request.Request(
        f"{host.url.removesuffix('/app/dash')}/build/api/push/build/pushed",
        data=body,
        headers=headers_of("github", body, "d-1"),
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200

    page.goto(f"{host.url}/flows/build")

    passed = page.get_by_text("the branch topic was deleted")
    expect(passed).to_contain_text("passed over just now")
