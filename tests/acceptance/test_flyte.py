"""Packs of flyte at real hosts: clients of each generation, TLS, a cluster, a crash."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.acceptance.cluster import Cluster, clustered
from tests.acceptance.cluster_flows import KEEPER
from tests.acceptance.product import TOKEN, Host, until
from tests.flyte_clients import GoClient, OldGoClient, PackClient, PythonClient
from tests.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

RECORDED: Final = Path(__file__).parents[1] / "data/flyte/vectors/client-wire.json"
CERT: Final = Path(__file__).parents[1] / "data/tls/cert.pem"
CLIENTS: Final = {"new": GoClient, "old-shell": OldGoClient, "python-quiet": PythonClient}
"""The clients, by the recorded run of each."""


def registration(run: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the client of a recorded run registered, and the answer."""
    runs = json.loads(RECORDED.read_text())["cases"]
    exchanges = next(one["exchanges"] for one in runs if one["name"] == run)
    post = next(one for one in exchanges if one["method"] == "POST")
    return post["body"], post["answer"]


class FlyteHost(Host):
    """A host that serves the API of flyte at an address of its own."""

    def __init__(self, folder: Path, *, tls: bool = False, keep: str = "{}") -> None:
        port = free_port()
        flyte = f"{{bind: '127.0.0.1:{port}', keep: {keep}}}"
        super().__init__(folder, f"common: {{flyte: {flyte}}}\nflows: []\n")
        self.flyte = f"{'https' if tls else 'http'}://localhost:{port}"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlyteHost]:
    host = FlyteHost(tmp_path_factory.mktemp("flyte"))
    try:
        host.start()
        yield host
    finally:
        host.close()


@pytest.mark.parametrize("run", CLIENTS)
@pytest.mark.parametrize("place", ["at its own address", "below a path"])
def test_recorded_client_registers_and_is_answered_as_it_was(
    host: FlyteHost, run: str, place: str
) -> None:
    pack, answer = registration(run)
    is_own = place == "at its own address"
    root = host.flyte if is_own else f"http://{host.address}/flyte"
    client = CLIENTS[run](root, token="" if is_own else TOKEN)

    client.start(pack)

    _, _, body = client.ask("GET", f"{root}/v1/packs/{answer['id']}")
    shown = json.loads(body.replace(root.encode(), b"<base>"))
    assert shown == {**answer, "lastSeen": shown["lastSeen"]}


def test_pack_stays_registered_over_a_crash(tmp_path: Path) -> None:
    host = FlyteHost(tmp_path)
    try:
        host.start()
        client = GoClient(host.flyte)
        client.start({"name": "Stays", "events": None})
        host.kill()
        host.start()

        status, _, body = client.ask("GET", client.take.removesuffix("/actions/take"))
    finally:
        host.close()

    assert (status, json.loads(body)["name"]) == (200, "Stays")


def test_links_are_https_where_the_host_has_a_certificate(tmp_path: Path) -> None:
    host = FlyteHost(tmp_path, tls=True)
    env = {"FLOE_PUB_CERT": str(CERT), "FLOE_PUB_KEY": str(CERT.with_name("key.pem"))}
    try:
        host.spawn(env=env)
        client = GoClient(host.flyte, ca=str(CERT))
        until(lambda: answers(client), "its start")
        client.start({"name": "Secure", "events": None})
    finally:
        host.close()

    assert client.take == f"{host.flyte}/v1/packs/Secure/actions/take"


def answers(client: PackClient) -> bool:
    try:
        return client.ask("GET", client.root + "/health")[0] == 200
    except OSError:
        return False


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with clustered(tmp_path / "cluster", "") as (cluster, _):
        yield cluster


def at(cluster: Cluster, id: str) -> GoClient:
    return GoClient(f"http://{cluster[id].address}/flyte", token=TOKEN)


def test_pack_of_one_host_is_one_of_all_and_no_host_denies_it_while_the_keeper_is_away(
    cluster: Cluster,
) -> None:
    first, second = (at(cluster, id) for id in ("h1", "h2", "h3") if id != KEEPER)
    until(lambda: first.ask("POST", first.root + "/v1/packs", b'{"name": "P"}')[0] == 201, "a pack")
    found = second.ask("GET", second.root + "/v1/packs/P")[0]

    cluster[KEEPER].kill()

    away = [
        second.ask(method, second.root + path)[0]
        for method, path in (
            ("GET", "/v1/packs/P"),
            ("GET", "/v1/packs/Q"),
            ("DELETE", "/v1/packs/Q"),
            ("GET", "/v1/packs"),
        )
    ]
    assert (found, away) == (200, [200, 503, 503, 200])


def test_correlations_that_exceed_their_bytes_leave_the_audit_and_open_actions_stay(
    tmp_path: Path,
) -> None:
    host = FlyteHost(tmp_path, keep="{bytes: 1KB}")
    step = {"event": {"packName": "P", "name": "E"}, "command": {"packName": "P", "name": "C"}}
    try:
        host.start()
        client = GoClient(host.flyte)
        client.start({"name": "P", "events": None})
        post(client, f"{host.flyte}/v1/flows", {"name": "f", "steps": [step]})
        for _ in range(3):
            post(client, client.events, {"event": "E"})
        for _ in range(2):
            _, work = until(lambda: taken(client), "an action")
            post(client, work["links"][0]["href"], {"event": "Done"})
        until(lambda: len(audit(client)) == 3, "three correlations")

        host.api.post("hosts/h1/prune", {})

        left = until(lambda: audit(client) if len(audit(client)) == 1 else None, "the removal")
    finally:
        host.close()

    [action] = left[0]["actions"].values()
    assert action["state"]["value"] == "NEW"


def post(client: PackClient, url: str, shape: Any) -> tuple[int, bytes]:
    headers = {"Content-Type": "application/json"}
    status, _, body = client.ask("POST", url, json.dumps(shape).encode(), **headers)
    assert status < 300, body
    return status, body


def taken(client: PackClient) -> tuple[int, Any] | None:
    status, body = post(client, client.take, None)
    return (status, json.loads(body)) if status == 200 else None


def audit(client: PackClient) -> list[Any]:
    _, _, body = client.ask("GET", f"{client.root}/v1/audit/flows")
    return list(json.loads(body)["flows"])
