"""The run of a judged flow after an event about one of its nodes, or about an item of one."""

from collections.abc import Callable, Iterable, Mapping

from floe.kernel.items import begun, begun_state, state_of
from floe.kernel.judged.awaited import with_waiting
from floe.kernel.judged.part import RUNNING, is_running, with_part
from floe.kernel.node_changes import entered_node, with_tags
from floe.kernel.process import has_process
from floe.kernel.shared import with_item, with_last, with_member, without_item, without_member
from floe.kernel.visits import visited
from floe.model.event import ItemEntered, NodeEntered, NodeSettled
from floe.model.ids import NO_ITEM, NodeId
from floe.model.judging import ActionEnded, NodeSet, Question
from floe.model.nouns import replace
from floe.model.passes import Part, Passes
from floe.model.run import Attempt, NodeState, Run
from floe.model.tags import Tag, label_of


def entered(run: Run, passes: Passes, event: NodeEntered, seq: int) -> Run:
    """The run after a node entered, whether or not for the first time."""
    node, old = event.node, run.nodes.get(event.node)
    state = _node(entered_node(run, event, seq), attempt=event.attempt)
    if old is not None:
        state = _node(state, tries=old.tries)
    if old is None or old.visit != event.visit:
        nodes = visited(run, node, state)
    else:
        nodes = {"nodes": with_item(run.nodes, node, _node(state, attempts=old.attempts))}
    return _run(
        run,
        seq=seq,
        **nodes,
        open=with_member(run.open, node),
        standing=without_tags(run, node),
        passes=_with_entry(passes, (node, NO_ITEM), old, seq),
    )


def item_entered(run: Run, passes: Passes, event: ItemEntered, seq: int) -> Run:
    """The run after an item of a node began, or began again."""
    old = state_of(run, event.node, event.item)
    state = _node(begun(run.nodes[event.node], event), attempt=event.attempt)
    if old is not None:
        state = _node(state, tries=old.tries, attempts=old.attempts)
    changed = _with_entry(passes, (event.node, event.item), old, seq)
    return _run(run, seq=seq, **with_part(run, event.node, state), passes=changed)


def action_ended(run: Run, passes: Passes, event: ActionEnded, seq: int) -> Run:
    """The run after an attempt that is to be judged, unless the run ends."""
    old = begun_state(run, event.node, event.item)
    attempt = Attempt(
        attempt=event.attempt,
        outcome=event.outcome,
        started_at=old.started_at,
        ended_at=event.ended_at,
        output_bytes=event.output_bytes,
    )
    is_ending = run.phase == "ending"
    state = _node(
        old,
        phase="settled" if is_ending else "judging",
        outcome=event.outcome,
        outputs=event.outputs,
        metadata=event.metadata,
        output_bytes=event.output_bytes,
        tries=old.tries + 1,
        attempts=with_last(old.attempts, attempt),
        lost=event.lost,
    )
    changed = _run(run, seq=seq, **with_part(run, event.node, state))
    if is_ending:
        return closed(changed, (event.node,))
    question = Question(
        node=event.node,
        visit=event.visit,
        attempt=event.attempt,
        stage="after",
        item=event.item,
    )
    return _run(changed, passes=replace(passes, ended=with_last(passes.ended, (seq, question))))


def node_settled(run: Run, passes: Passes, event: NodeSettled, seq: int) -> Run:
    """The run after a node settled by its own verdict."""
    assert event.tag is not None, "a node of a judged run settles in a state"
    old = run.nodes[event.node]
    state = _node(
        old,
        phase="settled",
        state=label_of(event.tag),
        settled_at=event.at,
        outcome=event.outcome,
        good=event.good,
        tag=event.tag,
        tags=event.tags,
        outputs=old.outputs if event.keeps else event.outputs,
        by="",
        lost=False,
    )
    return _run(
        run,
        seq=seq,
        **with_part(run, event.node, state),
        standing=with_tags(without_tags(run, event.node), (event.tag, *event.tags), seq),
        passes=_with_verdict(passes, (event.node, NO_ITEM), old, (), seq),
    )


def node_set(run: Run, passes: Passes, event: NodeSet, seq: int) -> Run:
    """The run after a node, or an item of it, was given a state."""
    part = (event.node, event.item)
    old = state_of(run, *part)
    if event.until != NO_ITEM:
        return _items_set(run, passes, event, seq)
    if event.by and old is not None and is_running(old):
        state = _set_while_running(old, event)
        based = replace(passes, base=seq)
        return _run(run, seq=seq, **with_part(run, event.node, state), passes=based)
    tag, *more = event.tags or (None,)
    is_settled = event.phase == "settled"
    before = old or _never_entered(event, seq)
    state = _node(
        before,
        phase=event.phase,
        state=event.state,
        settled_at=event.at if is_settled else before.settled_at,
        outcome=event.outcome,
        good=is_settled and event.outcome.result in ("good", "skipped"),
        tag=tag,
        tags=tuple(more),
        outputs=(event.outputs or before.outputs) if event.by else event.outputs,
        due=event.due,
        by=event.by,
        lost=False,
        unjudged=event.unjudged,
    )
    if event.by:
        changed = with_waiting(replace(passes, base=seq), part, event.awaits)
        if event.phase == "parked" and before.attempt:  # it ran: its next turn is in the next pass
            changed = _with_entries(changed, part, max(passes.entries.get(part, 0), 1), seq)
    else:
        changed = _with_verdict(passes, part, old, event.awaits, seq)
    standing = run.standing
    if event.item == NO_ITEM:
        changed = _without_items(changed, event.node, old)
        standing = with_tags(without_tags(run, event.node), event.tags, seq)
    changes = with_part(run, event.node, state, awaits=bool(event.awaits))
    return _run(run, seq=seq, **changes, standing=standing, passes=changed)


