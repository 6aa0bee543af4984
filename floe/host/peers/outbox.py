"""Messages that are repeated until they are answered, 0.2 to 5 s apart."""

from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush
from typing import Final

from floe.host.site import Site
from floe.host.step import Step
from floe.host.undoable import Undoable
from floe.model.message import Message
from floe.model.refs import HostId, Instant, StoreId

FIRST_MS: Final = 200
"""Between a message and its first repetition; doubled with each."""

LAST_MS: Final = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message that waits for its answer."""

    store: StoreId | None
    message: Message
    due: Instant
    wait_ms: int = FIRST_MS
    sent_at: Instant | None = None
    """None: not yet."""


class Outbox:
    """What this host says until it is answered: one letter per host, kind and name."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._by_host: dict[HostId, Undoable[tuple[str, str], Outgoing]] = {}
        self._heap: list[tuple[Instant, HostId, str, str]] = []
        self._is_astray = False

    def put(
        self,
        host: HostId,
        store: StoreId | None,
        kind: str,
        name: str,
        message: Message,
        due: Instant,
    ) -> None:
        """Say a message from `due` on, in place of the letter with this kind and name."""
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
        letter = self.get(host, kind, name)
        if letter is None or (letter.message, letter.store) != (message, store):
            self.put(host, store, kind, name, message, step.now)

    def get(self, host: HostId, kind: str, name: str) -> Outgoing | None:
        """A letter that waits for its answer; None for none."""
        book = self._by_host.get(host)
        return book.get((kind, name)) if book else None

    def done(self, host: HostId, kind: str, name: str) -> bool:
        """It was answered; return whether it was waited for."""
        book = self._by_host.get(host)
        return book is not None and book.put((kind, name), None)

    def drop(self, host: HostId, store: StoreId) -> None:
        """Nothing more is said to a store that was forgotten."""
        book = self._by_host.get(host)
        for key, letter in book.items() if book else ():
            if letter.store == store:
                self.done(host, *key)

    def hasten(self, host: HostId, now: Instant) -> None:
        """A host was heard: say again what it has not answered for `FIRST_MS`."""
        book = self._by_host.get(host)
        if not book:
            return
        for key, letter in book.items():
            if letter.sent_at is not None:
                due = max(now, Instant(letter.sent_at + FIRST_MS))
                if due < letter.due:
                    self._put(host, *key, replace(letter, due=due))

    def set_back(self, now: Instant) -> None:
        """The clock was set back: say everything again now, whenever it was due before."""
        for host, kind, name, letter in self.letters():
            if letter.due > now:
                self._put(host, kind, name, replace(letter, due=now, sent_at=None))

    def flush(self, step: Step) -> None:
        """Say what is due."""
        now = step.now
        while (due := self.next_due) is not None and due <= now:
            _, host, kind, name = heappop(self._heap)
            letter = self._by_host[host][kind, name]
            step.send(host, letter.store, letter.message)
            wait = letter.wait_ms
            again = replace(
                letter,
                due=Instant(now + wait),
                wait_ms=min(2 * wait, LAST_MS),
                sent_at=now,
            )
            self._put(host, kind, name, again)

    @property
    def next_due(self) -> Instant | None:
        """When something is to be said."""
        if self._is_astray:
            self._mend()
        heap = self._heap
        while heap:
            due, host, kind, name = heap[0]
            letter = self._by_host[host].get((kind, name))
            if letter is not None and letter.due == due:
                return due
            heappop(heap)
        return None

    def letters(self) -> list[tuple[HostId, str, str, Outgoing]]:
        """All that waits, by host, kind and name."""
        return [
            (host, *key, letter)
            for host, book in self._by_host.items()
            for key, letter in book.items()
        ]

    def _put(self, host: HostId, kind: str, name: str, letter: Outgoing) -> None:
        book = self._by_host.get(host)
        if book is None:
            book = self._by_host[host] = Undoable(self._site.journal)
        self._site.journal.undos.append(self._go_astray)
        book.put((kind, name), letter)
        heappush(self._heap, (letter.due, host, kind, name))

    def _go_astray(self) -> None:
        self._is_astray = True

    def _mend(self) -> None:
        self._heap = [(letter.due, *key) for *key, letter in self.letters()]  # type: ignore[misc]
        heapify(self._heap)
        self._is_astray = False
