"""Moving from a server of flyte to a host: `floe flyte import`, then the packs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.flows import floe
from tests.acceptance.product import until
from tests.acceptance.test_flyte import FlyteHost
from tests.flyte_clients import GoClient
from tests.make_flyte_server import OriginalServer, original_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

STEP = {
    "id": "greet",
    "event": {"packName": "Door", "name": "Opened"},
    "command": {"packName": "Shell", "name": "Run", "input": "{{ datastore('greeting') }}"},
}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlyteHost]:
    host = FlyteHost(tmp_path_factory.mktemp("flyte"))
    try:
        host.start()
        yield host
    finally:
        host.close()


@pytest.fixture
def original() -> Iterator[OriginalServer]:
    with original_server() as server:
        server.add_pack("Door", events=[{"name": "Opened"}])
        server.add_pack("Shell", commands=[{"name": "Run", "events": ["Output"]}])
        server.add_flow("greet", STEP)
        server.add_flow("a/b c?", STEP)
        server.items["greeting"] = ("text/plain", "a word", b"hello")
        yield server


def imported(host: FlyteHost, *words: str, status: int = 0) -> dict[str, list[str]]:
    """The states of the flows, packs and items of an import."""
    report = json.loads(floe(host, "flyte", "import", *words, "--json", status=status))
    return {kind: [one["state"] for one in report[kind]] for kind in ("flows", "packs", "items")}


def test_pack_goes_on_at_the_new_address_without_a_new_start(
    host: FlyteHost, original: OriginalServer
) -> None:
    """A pack in Go ends its process at 404: an import has registered it before it calls."""
    del original.flows["a/b c?"]
    first, again = (imported(host, original.url) for _ in range(2))

    assert [*first.values()] == [["added"], ["added"] * 2, ["added"]]
    assert [*again.values()] == [["same"], ["same"] * 2, ["same"]]
    door, shell = GoClient(host.flyte), GoClient(host.flyte)
    sent, _, _ = door.ask("POST", f"{host.flyte}/v1/packs/Door/events", b'{"event": "Opened"}')
    body = until(lambda: _taken(shell, host), "the action of the event")
    assert (sent, json.loads(body)["input"]) == (202, "hello")


def test_host_is_imported_into_another_one_with_names_of_any_kind(
    host: FlyteHost, tmp_path: Path
) -> None:
    client = GoClient(host.flyte)
    flow = json.dumps({"name": "a/b c?#%2F", "steps": [STEP]}).encode()
    assert client.ask("POST", f"{host.flyte}/v1/flows", flow)[0] == 201
    other = FlyteHost(tmp_path)
    try:
        other.start()
        first, again = (imported(other, host.flyte) for _ in range(2))
        status, _, body = client.ask("GET", f"{other.flyte}/v1/flows/a%2Fb%20c%3F%23%252F")
    finally:
        other.close()

    assert {state for states in first.values() for state in states} == {"added"}
    assert {state for states in again.values() for state in states} == {"same"}
    assert (status, json.loads(body)["steps"][0]["id"]) == (200, "greet")


def test_flow_that_differs_at_the_host_is_kept_unless_it_is_told(
    host: FlyteHost, original: OriginalServer
) -> None:
    changed: dict[str, Any] = {"name": "greet", "steps": [STEP | {"criteria": "false"}]}
    client = GoClient(host.flyte)
    client.ask("POST", f"{host.flyte}/v1/flows", json.dumps(changed).encode())
    only = (original.url, "--only", "flows")
    del original.flows["a/b c?"]

    assert imported(host, *only, status=1)["flows"] == ["differs"]
    assert imported(host, *only, "--replace")["flows"] == ["replaced"]


def test_host_that_refuses_the_token_is_said_at_once(
    host: FlyteHost, original: OriginalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.acceptance.flows.TOKEN", "wrong")

    assert floe(host, "flyte", "import", original.url, status=2) == ""


def _taken(pack: GoClient, host: FlyteHost) -> bytes | None:
    status, _, body = pack.ask("POST", f"{host.flyte}/v1/packs/Shell/actions/take", b"null")
    return body if status == 200 else None