def _items_set(run: Run, passes: Passes, event: NodeSet, seq: int) -> Run:
    """The run after several items that never began have a state without having run."""
    above = run.nodes[event.node]
    assert above.items is not None, "an item belongs to a list"
    is_settled = event.phase == "settled"
    state = _node(
        _never_entered(event, seq),
        phase=event.phase,
        state=event.state,
        settled_at=event.at if is_settled else None,
        outcome=event.outcome,
        good=is_settled and event.outcome.result in ("good", "skipped"),
        by=event.by,
    )
    new = range(event.item, event.until + 1)
    states = {**above.items.states, **{item: _node(state, item=item) for item in new}}
    counts, parked = above.items.counts, above.items.parked
    if not is_settled:
        counts = {**counts, event.state: counts.get(event.state, 0) + len(new)}
        parked = frozenset(parked).union(new)
    items = replace(
        above.items,
        states=states,
        counts=counts,
        parked=parked,
        next=event.until + 1,
        failed=above.items.failed + (0 if state.good or not is_settled else len(new)),
    )
    nodes = with_item(run.nodes, event.node, _node(above, items=items))
    return _run(run, seq=seq, nodes=nodes, passes=replace(passes, base=seq))


def _set_while_running(old: NodeState, event: NodeSet) -> NodeState:
    """A part whose own end overrides the state; of a node with items, no further one begins."""
    state = _node(old, state=event.state, by=event.by)
    if state.items is None:
        return state
    dropped = replace(state.items, next=len(state.items.values), again=frozenset())
    return _node(state, items=dropped, outcome=event.outcome, due=event.due)


def _never_entered(event: NodeSet, seq: int) -> NodeState:
    return NodeState(
        phase="parked",
        work=None,
        visit=event.visit,
        attempt=0,
        woke=seq,
        sources=(),
        entered_at=event.at,
        queued_at=event.at,
        item=event.item,
    )


def _without_items(passes: Passes, node: NodeId, old: NodeState | None) -> Passes:
    """The passes without what the items of a node await, which is done with them."""
    items = old.items if old is not None else None
    for item in (*items.awaiting, *items.again) if items is not None else ():
        passes = with_waiting(passes, (node, item), ())
    return passes


def _with_verdict(
    passes: Passes, part: Part, old: NodeState | None, awaits: tuple[str, ...], seq: int
) -> Passes:
    """The passes after the verdict of a part about itself, before it would enter or after it
    ran."""
    if old is not None and old.phase == "judging":
        changed = replace(passes, base=seq, judged=passes.judged + 1)
    elif old is not None and old.phase in RUNNING:  # the items of a node are over
        changed = _with_entries(passes, part, max(passes.entries.get(part, 0), 1), seq)
    else:
        changed = _with_entry(passes, part, old, seq)
    return with_waiting(changed, part, awaits)


def _with_entry(passes: Passes, part: Part, old: NodeState | None, seq: int) -> Passes:
    count = passes.entries.get(part, 0)
    changed = _with_entries(passes, part, count + 1, seq)
    if count and old is not None and old.phase == "parked":
        changed = replace(changed, rechecked=with_member(passes.rechecked, part))
    return with_waiting(changed, part, ())


def _with_entries(passes: Passes, part: Part, count: int, seq: int) -> Passes:
    return replace(passes, base=seq, entries=with_item(passes.entries, part, count))


def without_tags(run: Run, node: NodeId) -> Mapping[Tag, int]:
    """The tags that stand without those of a node, whose state they name."""
    old = run.nodes.get(node)
    if old is None or old.tag is None:
        return run.standing
    standing = run.standing
    for tag in (old.tag, *old.tags):
        standing = without_item(standing, tag)
    return standing


def closed(run: Run, nodes: Iterable[NodeId]) -> Run:
    """A run that ends, without those of some nodes and items that have no process."""
    changed, open_ = run.nodes, run.open
    for node in nodes:
        state = run.nodes[node]
        if (items := state.items) is not None and not all(map(_goes_on(state), items.open)):
            left = frozenset(filter(_goes_on(state), items.open))
            changed = with_item(changed, node, _node(state, items=replace(items, open=left)))
        if not has_process(changed[node]):
            open_ = without_member(open_, node)
    return _run(run, nodes=changed, open=open_)


def _goes_on(state: NodeState) -> Callable[[int], bool]:
    items = state.items
    assert items is not None, "an item belongs to a list"
    return lambda item: has_process(items.states[item])


_run = _node = replace
