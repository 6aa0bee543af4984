"""The datastore, test events and findings of flyte, for people at several real hosts."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.acceptance.cluster import Cluster, clustered
from tests.acceptance.product import TOKEN, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

API: Final = "/build/api"
BROKEN: Final = "{{ Event.Payload.who.name }}"
FLOW: Final = {
    "name": "answers",
    "steps": [
        {
            "id": "hello",
            "event": {"packName": "Chat", "name": "Asked"},
            "command": {"packName": "Chat", "name": "Send", "input": "{{ datastore('to') }}"},
        },
        {
            "id": "broken",
            "event": {"packName": "Chat", "name": "Asked"},
            "command": {"packName": "Chat", "name": "Send", "input": BROKEN},
        },
    ],
}
ASKED: Final = {"pack": "Chat", "event": "Asked", "payload": {"who": "ada"}}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with clustered(tmp_path / "cluster", "") as (cluster, _):
        yield cluster


def ask(
    cluster: Cluster, host: str, method: str, path: str, body: object = None, **headers: str
) -> tuple[int, Any]:
    """The status and the JSON of a reply of a host; a text is a body as it is."""
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    kind = "text/plain" if isinstance(body, str) else "application/json"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = Request(
        f"http://{cluster[host].address}{path}",
        None if body is None else data,
        {"X-Floe-Auth": TOKEN, "Content-Type": kind, **named},
        method=method,
    )
    try:
        with urlopen(request) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except HTTPError as error:
        return error.code, json.loads(error.read())


def test_edit_at_one_host_refuses_an_older_one_at_a_different_host(cluster: Cluster) -> None:
    item = f"{API}/flyte/items/teams"
    _, first = ask(cluster, "h1", "PUT", item, "1", If_None_Match="*")

    status, second = ask(cluster, "h2", "PUT", item, "2", If_Match=first["etag"])
    stale, problem = ask(cluster, "h3", "PUT", item, "3", If_Match=first["etag"])

    assert (status, stale) == (200, 412)
    assert problem["detail"] == "teams was changed by admin meanwhile"
    assert ask(cluster, "h3", "GET", item) == (200, second)


def test_event_that_is_tried_and_sent_at_any_host_is_judged_alike(cluster: Cluster) -> None:
    ask(cluster, "h1", "PUT", f"{API}/flyte/items/to", "ada")
    ask(cluster, "h1", "POST", "/flyte/v1/packs", {"name": "Chat"})
    ask(cluster, "h2", "POST", "/flyte/v1/flows", FLOW)

    tried = [ask(cluster, id, "POST", f"{API}/flyte/events/try", ASKED) for id in cluster.hosts]

    assert [status for status, _ in tried] == [200] * len(tried)
    assert tried[0] == tried[1] == tried[2]
    [[hello, broken]] = [flow["steps"] for flow in tried[0][1]["flows"]]
    assert (hello["action"]["input"], broken["fault"]["template"]) == ("ada", BROKEN)


def test_findings_of_a_flow_are_those_of_all_hosts(cluster: Cluster) -> None:
    ask(cluster, "h1", "PUT", f"{API}/flyte/items/to", "ada")
    ask(cluster, "h1", "POST", "/flyte/v1/packs", {"name": "Chat"})
    ask(cluster, "h1", "POST", "/flyte/v1/flows", FLOW)
    for id in ("h2", "h3"):
        assert ask(cluster, id, "POST", f"{API}/flyte/events/send", ASKED)[0] == 202
    [flow] = ask(cluster, "h1", "POST", f"{API}/flyte/events/try", ASKED)[1]["flows"]

    def hosts() -> list[str]:
        _, found = ask(cluster, "h1", "GET", f"{API}/flyte/flows/{flow['id']}/findings")
        return sorted(one["host"] for one in found["judged"])

    until(lambda: hosts() == ["h2", "h3"], "the findings of both hosts")
