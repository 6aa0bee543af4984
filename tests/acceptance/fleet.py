"""What a cluster of three would answer, laid over a real host's answers in the browser.

One host is real; that two more are there, one of them gone, is told by what `GET hosts`,
`GET leases` and the lists say. Posts to hosts are kept, not sent.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from playwright.sync_api import Page, Route

Shape = dict[str, Any]

GONE_S: Final = 14
"""How long ago h3 was seen last."""

LISTS: Final = r".*/build/api/(runs|forms|pends|flows|leases)(\?.*)?$"


def ago(seconds: float) -> str:
    """An instant on the wire."""
    at = datetime.now(UTC) - timedelta(seconds=seconds)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def a_host(name: str, **given: object) -> Shape:
    """A host that is well."""
    return {
        "id": name,
        "store": f"{name}7c1",
        "self": False,
        "keeper": False,
        "tags": ["linux"],
        "version": "0.3.0",
        "started_at": ago(90_000),
        "seen_at": ago(1),
        "draining": False,
        "slots": 8,
        "active": 2,
        "pending": 0,
        "load": 0.7,
        "cpus": 8,
        "commands": 16,
        "commands_at_once": 16,
        "commands_why": "",
        "running": 2,
        "waiting": 0,
        "disk": {"at": ago(30), "workspaces": 3 << 30, "outputs": 40 << 20, "store": 9 << 20},
        "url": f"http://{name}.example.net:8080",
        "problems": [],
        "clock_offset_ms": 3,
        "offers": ["drain"],
        **given,
    }


def three(real: Shape) -> list[Shape]:
    """The real one, one that is well, and one that has not been seen for a while."""
    told = {"problems": [], "clock_offset_ms": 0, "offers": ["reload", "drain"]}
    missing = [
        f"not seen for {GONE_S} s: its runs go on there, and are not started elsewhere",
        "its config is older than that of h1 (digest 4b825dc6)",
    ]
    return [
        {**real, **told},
        a_host("h2", tags=["gpu", "linux"], active=7, load=6.2, running=7),
        a_host(
            "h3",
            tags=["linux", "arm64"],
            seen_at=ago(GONE_S),
            problems=missing,
            clock_offset_ms=-4200,
            version="0.2.9",
            offers=["drain", "forget"],
        ),
    ]


def fleet(page: Page, hosts: list[Shape] | None = None) -> list[tuple[str, Shape]]:
    """Make it so for a page, with other `hosts` than three if given; what is posted is told."""
    posted: list[tuple[str, Shape]] = []

    def answer_hosts(route: Route) -> None:
        given = route.fetch().json()
        answer(route, {"hosts": hosts if hosts is not None else three(given["hosts"][0])})

    def answer_list(route: Route) -> None:
        if route.request.method != "GET":
            route.continue_()
            return
        response = route.fetch()
        given = response.json()
        if response.ok:
            given["as_of"] = {"h1": ago(0), "h2": ago(1), "h3": ago(GONE_S)}
        if response.ok and "leases" in given:
            given["leases"] = [*given["leases"], a_lease()]
        answer(route, given)

    def answer_post(route: Route) -> None:
        body: Shape = json.loads(route.request.post_data or "{}")
        posted.append((route.request.url.partition("/hosts/")[2], body))
        answer(route, {})

    page.route("**/build/api/hosts", answer_hosts)
    page.route("**/build/api/hosts/*/*", answer_post)
    page.route(re.compile(LISTS), answer_list)
    return posted


def a_lease() -> Shape:
    """One that another host's run holds, for which three wait."""
    return {
        "tag": "staging",
        "kind": "resource",
        "run": "h2-41",
        "flow": "web-shop",
        "host": "h2",
        "fence": "1795000000.12",
        "since": ago(540),
        "waiting": ["h1-7", "h3-2", "h2-44"],
    }


def answer(route: Route, body: Shape) -> None:
    """Answer with JSON."""
    route.fulfill(body=json.dumps(body), content_type="application/json")


def runs_at_h3(page: Page, run: Shape) -> None:
    """The host of a run, which is the only one then, is h3: it has not answered for a while."""
    fleet(page)
    row = {**run, "host": "h3"}
    as_of = ago(GONE_S)

    def answer_list(route: Route) -> None:
        is_open = "pending" in route.request.url or "state" not in route.request.url
        answer(route, {"runs": [row] if is_open else [], "next": None, "as_of": {"h3": as_of}})

    def answer_run(route: Route) -> None:
        known: Shape = {"host": "h3", "as_of": as_of, "run": row, "graph": None, "events": []}
        body = json.dumps({"status": 503, "title": "h3 is away", **known})
        route.fulfill(status=503, body=body, content_type="application/problem+json")

    page.route("**/build/api/runs?*", answer_list)
    page.route(f"**/build/api/runs/{run['id']}", answer_run)
