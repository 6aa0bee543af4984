"""A server over a real hub with a store in memory, and hands that a test moves."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import aiohttp
from yarl import URL

from floe.dialects.registry import dialect, event_flows, row_readers
from floe.evaluators.base import Evaluators
from floe.host.site import SiteSettings
from floe.hub.attempts.attempt_outputs import OutputSettings
from floe.hub.clock import WallClock
from floe.hub.flows import FlowBook, FlowFiles
from floe.hub.hub import Hub
from floe.hub.parts import Parts
from floe.model.errors import ConfigInvalid, NotFound
from floe.model.finding import Finding
from floe.model.flow import Backoff, Flow, Retry, Trigger
from floe.model.form import Field, Form
from floe.model.ids import FlowId, HostId, NodeId
from floe.model.secret import Secret
from floe.model.work import Action, Git
from floe.nodes.base import NO_SECRETS, Document, Executor, StoredSecrets
from floe.nodes.executors import lend
from floe.peers.base import Peers
from floe.server.app import Server
from floe.server.settings import Bind, ServerSettings
from floe.store.base import RunStore
from floe.store.memory import MemoryStore
from tests.hands import Hands, NoRefs, executors
from tests.make import H1, a_flow, a_form, a_merge, a_node, an_end

ADMIN: Final = "correct-horse"
API: Final = "/build/api"
DEADLINE_S: Final = 30.0

BUILD: Final = a_flow(
    a_node("build"),
    a_form("sign-off", on="task.build.good"),
    an_end("done", on="task.sign-off.good"),
    id=FlowId("build"),
    triggers=(
        Trigger(
            id=NodeId("start"),
            type="data",
            name="start",
            form=Form(title="Start", fields=(Field(id="tag", prompt="Tag", required=False),)),
        ),
        Trigger(id=NodeId("hook"), type="push", name="hook", secret="$HOOK_SECRET"),
        Trigger(id=NodeId("open"), type="push", name="open"),
        Trigger(id=NodeId("tick"), type="timer", name="tick", period_s=86_400.0),
    ),
)
"""Builds, asks somebody, ends. Has a trigger of each kind that needs nobody else."""

WIDE: Final = a_flow(
    a_node("left"),
    a_node("right"),
    a_merge("both", ["task.left.good", "task.right.good"]),
    id=FlowId("wide"),
)


AGAIN: Final = a_flow(
    a_node("build", retry=Retry(max=1, backoff=Backoff(first_s=0.001))), id=FlowId("again")
)
"""Its one node is tried twice."""

NO_GIT: Final = Git()


class NoDocuments:
    """There is nothing to be read."""

    async def read(self, name: str, *, relative_to: str = "", git: Git = NO_GIT) -> Document:
        raise NotFound(f"no document {name}")


@dataclass
class Site:
    """A served hub and a client that is let in."""

    hub: Hub
    hands: Hands
    server: Server
    client: aiohttp.ClientSession
    book: FlowBook

    @property
    def url(self) -> str:
        return self.server.urls[0]

    async def get(self, path: str, **more: Any) -> tuple[int, Any]:
        """Status and JSON of a GET below the base-url."""
        return await self.ask("GET", API + "/" + path, **more)

    async def post(self, path: str, body: object = None, **more: Any) -> tuple[int, Any]:
        """Status and JSON of a POST below the base-url."""
        more.setdefault("json", body)
        return await self.ask("POST", API + "/" + path, **more)

    async def ask(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        async with self.client.request(
            method, URL(self.url + path, encoded=True), **more
        ) as response:
            if response.content_type.endswith("json"):
                return response.status, await response.json(content_type=None)
            return response.status, await response.text()

    async def start(self, flow: str = "build", **values: Any) -> str:
        """Start a run and wait until its first command runs."""
        row = await self.hub.trigger(flow, values=values, by="test")
        await until(lambda: any(str(key.run) == row.id for key in self.hands.actions))
        return row.id

    async def asked(self) -> str:
        """A run whose form is open."""
        run = await self.start()
        self.hands.exit("build")
        runs, ref = self.hub.loop.core.table.runs, self.hub.reads.ref(run)
        await until(lambda: NodeId("sign-off") in runs[ref].nodes)
        return run

    def output(self, run: str, node: str, attempt: int = 1) -> Path:
        """The file of an attempt's output, its folder made."""
        path = next(
            action.output
            for key, action in self.hands.actions.items()
            if (str(key.run), key.node, key.attempt) == (run, node, attempt)
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


async def until(fact: Callable[[], bool], timeout_s: float = DEADLINE_S) -> None:
    """Wait for a fact, with a deadline."""
    async with asyncio.timeout(timeout_s):
        while not fact():  # noqa: ASYNC110  # facts of many kinds, none with an event of its own
            await asyncio.sleep(0.002)


@asynccontextmanager
async def a_site(
    root: Path,
    *flows: Flow,
    settings: Mapping[str, Any] | None = None,
    headers: Any = None,
    host: HostId = H1,
    peers: Peers | None = None,
    others: int = 0,
    tags: Collection[str] = ("master",),
    keeper: HostId | None = None,
    secrets: StoredSecrets = NO_SECRETS,
    evaluators: Evaluators | None = None,
    store: RunStore | None = None,
    work: Mapping[type[Action], Executor] | None = None,
) -> AsyncIterator[Site]:
    """Serve some flows (BUILD and WIDE if not said) at a free port.

    With `others`, so many, the hub itself speaks with its peers; else the server alone. With
    `evaluators` it knows all dialects of judged flows. The store is in memory if none is given.
    `work`: real executors in place of `hands`.
    """
    finding = Finding(file="x.yml", line=3, col=1, what="odd", level="warning")
    book = FlowBook(flows=flows or (BUILD, WIDE), path="x.yml", findings=(finding,))
    hands = Hands()

    async def read_book() -> FlowBook:
        if (root / "broken").exists():
            raise ConfigInvalid([Finding(file="x.yml", line=1, col=2, what="broken")])
        return book

    parts = Parts(
        host=SiteSettings(
            id=host,
            tags=frozenset(tags),
            workspace_root=str(root / "ws"),
            peers=others,
            keeper=keeper,
            row_readers=row_readers() if evaluators else {},
        ),
        attempts=OutputSettings(root=root),
        store=store or MemoryStore(),
        executors=work or executors(hands),
        refs=NoRefs(),
        flow_files=FlowFiles(NoDocuments(), dialect()),
        clock=WallClock(),
        book=book,
        read_book=read_book,
        peers=peers if others else None,
        secrets=secrets,
        evaluators=evaluators,
        event_flows=event_flows() if evaluators else {},
    )
    served = ServerSettings(
        **{"admin": Secret(ADMIN), "public": Bind(address="127.0.0.1:0"), **(settings or {})}
    )
    sent = {"X-Floe-Auth": ADMIN} if headers is None else headers
    async with (
        Hub(parts) as hub,
        Server(hub, served, peers) as server,
        aiohttp.ClientSession(headers=sent, cookie_jar=aiohttp.CookieJar(unsafe=True)) as client,
    ):
        lend(hub, parts.executors)
        hub.reads = replace(hub.reads, parts=replace(parts, peers=peers))
        yield Site(hub, hands, server, client, book)
