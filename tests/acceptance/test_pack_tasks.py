"""Packs carry out tasks of a cluster and start its runs; no kill -9 loses or repeats one."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.cluster import Cluster, Member, clustered
from tests.acceptance.people import why
from tests.acceptance.product import TOKEN, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FLOWS = """
  - name: west
    host-tags: [west]
    triggers: [{name: start, type: data}]
    tasks:
      - name: post
        type: pack
        listen: trigger.good
        opts: {pack: Chat, command: Send, input: {to: '{{ run.id }}'}}
      - {name: done, type: end, listen: task.post.good}

  - name: listens
    triggers: [{name: chat, type: pack-event, opts: {pack: Chat, event: Said}}]
    tasks:
      - {name: done, type: end, listen: trigger.good}
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with clustered(tmp_path / "cluster", FLOWS) as (cluster, _):
        yield cluster


def asked(host: Member, path: str, body: object = None) -> tuple[int, Any]:
    """The status and the JSON of a POST to flyte's API at a host."""
    request = urllib.request.Request(
        path if path.startswith("http") else f"http://{host.address}/flyte/v1/{path}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "X-Floe-Auth": TOKEN},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            text = reply.read()
            return reply.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, None


def registered(host: Member) -> None:
    until(lambda: asked(host, "packs", {"name": "Chat"})[0] == 201, "the pack is registered")


def test_command_of_a_run_elsewhere_is_taken_once_and_its_result_survives_kill_9(
    cluster: Cluster,
) -> None:
    h1, h2, h3 = cluster.hosts.values()
    registered(h1)
    run = h1.trigger("west")
    until(lambda: "a pack `Chat`" in why(h1, run), "why names the pack")

    def take() -> Any:
        return asked(h1, "packs/Chat/actions/take")[1]

    work = until(take, "the command is taken")
    assert work["input"] == {"to": run}
    assert asked(h2, "packs/Chat/actions/take")[0] == 204
    link = work["links"][0]["href"]
    h3.kill()
    assert asked(h1, link, {"event": "Sent"})[0] >= 500
    h3.start()
    until(lambda: asked(h1, link, {"event": "Sent", "payload": 7})[0] == 202, "the result counts")

    assert h1.until_over(run)["good"] is True
    assert h1.node(run, "post")["outputs"] == {"event": "Sent", "payload": 7}


def test_each_accepted_event_starts_one_run_although_its_host_is_killed(cluster: Cluster) -> None:
    h1 = cluster["h1"]
    registered(h1)
    for number in range(3):
        assert asked(h1, "packs/Chat/events", {"event": "Said", "payload": number})[0] == 202
        h1.kill()
        h1.start()

    def runs() -> list[str]:
        rows = h1.api.get("runs", flow="listens")["runs"]
        over = [row["id"] for row in rows if row["state"] == "archive"]
        return over if len(over) >= 3 else []

    found = until(runs, "each event starts a run")
    payloads = [h1.show(run)["values"]["event"]["payload"] for run in found]
    assert sorted(payloads) == [0, 1, 2]
