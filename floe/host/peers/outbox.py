"""Messages that are repeated until they are answered, 0.2 to 5 s apart."""

from dataclasses import replace
from heapq import heapify, heappop, heappush
from typing import Final

from floe.host.site import Site
from floe.host.step import Step
from floe.host.undoable import Undoable
from floe.model.ids import HostId, Instant, StoreId
from floe.model.nouns import dataclass
from floe.model.peer_message import Message

FIRST_MS: Final = 200
"""Between a message and its first repetition; each wait is twice the one before."""

LAST_MS: Final = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message in the outbox, which waits for its answer."""

    store: StoreId | None
    message: Message
    due: Instant
    wait_ms: int = FIRST_MS
    sent_at: Instant | None = None
    """None for not yet."""


class Outbox:
    """Messages that this host sends until they are answered: one for each host, kind and name."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._by_host: dict[HostId, Undoable[tuple[str, str], Outgoing]] = {}
        self._heap: list[tuple[Instant, HostId, str, str]] = []
        self._is_heap_spoilt = False

    def put(
        self,
        host: HostId,
        store: StoreId | None,
        kind: str,
        name: str,
        message: Message,
        due: Instant,
    ) -> None:
        """Send a message from `due` on, in place of the one with this kind and name."""
        self._put(host, kind, name, Outgoing(store=store, message=message, due=due))

    def send(
        self,
        step: Step,
        host: HostId,
        store: StoreId | None,
        kind: str,
        name: str,
        message: Message,
    ) -> None:
        """Send a message now and until it is answered, unless just this one is being sent.

        A message to this host needs no repetition: this step handles it.
        """
        if self._site.is_self(host, store):
            step.send(host, store, message)
            return
        outgoing = self.get(host, kind, name)
        if outgoing is None or (outgoing.message, outgoing.store) != (message, store):
            self.put(host, store, kind, name, message, step.now)

    def get(self, host: HostId, kind: str, name: str) -> Outgoing | None:
        """The message that waits for its answer; None for none."""
        messages = self._by_host.get(host)
        return messages.get((kind, name)) if messages else None

    def done(self, host: HostId, kind: str, name: str) -> bool:
        """Stop sending a message; return whether it was being sent."""
        messages = self._by_host.get(host)
        return messages is not None and messages.put((kind, name), None)

    def drop(self, host: HostId, store: StoreId) -> None:
        """Stop sending anything to a store that was forgotten."""
        messages = self._by_host.get(host)
        for key, outgoing in messages.items() if messages else ():
            if outgoing.store == store:
                self.done(host, *key)

    def hasten(self, host: HostId, now: Instant) -> None:
        """A host sent a message: send again what it has not answered for `FIRST_MS`."""
        messages = self._by_host.get(host)
        if not messages:
            return
        for key, outgoing in messages.items():
            if outgoing.sent_at is not None:
                due = max(now, Instant(outgoing.sent_at + FIRST_MS))
                if due < outgoing.due:
                    self._put(host, *key, replace(outgoing, due=due))

    def set_back(self, now: Instant) -> None:
        """The clock was set back: send everything again now, whenever it was due before."""
        for host, kind, name, outgoing in self.waiting():
            if outgoing.due > now:
                self._put(host, kind, name, replace(outgoing, due=now, sent_at=None))

    def flush(self, step: Step) -> None:
        """Send what is due."""
        now = step.now
        while (due := self.next_due) is not None and due <= now:
            _, host, kind, name = heappop(self._heap)
            outgoing = self._by_host[host][kind, name]
            step.send(host, outgoing.store, outgoing.message)
            wait = outgoing.wait_ms
            again = replace(
                outgoing,
                due=Instant(now + wait),
                wait_ms=min(2 * wait, LAST_MS),
                sent_at=now,
            )
            self._put(host, kind, name, again)

    @property
    def next_due(self) -> Instant | None:
        """When the next message is due."""
        if self._is_heap_spoilt:
            self._rebuild_heap()
        heap = self._heap
        while heap:
            due, host, kind, name = heap[0]
            outgoing = self._by_host[host].get((kind, name))
            if outgoing is not None and outgoing.due == due:
                return due
            heappop(heap)
        return None

    def waiting(self) -> list[tuple[HostId, str, str, Outgoing]]:
        """All messages that wait, by host, kind and name."""
        return [
            (host, *key, outgoing)
            for host, messages in self._by_host.items()
            for key, outgoing in messages.items()
        ]

    def _put(self, host: HostId, kind: str, name: str, outgoing: Outgoing) -> None:
        messages = self._by_host.get(host)
        if messages is None:
            messages = self._by_host[host] = Undoable(self._site.journal)
        self._site.journal.undos.append(self._spoil_heap)
        messages.put((kind, name), outgoing)
        heappush(self._heap, (outgoing.due, host, kind, name))

    def _spoil_heap(self) -> None:
        self._is_heap_spoilt = True

    def _rebuild_heap(self) -> None:
        self._heap = [(outgoing.due, *key) for *key, outgoing in self.waiting()]  # type: ignore[misc]
        heapify(self._heap)
        self._is_heap_spoilt = False
