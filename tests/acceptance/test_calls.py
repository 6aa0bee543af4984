"""Calls in a cluster: any host takes the answer, and no kill or move loses it."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.acceptance.cluster import Cluster, Member, clustered
from tests.acceptance.people import floe, said, why
from tests.acceptance.product import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FLOWS = """
  - name: west
    host-tags: [west]
    triggers: [{name: start, type: data}]
    tasks:
      - {name: ask, type: call, listen: trigger.good, timeout: 1h, opts: {answer: [{id: by}]}}
      - {name: done, type: end, listen: task.ask.good}

  - name: anywhere
    triggers: [{name: start, type: data}]
    tasks:
      - {name: ask, type: call, listen: trigger.good, opts: {answer: [{id: by}]}}
      - {name: done, type: end, listen: task.ask.good}

  - name: told
    host-tags: [west]
    triggers: [{name: start, type: data}]
    tasks:
      - name: ask
        type: call
        listen: trigger.good
        opts: {url: 'http://127.0.0.1:$PORT/', json: {to: '{{ callback }}'}, timeout: 250s}
      - {name: done, type: end, listen: task.ask.good}
"""


class Receiver:
    """A server that keeps what it is told, and does not reply before it may."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.may_reply = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.told.append(json.loads(body)["to"])
                receiver.may_reply.wait(250)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @contextmanager
    def serving(self) -> Iterator["Receiver"]:
        thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        thread.start()
        yield self
        self.may_reply.set()
        self.server.shutdown()
        thread.join()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().serving() as receiver:
        yield receiver


@pytest.fixture
def cluster(tmp_path: Path, receiver: Receiver) -> Iterator[Cluster]:
    flows = FLOWS.replace("$PORT", str(receiver.server.server_port))
    with clustered(tmp_path / "cluster", flows) as (cluster, _):
        yield cluster


def address(host: Member, run: str) -> str:
    """The path of the address of the open call of a run."""

    def found() -> str | None:
        calls = host.show(run).get("callbacks", ())
        return urlsplit(calls[0]["url"]).path if calls else None

    return until(found, f"the address of the call of {run}")


def answered(host: Member, path: str, **values: str) -> int:
    """The status of an answer at a host, without credentials."""
    request = urllib.request.Request(
        f"http://{host.address}{path}",
        data=json.dumps(values).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_any_host_takes_the_answer_once(cluster: Cluster) -> None:
    h1, h2, h3 = cluster.hosts.values()
    run = h1.trigger("west")
    path = address(h1, run)

    assert h1.show(run)["host"] == "h3"
    assert "an answer at its callback until" in why(h1, run)
    assert answered(h2, path, wrong="x") == 422
    assert answered(h1, path, by="Ada") == 200

    assert h1.until_over(run)["good"] is True
    assert h1.node(run, "ask")["outputs"] == {"by": "Ada"}
    assert [answered(host, path, by="Bob") for host in (h1, h2, h3)] == [409, 409, 409]


def test_answer_is_refused_while_its_host_is_dead_and_taken_afterwards(cluster: Cluster) -> None:
    h1, _, h3 = cluster.hosts.values()
    run = h1.trigger("west")
    path = address(h1, run)
    h3.kill()

    assert answered(h1, path, by="Ada") == 503
    h3.start()
    until(lambda: answered(h1, path, by="Ada") == 200, "h3 takes the answer again")

    assert h1.until_over(run)["good"] is True


def test_answer_before_the_reply_to_the_request_survives_kill_9(
    cluster: Cluster, receiver: Receiver
) -> None:
    h1, _, h3 = cluster.hosts.values()
    run = h1.trigger("told")
    until(lambda: receiver.told, "the receiver is told the address")
    path = urlsplit(receiver.told[0]).path

    assert answered(h1, path, by="Ada") == 200
    h3.kill()
    h3.start()

    assert h1.until_over(run)["good"] is True
    assert h1.node(run, "ask")["outputs"] == {"body": {"by": "Ada"}}
    assert len(receiver.told) == 1


def test_call_of_a_drained_host_goes_on_elsewhere_with_its_address(cluster: Cluster) -> None:
    h1 = cluster["h1"]
    run = h1.trigger("anywhere")
    path = address(h1, run)
    before = str(h1.show(run)["host"])

    said(floe(h1, "host", "drain", before))
    until(lambda: h1.show(run)["host"] != before, f"{run} leaves {before}")

    until(lambda: answered(h1, path, by="Ada") == 200, "its next host takes the answer")
    assert h1.until_over(run)["good"] is True


def test_address_of_a_cancelled_run_is_gone_at_each_host(cluster: Cluster) -> None:
    h1, h2, _ = cluster.hosts.values()
    run = h1.trigger("west")
    path = address(h1, run)
    h1.cancel(run)
    h1.until_over(run)

    assert [answered(host, path, by="Ada") for host in (h1, h2)] == [410, 410]
