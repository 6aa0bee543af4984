"""Words between this host's core and the others': what it says goes out once it is stored, what
they say comes in with what the store knows of it.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from floe.host.core import HubCore
from floe.host.decided import Decided
from floe.host.inputs import FLOOR_MAX, Addressed, Heard, Unsent
from floe.host.peers.members import ref_of
from floe.hub.directory_sync import Lists
from floe.hub.loop import Loop
from floe.model.message import Envelope, Message, Offer, Withdraw
from floe.model.refs import HostId, Json
from floe.peers.base import Hello, Peers, Seen
from floe.store.base import RunStore

ABOUT_S: Final = 1.0
"""Seconds between two looks at what this host says of itself to people."""


class Post:
    """The other hosts, as the hub speaks with them."""

    def __init__(self, core: HubCore, store: RunStore, peers: Peers, loop: Loop) -> None:
        self._core = core
        self._store = store
        self._peers = peers
        self._loop = loop

    def open(self, me: Hello, lists: Lists) -> None:
        """Begin to speak and to listen; `lists` hears first."""
        self._lists = lists
        self._show_lists()
        runs = self._core.table.runs.values()
        sent = {(run.ref.key, run.epoch) for run in runs if run.phase == "granted"}
        self._peers.open(me, self.hear, self.unsent, sent)

    def send(self, host: HostId | None, message: Message) -> None:
        """Say something to one host, or to all, that is in no step of the core."""
        cluster = self._core.cluster
        member = cluster.members.by_id.get(host) if cluster and host else None
        envelope = Envelope(
            from_host=self._core.host.id,
            from_store=self._core.store,
            to_host=host,
            to_store=member.store if member else None,
            message=message,
        )
        self._peers.send(envelope)

    def stored(self, decided: Decided, last: int) -> None:
        """A step is stored up to a position: now others may know."""
        for envelope in decided.messages:
            self._peers.send(envelope)
        self._lists.stored(decided, last)
        self._show_lists()

    def hear(self, envelope: Envelope) -> None:
        """A word came.

        While the store takes nothing the others go on: what there is no room for they say again.
        """
        if not self._loop.is_full and not self._lists.hear(envelope):
            self._loop.say(Addressed(word=Heard(envelope=envelope)))

    def unsent(self, envelope: Envelope) -> None:
        """An offer was never written to a socket and never will be."""
        message = envelope.message
        if isinstance(message, Offer) and (ref := ref_of(message.run)):
            self._loop.say(Addressed(word=Unsent(run=ref, epoch=message.epoch)))

    async def with_floors(self, words: Sequence[Addressed]) -> Sequence[Addressed]:
        """The same words, with what the store knows of the runs that are offered in them.

        To be called by the writer, between two appends: what is true then is true in the step.
        Raises StoreFailed.
        """
        if not any(map(_needs_floor, words)):
            return words
        return [await self._with_floor(word) if _needs_floor(word) else word for word in words]

    async def look_around(self, about: Callable[[], Mapping[str, Json]]) -> None:
        """Tell the core, until cancelled, what it cannot know by itself: what pings say of this
        host to people, and to how many others the configured URLs lead.
        """
        cluster = self._core.cluster
        assert cluster is not None
        while True:
            cluster.members.about = about()
            self._show_lists()
            cluster.members.expected = others_at(self._peers.seen())
            await asyncio.sleep(ABOUT_S)

    def _show_lists(self) -> None:
        """Tell the core what pings are to say of this host's rows."""
        if cluster := self._core.cluster:
            head, has_gone_back = self._lists.directory.head, self._lists.has_gone_back
            rows = {"head": head, "gone_back": has_gone_back}
            cluster.members.about = {**cluster.members.about, **rows}
            cluster.members.has_gone_back = has_gone_back

    async def _with_floor(self, word: Addressed) -> Addressed:
        heard = word.word
        assert isinstance(heard, Heard)
        assert isinstance(heard.envelope.message, Offer | Withdraw)
        ref = ref_of(heard.envelope.message.run)
        if ref is None:
            return word
        floor: int | None = None
        if ref not in self._core.table.runs and await self._store.history(ref, 0, 1):
            floor = FLOOR_MAX
        elif isinstance(row := await self._store.row("floor", ref.key), int):
            floor = row
        return replace(word, word=replace(heard, floor=floor))


def others_at(seen: Iterable[Seen]) -> int:
    """To how many other hosts the configured URLs lead; one that nobody answered at counts."""
    urls = [one for one in seen if one.url and not one.is_self]
    return len({one.host or one.url for one in urls})


def _needs_floor(word: Addressed) -> bool:
    heard = word.word
    return isinstance(heard, Heard) and isinstance(heard.envelope.message, Offer | Withdraw)
