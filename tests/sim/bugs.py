"""Deliberate bugs, to see that the invariants bite. None of them is ever in the product.

Each replaces a part of the hub, or of the machine around it, while a trial is played. Where a
shallow invariant would tell at once, it is blinded, so that the harm itself has to be found.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from floe.host import children as children_module
from floe.host import handlers as handlers_module
from floe.host import placement as placement_module
from floe.host import promises as promises_module
from floe.host import runs as runs_module
from floe.host import starts as starts_module
from floe.host.cluster import Cluster
from floe.host.core import HostCore
from floe.host.inputs import Incoming, Prune, Start, Unsent
from floe.host.leases import keeper as keeper_module
from floe.host.leases import own_claims as claims_module
from floe.host.leases.census import KeeperCensus
from floe.host.leases.current_keeper import CurrentKeeper
from floe.host.leases.keeper import Keeper
from floe.host.leases.table import LeaseEntry, LeaseTable
from floe.host.peers.adopter import Adopter
from floe.host.peers.base import PeerParts
from floe.host.peers.grantee import Grantee
from floe.host.peers.member import Member
from floe.host.placement import Placement
from floe.host.removal import remove as _remove
from floe.host.retention import EndedRun, Expiry, Retention
from floe.host.runs import RunTable
from floe.host.site import Site, SiteSettings
from floe.host.start_conditions import StartVerdict
from floe.host.step import Step
from floe.kernel import decide as decide_module
from floe.kernel import evolve as evolve_module
from floe.kernel import items as items_module
from floe.kernel import loops as loops_module
from floe.kernel import node_skips as node_skips_module
from floe.kernel import repeat as repeat_module
from floe.kernel import rerun as rerun_module
from floe.kernel import run_step as run_step_module
from floe.kernel.decide import Decision
from floe.kernel.items import open_items
from floe.kernel.loops import LoopRound
from floe.kernel.node_changes import repeated_node
from floe.kernel.open_children import is_timed_out
from floe.kernel.owed import current
from floe.kernel.process import goes_on, has_process
from floe.kernel.run_step import RunStep
from floe.kernel.settle import STOPPED
from floe.model.children import SubFlow
from floe.model.event import NodeEntered, RepeatArmed, RunEnding
from floe.model.flow import Flow, Foreach, Node, Trigger
from floe.model.host import HostView
from floe.model.ids import HostId, Json, Key, NodeId, RunRef, StoreId
from floe.model.outcome import Outcome
from floe.model.peer_message import Claim, Ended, Envelope, Offer, Ping, Release, Released
from floe.model.run import ItemStates, NodeState, Run
from floe.model.signal import Activate, Cancel, ChildMade, Signal, Stopped, TimerFired
from floe.model.tags import Tag
from floe.model.taken import ItemsTaken, NodeTaken
from floe.model.template import Path
from floe.store.base import Record
from tests.sim import machine as machine_module
from tests.sim import removal as removal_module
from tests.sim.bug import (
    SAID_UNSEEN,
    SPLIT,
    STUCK,
    Bug,
    always,
    never,
    nothing,
    patch,
    said_once,
    several,
)
from tests.sim.disk import Disk
from tests.sim.flows import CHILD_FLOWS, REDO, SPREAD
from tests.sim.machine import Machine
from tests.sim.mishaps import LEASE_FLOWS, Lean
from tests.sim.moving_bugs import MOVING_BUGS
from tests.sim.world import World

Tags = tuple[str, ...]


def _upcoming_again(foreach: Foreach, items: ItemStates) -> Iterator[int]:
    """The items after the settled ones, also those that are still open."""
    done = len(items.states) - len(items.open)
    yield from range(done, min(done + (foreach.parallel or 1), len(items.values)))


# --- the hand-over ---


def _floor_as_read(self: Grantee, key: str, told: int | None) -> int:
    return told or 0


def _cancel_here(self: Adopter, step: Step, run: Run, cancel: Cancel) -> bool:
    return bool(step.decide(run, cancel).events)


def _is_held_by_anyone(self: Adopter, run: Run, member: Member, epoch: int) -> bool:
    return self._is_lent(run)


def _refused_at_once(self: World, machine: Machine, life: int, offer: Offer) -> None:
    if machine.life == life:
        machine.say(Unsent(run=RunRef.parse(offer.run), epoch=offer.epoch))


def _unsent_is_a_no(self: Adopter, step: Step, ref: RunRef, epoch: int) -> None:
    run = self._site.table.runs.get(ref)
    if run is not None and run.phase == "granted" and run.epoch == epoch and self._is_lent(run):
        self._returned(step, run, "refused the connection", None)


def _silence_is_a_no(self: Placement, step: Step) -> None:
    adopter = getattr(self._grant, "__self__", None)
    assert isinstance(adopter, Adopter)
    for run in tuple(self._site.table.runs.values()):
        member = adopter._members.by_id.get(run.host) if run.host else None
        if run.phase == "granted" and adopter._is_lent(run) and (not member or member.stale):
            adopter._returned(step, run, "does not answer", None)
    _dispatch(self, step)


_dispatch = Placement.dispatch


def _without_forgotten(self: World, machine: Machine, envelope: Envelope) -> None:
    if isinstance(envelope.message, Ping):
        envelope = replace(envelope, message=replace(envelope.message, forgotten=()))
    _send(self, machine, envelope)


_send = World.send


def _same_store(self: World, host: HostId, skew_ms: int) -> Disk:
    return Disk(StoreId(f"{host}s00"), (self.now + skew_ms) // 1000)


def _without_removed(self: World, machine: Machine, envelope: Envelope) -> int | None:
    pruned, machine.disk.pruned = machine.disk.pruned, {}
    try:
        return _floor(self, machine, envelope)
    finally:
        machine.disk.pruned = pruned


_floor = World._floor


def _activate_without_taken(step: RunStep, signal: Activate) -> None:
    if signal.epoch > 1:
        step.run = replace(step.run, taken=())
    _activate(step, signal)


_activate = decide_module._activate


def _taken_without_outputs(old: Run, node: Node, state: NodeState) -> NodeTaken:
    return replace(_taken(old, node, state), outputs={})


_taken = rerun_module._taken


def _take_workspace_again(self: Step, run: Run) -> str:
    of = run.rerun_of
    return of.workspace if of and of.host == self.site.id else ""


def _judge_as_if_alone(self: Retention, run: EndedRun) -> Expiry:
    return _judge(self, replace(run, is_shown=False))


_judge = Retention.judge


def _remove_unaware(step: Step, peers: PeerParts, prune: Prune) -> tuple[str, ...]:
    for rerun in tuple(step.site.repeats):
        step.site.repeats.put(rerun, None)
    return _remove(step, peers, prune)


def _remove_silently(step: Step, peers: PeerParts, prune: Prune) -> tuple[str, ...]:
    removed = _remove(step, peers, prune)
    step.removals.clear()
    return removed


def _none_is_repeated(table: RunTable) -> set[str]:
    return set()


def _drain_in_memory(step: Step, *, on: bool) -> bool:
    changed, step.site.draining = step.site.draining != on, on
    return changed


def _restart_cancelled(self: Adopter, step: Step, run: Run) -> None:
    self._forget_cancel(step, run)


# --- conditions, items, rounds and repetitions ---


def _condition_unjudged(condition: str, value: Callable[[Path], Json]) -> str:
    return ""


def _start_unjudged(start: Start, trigger: Trigger, host: SiteSettings) -> StartVerdict:
    return StartVerdict()


def _none_lost(step: RunStep, nodes: Iterable[Node]) -> list[Tag]:
    return []


def _skip_and_enter(step: RunStep, node: Node, why: str) -> Tag:
    tag = _skip(step, node, why)
    visit = step.run.nodes[node.id].visit
    step.add(NodeEntered(at=step.now, node=node.id, visit=visit, work=node.work, sources=()))
    return tag


_skip = node_skips_module.skip


def _close_items_but_armed_ones(self: RunStep, node: Node) -> None:
    for state in open_items(self.run.nodes[node.id]):
        if state.phase != "armed" and not goes_on(state):
            self._settled_item(node, state, STOPPED, self.now)


def _upcoming_once_all_are_over(foreach: Foreach, items: ItemStates) -> Iterator[int]:
    return iter(()) if items.open else _upcoming(foreach, items)


def _upcoming_after_bad_ones(foreach: Foreach, items: ItemStates) -> Iterator[int]:
    return _upcoming(replace(foreach, on_item_bad="finish"), items)


_upcoming = items_module.upcoming


def _outcome_of_last(items: ItemStates) -> Outcome:
    return items.states[max(items.states)].outcome or _outcome_of(items)


_outcome_of = items_module.outcome_of_items


def _all_items_taken(
    old: Run, flow: Flow, alone: Collection[NodeId], parents: Collection[NodeId]
) -> Iterator[ItemsTaken]:
    nodes = {id: _all_good(state) for id, state in old.nodes.items()}
    return _items_taken(replace(old, nodes=nodes), flow, alone, parents)


def _all_good(state: NodeState) -> NodeState:
    if state.items is None:
        return state
    states = {n: replace(s, good=True) for n, s in state.items.states.items() if s.outcome}
    return replace(state, items=replace(state.items, states=states))


_items_taken = rerun_module._items_taken


def _enter_uncounted(self: RunStep, node: Node) -> tuple[Tag, ...]:
    return _enter(self, replace(node, loop=0))


_enter = RunStep._enter


def _round_at_once(run: Run, flow: Flow) -> LoopRound | None:
    return _next_round(replace(run, open=frozenset()), flow)


_next_round = loops_module.next_round


def _repeated_uncounted(run: Run, event: RepeatArmed) -> NodeState:
    return replace(repeated_node(run, event), tries=run.nodes[event.node].tries)


# --- leases ---


def _acknowledge_any_release(self: Keeper, step: Step, member: Member, message: Release) -> None:
    _released(self, step, member, message)
    if not (self.is_me and self.census.is_open):
        answer = Released(claim=message.claim, fences=message.fences)
        step.send(member.id, member.store, answer)


_released = Keeper.released


def _nobody_missing(self: KeeperCensus) -> list[str]:
    return []


def _first_in_line(self: LeaseTable) -> LeaseEntry | None:
    return next((h for h in self.waiting() if not h.parked), None)


def _put_in_memory(self: LeaseTable, step: Step, holding: LeaseEntry) -> LeaseEntry:
    self._index(holding.claim.run, holding)
    return holding


def _release_at_ending(self: Cluster, step: Step, record: Record, run: Run) -> None:
    if isinstance(record.event, RunEnding):
        self.leases.over(step, run)
    _recorded(self, step, record, run)


_recorded = Cluster.recorded


def _keep_fences(self: Keeper, step: Step, old: LeaseEntry, claim: Claim, tags: Tags) -> None:
    self.table.put(step, replace(old, claim=claim))


# --- placing ---


def _view_without(**others: Any) -> Callable[..., HostView]:
    return lambda site, problems=(): replace(_view(site, problems), **others)


_view = Site.view


# --- order and durability ---


def _answer_first(self: Machine, core: HostCore, words: Sequence[Incoming]) -> None:
    decided = core.step(words, self.now())
    for reply in decided.replies:
        self.world.answer(reply)
    self._carry_out(core, words, replace(decided, replies=()))


def _act_first(self: Machine, core: HostCore, words: Sequence[Incoming]) -> None:
    decided = core.step(words, self.now())
    for envelope in decided.messages:
        self.world.send(self, envelope)
    self._carry_out(core, words, replace(decided, messages=()))


def _taken_loosely(
    self: Grantee, step: Step, member: Member, offer: Offer, floor: int | None
) -> None:
    before = step.promise
    _offered(self, step, member, offer, floor)
    step.promise = before


_offered = Grantee.offered


def _stop_blindly(self: Machine, key: Key) -> None:
    self._log(key, Stopped())


LEASED: Final = ("resource_is_held_once", "fences_grow")

RERUNS: Final = Lean(faults=("forget", "drain"), reruns=30, is_unlucky=True)
REMOVALS: Final = Lean(prunes=60, reruns=30, is_unlucky=True)


def _decide_without_child(self: Step, run: Run, signal: Signal) -> Decision:
    """Pend a child, and do not record it in its parent."""
    if isinstance(signal, ChildMade):
        return Decision(events=(), runs=(), run=run)
    return _decide(self, run, signal)


_decide = Step.decide


def _awaits_further_child(run: Run, key: Key) -> SubFlow | None:
    """The work of an attempt, also of one that has its child run."""
    state = current(run, key)
    if state is None or run.phase != "active" or not isinstance(state.work, SubFlow):
        return None
    return state.work


def _pend_child_twice(self: Machine, life: int, key: Key) -> None:
    _pend_child(self, life, key)
    _pend_child(self, life, key)


_pend_child = Machine._pend_child


def _time_out_at_once(step: RunStep, signal: TimerFired) -> None:
    """Settle an attempt as timed out although its child run has not ended."""
    _timer_fired(step, signal)
    state = current(step.run, signal.key)
    if state is not None and is_timed_out(state):
        over = Outcome(result="error", why="timed out")
        step.settle(step.flow.by_id[signal.key.node], over, ended_at=step.now)


_timer_fired = decide_module._timer_fired


def _none_left(site: Site, ref: RunRef) -> tuple[str, ...]:
    return ()


def _takes_slot_while_open(run: Run) -> bool:
    """Take a slot for whatever the run waits for."""
    return bool(run.open)


CHILDREN: Final = Lean(
    flows=tuple(flow for flow in CHILD_FLOWS if flow not in (SPREAD, REDO)) * 2,
    faults=("forget", "wipe"),
    cancels=6,
)

RESTARTS: Final = Lean(flows=(REDO,) * 6, faults=("forget",) * 8, is_slow=True)

BUGS: Final[Mapping[str, Bug]] = {
    "no-floor": Bug(
        # A run that its adopter cancelled after a refusal also runs at the grantee: two ends.
        breaks=(*SPLIT, *LEASED, "adopters_know_the_ends"),
        seeds=range(110, 610),
        at_work=several(patch(Grantee, _store_floor=nothing), SAID_UNSEEN),
    ),
    "refused-connection-is-a-no": Bug(
        breaks=SPLIT,
        seeds=range(1, 501),
        at_work=several(
            patch(World, _refused=_refused_at_once), patch(Adopter, unsent=_unsent_is_a_no)
        ),
    ),
    "silence-is-a-no": Bug(
        breaks=(*SPLIT, *LEASED),
        seeds=range(8, 508),
        at_work=patch(Placement, dispatch=_silence_is_a_no),
    ),
    "no-store-id": Bug(
        breaks=SPLIT, seeds=range(11, 511), at_work=patch(World, _new_disk=_same_store)
    ),
    "cancel-locally-while-granted": Bug(
        breaks=SPLIT,
        seeds=range(16, 516),
        at_work=several(patch(Adopter, cancel=_cancel_here), SAID_UNSEEN),
    ),
    "answer-of-any-epoch": Bug(
        breaks=(*SPLIT, *LEASED),
        seeds=range(100, 600),
        lean=Lean(faults=("drain", "part") * 8, flows=LEASE_FLOWS, is_late=True, is_slow=True),
        at_work=several(patch(Adopter, _is_held_by=_is_held_by_anyone), SAID_UNSEEN),
    ),
    "end-is-said-once": Bug(breaks=STUCK, seeds=range(1, 501), at_work=said_once(Ended)),
    "offer-is-said-once": Bug(breaks=STUCK, seeds=range(1, 501), at_work=said_once(Offer)),
    "forget-is-not-carried": Bug(
        breaks=(*STUCK, "nothing_is_leased"),
        seeds=range(1, 501),
        at_work=patch(World, send=_without_forgotten),
    ),
    "end-is-taken-from-a-list": Bug(
        breaks=("superseded_end_is_no_end", "nothing_is_leased"),
        seeds=range(1, 501),
        at_work=patch(Adopter, awaits_end=never),
        lean=Lean(faults=("forget_apart", "wipe") * 4, flows=("linux", "again") * 2, is_slow=True),
    ),
    "offer-is-taken-twice": Bug(
        breaks=("store_takes_what_is_decided", *SPLIT),
        seeds=range(1, 501),
        at_work=patch(Grantee, _answer_again=never, _floor=_floor_as_read),
    ),
    "host-scoped-granted-twice": Bug(
        breaks=("resource_is_held_once",),
        seeds=range(1, 501),
        at_work=patch(Site, view=_view_without(held={}, spaces={})),
    ),
    "host-tags-unseen": Bug(
        breaks=("host_has_what_the_flow_asks",),
        seeds=range(1, 501),
        at_work=patch(Site, view=_view_without(tags=frozenset({"linux", "arm"}))),
    ),
    "slots-unseen": Bug(
        breaks=("host_has_what_the_flow_asks",),
        seeds=range(1, 501),
        at_work=patch(Site, view=_view_without(active=0)),
    ),
    "prune-before-the-ack": Bug(
        # A run that was cancelled where it had been may also end where it went: two ends.
        breaks=(*SPLIT, *STUCK, *LEASED, "adopters_know_the_ends", "removed_runs_are_listed"),
        seeds=range(45, 545),
        at_work=several(patch(Cluster, owes=never), SAID_UNSEEN),
        lean=Lean(cancels=10, prunes=40, is_late=True),
    ),
    "prune-without-floor": Bug(
        breaks=(*SPLIT, *LEASED),
        seeds=range(45, 545),
        at_work=several(patch(World, _floor=_without_removed), SAID_UNSEEN),
        lean=Lean(faults=("crash",) * 4, cancels=10, prunes=120, is_late=True),
    ),
    "drain-in-memory": Bug(
        breaks=("draining_host_takes_nothing",),
        seeds=range(1, 501),
        at_work=patch(handlers_module, _drain=_drain_in_memory),
    ),
    "cancel-forgotten-with-its-host": Bug(
        breaks=("cancelled_run_is_not_offered", "cancelled_run_is_not_begun"),
        seeds=range(25, 525),
        at_work=patch(Adopter, _cancel_now=_restart_cancelled),
    ),
    "release-without-fence": Bug(
        breaks=(*LEASED, *STUCK),
        seeds=range(45, 545),
        lean=Lean(faults=("drain", "part") * 4, flows=LEASE_FLOWS, is_late=True),
        at_work=several(patch(keeper_module, _is_meant=always), patch(claims_module, PARK_MS=200)),
    ),
    "wiped-keeper-opens-at-once": Bug(
        breaks=LEASED, seeds=range(105, 605), at_work=patch(KeeperCensus, missing=_nobody_missing)
    ),
    "old-keeper-is-believed": Bug(
        breaks=LEASED,
        seeds=range(770, 1270),
        lean=Lean(
            faults=("move_keeper", "wipe_keeper") * 4,
            flows=LEASE_FLOWS,
            is_late=True,
            is_slow=True,
        ),
        at_work=patch(CurrentKeeper, is_believed=always),
    ),
    "lease-granted-twice": Bug(
        breaks=LEASED, seeds=range(1, 501), at_work=patch(LeaseTable, ready=_first_in_line)
    ),
    "lease-in-memory": Bug(
        breaks=(*LEASED, *STUCK),
        seeds=range(20, 520),
        at_work=patch(LeaseTable, put=_put_in_memory),
    ),
    "release-at-the-ending": Bug(
        breaks=LEASED,
        seeds=range(40, 540),
        lean=Lean(flows=LEASE_FLOWS, cancels=20, is_slow=True),
        at_work=patch(Cluster, recorded=_release_at_ending),
    ),
    "release-acknowledged-by-anyone": Bug(
        breaks=("every_run_ended",),
        seeds=range(1, 501),
        lean=Lean(faults=("misname_keeper",) * 6, flows=LEASE_FLOWS * 2),
        at_work=patch(Keeper, released=_acknowledge_any_release),
    ),
    "claim-taken-over-with-its-fences": Bug(
        breaks=LEASED,
        seeds=range(335, 835),
        lean=Lean(faults=("forget",) * 8, flows=LEASE_FLOWS, is_late=True, is_slow=True),
        at_work=patch(Keeper, _take_over=_keep_fences),
    ),
    "answer-before-append": Bug(
        breaks=("accepted_trigger_is_not_lost", "start_is_passed_over_by_its_if"),
        seeds=range(8, 508),
        at_work=patch(Machine, _take=_answer_first),
    ),
    "say-before-append": Bug(
        breaks=(*SPLIT, *STUCK, "every_host_meets_the_others"),
        seeds=range(1, 501),
        at_work=several(patch(Machine, _take=_act_first), SAID_UNSEEN),
    ),
    "nothing-is-promised": Bug(
        breaks=("accepted_trigger_is_not_lost", "branch_that_starts_has_the_pen", *SPLIT, *STUCK),
        seeds=range(1, 501),
        at_work=patch(promises_module, PROMISES=()),
        lean=Lean(faults=("power",)),
    ),
    "activation-is-no-promise": Bug(
        breaks=(*SPLIT, *STUCK, "attempt_starts_once_anywhere"),
        seeds=range(38, 538),
        at_work=patch(Grantee, offered=_taken_loosely),
        lean=Lean(faults=("power",), is_late=True),
    ),
    "request-is-forgotten": Bug(
        breaks=("request_starts_one_run",),
        seeds=range(1, 501),
        at_work=patch(Step, keep_once=nothing),
    ),
    "re-run-takes-no-outputs": Bug(
        breaks=("taken_nodes_are_the_old_ones",),
        seeds=range(1, 501),
        at_work=patch(rerun_module, _taken=_taken_without_outputs),
        lean=RERUNS,
    ),
    "restart-takes-nothing": Bug(
        breaks=("re_run_takes_what_it_was_pended_with",),
        seeds=range(1, 501),
        at_work=patch(decide_module, _activate=_activate_without_taken),
        lean=RERUNS,
    ),
    "workspace-is-taken-twice": Bug(
        breaks=("re_run_gets_the_workspace",),
        seeds=range(58, 558),
        at_work=patch(Step, _take_workspace=_take_workspace_again),
        lean=RERUNS,
    ),
    "workspace-is-removed-before-its-move": Bug(
        breaks=("re_run_gets_the_workspace",),
        seeds=range(1, 501),
        at_work=patch(removal_module, repeated_in=_none_is_repeated),
        lean=REMOVALS,
    ),
    "removal-of-what-is-shown": Bug(
        breaks=("what_a_re_run_shows_is_kept",),
        seeds=range(1, 501),
        at_work=several(
            patch(Retention, judge=_judge_as_if_alone),
            patch(handlers_module, remove=_remove_unaware),
        ),
        lean=REMOVALS,
    ),
    "removal-unaware-of-re-runs": Bug(
        breaks=("what_a_re_run_shows_is_kept",),
        seeds=range(1, 501),
        at_work=patch(handlers_module, remove=_remove_unaware),
        lean=REMOVALS,
    ),
    "removal-is-reported-to-nobody": Bug(
        breaks=("removed_runs_are_listed_nowhere",),
        seeds=range(1, 501),
        at_work=patch(handlers_module, remove=_remove_silently),
        lean=REMOVALS,
    ),
    "files-are-removed-once": Bug(
        breaks=("nothing_is_left_of_removed_runs",),
        seeds=range(1, 501),
        at_work=patch(machine_module, sweep=nothing),
        lean=REMOVALS,
    ),
    "item-begins-twice": Bug(
        breaks=("attempt_starts_once_anywhere", "items_are_done_once"),
        seeds=range(1, 501),
        at_work=patch(run_step_module, upcoming=_upcoming_again),
        lean=Lean(flows=("items",)),
    ),
    "if-is-not-judged": Bug(
        breaks=("node_with_a_false_if_is_skipped",),
        seeds=range(1, 501),
        at_work=patch(node_skips_module, unmet=_condition_unjudged),
        lean=Lean(flows=("choose",)),
    ),
    "if-of-a-trigger-is-not-judged": Bug(
        breaks=("trigger_with_a_false_if_starts_no_run",),
        seeds=range(1, 501),
        at_work=patch(starts_module, judged_start=_start_unjudged),
        lean=Lean(flows=("gate",)),
    ),
    "skipping-does-not-spread": Bug(
        breaks=("nothing_is_left_to_skip",),
        seeds=range(1, 501),
        at_work=patch(run_step_module, skip_lost=_none_lost),
        lean=Lean(flows=("choose",)),
    ),
    "skipped-node-starts": Bug(
        breaks=("skipped_node_never_has_a_process", "visit_settles_once"),
        seeds=range(1, 501),
        at_work=patch(run_step_module, skip=_skip_and_enter),
        lean=Lean(flows=("choose",)),
    ),
    "merge-of-nothing-runs": Bug(
        breaks=("merge_of_skipped_nodes_alone_is_skipped",),
        seeds=range(1, 501),
        at_work=patch(node_skips_module, is_excused=never),
        lean=Lean(flows=("choose",)),
    ),
    "items-wait-for-each-other": Bug(
        breaks=("item_begins_with_the_end_of_another",),
        seeds=range(1, 501),
        at_work=patch(run_step_module, upcoming=_upcoming_once_all_are_over),
        lean=Lean(flows=("items",)),
    ),
    "items-go-on-after-a-bad-one": Bug(
        breaks=("no_item_begins_after_a_bad_one",),
        seeds=range(1, 501),
        at_work=patch(run_step_module, upcoming=_upcoming_after_bad_ones),
        lean=Lean(flows=("fleet",), is_unlucky=True),
    ),
    "last-item-decides": Bug(
        breaks=("list_settles_as_its_items",),
        seeds=range(1, 501),
        at_work=patch(run_step_module, outcome_of_items=_outcome_of_last),
        lean=Lean(flows=("items",), is_unlucky=True),
    ),
    "end-leaves-armed-items": Bug(
        breaks=(
            "settled_list_has_no_open_item",
            "ending_run_waits_for_processes_alone",
            "items_are_done_once",
        ),
        seeds=range(1, 501),
        at_work=patch(RunStep, _close_items=_close_items_but_armed_ones),
        lean=Lean(flows=("items",) * 3, cancels=20, is_unlucky=True),
    ),
    "re-run-takes-bad-items": Bug(
        breaks=("taken_items_are_the_old_good_ones",),
        seeds=range(1, 501),
        at_work=patch(rerun_module, _items_taken=_all_items_taken),
        lean=Lean(flows=("items", "fleet"), reruns=30, is_unlucky=True),
    ),
    "rounds-are-not-counted": Bug(
        breaks=("loops_are_bounded",),
        seeds=range(1, 501),
        at_work=patch(RunStep, _enter=_enter_uncounted),
        lean=Lean(flows=("retest", "fleet"), is_unlucky=True),
    ),
    "until-is-not-judged": Bug(
        breaks=("repetition_settles_by_until",),
        seeds=range(1, 501),
        at_work=patch(repeat_module, is_true=never),
        lean=Lean(flows=("health", "fleet")),
    ),
    "round-begins-at-once": Bug(
        breaks=("round_waits_for_its_loop",),
        seeds=range(1, 501),
        at_work=patch(run_step_module, next_round=_round_at_once),
        lean=Lean(flows=("retest",) * 3, is_unlucky=True, is_slow=True),
    ),
    "repetitions-are-not-counted": Bug(
        breaks=("retries_are_bounded",),
        seeds=range(1, 501),
        at_work=patch(evolve_module, repeated_node=_repeated_uncounted),
        lean=Lean(flows=("health",) * 3, is_unlucky=True),
    ),
    "child-without-record": Bug(
        breaks=("children_are_pended_with_their_records",),
        seeds=range(1, 501),
        at_work=patch(Step, decide=_decide_without_child),
        lean=CHILDREN,
    ),
    "parent-ends-before-its-child": Bug(
        breaks=("parent_settles_after_its_child",),
        seeds=range(1, 501),
        at_work=patch(run_step_module, goes_on=has_process),
        lean=CHILDREN,
    ),
    "child-is-pended-twice": Bug(
        breaks=("one_child_lives_of_an_attempt",),
        seeds=range(1, 501),
        at_work=several(
            patch(Machine, _pend_child=_pend_child_twice),
            patch(children_module, awaits_child=_awaits_further_child),
            patch(decide_module, awaits_child=_awaits_further_child),
        ),
        lean=CHILDREN,
    ),
    "timeout-does-not-wait-for-the-child": Bug(
        breaks=("parent_settles_after_its_child",),
        seeds=range(1, 501),
        at_work=patch(decide_module, _timer_fired=_time_out_at_once),
        lean=replace(CHILDREN, flows=("nested",) * 6, is_slow=True),
    ),
    "restart-does-not-wait-for-children": Bug(
        breaks=("restart_follows_known_children",),
        seeds=range(90, 590),
        at_work=patch(placement_module, children_left=_none_left),
        lean=RESTARTS,
    ),
    "waiting-run-takes-a-slot": Bug(
        breaks=("waiting_run_takes_no_slot",),
        seeds=range(1, 501),
        at_work=patch(runs_module, takes_slot=_takes_slot_while_open),
        lean=CHILDREN,
    ),
    **MOVING_BUGS,
    "ended-before-its-processes": Bug(
        breaks=("nothing_is_left_of_an_ended_run",),
        seeds=range(1, 501),
        at_work=patch(Machine, _stop=_stop_blindly),
    ),
}
"""By what the hub does wrong."""
