"""TLS on either address of a host, for all who talk to it."""

import json
import os
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from floe.cli.client import Client
from tests.acceptance.people import floe, said
from tests.acceptance.product import DEADLINE_S, FLOE, TOKEN, Host, until
from tests.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

CERT = Path(__file__).parents[1] / "data" / "tls" / "cert.pem"
KEY = CERT.with_name("key.pem")
CONFIG = """
flows:
  - name: hello
    triggers: [{name: start, type: data}]
    tasks:
      - {name: say, type: exec, listen: trigger.good, opts: {cmd: echo hello}}
      - {name: ask, type: data, listen: task.say.good}
      - {name: done, type: end, listen: task.ask.good}
"""


class Binds:
    """A host that serves TLS at one of its addresses and plain HTTP at the other."""

    def __init__(self, folder: Path, side: str) -> None:
        self.host = Host(folder, CONFIG)
        self.private = f"127.0.0.1:{free_port()}"
        secure, plain = self.host.address, self.private
        if side == "PRV":
            secure, plain = plain, secure
        self.secure, self.plain = f"https://{secure}", f"http://{plain}"
        self.trusting = replace(self.host.api.at, url=self.secure, ca=str(CERT))
        self.env = {
            "FLOE_PRV_BIND": self.private,
            f"FLOE_{side}_CERT": str(CERT),
            f"FLOE_{side}_KEY": str(KEY),
        }


@pytest.fixture(scope="module", params=["PUB", "PRV"])
def binds(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Binds]:
    binds = Binds(tmp_path_factory.mktemp("tls"), request.param)
    binds.host.api = Client(binds.trusting)
    try:
        binds.host.start(env=binds.env)
        yield binds
    finally:
        binds.host.close()


