"""What is told of runs whose log went with a host that was forgotten."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from floe.feed.directory import DirectorySource
from floe.model.ids import RunRef, StoreId
from floe.peers.base import Seen
from floe.peers.http import HttpPeers
from floe.server.routes import ROUTES
from tests.make import H1
from tests.make_peers import H2, H3, some_peers
from tests.make_server import API, Site, a_site
from tests.make_store import a_batch, a_row, a_run, a_summary, an_append

AAAA = StoreId("aaaa")
RUN = a_run(5, host="h2", store="aaaa")
INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
OVER: dict[str, Any] = {"state": "archive", "phase": "packed", "good": True, "why": "done"}
AT_H2: dict[str, Any] = {"host": H2, "store": AAAA}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """h1, where h2@aaaa was forgotten."""
    peers = some_peers()
    async with a_site(tmp_path, host=H1, others=2, peers=peers) as site:
        site.hub.sync.directory.met(DirectorySource(H2, AAAA))
        await site.hub.forget(H2, AAAA, force=True)
        yield site


async def ended_at_h2(site: Site, ref: RunRef = RUN, events: int = 0) -> None:
    """A run that came to its end at h2; `events` of its facts are here."""
    row = a_summary(ref, epoch=1, **AT_H2, **OVER)
    await site.hub.store.append(a_batch(an_append(ref, count=events, epoch=1, summary=row)))


async def test_run_whose_log_is_gone_reports_it_with_what_is_left_of_it(site: Site) -> None:
    await ended_at_h2(site)

    status, problem = await site.get(f"runs/{RUN.key}")

    said = re.fullmatch(
        rf"h2-5 ended good: done; its log is gone with h2 since ({INSTANT})", problem["detail"]
    )
    assert said is not None
    assert (status, problem["host"], problem["since"]) == (410, "h2", said[1])
    assert (problem["run"]["id"], problem["run"]["state"]) == ("h2-5", "archive")


async def test_why_of_such_a_run_is_what_its_row_has(site: Site) -> None:
    await ended_at_h2(site)

    status, why = await site.get(f"runs/{RUN.key}/why")

    said = rf"ended good: done; its log is gone with h2 since {INSTANT}"
    assert re.fullmatch(said, why.pop("text"))
    assert status == 200
    assert why == {
        "run": "h2-5",
        "state": "archive",
        "hosts": [],
        "waiting": [],
        "never": [],
        "skipped": [],
    }


async def test_every_other_route_of_such_a_run_reports_it(site: Site) -> None:
    await ended_at_h2(site)
    names = {"{run}": RUN.key, "{flow}": "build", "{node}": "build", "{act}": "pause"}

    def path(of: str) -> str:
        return re.sub(r"\{\w+\}", lambda name: names[name[0]], of)

    routes = [r for r in ROUTES if "{run}" in r.path and not r.path.endswith("/why")]
    answers = [await site.ask(r.method, path(r.at(API))) for r in routes]

    assert len(routes) > 8
    assert {(status, shape["host"]) for status, shape, *_ in answers} == {(410, "h2")}


async def test_answer_to_a_form_of_such_a_run_is_refused_with_that(site: Site) -> None:
    await ended_at_h2(site)

    order = {"ref": {"id": "build"}, "run": RUN.key, "form": {"id": "sign", "values": {}}}
    status, problem = await site.post("push/data", order)

    assert status == 410
    assert problem["detail"].startswith("h2-5 ended good: done; its log is gone with h2")


async def test_facts_that_are_kept_here_are_reported(site: Site) -> None:
    ref = RunRef(H1, site.hub.store.store_id, 77)
    await ended_at_h2(site, ref, events=3)

    status, problem = await site.get(f"runs/{ref.key}/events?after=1")

    assert status == 410
    assert [event["seq"] for event in problem["events"]] == [2, 3]


async def test_run_of_a_forgotten_host_that_was_unknown_is_not_found(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HttpPeers, "seen", lambda _: (Seen(url="http://h2", host=H2),))

    status, problem = await site.get("runs/h2-77")

    assert (status, problem["detail"]) == (404, "no run h2-77")


async def test_run_of_a_forgotten_adopter_is_asked_for_where_it_went(site: Site) -> None:
    row = a_row(RUN, state="active", phase="active", host=H3, store=StoreId("bbbb"), epoch=1)
    await site.hub.store.append(a_batch(row))

    status, problem = await site.get(f"runs/{RUN.key}")

    assert (status, problem["host"]) == (503, "h3")


async def test_run_that_is_to_be_taken_back_is_asked_for_at_its_adopter(site: Site) -> None:
    ref = a_run(5, host="h3", store="bbbb")
    row = a_row(ref, state="active", phase="active", epoch=1, **AT_H2)
    await site.hub.store.append(a_batch(row))

    status, problem = await site.get(f"runs/{ref.key}")

    assert (status, problem["host"]) == (503, "h3")


async def test_run_of_a_store_that_this_very_host_lost_reports_it(site: Site) -> None:
    await site.hub.forget(H1, AAAA, force=True)
    ref = a_run(5, host="h1", store="aaaa")
    row = a_row(ref, epoch=1, host=H1, store=AAAA, **OVER)
    await site.hub.store.append(a_batch(row))

    status, problem = await site.get(f"runs/{ref.key}")

    assert (status, problem["host"]) == (410, "h1")
    assert problem["detail"].startswith("h1-5@aaaa ended good: done; its log is gone with h1 since")


async def test_log_that_came_here_with_a_backup_is_reported(site: Site) -> None:
    await site.hub.forget(H1, AAAA, force=True)
    ref = a_run(5, host="h1", store="aaaa")
    row = a_summary(ref, epoch=1, host=H1, store=AAAA, **OVER)
    await site.hub.store.append(a_batch(an_append(ref, count=3, epoch=1, summary=row)))

    status, page = await site.get(f"runs/{ref.key}/events")

    assert status == 200
    assert len(page["events"]) == 3
