"""A server of flyte by one command line: TLS, a policy, an issuer and a folder, and what its own
acceptance tests do with such a server.

Source: reference of flyte, its acceptance tests.
"""

import json
import signal
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from tests.acceptance.product import DEADLINE_S, FLOE, Process, started, until
from tests.flyte_clients import GoClient, linked
from tests.issuer import CLIENT_ID, TestIssuer
from tests.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CERT: Final = Path(__file__).parents[1] / "data/tls/cert.pem"
POLICY: Final = """
- path: /*
- path: /v1/swagger
  methods: [GET]
  claims: {groups: [dev]}
- path: /v1/swagger
  methods: [PUT]
  claims: {role: [superuser]}
"""
SLACK: Final[dict[str, Any]] = {
    "name": "Slack",
    "commands": [{"name": "SendMessage", "events": ["MessageSent", "SendMessageFailed"]}],
    "events": [{"name": "MessageSent"}, {"name": "SendMessageFailed"}],
}
SLACK_FLOW: Final[dict[str, Any]] = {
    "name": "slack_flow",
    "description": "answers a message",
    "steps": [
        {
            "id": "slack",
            "event": {"packName": "Slack", "name": "MessageSent"},
            "command": {"packName": "Slack", "name": "SendMessage", "input": {"message": "hi"}},
        }
    ],
}
VARIABLES: Final = {
    "port": "FLYTE_PORT",
    "cert": "FLYTE_TLS_CERT_PATH",
    "key": "FLYTE_TLS_KEY_PATH",
    "policy": "FLYTE_AUTH_POLICY_PATH",
    "issuer": "FLYTE_OIDC_ISSUER_URL",
    "client-id": "FLYTE_OIDC_ISSUER_CLIENT_ID",
}
NONE: Final[Mapping[str, str]] = {}
FORM: Final = "multipart/form-data; boundary=b"
ITEM: Final = b'{"a": [1, 2]}'
PARTS: Final = (
    b'--b\r\nContent-Disposition: form-data; name="value"; filename="techops.json"\r\n'
    b"Content-Type: application/json\r\n\r\n" + ITEM + b"\r\n"
    b'--b\r\nContent-Disposition: form-data; name="description"\r\n\r\nteams\r\n--b--\r\n'
)


class FlyteServer:
    """A server that one command line starts, and a client that finds all URLs in `GET /v1`."""

    def __init__(self, folder: Path, issuer: TestIssuer, env: Mapping[str, str] = NONE) -> None:
        """`env` in place of options: the variables of flyte's own server."""
        policy, port = folder / "policy.yml", free_port()
        policy.write_text(POLICY)
        self.issuer = issuer
        self.root = f"https://localhost:{port}"
        self.client = GoClient(self.root, ca=str(CERT))
        options = {
            "port": str(port),
            "cert": str(CERT),
            "key": str(CERT.with_name("key.pem")),
            "policy": str(policy),
            "issuer": issuer.url,
            "client-id": CLIENT_ID,
        }
        given = [f"--{name}={value}" for name, value in options.items() if name not in env]
        variables = {env[name]: value for name, value in options.items() if name in env}
        self.process: Process = started(
            (FLOE[0], "flyte", "serve", *given, "--data", str(folder / "data")),
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "HOME": str(folder), **variables},
            output=folder / "log",
        )
        until(self._answers, "its start")
        self.links = self.client.api_links()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(DEADLINE_S)

    def _answers(self) -> bool:
        assert self.process.poll() is None, "it stopped"
        try:
            return self.client.ask("GET", f"{self.root}/health")[0] == 200
        except OSError:
            return False

    def href(self, end: str) -> str:
        return linked(self.links, end)

    def get(self, url: str) -> tuple[int, Any]:
        status, _, body = self.client.ask("GET", url)
        return status, json.loads(body) if body.startswith(b"{") else body

    def post(self, url: str, shape: Any) -> tuple[int, str, Any]:
        """Status, Location and JSON of the answer."""
        body = json.dumps(shape).encode() if shape is not None else b""
        headers = {"Content-Type": "application/json"}
        status, answered, text = self.client.ask("POST", url, body, **headers)
        return status, str(answered["Location"]), json.loads(text) if text else None

    def put_item(self, key: str) -> int:
        url = self.href("datastore/listDatastoreItems")
        return self.client.ask("PUT", f"{url}/{key}", PARTS, **{"Content-Type": FORM})[0]

    def delete(self, url: str) -> int:
        return self.client.ask("DELETE", url)[0]