def cookie(url: str) -> str:
    """The cookie that a login is answered with."""
    body = json.dumps({"token": TOKEN}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/build/api/login", data=body, headers=headers)
    trust = ssl.create_default_context(cafile=str(CERT))
    with urllib.request.urlopen(request, context=trust) as answer:
        return str(answer.headers["Set-Cookie"])


def test_commands_reach_a_host_whose_certificate_they_trust(binds: Binds) -> None:
    env = {"FLOE_URL": binds.secure, "FLOE_CA": str(CERT)}

    run = said(floe(binds.host, "trigger", "hello", env=env)).strip()

    binds.host.until_node(run, "ask", "asking")
    assert said(floe(binds.host, "log", run, "say", env=env)) == "hello\n"


def test_login_keeps_the_certificate_to_trust(binds: Binds, tmp_path: Path) -> None:
    at_home = {"FLOE_URL": "", "FLOE_TOKEN": "", "XDG_CONFIG_HOME": str(tmp_path)}

    words = ("login", "--url", binds.secure, "--token", TOKEN, "--ca", str(CERT))
    said(floe(binds.host, *words, env=at_home))

    assert "hello@1" in said(floe(binds.host, "flows", env=at_home))


def test_certificate_that_nobody_vouches_for_is_refused_with_a_hint(binds: Binds) -> None:
    refused = floe(binds.host, "flows", env={"FLOE_URL": binds.secure})

    assert refused.returncode == 3
    assert "--ca" in refused.stderr


def test_certificate_of_another_address_is_refused(binds: Binds) -> None:
    port = binds.secure.rpartition(":")[2]
    env = {"FLOE_URL": f"https://127.0.0.2:{port}", "FLOE_CA": str(CERT)}

    assert floe(binds.host, "flows", env=env).returncode == 3


def test_plain_http_where_tls_is_served_shows_what_may_be_wrong(binds: Binds) -> None:
    refused = floe(binds.host, "flows", env={"FLOE_URL": binds.secure.replace("https", "http")})

    assert refused.returncode == 3
    assert "https://" in refused.stderr


def test_tls_where_plain_http_is_served_shows_what_may_be_wrong(binds: Binds) -> None:
    refused = floe(binds.host, "flows", env={"FLOE_URL": binds.plain.replace("http", "https")})

    assert refused.returncode == 3
    assert "http://" in refused.stderr


@pytest.mark.parametrize("side", ["secure", "plain"])
def test_feed_is_followed_to_the_end_of_a_run(binds: Binds, side: str) -> None:
    env = {"FLOE_URL": getattr(binds, side), "FLOE_CA": str(CERT), "FLOE_TOKEN": TOKEN}
    run = binds.host.trigger("hello")
    binds.host.until_node(run, "ask", "asking")
    seen = binds.host.folder / f"{side}.txt"

    with (
        seen.open("w") as output,
        subprocess.Popen(
            [FLOE[0], "watch", run], env={**os.environ, **env}, stdout=output
        ) as watch,
    ):
        until(lambda: "hello" in seen.read_text(), "the run as it is")
        binds.host.give(run, "ask")
        status = watch.wait(DEADLINE_S)

    assert status == 0
    assert "RunEnded" in seen.read_text()


@pytest.mark.parametrize(("side", "secure"), [("secure", True), ("plain", False)])
def test_cookie_is_secure_where_the_connection_is(binds: Binds, side: str, secure: bool) -> None:
    parts = cookie(getattr(binds, side)).split("; ")

    assert ("Secure" in parts) == secure
    assert {"HttpOnly", "SameSite=Strict"} <= set(parts)


def started(host: Host, *words: str) -> subprocess.CompletedProcess[str]:
    """What `floe host` says that is not to start."""
    return floe(host, "host", *words, f"--root={host.root}", f"--conf={host.config}")


@pytest.mark.parametrize("bind", ["pub_bind", "prv_bind"])
@pytest.mark.parametrize("address", ["0.0.0.0", "[::]", "", "192.0.2.1", "floe.example.org"])
def test_address_that_others_reach_is_refused_without_tls(
    tmp_path: Path, bind: str, address: str
) -> None:
    host = Host(tmp_path, CONFIG)

    refused = started(host, f"-{bind}={address}:{free_port()}")

    assert refused.returncode == 2
    assert f"-{bind}" in refused.stderr
    assert "--insecure" in refused.stderr
    assert not host.root.exists()


@pytest.mark.parametrize(
    ("env", "scheme"),
    [
        ({"FLOE_INSECURE": "true"}, "http"),
        ({"FLOE_PUB_CERT": str(CERT), "FLOE_PUB_KEY": str(KEY)}, "https"),
    ],
)
def test_address_that_others_reach_is_served_when_that_is_safe_or_wanted(
    tmp_path: Path, env: dict[str, str], scheme: str
) -> None:
    host = Host(tmp_path, CONFIG)
    port = host.address.rpartition(":")[2]
    host.api = Client(replace(host.api.at, url=f"{scheme}://127.0.0.1:{port}", ca=str(CERT)))

    try:
        host.start(env={**env, "FLOE_PUB_BIND": f"0.0.0.0:{port}"})
        flows = host.api.get("flows")["flows"]
    finally:
        host.close()

    assert [flow["id"] for flow in flows] == ["hello"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([f"-pub_cert={CERT}"], "-pub_key"),
        ([f"-prv_key={KEY}", "-prv_bind=127.0.0.1:0"], "-prv_cert"),
        ([f"-pub_cert={CERT}", "-pub_key=/no/such.pem"], "/no/such.pem"),
        ([f"-pub_cert={KEY}", f"-pub_key={CERT}"], "cannot use the certificate"),
    ],
)
def test_certificate_that_cannot_be_used_is_refused(
    tmp_path: Path, words: list[str], said: str
) -> None:
    host = Host(tmp_path, CONFIG)

    refused = started(host, "-pub_bind=127.0.0.1:0", *words)

    assert refused.returncode == 2
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr
