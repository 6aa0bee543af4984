"""`kill -9` of the host at every point of a request: nothing is sent twice silently."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from floe.model.errors import Theirs
from tests.acceptance import crash_host
from tests.acceptance.crash_host import REQUEST_ACTS
from tests.acceptance.product import Host, until
from tests.acceptance.warm import floe_host
from tests.receivers import Webhook, a_webhook

pytestmark = pytest.mark.slow

CONFIG = """
flows:
  - name: post
    triggers: [{name: start, type: data}]
    tasks:
      - {name: post, type: http, listen: trigger.good, opts: {url: 'SERVED', json: {a: 1},
         headers: {Idempotency-Key: '{{ run.id }}'}}}
  - name: tell
    triggers: [{name: start, type: data}]
    tasks:
      - {name: tell, type: notify, listen: trigger.good, opts: {webhook: 'SERVED', text: hello}}
  - name: tell-once
    triggers: [{name: start, type: data}]
    tasks:
      - {name: tell, type: notify, listen: trigger.good, on-lost: fail,
         opts: {webhook: 'SERVED', text: hello}}
"""


FATES: dict[str, tuple[str, int]] = {
    "before start request": ("good", 1),
    "after start request": ("good", 1),
    "before append NodeStarted": ("good", 1),
    "after append NodeStarted": ("error", 0),
    "before record request": ("error", 0),
    "after record request": ("error", 0),
    "before send request": ("error", 0),
    "after send request": ("error", 1),
    "before tell Answered": ("error", 1),
    "after tell Answered": ("error", 1),
    "before append NodeSettled": ("error", 1),
    "after append NodeSettled": ("good", 1),
}
"""How a node with `on-lost: fail` ends, and how many requests the server gets, by the point of
death."""


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with a_webhook() as hook:
        yield hook


@pytest.fixture
def host(tmp_path: Path, webhook: Webhook) -> Iterator[Host]:
    host = Host(tmp_path, CONFIG.replace("SERVED", webhook.url))
    yield host
    host.close()


def revived(host: Host, tally: Path, flow: str, point: str) -> dict[str, Any]:
    """The node of a run whose host died at this point, and was started again."""
    tally.touch()
    host.launch(crash_host.main, {"FLOE_CRASH_TALLY": str(tally), "FLOE_CRASH_AT": point})
    with suppress(Theirs):  # it may die before it answers
        host.trigger(flow, "once")
    until(lambda: not host.is_up(), f"the death {point}")
    assert tally.read_text().splitlines()[-1] == point
    host.start(floe_host, {})
    run = host.trigger(flow, "once")
    host.until_over(run)
    node: dict[str, Any] = host.show(run)["nodes"][0]
    return node


def test_every_point_has_its_fate() -> None:
    assert [*FATES] == [f"{when} {act}" for act in REQUEST_ACTS for when in ("before", "after")]


@pytest.mark.parametrize("point", FATES)
def test_request_is_sent_once_at_most(
    point: str, host: Host, webhook: Webhook, tmp_path: Path
) -> None:
    node = revived(host, tmp_path / "tally", "post", point)

    assert (node["tag"], len(webhook.received)) == (f"task.post.{FATES[point][0]}", FATES[point][1])
    assert ("lost: floe stopped during the request" in node["why"]) == (FATES[point][0] == "error")


@pytest.mark.parametrize("point", FATES)
def test_message_arrives_though_its_host_dies_and_its_repetition_has_its_id(
    point: str, host: Host, webhook: Webhook, tmp_path: Path
) -> None:
    result, sent = FATES[point]

    node = revived(host, tmp_path / "tally", "tell", point)

    again = result == "error"
    assert (node["tag"], len(webhook.received)) == ("task.tell.good", sent + again)
    assert len({got.headers["Idempotency-Key"] for got in webhook.received}) == 1


@pytest.mark.parametrize("point", FATES)
def test_message_is_sent_once_at_most_with_on_lost_fail(
    point: str, host: Host, webhook: Webhook, tmp_path: Path
) -> None:
    node = revived(host, tmp_path / "tally", "tell-once", point)

    assert (node["tag"], len(webhook.received)) == (f"task.tell.{FATES[point][0]}", FATES[point][1])
