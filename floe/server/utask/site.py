"""What uTask's API at one host works with: the hub, the templates, the ids and the evaluators."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from floe.dialects.utask.ids import UtaskId
from floe.dialects.utask.surroundings import DIALECT
from floe.hub.hub import Hub
from floe.hub.judged.people import PersonSignal
from floe.model.codec import digest_of, from_text
from floe.model.errors import Conflict, FloeError, Lost, NotFound, Removed, Yours
from floe.model.flow import Flow
from floe.model.ids import Json, RunRef, Shape
from floe.model.run import Run
from floe.model.summary import Summary
from floe.peers.base import Peers
from floe.server.utask.ids import UtaskIds


class UtaskFault(FloeError):
    """Problem: a call that uTask answers with a status and a text of its own."""

    def __init__(self, status: int, what: str) -> None:
        super().__init__(what)
        self.status = status


NOT_THERE: Final = "sql: no rows in result set"
"""uTask's words for what does not exist."""


LISTED_MAX: Final = 10_000
"""Tasks that are kept as lists show them: about 1 KB each."""


class ListedTasks:
    """Tasks as lists show them, for as long as their rows stay the same.

    To fold a run costs a millisecond, and programs list the same tasks again and again.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[Summary, Shape]] = OrderedDict()

    def of(self, row: Summary) -> Shape | None:
        """A task by its row; None if it is to be read."""
        seen, shown = self._kept.get(row.key, (None, None))
        return shown if seen == row else None

    def keep(self, row: Summary, shown: Shape) -> None:
        """Keep a task. In a pass it changes without its row."""
        if row.phase not in ("resting", "ended", "packed"):
            return
        self._kept[row.key] = (row, shown)
        self._kept.move_to_end(row.key)
        if len(self._kept) > LISTED_MAX:
            self._kept.popitem(last=False)


class UtaskSite:
    """The tasks and templates of a cluster, as one host of it reads and changes them."""

    def __init__(self, hub: Hub, peers: Peers | None = None) -> None:
        """`peers` is None for a single host."""
        self.hub = hub
        self.peers = peers
        self.name = "floe"
        """Of the application, for people."""
        self.ids = UtaskIds(hub)
        self.listed = ListedTasks()
        self.calling_back = asyncio.Lock()
        """One callback at a time: of two with different bodies the first counts."""

    # --- templates ---

    def templates(self) -> list[Flow]:
        """The flows of all templates of this host, in the order in which they came."""
        return [flow for flow in self.hub.reads.book().flows if flow.dialect == DIALECT]

    def template(self, name: str) -> Flow:
        """The flow of a template. Raises UtaskFault."""
        from floe.dialects.utask.compiled import template_named  # most hosts have no templates

        found = template_named(self.hub.reads.book().flows, name)
        if found is None:
            raise UtaskFault(404, f'Failed to load template "{name[:80]}" from name: {NOT_THERE}')
        return found

    def functions(self) -> Mapping[str, Json]:
        """The functions of this host, by name, as uTask shows them."""
        return self.hub.reads.book().functions

    def digest(self, flow: Flow) -> str:
        """The digest under which runs keep a template."""
        book = self.hub.reads.book()
        return book.digest_of(flow) or digest_of(flow)

    async def judged(self, kind: str, flow: Flow, body: Shape) -> Shape:
        """What an evaluator answers about a body for a template. Raises Yours for its error, World.

        It gets what judgements of the flow read besides it, such as configuration items.
        """
        around = self.hub.inbox.around(DIALECT, flow, self.digest(flow))
        whole = {**body, "around": from_text(around.body)} if around else body
        answer = await self.hub.people.judge_text(DIALECT, kind, whole)
        if not isinstance(answer, dict):
            raise Yours("no answer of an evaluator")
        if error := answer.get("error"):
            raise Yours(str(error))
        return answer

    # --- runs ---

    async def run(self, id: UtaskId, what: str) -> Run:
        """The run of a task that is here. Raises UtaskFault where there is none."""
        try:
            run = await self.hub.reads.run(id.run.key)
        except (NotFound, Removed, Lost):
            raise not_found(what) from None
        if run.flow is None or run.flow.dialect != DIALECT:
            raise not_found(what)
        return run

    async def act(self, run: RunRef, signal: PersonSignal, refused: str, once: str = "") -> None:
        """Have a person do something to a run. Raises UtaskFault, with a text, if it is refused."""
        try:
            await self.hub.people.act(run, signal, once=once)
        except Conflict as error:
            raise UtaskFault(400, f"{refused}: {error.what}") from None


def not_found(what: str) -> UtaskFault:
    """The answer about an id of a kind that names nothing."""
    return UtaskFault(404, f"Failed to load {what} from public id: {NOT_THERE}")


def no_id(what: str, text: str) -> UtaskFault:
    """The answer about a text that is no id."""
    shown = text[:80]
    return UtaskFault(
        400,
        f'Failed to load {what} from public id: pq: invalid input syntax for type uuid: "{shown}"',
    )


UTASK_SITE: Final = web.AppKey("utask_site", UtaskSite)

PREFIX: Final = web.AppKey("utask_prefix", str)
"""The path before every route; empty at an address of its own."""

PEER_PATH: Final = "peer/utask/call"
"""The route by which a host sends a call to a different one."""
