"""The runs of one host that are not archived, with the indices that placement uses.

Only `put` changes the indices: which pends wait, which run holds which resource and workspace, and
which runs take a slot.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final, TypeVar

from floe.host.asleep import KnownRuns, Sleeper, may_owe_asleep, may_sleep
from floe.host.offers import WorkOffers, WorkTakes
from floe.host.pends import PendNeeds, pend_needs, pend_of
from floe.kernel.owed import owed_by, parts_of
from floe.kernel.process import takes_slot
from floe.model.effect import AwaitAnswer, Effect, OfferWork
from floe.model.flow import Flow
from floe.model.ids import FlowId, RunRef, StoreId
from floe.model.passes import Part, Passes
from floe.model.pend import Pend
from floe.model.run import Run

K = TypeVar("K")

_NOTHING: Final[frozenset[Effect]] = frozenset()


class RunTable:
    """Folded runs by reference, with the indices of a host's decisions."""

    def __init__(self, store: StoreId) -> None:
        self.store = store
        """This host's; the table also has foreign runs, see `is_foreign`."""
        self.runs = KnownRuns()
        self.pends: dict[RunRef, Pend] = {}
        """Runs that wait for a host."""
        self.queues: dict[PendNeeds, list[RunRef]] = {}
        """The same runs by their needs, oldest first: 10,000 runs that wait for one resource are
        tried as one."""
        self.held: dict[str, RunRef] = {}
        """Resource tags and their holders."""
        self.groups: dict[str, set[RunRef]] = {}
        """Active runs by the group in which they count for `max-runs`."""
        self.grouped_pends: dict[str, list[RunRef]] = {}
        """Runs that wait for a host by the same group, oldest first."""
        self.restarts: set[RunRef] = set()
        """Runs that wait for a host again, since their grant was revoked."""
        self.spaces: dict[FlowId, RunRef] = {}
        """Flows with `reuse-space` and the run that is in their workspace."""
        self._holders: dict[str, set[RunRef]] = {}
        """All holders of a tag: two, if an operator freed it and a second run came to hold it."""
        self._users: dict[FlowId, set[RunRef]] = {}
        """All runs that are in the workspace of a flow."""
        self._busy: set[RunRef] = set()
        """Runs that take a slot."""
        self._freed: set[RunRef] = set()
        """Runs that no longer take one, since they were last settled."""
        self._reserved: dict[RunRef, Flow] = {}
        """Active runs that are not in the table, since they cannot be read, with their flows."""
        self._owed: dict[RunRef, dict[Part, frozenset[Effect]]] = {}
        self.offers = WorkOffers()
        """The outside work that may be taken here."""
        self.takes = WorkTakes()
        """The outside work that is taken."""

    @property
    def active(self) -> int:
        """How many slots are taken."""
        return len(self._busy)

    def put(self, ref: RunRef, run: Run | None) -> bool:
        """Replace a run by its new version; None and packed runs leave the table.

        Return whether a pend may now be placed that could not be before: a run came to wait, or an
        active run is over.
        """
        runs = self.runs.awake
        old = runs.get(ref)
        if old is not None and run is not None and old.phase == run.phase:
            runs[ref] = run
            if run.open is not old.open:
                self._count(run)
            return False
        may_place = False
        if old is not None:
            del runs[ref]
            may_place = self._index(old, present=False)
        if run is not None and run.phase != "packed":
            runs[ref] = run
            may_place |= self._index(run, present=True)
        return may_place

    def has_freed_slot(self, ref: RunRef) -> bool:
        """Whether a run has given its slot back since this was last asked.

        Asked once a step: a command that follows at once takes over the slot of the one before.
        """
        is_free = ref in self._freed
        self._freed.discard(ref)
        return is_free

    def is_foreign(self, run: Run) -> bool:
        """Whether a different store may write the log of a run: a peer's, or the store that this
        one was restored from. Such a run is neither placed nor active here, and owes nothing."""
        return self._is_elsewhere(run) and not run.superseded

    def settle(
        self, run: Run, parts: Iterable[Part] | None = None
    ) -> tuple[list[Effect], list[Effect]]:
        """Bring what some parts owe up to date, or all; return what is new and what is closed."""
        is_foreign = self.is_foreign(run)
        kept = self._owed.setdefault(run.ref, {})
        new: list[Effect] = []
        closed: list[Effect] = []
        for part in dict.fromkeys((*kept, *parts_of(run))) if parts is None else parts:
            old = kept.get(part, _NOTHING)
            now = _NOTHING if is_foreign else owed_by(run, *part)
            if now == old:
                continue
            begun, over = now - old, old - now
            new += begun
            closed += over
            self._index_offers(begun, over)
            if now:
                kept[part] = now
            else:
                del kept[part]
        if not kept:
            del self._owed[run.ref]
        return new, closed

    def _index_offers(self, new: Iterable[Effect], closed: Iterable[Effect]) -> None:
        for effect in closed:
            if type(effect) is OfferWork:
                self.offers.remove(effect.key)
            elif type(effect) is AwaitAnswer:
                self.takes.remove(effect)
        for effect in new:
            if type(effect) is OfferWork:
                self.offers.add(effect)
            elif type(effect) is AwaitAnswer:
                self.takes.add(effect)

    def refs(self) -> Iterator[RunRef]:
        """All runs, also those that are asleep."""
        return chain(self.runs.awake, self.runs.asleep)

    def flows(self) -> Iterator[tuple[RunRef, Flow | None]]:
        """The same with their flows; None where the flow is not read yet."""
        yield from ((ref, run.flow) for ref, run in self.runs.awake.items())
        yield from ((ref, sleeper.flow) for ref, sleeper in self.runs.asleep.items())

    def flow_of(self, ref: RunRef) -> Flow | None:
        """The flow of a run, also of one that is asleep; None for none."""
        run = self.runs.awake.get(ref)
        known = run or self.runs.asleep.get(ref)
        return known.flow if known is not None else None

    def digests(self) -> set[str]:
        """The digests of the flows of all runs."""
        found = {run.digest for run in self.runs.awake.values() if run.digest}
        return found | {sleeper.digest for sleeper in self.runs.asleep.values()}

    def owed(self, ref: RunRef) -> frozenset[Effect]:
        """All that a run owes at this moment."""
        return frozenset(e for effects in self._owed.get(ref, {}).values() for e in effects)

    def reserve(self, ref: RunRef, flow: Flow) -> None:
        """Hold what an active run holds that cannot be read now, until it is read."""
        self._reserved[ref] = flow
        self._hold_for(ref, flow, present=True)

    def let_sleep(self, ref: RunRef) -> bool:
        """Let a run leave memory; False if something may look at it, or it owes what needs it.

        What it owes stays owed: its timers stay set, its work is offered.
        """
        run = self.runs.awake.get(ref)
        if run is None or not may_sleep(run, self.store) or not may_owe_asleep(self.owed(ref)):
            return False
        assert run.flow is not None, "it may sleep"
        assert run.digest is not None, "it may sleep"
        self._owed.pop(ref, None)
        self.put(ref, None)
        may_have_children = run.passes is not None and bool(run.passes.children)
        self.runs.put_asleep(ref, Sleeper(run.flow, run.digest, may_have_children, run.phase))
        return True

    def reload(self, ref: RunRef, run: Run | None) -> list[Effect]:
        """Put a run as it was or as it was read, and return all that it owes."""
        for effects in self._owed.pop(ref, {}).values():
            self._index_offers((), effects)
        if flow := self._reserved.pop(ref, None):
            self._hold_for(ref, flow, present=False)
        self.runs.asleep.pop(ref, None)
        self.put(ref, run)
        return [] if run is None else self.settle(run)[0]

    def _index(self, run: Run, *, present: bool) -> bool:
        flow = run.flow
        if flow is None or self._is_elsewhere(run):
            return False
        if run.phase == "pending":
            self._queue(pend_of(run, flow), present=present)
            if run.revoked and present:
                self.restarts.add(run.ref)
            else:
                self.restarts.discard(run.ref)
            return present
        if run.state == "active" and run.started_at is not None:  # not cancelled while pending
            if present:
                self._count(run)
            else:
                self._busy.discard(run.ref)
                self._freed.discard(run.ref)
            self._hold_for(run.ref, flow, present=present)
            if run.group and present:
                self.groups.setdefault(run.group, set()).add(run.ref)
            elif run.group:
                _drop(self.groups, run.group, run.ref)
            return not present
        return False

    def _hold_for(self, ref: RunRef, flow: Flow, *, present: bool) -> None:
        for tag in flow.resource_tags:
            _hold(self.held, self._holders, tag, ref, present=present)
        if flow.reuse_space:
            _hold(self.spaces, self._users, flow.id, ref, present=present)

    def _count(self, run: Run) -> None:
        if takes_slot(run) and not self._is_elsewhere(run):
            self._busy.add(run.ref)
            self._freed.discard(run.ref)
        elif run.ref in self._busy:
            self._busy.remove(run.ref)
            self._freed.add(run.ref)

    def _is_elsewhere(self, run: Run) -> bool:
        return (run.store or run.ref.store) != self.store

    def _queue(self, pend: Pend, *, present: bool) -> None:
        needs = pend_needs(pend)
        if present:
            self.pends[pend.run] = pend
            _insert(self.queues, needs, pend.run)
            if pend.group:
                _insert(self.grouped_pends, pend.group, pend.run)
            return
        del self.pends[pend.run]
        _remove(self.queues, needs, pend.run)
        if pend.group:
            _remove(self.grouped_pends, pend.group, pend.run)


