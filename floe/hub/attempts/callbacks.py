"""Calls: the address of each, and the answer to it, once.

An address is proven by a hash with a key that all hosts share. So no host keeps a list of them.
"""

from collections.abc import Mapping
from typing import Final, Literal

from floe.expr.form_values import check_values_size, checked_values
from floe.hub.attempts.masked_inputs import MaskedInputs
from floe.hub.loop import Loop
from floe.hub.reads import Reads
from floe.hub.shared.id_key import IdKey
from floe.hub.shared.shared_rows import SharedRows
from floe.kernel.callbacks import is_open_call
from floe.kernel.items import state_of
from floe.kernel.owed import asked_until
from floe.model.callback import BODY, BY_CALLBACK, Callback, CallbackId
from floe.model.errors import FloeError, NotFound, Removed, World, Yours
from floe.model.ids import HostId, Instant, Json, Key, NodeId
from floe.model.run import NodeState, Run
from floe.model.signal import DataGiven

KEYS: Final = "floe.key"
"""The kind of the one shared row with the key of the hash in addresses."""

Standing = Literal["open", "answered", "over"]
"""open: it takes an answer. over: no answer came, and none counts any more."""


class Callbacks:
    """The calls of a host."""

    def __init__(
        self, loop: Loop, reads: Reads, shared: SharedRows, masked: MaskedInputs, url: str
    ) -> None:
        """`url`: of this host's callbacks, without a slash at the end; empty for none."""
        self._loop = loop
        self._reads = reads
        self._masked = masked
        self._shared = shared
        self._key = IdKey(shared, KEYS, "floe")
        self._url = url

    async def address_of(self, key: Key) -> str:
        """The address of the call of an attempt. Raises World, KeeperAway."""
        run = await self._reads.run(key.run.key)
        state = state_of(run, key.node, key.item)
        if state is None:
            raise World(f"the call {key.name} of {run.ref} is over")
        return await self._address(run, key.node, state)

    async def open_of(self, run: Run) -> list[tuple[NodeId, NodeState, str]]:
        """The calls of a run that take an answer, with their addresses; "" where one cannot be made
        now."""
        nodes = [(id, run.nodes[id]) for id in run.nodes if id in run.open]
        open_ = [(id, s) for id, node in nodes for s in node.parts() if is_open_call(run, s)]
        return [(id, s, await self._address_or_none(run, id, s)) for id, s in open_]

    async def find(self, id: CallbackId, proof: str) -> Run | HostId | None:
        """The run of a call by its address, or the host that has it; None where it is gone.

        Raises NotFound for an address that no host of the cluster made, KeeperAway.
        """
        # Without a keeper each host has a key of its own, and knows its own addresses alone.
        is_elsewhere = self._shared.is_split and id.run.host != self._reads.host
        if not is_elsewhere and not id.is_proven(proof, await self._key.bytes()):
            raise unknown_call()
        try:
            found = await self._reads.find(id.run.key)
            if found.lost is not None:
                return None
            if found.host is None and is_elsewhere:
                raise unknown_call()
            return found.host or await self._reads.run(id.run.key)
        except Removed:
            return None

    def standing(self, run: Run | None, id: CallbackId) -> tuple[Standing, NodeState | None]:
        """Whether a call takes an answer, with its state; None where its run has it no more."""
        if run is None:
            return "over", None
        visits = run.visits(id.node)
        visit = visits[id.visit - 1] if 0 < id.visit <= len(visits) else None
        parts = visit.parts() if visit else ()
        state = next((one for one in parts if one.item == id.item), None)
        if state is None or state.entered_at != id.entered_at:
            return "over", None
        if is_open_call(run, state):
            return "open", state
        result = state.outcome.result if state.outcome else ""
        has_answer = state.answer is not None or state.by or result == "bad"
        return ("answered" if has_answer or result == "good" else "over"), state

    def until(self, run: Run, id: NodeId, state: NodeState) -> Instant | None:
        """When an open call is over; None for never, and while its request is not."""
        assert run.flow is not None, "an active run has its flow"
        return asked_until(run.flow.by_id[id], state)

    async def answer(self, run: Run, id: CallbackId, state: NodeState, body: Json) -> bool:
        """Answer an open call; False if that came too late. The answer is on the disk then.

        Raises ValuesInvalid, TooLarge, Yours, Busy, StoreFailed.
        """
        values = _values(state, body)
        self._masked.check_values(values)
        given = DataGiven(
            node=id.node, visit=id.visit, item=id.item, values=values, good=True, by=BY_CALLBACK
        )
        reply = await self._loop.ask(given, run=run.ref)
        return reply.changed

    async def _address(self, run: Run, id: NodeId, state: NodeState) -> str:
        if not self._url:
            raise World("this host has no address for callbacks", "set `public-url`")
        named = CallbackId(
            run=run.ref, node=id, visit=state.visit, item=state.item, entered_at=state.entered_at
        )
        return f"{self._url}/{named.path(await self._key.bytes())}"

    async def _address_or_none(self, run: Run, id: NodeId, state: NodeState) -> str:
        try:
            return await self._address(run, id, state)
        except FloeError:
            return ""


def unknown_call() -> NotFound:
    """The error for an address that no host of the cluster made."""
    return NotFound("there is no such call", "copy the whole address")


def _values(state: NodeState, body: Json) -> Mapping[str, Json]:
    """What an answer gives, held against the fields of its call."""
    work = state.work
    assert isinstance(work, Callback), "only a call has an address"
    if not work.form.fields:
        check_values_size({BODY: body})
        return {BODY: body}
    if not isinstance(body, Mapping):
        raise Yours("the answer must be a JSON object", f"its fields: {', '.join(work.outputs)}")
    return checked_values(work.form, body)
