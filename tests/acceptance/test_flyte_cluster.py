"""Packs of flyte at three real hosts: any host answers, and hosts are killed meanwhile."""

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest

from tests.acceptance.cluster import Cluster, clustered
from tests.acceptance.product import TOKEN, until
from tests.flyte_clients import GoClient

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FLOW: Final = {
    "name": "two steps",
    "steps": [
        {
            "id": "one / ü",
            "event": {"packName": "P", "name": "Started"},
            "command": {"packName": "P", "name": "Do", "input": "{{ Event.Payload }}"},
        },
        {
            "id": "two",
            "dependsOn": ["one / ü"],
            "event": {"packName": "P", "name": "Done"},
            "command": {"packName": "P", "name": "Then", "input": "{{ Event.Payload }}"},
        },
    ],
}
EVENTS: Final = 30
TRIES: Final = 40


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with clustered(tmp_path / "cluster", "") as (cluster, _):
        yield cluster


class Pack(GoClient):
    """A process of the pack P, which calls one host."""

    def __init__(self, cluster: Cluster, id: str) -> None:
        super().__init__(f"http://{cluster[id].address}/flyte", token=TOKEN)
        self.id = id

    def post(self, path: str, body: object) -> int:
        url = path if path.startswith("http") else f"{self.root}/v1/{path}"
        return self.ask("POST", url, json.dumps(body).encode())[0]

    def send(self, name: str, payload: object) -> int:
        return self.post("packs/P/events", {"event": name, "payload": payload})

    def poll(self) -> dict[str, Any] | None:
        """The next action; None for none."""
        status, _, body = self.ask("POST", f"{self.root}/v1/packs/P/actions/take", b"null")
        assert status in (200, 204, 500, 503), f"{status}: {body!r}"
        return json.loads(body) if status == 200 else None

    def answer(self, action: dict[str, Any], name: str, payload: object) -> int:
        [link] = action["links"]
        path = link["href"].partition("/flyte/v1/")[2]  # through its own host
        return self.post(path, {"event": name, "payload": payload})

    def audit(self) -> list[dict[str, Any]]:
        status, _, body = self.ask("GET", f"{self.root}/v1/audit/flows?limit=500")
        assert status == 200
        flows: list[dict[str, Any]] = json.loads(body)["flows"]
        return flows


def registered(cluster: Cluster) -> dict[str, Pack]:
    """The pack at each host; the flow is posted."""
    packs = {id: Pack(cluster, id) for id in ("h1", "h2", "h3")}
    first = packs["h1"]
    until(lambda: first.post("packs", {"name": "P"}) == 201, "the pack")
    assert first.post("flows", FLOW) == 201
    for pack in packs.values():
        until(lambda pack=pack: pack.poll() is None, f"the pack at {pack.id}")  # type: ignore[misc]
    return packs


def test_action_is_taken_and_completed_through_any_host(cluster: Cluster) -> None:
    packs = registered(cluster)
    assert packs["h1"].send("Started", "x") == 202

    one = until(packs["h2"].poll, "the first action at h2")
    assert packs["h3"].answer(one, "Done", "y") == 202
    two = until(packs["h3"].poll, "the second action at h3")
    again = packs["h2"].answer(one, "Done", "z")
    assert packs["h2"].answer(two, "Done", "y") == 202

    def states() -> list[str]:
        [flow] = packs["h2"].audit()
        return [flow["actions"][step["id"]]["state"]["value"] for step in flow["steps"]]

    assert (one["command"], one["input"], two["command"], two["input"]) == ("Do", "x", "Then", "y")
    assert again == 500
    until(lambda: states() == ["SUCCESS", "SUCCESS"], "the audit at h2")


def test_each_action_is_taken_once_while_hosts_are_killed(cluster: Cluster) -> None:
    packs = registered(cluster)
    taken: Counter[str] = Counter()
    accepted: list[int] = []

    def work(pack: Pack) -> bool:
        """Take an action and complete it, as a pack does that forgets what it cannot send."""
        with suppress(OSError):
            if action := pack.poll():
                taken[action["links"][0]["href"].rpartition("/v1/")[2]] += 1
                name = "Done" if action["command"] == "Do" else "Finished"
                with suppress(OSError):
                    pack.answer(action, name, action["input"])
                return True
        return False

    order = itertools.cycle(packs.values())
    for number in range(EVENTS):
        pack = next(order)
        with suppress(OSError):
            if pack.send("Started", f"{number}") == 202:
                accepted.append(number)
        for other in packs.values():
            work(other)
        if number % 10 == 5:
            cluster[pack.id].kill()
            for other in packs.values():
                work(other)
            cluster[pack.id].start()
    idle = 0
    while idle < TRIES:
        worked = [work(pack) for pack in packs.values()]
        idle = 0 if any(worked) else idle + 1

    runs = until(
        lambda: found if len(found := packs["h1"].audit()) >= len(accepted) else None, "all"
    )
    inputs = Counter(run["actions"]["one / ü"]["trigger"]["payload"] for run in runs)
    states = Counter(one["state"]["value"] for run in runs for one in run["actions"].values())
    assert len(accepted) > EVENTS // 2
    assert all(inputs[f"{number}"] == 1 for number in accepted)
    assert all(count == 1 for count in taken.values())
    assert states["NEW"] == 0
    assert states["PENDING"] <= 2 * 3  # a host died between the take and its answer
