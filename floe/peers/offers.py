"""The record of written offers. No I/O."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from floe.model.errors import IdInvalid
from floe.model.ids import RunRef
from floe.model.peer_message import Offer
from floe.peers.base import Offered

OFFERS_MAX: Final = 10_000
"""Offers for which it is recorded one by one whether they were written."""


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
