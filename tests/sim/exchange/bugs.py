"""Deliberate bugs: what a host does wrong, each of which breaks an invariant."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final
from unittest.mock import patch

from floe.dialects.flyte.ids import id_in
from floe.host import openings
from floe.host.offers import WorkOffers
from floe.hub.attempts.outside import Outside
from floe.hub.shared.named_rows import NamedRows
from floe.hub.shared.shared_rows import SharedRows
from floe.server.flyte import events
from floe.server.flyte.copies import Copies
from floe.server.flyte.ids import FlyteIds
from tests.sim.inbox import BUGS as INBOX_BUGS
from tests.sim.inbox import _unpromised
from tests.sim.take import BUGS as TAKE_BUGS


async def _found_here(self: NamedRows, name: str) -> Any:
    return self.local(name)


def _no_error(self: SharedRows, reply: Any, kind: str) -> int:
    return 0


_fitting = WorkOffers.fitting


def _any_label(self: WorkOffers, queue: str, labels: Any, name: str = "") -> Any:
    every = frozenset(label for _, needed in self._queues.get(queue, ()) for label in needed)
    return _fitting(self, queue, every, name)


async def _own_alone(self: FlyteIds, text: str) -> Any:
    return id_in(text, self._hub.reads.stores()[:1], await self.key())


def _kept(self: Outside, take: str) -> None:
    """Leave the work with a taker that never got it."""


async def _at_once(self: Copies) -> None:
    """Wait for no other host."""


BUGS: Final[dict[str, tuple[Any, ...]]] = {
    "unknown-pack-is-404": (patch.object(NamedRows, "find", _found_here),),
    "keeper-away-is-404": (patch.object(SharedRows, "_refused", _no_error),),
    "unknown-store-is-404": (patch.object(FlyteIds, "find", _own_alone),),
    "flow-is-at-one-host": (patch.object(Copies, "settle", _at_once),),
    "labels-do-not-count": (patch.object(WorkOffers, "fitting", _any_label),),
    "gone-taker-keeps-action": (patch.object(Outside, "give_back_nowait", _kept),),
    "gone-taker-is-not-seen": (patch.object(events, "_is_gone", lambda request: False),),
    "taken-action-is-offered": TAKE_BUGS["taken-work-is-offered"],
    "take-is-no-promise": TAKE_BUGS["take-is-no-promise"],
    "giving-back-is-sent-once": TAKE_BUGS["giving-back-is-sent-once"],
    "given-up-take-is-kept": TAKE_BUGS["given-up-take-is-kept"],
    "event-is-no-promise": INBOX_BUGS["event-is-no-promise"],
    "result-is-no-promise": (patch.object(openings, "hear", _unpromised),),
    "row-stays": INBOX_BUGS["row-stays"],
    "result-is-no-event": INBOX_BUGS["answer-is-no-event"],
    "late-result-is-an-event": INBOX_BUGS["late-answer-is-an-event"],
}
"""By what the host does wrong. Those of the models of takes and of the inbox break this, too."""


@contextmanager
def with_bug(bug: str) -> Iterator[None]:
    """The hosts with a bug; empty for none."""
    with ExitStack() as stack:
        for change in BUGS.get(bug, ()):
            stack.enter_context(change)
        yield
