"""floe behind a proxy that ends TLS: nginx, set up in each of the ways that people write it."""

import json
import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.acceptance.dashboard import (
    CHROMIUM_FLAGS,
    CONFIG,
    SEE_MS,
    TOKEN,
    Host,
    chromium,
    start_release,
    status,
    step,
)
from tests.acceptance.product import FLOE, until
from tests.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]
TLS = ROOT / "tests/data/tls"
NAME = "floe.example"
SBIN = "/usr/sbin:/usr/local/sbin:/sbin"

LOCATION = """
    proxy_pass http://127.0.0.1:8080;
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
"""
(DOCUMENTED,) = re.findall(
    r"^    location / \{\n(.*?)^    \}",
    (ROOT / "docs/security.md").read_text(),
    re.DOTALL | re.MULTILINE,
)
LOCATIONS = {
    "as the docs have it": DOCUMENTED,
    "the Host as it came": LOCATION + "proxy_set_header Host $http_host;",
    "Host without its port": LOCATION + "proxy_set_header Host $host;",
    "Host with the server's port": LOCATION + "proxy_set_header Host $host:$server_port;",
    "no word about Host": LOCATION,
    "everything forwarded": LOCATION
    + """
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-Host $http_host;
        proxy_set_header X-Forwarded-Port $server_port;
    """,
    "a websocket's scheme and no port": LOCATION
    + """
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto wss;
        proxy_set_header X-Forwarded-Host $host;
    """,
}
KINDS = tuple(LOCATIONS)

NGINX = """
daemon off;
pid FOLDER/nginx.pid;
error_log FOLDER/nginx.log;
events {}
http {
    access_log off;
    proxy_temp_path FOLDER/proxy;
    client_body_temp_path FOLDER/body;
    fastcgi_temp_path FOLDER/fastcgi;
    uwsgi_temp_path FOLDER/uwsgi;
    scgi_temp_path FOLDER/scgi;
    ssl_certificate TLS/cert.pem;
    ssl_certificate_key TLS/key.pem;
    map $http_upgrade $connection_upgrade { default upgrade; '' close; }
    SERVERS
}
"""
SERVER = """
    server {
        listen 127.0.0.1:PORT ssl;
        location / { LOCATION }
    }
"""


class Site(NamedTuple):
    """A host, and nginx in front of it with a port for each way to set it up."""

    host: Host
    ports: dict[str, int]

    def url(self, kind: str) -> str:
        return f"https://{NAME}:{self.ports[kind]}"


def nginx(site: Site, folder: Path) -> "subprocess.Popen[bytes]":
    """Start nginx and wait until it accepts connections."""
    servers = "".join(
        SERVER.replace("PORT", str(port)).replace(
            "LOCATION", LOCATIONS[kind].replace("127.0.0.1:8080", site.host.address)
        )
        for kind, port in site.ports.items()
    )
    config = folder / "nginx.conf"
    config.write_text(
        NGINX.replace("SERVERS", servers).replace("FOLDER", str(folder)).replace("TLS", str(TLS))
    )
    program = shutil.which("nginx") or shutil.which("nginx", path=SBIN)
    assert program, "these tests need nginx; scripts/dev installs it"
    process = subprocess.Popen([program, "-c", config, "-p", folder])
    log = folder / "nginx.log"
    until(lambda: process.poll() is None and (folder / "nginx.pid").exists(), f"nginx; see {log}")
    return process


@pytest.fixture(scope="module", params=["no proxy is trusted", "the proxy is trusted"])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("proxied")
    trusts = request.param == "the proxy is trusted"
    common = "common: {trusted-proxies: [127.0.0.1]}" if trusts else "common: {}"
    host = Host(folder, CONFIG.replace("common: {base-url: /build/api}", common))
    site = Site(host, {kind: free_port() for kind in KINDS})
    host.start()
    try:
        process = nginx(site, folder)
        try:
            yield site
        finally:
            process.terminate()
            process.wait()
    finally:
        host.stop()


@pytest.fixture(scope="module")
def browser(site: Site) -> Iterator[Browser]:
    """A browser that finds the host's name here; on 443, the proxy that passes no port on."""
    to = site.ports["Host without its port"]
    rules = f"--host-resolver-rules=MAP {NAME}:443 127.0.0.1:{to}, MAP {NAME} 127.0.0.1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=[*CHROMIUM_FLAGS, rules]
        )
        yield browser
        browser.close()


