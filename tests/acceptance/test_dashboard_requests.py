"""Nodes of http, notify and ssh on the page of a run: what each did, and none of its secrets."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.dashboard import Host, browser, complaints, page, step
from tests.receivers import a_webhook, an_echo
from tests.sshd import USER, Sshd

__all__ = ["browser", "complaints", "page"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

SECRETS = {"API_KEY": "key-4f9d2c7e81", "API_TOKEN": "token/4f9d+2c7e81"}

CONFIG = """
common: {base-url: /build/api}
flows:
  - name: Deploy
    unheard-bad: hold
    triggers:
      - name: Start
        type: data
        opts: {form: {fields: [{id: version, value: 1.4.2}]}}
    tasks:
      - name: Register
        type: http
        listen: trigger.good
        opts:
          url: '$URL/apps/{{ values.version }}'
          method: PUT
          headers: {X-Key: {secret: API_KEY}, X-Run: '{{ run.id }}'}
          auth: {bearer: {secret: API_TOKEN}}
          json: {version: '{{ values.version }}'}
          outputs: {id: '{{ body.id }}'}
      - name: Inspect
        type: http
        listen: trigger.good
        opts:
          url: '$URL/apps/{{ values.version }}'
          method: PUT
          auth: {user: ada, password: {secret: API_TOKEN}}
          body: inspect
      - name: Restart
        type: ssh
        listen: trigger.good
        secrets: [API_KEY]
        opts:
          host: 127.0.0.1
          port: $PORT
          user: $USER
          key-file: $SSH/key
          known-hosts: $SSH/known_hosts
          cmd: sh
          args: [-c, 'echo "restarted $1 with $API_KEY"', sh, '{{ values.version }}']
      - name: Announce
        type: notify
        listen: trigger.good
        opts: {webhook: '$HOOK', text: 'deployed {{ values.version }}'}
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A host whose run has asked a server, restarted a machine and told people."""
    sshd = Sshd(tmp_path / "ssh")
    sshd.start()
    with an_echo() as url, a_webhook() as hook:
        names = {"$URL": url, "$HOOK": hook.url, "$PORT": str(sshd.port), "$USER": USER}
        config = CONFIG.replace("$SSH", str(sshd.folder))
        for name, text in names.items():
            config = config.replace(name, text)
        host = Host(tmp_path, config)
        try:
            host.start()
            for name, value in SECRETS.items():
                host.post("hosts/h1/secrets", {"name": name, "value": value})
            form = {"values": {"version": "1.4.2"}}
            host.post("push/data", {"ref": {"id": "deploy"}, "form": form})
            yield host
        finally:
            host.stop()
            sshd.stop()


def open_(page: Page, host: Host, node: str, tab: str) -> None:
    page.goto(f"{host.url}/runs/h1-1?node={node}&tab={tab}")
    expect(page.get_by_role("list", name="Nodes")).to_be_visible()


def test_secret_that_a_server_echoes_is_in_no_log_and_no_output(page: Page, host: Host) -> None:
    forms = [*SECRETS.values(), base64.b64encode(b"ada:" + SECRETS["API_TOKEN"].encode()).decode()]
    open_(page, host, "register", "output")
    step(page, "Register", "good")
    step(page, "Inspect", "error")
    step(page, "Restart", "good")

    expect(page.get_by_role("log", name="Output")).to_contain_text("Bearer ****")
    seen = [page.content()]
    for node in ("register", "inspect", "restart"):
        for tab in ("output", "data", "events", "why"):
            open_(page, host, node, tab)
            expect(page.get_by_text("Loading")).to_have_count(0)
            seen.append(page.content())

    assert [form for form in forms if any(form in text for text in seen)] == []
    expect(page.locator(".head-why")).to_contain_text(
        "its output body contains the secret API_TOKEN"
    )


def test_work_of_a_request_reads_as_lines_and_names_its_secrets(page: Page, host: Host) -> None:
    open_(page, host, "register", "data")

    work = page.get_by_role("tabpanel").locator(".values", has_text="Work")
    expect(work).to_contain_text("X-Key: secret API_KEY\nX-Run: h1-1")
    expect(work).to_contain_text("bearer: secret API_TOKEN")
    expect(work).to_contain_text("id: {{ body.id }}")
    open_(page, host, "inspect", "data")
    expect(work).to_contain_text("ada: secret API_TOKEN")
    open_(page, host, "announce", "data")
    expect(work).to_contain_text("deployed 1.4.2")
    expect(page.locator("body")).not_to_contain_text("s3cr3t-path")
