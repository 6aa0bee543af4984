"""Re-runs of failed child runs: the host with a child's log prepares what its re-run takes over.

The re-run of a parent may run on any host, and so may its earlier child have done. Where the log of
that child cannot be read, the caller starts a new child.

Source: docs/cluster-protocol.md, "Child runs".
"""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from floe.host.inputs import Start
from floe.host.peers.facts import UNREADABLE
from floe.host.rerun_plan import ChildPlan, RerunRequest
from floe.hub.reads import Reads
from floe.model.codec import decode
from floe.model.errors import FloeError, HostAway, Theirs
from floe.model.flow import Flow
from floe.model.ids import HostId
from floe.model.taken import ChildAgain
from floe.peers.base import FRAME_MAX, Peers, Request

PATH: Final = "peer/rerun"
"""The route of the other hosts."""

CHILDREN_SHOWN: Final = 20
"""Children that a plan describes, those of children too; it counts the rest."""

NO_VALUES: Final[Mapping[str, None]] = {}


class ChildReruns:
    """Prepares re-runs of what failed in child runs, here or at the hosts that have their logs."""

    def __init__(self, reads: Reads, peers: Peers | None) -> None:
        self._reads = reads
        self._peers = peers

    async def start(self, run: str, by: str) -> Start:
        """The start of the re-run of a child, which `by` requests. Raises FloeError."""
        found = await self._reads.find(run)
        if found.lost is not None:
            raise found.lost
        if found.host is None or self._peers is None:
            return await start_here(self._reads, run, by)
        try:
            return await self._start_at(self._peers, found.host, run, by)
        except HostAway:
            archiving = self._reads.archiving
            if archiving is None or not await archiving.has(found.row):
                raise
            return await start_here(self._reads, run, by)

    async def plans(
        self, flow: Flow, children: Sequence[ChildAgain], by: str
    ) -> tuple[ChildPlan, ...]:
        """What becomes of the first of the failed children of a run of this flow, and of theirs."""
        return await self._plans(flow, children, by, iter(range(CHILDREN_SHOWN)))

    async def _plans(
        self, flow: Flow, children: Sequence[ChildAgain], by: str, left: Iterator[int]
    ) -> tuple[ChildPlan, ...]:
        """`left`: one for each child that the whole plan may still describe."""
        async with asyncio.TaskGroup() as tasks:
            plans = [
                tasks.create_task(self._plan(flow.by_id[one.node].ref, one, by, left))
                for one, _ in zip(children, left, strict=False)
            ]
        return tuple(plan.result() for plan in plans)

    async def _plan(self, node: str, child: ChildAgain, by: str, left: Iterator[int]) -> ChildPlan:
        name = self._reads.name_of_key(child.run)
        try:
            start = await self.start(child.run, by)
        except FloeError as error:
            return ChildPlan(node, child.item, name, why_new=error.what)
        taken = tuple(start.flow.by_id[one.node].ref for one in start.taken)
        below = await self._plans(start.flow, start.children, by, left)
        return ChildPlan(node, child.item, name, taken, children=below)

    async def _start_at(self, peers: Peers, host: HostId, run: str, by: str) -> Start:
        """The same from the host with the child's log. Raises HostAway, Theirs."""
        path = f"{PATH}?{urlencode({'run': run, 'by': by})}"
        asked = Request(method="GET", path=path, by=by)
        body = bytearray()
        try:
            async with peers.relay(host, asked) as reply:
                async for data in reply.chunks():
                    body += data
                    if len(body) > FRAME_MAX:
                        raise Theirs(f"the reply of {host} has more than {FRAME_MAX} bytes")
            shape = json.loads(body)
            if reply.status != HTTPStatus.OK:
                raise Theirs(str(shape.get("detail") or f"{host} answers {reply.status}"))
            return decode(Start, shape)
        except ConnectionError as error:
            raise HostAway(f"{host} is away: {error}", host=host) from None
        except UNREADABLE:
            raise Theirs(f"the reply of {host} is not a re-run") from None


async def start_here(reads: Reads, run: str, by: str) -> Start:
    """The start of the re-run of a child whose log is here. Raises FloeError."""
    again = RerunRequest(failed=True, values=NO_VALUES, by=by)
    return (await reads.earlier(run, again)).start(again, by=by, once="")