@pytest.fixture(scope="module")
def issuer() -> Iterator[TestIssuer]:
    with TestIssuer().serve_in_thread() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, issuer: TestIssuer) -> Iterator[FlyteServer]:
    server = FlyteServer(tmp_path_factory.mktemp("flyte"), issuer)
    yield server
    server.stop()


@pytest.fixture
def items(server: FlyteServer) -> str:
    return server.href("datastore/listDatastoreItems")


def emptied(server: FlyteServer) -> FlyteServer:
    """Without packs and flows."""
    for kind in ("pack/listPacks", "flow/listFlows"):
        _, found = server.get(server.href(kind))
        for one in found.get("packs", found.get("flows")):
            assert server.delete(linked(one, "self")) == 204
    return server


def test_item_is_created_then_replaced_then_deleted(server: FlyteServer, items: str) -> None:
    found = [server.put_item("techops"), server.put_item("techops")]
    status, _, body = server.client.ask("GET", f"{items}/techops")

    assert found == [201, 204]
    assert (status, body) == (200, ITEM)
    assert server.delete(f"{items}/techops") == 204


def test_item_that_is_not_there_is_404(server: FlyteServer, items: str) -> None:
    url = f"{items}some-nonsense"

    assert (server.get(url)[0], server.delete(url)) == (404, 404)


def test_pack_is_answered_as_a_whole(server: FlyteServer) -> None:
    url = emptied(server).href("pack/listPacks")

    status, location, pack = server.post(url, SLACK)

    at, swagger = f"{url}/Slack", f"{server.root}/swagger"
    take = {"href": f"{at}/actions/take", "rel": f"{swagger}#!/action/takeAction"}
    seen = datetime.fromisoformat(pack["lastSeen"])
    assert (status, location) == (201, at)
    assert abs((datetime.now(UTC) - seen).total_seconds()) < 60
    assert pack == {
        "id": "Slack",
        "name": "Slack",
        "commands": [
            {
                "name": "SendMessage",
                "events": ["MessageSent", "SendMessageFailed"],
                "links": [take | {"href": f"{take['href']}?commandName=SendMessage"}],
            }
        ],
        "events": [{"name": "MessageSent"}, {"name": "SendMessageFailed"}],
        "lastSeen": pack["lastSeen"],
        "status": "live",
        "links": [
            {"href": at, "rel": "self"},
            {"href": url, "rel": "up"},
            take,
            {"href": f"{at}/events", "rel": f"{swagger}#/event"},
        ],
    }


def test_packs_are_listed_shown_and_deleted(server: FlyteServer) -> None:
    url = emptied(server).href("pack/listPacks")
    locations = [server.post(url, {"name": name})[1] for name in ("Jira", "Slack")]
    status, text = server.get(url)
    shown = server.get(locations[0])

    assert (status, shown[0], shown[1]["id"]) == (200, 200, "Jira")
    assert all(location in json.dumps(text) for location in locations)
    assert [server.delete(location) for location in locations] == [204, 204]


def test_flows_are_listed_shown_and_deleted(server: FlyteServer) -> None:
    url = emptied(server).href("flow/listFlows")
    posted = [server.post(url, {"name": name, "steps": []}) for name in ("b_flow", "a_flow")]
    status, listed = server.get(url)
    shown = server.get(posted[1][1])
    deleted = server.delete(posted[0][1])
    _, left = server.get(url)

    assert [(status, location.rpartition("/")[2]) for status, location, _ in posted] == [
        (201, "b_flow"),
        (201, "a_flow"),
    ]
    assert (status, [flow["name"] for flow in listed["flows"]]) == (200, ["a_flow", "b_flow"])
    assert all(isinstance(one, dict) for members in listed.values() for one in members)
    assert (shown[0], shown[1]["name"], deleted) == (200, "a_flow", 204)
    assert [flow["name"] for flow in left["flows"]] == ["a_flow"]


