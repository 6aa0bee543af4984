"""The queue of messages to one host, and a record of written offers. No I/O."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from floe.model.errors import IdInvalid
from floe.model.message import Envelope, Offer, Ping
from floe.model.refs import RunRef
from floe.peers.base import Offered

WORDS_MAX: Final = 5_000
"""Messages queued for one host; beyond that the oldest is dropped, and its sender repeats it."""

BYTES_MAX: Final = 32 * 1024 * 1024
"""Bytes of those."""

OFFERS_MAX: Final = 10_000
"""Offers for which it is recorded one by one whether they were written."""

_PING: Final = b""


@dataclass(frozen=True, slots=True)
class QueuedItem:
    """A message and its frame."""

    envelope: Envelope
    frame: bytes


class SendQueue:
    """A bounded queue: the newest messages for one host.

    A queued message is not queued again, so repetitions cost nothing while a host is slow; a Ping
    replaces an older one.
    """

    def __init__(self) -> None:
        self._items: OrderedDict[bytes, QueuedItem] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: QueuedItem) -> None:
        """Queue a message; drops the oldest if there is no room."""
        key = _PING if isinstance(item.envelope.message, Ping) else item.frame
        if old := self._items.get(key):
            self._bytes -= len(old.frame)
        self._items[key] = item
        self._bytes += len(item.frame)
        while len(self._items) > WORDS_MAX or (self._bytes > BYTES_MAX and len(self._items) > 1):
            self.take()

    def take(self) -> QueuedItem:
        """The oldest message. Raises KeyError if there is none."""
        _, item = self._items.popitem(last=False)
        self._bytes -= len(item.frame)
        return item

    def empty(self) -> list[QueuedItem]:
        """Drop all but the Ping; return the dropped messages, oldest first."""
        ping = self._items.pop(_PING, None)
        dropped = list(self._items.values())
        self._items.clear()
        self._bytes = 0
        if ping:
            self.put(ping)
        return dropped


class Offers:
    """The offers that may have left this process, and those that never will.

    The run of an unsent offer starts elsewhere, so that offer must never have been written and
    never be written later. Both are recorded. Offers beyond the record count as written: the
    serials of a store only grow, so one serial stands for all before it.

    Source: docs/cluster-protocol.md, "Between hosts", the refused connection.
    """

    def __init__(self, sent: Offered = ()) -> None:
        """`sent`: offers that an earlier process may have written."""
        self._written: OrderedDict[str, int] = OrderedDict()
        self._unsent: OrderedDict[str, int] = OrderedDict()
        self._forgotten = 0
        for run, epoch in sent:
            self._write(run, epoch)

    def may_write(self, offer: Offer) -> bool:
        """Whether an offer may be written: it was never reported as unsent."""
        return offer.epoch > self._unsent.get(offer.run, 0)

    def write(self, offer: Offer) -> None:
        """Record an offer just before it is written."""
        self._write(offer.run, offer.epoch)

    def unsent(self, offers: Iterable[Offer]) -> list[Offer]:
        """The offers that were never written. From now on they never are."""
        found = [offer for offer in offers if not self._may_be_written(offer)]
        for offer in found:
            _remember(self._unsent, offer.run, offer.epoch)
        while len(self._unsent) > OFFERS_MAX:
            self._unsent.popitem(last=False)
        return found

    def _may_be_written(self, offer: Offer) -> bool:
        if offer.epoch <= self._written.get(offer.run, 0):
            return True
        return _serial(offer.run) <= self._forgotten

    def _write(self, run: str, epoch: int) -> None:
        _remember(self._written, run, epoch)
        while len(self._written) > OFFERS_MAX:
            run, _ = self._written.popitem(last=False)
            self._forgotten = max(self._forgotten, _serial(run))


def _remember(epochs: "OrderedDict[str, int]", run: str, epoch: int) -> None:
    epochs[run] = max(epoch, epochs.get(run, 0))
    epochs.move_to_end(run)


def _serial(run: str) -> int:
    try:
        return RunRef.parse(run).serial
    except IdInvalid:
        return 0