def _insert(queues: dict[K, list[RunRef]], key: K, ref: RunRef) -> None:
    insort(queues.setdefault(key, []), ref)


def _remove(queues: dict[K, list[RunRef]], key: K, ref: RunRef) -> None:
    queue = queues[key]
    del queue[bisect_left(queue, ref)]
    if not queue:
        del queues[key]


def _drop(groups: dict[str, set[RunRef]], key: str, ref: RunRef) -> None:
    groups[key].discard(ref)
    if not groups[key]:
        del groups[key]


def _hold(
    held: dict[K, RunRef], holders: dict[K, set[RunRef]], key: K, ref: RunRef, *, present: bool
) -> None:
    """Add or remove a holder of a key; `held` shows the first of all its holders."""
    runs = holders.setdefault(key, set())
    if present:
        runs.add(ref)
    else:
        runs.discard(ref)
    if runs:
        held[key] = min(runs)
    else:
        del holders[key]
        held.pop(key, None)


def is_row_changed(old: Run | None, new: Run) -> bool:
    """Whether the row of a run in lists has changed, apart from `seq`."""
    if (
        old is None
        or old.phase != new.phase
        or old.good != new.good
        or old.why != new.why
        or old.title != new.title
        or old.host != new.host
        or old.epoch != new.epoch
        or old.ver != new.ver
    ):
        return True
    if new.passes is None:
        return False
    was = old.passes or Passes()
    if (was.verdict, was.due) != (new.passes.verdict, new.passes.due):
        return True
    return old.digest != new.digest or old.values is not new.values