def test_event_of_a_pack_is_carried_out_by_a_pack_and_audited(server: FlyteServer) -> None:
    emptied(server)
    made, _, pack = server.post(server.href("pack/listPacks"), SLACK)
    flow, *_ = server.post(server.href("flow/listFlows"), SLACK_FLOW)
    event, *_ = server.post(linked(pack, "event"), {"event": "MessageSent"})
    audited, runs = until(lambda: executions(server), "a correlation")
    taken, _, action = server.post(linked(pack, "takeAction"), None)
    result, *_ = server.post(action["links"][0]["href"], {"event": "MessageSent"})
    url = f"{server.href('flowAudit/findFlows')}/{runs[0]['correlationId']}"
    shown, run = server.get(url)

    assert (made, flow, event, audited, len(runs)) == (201, 201, 202, 200, 1)
    assert (taken, action["command"], result) == (200, "SendMessage", 202)
    assert all(isinstance(text, str) for link in action["links"] for text in link.values())
    assert (shown, run["name"], bool(run["uuid"])) == (200, "slack_flow", True)
    assert (len(run["steps"]), len(run["actions"])) == (1, 1)


def executions(server: FlyteServer) -> tuple[int, Any] | None:
    status, found = server.get(server.href("flowAudit/findFlows"))
    return (status, found["flows"]) if found["flows"] else None


def test_host_is_healthy(server: FlyteServer) -> None:
    assert server.get(server.href("info/health")) == (200, b"")


def test_links_have_the_host_of_the_request_and_https(server: FlyteServer) -> None:
    assert all(link["href"].startswith(f"{server.root}/") for link in server.links["links"])


def test_policy_decides_by_the_claims_of_a_token(server: FlyteServer) -> None:
    url, bearer = server.href("swagger"), f"Bearer {server.issuer.token({'groups': ['dev']})}"

    got = server.client.ask("GET", url, Authorization=bearer)[0]
    put = server.client.ask("PUT", url, b"", Authorization=bearer)[0]
    without = server.client.ask("GET", url)[0]

    assert (got, put, without) == (200, 401, 401)


def test_token_of_a_new_key_counts_and_one_of_a_removed_key_does_not(server: FlyteServer) -> None:
    url, issuer = server.href("swagger"), server.issuer
    issuer.keys = ["k3"]

    def asked(key: str) -> int:
        token = issuer.token({"groups": ["dev"]}, kid=key, key=key)
        return server.client.ask("GET", url, Authorization=f"Bearer {token}")[0]

    assert until(lambda: asked("k3") == 200, "the new key is read")
    assert asked("k1") == 401


@pytest.mark.parametrize(
    "given",
    [
        {"alg": "none", "kid": None},
        {"alg": "HS256"},
        {"claims": {"aud": "other"}},
        {"claims": {"iss": "https://elsewhere"}},
        {"claims": {"exp": "now-1"}},
        {"key": "forged"},
    ],
    ids=str,
)
def test_token_that_does_not_count_is_refused(server: FlyteServer, given: dict[str, Any]) -> None:
    server.issuer.keys = ["k3", "k1"]
    claims = {"groups": ["dev"], **given.pop("claims", {})}
    token = server.issuer.token(claims, **{"kid": "k3", "key": "k3", **given})

    status, headers, body = server.client.ask(
        "GET", server.href("swagger"), Authorization=f"Bearer {token}"
    )

    assert (status, body) == (401, b"")
    assert headers["WWW-Authenticate"] == 'Bearer realm="token", error="invalid_token"'


def test_variables_of_flyte_are_options_too(tmp_path: Path, issuer: TestIssuer) -> None:
    server = FlyteServer(tmp_path, issuer, VARIABLES)
    try:
        found = [server.get(server.href(end))[0] for end in ("info/health", "swagger")]
    finally:
        server.stop()

    assert found == [200, 401]