class At:
    """Where a page finds the host; stands for a host in what the dashboard's tests share."""

    def __init__(self, url: str) -> None:
        self.url = f"{url}/app/dash"


def logged_in(page: Page, at: At) -> None:
    page.set_default_timeout(SEE_MS)
    page.goto(at.url)
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("link", name="Flows").first).to_be_visible()


@pytest.mark.parametrize("kind", [*KINDS, "the port of https"])
def test_login_feed_and_every_button_work(site: Site, browser: Browser, kind: str) -> None:
    at: Any = At(site.url(kind) if kind in KINDS else f"https://{NAME}")
    site.host.go("build")

    with browser.new_context(ignore_https_errors=True) as context:
        page = context.new_page()
        logged_in(page, at)
        (cookie,) = context.cookies()
        start_release(page, at)
        step(page, "Build", "good")  # by the feed
        page.get_by_role("button", name="Approve").click()
        status(page, "good")
        expect(page.get_by_text("Not connected")).to_have_count(0)
        page.goto(f"{at.url}/flows/elsewhere")
        page.get_by_role("button", name="Start a run").click()
        page.get_by_role("button", name="Cancel run").click()
        page.get_by_role("dialog").get_by_role("button", name="Cancel the run").click()
        status(page, "cancelled")
        page.goto(f"{at.url}/hosts")
        page.get_by_role("button", name="Read config again").click()
        expect(page.get_by_text("Read again: ")).to_be_visible()
        page.goto(f"{at.url}/tokens")
        page.get_by_label("What is it for?").fill("laptop")
        page.get_by_role("button", name="Make a token").click()
        expect(page.get_by_text("Copy it now")).to_be_visible()
        page.get_by_role("button", name="Revoke laptop…").click()
        page.get_by_role("button", name="Revoke laptop", exact=True).click()
        expect(page.get_by_text("No personal tokens")).to_be_visible()
        page.get_by_role("button", name="Log out", exact=True).click()
        expect(page.get_by_label("Token")).to_be_visible()

    assert cookie.get("secure") is True


@pytest.mark.parametrize("kind", KINDS)
def test_command_line_follows_the_feed(site: Site, kind: str) -> None:
    site.host.go("build")
    account = {
        "FLOE_URL": f"https://127.0.0.1:{site.ports[kind]}",
        "FLOE_TOKEN": TOKEN,
        "FLOE_CA": str(TLS / "cert.pem"),
    }
    words = [FLOE[0], "trigger", "elsewhere"]
    run = subprocess.run(
        words, env=os.environ | account, capture_output=True, text=True, check=True
    ).stdout.strip()

    with subprocess.Popen(
        [FLOE[0], "watch", run], env=os.environ | account, stdout=subprocess.PIPE, text=True
    ) as watch:
        assert watch.stdout is not None
        first = watch.stdout.readline()
        site.host.post(f"runs/{run}/cancel", {})
        rest = watch.stdout.read()

    assert run in first
    assert "RunEnded" in rest


def login_from(site: Site, client: str, token: str, forged: str = "") -> int:
    """Log in through nginx from an address of this machine."""
    port, trust = site.ports["everything forwarded"], ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    connection = HTTPSConnection(
        "127.0.0.1", port, source_address=(client, 0), context=trust, timeout=60
    )
    headers = {"Content-Type": "application/json"} | ({"X-Forwarded-For": forged} if forged else {})
    try:
        connection.request("POST", "/build/api/login", json.dumps({"token": token}), headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_who_guesses_is_slowed_down_whatever_address_they_claim(site: Site) -> None:
    guesses = [login_from(site, "127.0.0.2", "wrong", f"203.0.113.{n}") for n in range(11)]

    assert guesses == [401] * 10 + [429]


@pytest.mark.parametrize("site", ["the proxy is trusted"], indirect=True)
def test_who_guesses_behind_a_trusted_proxy_slows_down_nobody_else(site: Site) -> None:
    for _ in range(11):
        login_from(site, "127.0.0.3", "wrong")

    assert login_from(site, "127.0.0.3", TOKEN) == 429
    assert login_from(site, "127.0.0.4", TOKEN) == 200
