"""Outside work of this host is taken, and given back, as the kernel allows it."""

from collections.abc import Sequence
from typing import Final

from floe.host.inputs import GiveBack, TakeOldest
from floe.host.step import Step
from floe.kernel.items import state_of
from floe.kernel.outside_work import is_taken
from floe.kernel.owed import owed_by
from floe.model.call import HandedWork, OutsideWork, TakenWork
from floe.model.effect import OfferWork
from floe.model.ids import HostId, Key
from floe.model.run import Run
from floe.model.signal import ReturnWork, TakeWork

TAKEN_MAX: Final = 1_000
"""Takes of this process that are remembered, to give them back."""


def take_oldest(step: Step, wanted: TakeOldest) -> TakenWork | None:
    """Take the oldest work of this host that fits; None where no work does."""
    site = step.site
    if site.void_takes.has(site.id, wanted.take):
        return None
    for offer in site.table.offers.fitting(wanted.queue, wanted.labels, wanted.name):
        signal = TakeWork(key=offer.key, take=wanted.take, by=wanted.by, through=site.id)
        if work := take(step, signal):  # an input before this one may have ended its run
            hand_over(step, wanted, HandedWork(work=work, host=site.id))
            return work
    return None


def hand_over(step: Step, wanted: TakeOldest, handed: HandedWork) -> None:
    """Remember what a taker got."""
    step.site.handed.put_newest(wanted.take, handed, TAKEN_MAX)
    if wanted.once:
        step.keep_once(wanted.once, Key.parse(handed.work.key).run)
        step.promise = True


def take(step: Step, signal: TakeWork) -> TakenWork | None:
    """Take the work with a key, or find that this take has it; None where it cannot be taken."""
    table, through = step.site.table, signal.through or step.site.id
    run = table.runs.get(signal.key.run)
    if run is None or table.is_foreign(run):
        return None
    if step.site.void_takes.has(through, signal.take):
        return None
    if step.decide(run, signal).events:
        table.offers.remove(signal.key)  # the next input of this step gets other work
        table.takes.note(through, signal.take, signal.key)
    return held_by(table.runs[run.ref], signal.key, signal.take)


def give_back(step: Step, key: Key, take: str) -> bool:
    """Record that a take of work of this host is void; return whether it was not so before."""
    run = step.site.table.runs.get(key.run)
    if run is None or step.site.table.is_foreign(run):
        return False
    decided = step.decide(run, ReturnWork(key=key, take=take))
    for effect in owed_by(decided.run, key.node, key.item):
        if isinstance(effect, OfferWork):
            step.site.table.offers.add(effect)  # also where it was taken in the same step
    step.promise |= bool(decided.events)
    return bool(decided.events)


def give_back_here(step: Step, wanted: GiveBack) -> bool:
    """Give back what a take got at this host; return whether that changed anything."""
    handed = step.site.handed.get(wanted.take)
    key = wanted.key or (handed.work.key if handed else "")
    return key != "" and give_back(step, Key.parse(key), wanted.take)


def make_void(step: Step, through: HostId, take: str, owed: Sequence[HostId] = ()) -> bool:
    """Let a take through a host never get work, and offer again what it has here; False for one
    that is void already. `owed`: the hosts to tell."""
    rows = step.site.void_takes.add(through, take, step.now, owed)
    if rows:
        key = step.site.table.takes.of(through, take)
        if key is not None:
            give_back(step, key, take)
        step.ledger += rows
        step.promise = True
    return bool(rows)


def held_by(run: Run, key: Key, take: str) -> TakenWork | None:
    """The work of an attempt, if a take has it; None also once it is answered or over."""
    state = state_of(run, key.node, key.item)
    if state is None or (run.epoch, state.visit, state.attempt) != (
        key.epoch,
        key.visit,
        key.attempt,
    ):
        return None
    if state.takes is None or state.takes.take != take or not is_taken(state):
        return None
    work = state.work
    assert isinstance(work, OutsideWork), "only outside work is taken"
    return TakenWork(key=str(key), take=take, type=work.type, config=work.config, name=work.name)


def taken_before(run: Run, take: str) -> TakenWork | None:
    """What a take got in a run; None where it has it no more."""
    for node in run.nodes:
        for state in run.nodes[node].parts():
            key = Key(run.ref, run.epoch, node, state.visit, state.attempt, state.item)
            if taken := held_by(run, key, take):
                return taken
    return None
