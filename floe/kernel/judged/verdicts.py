"""What follows from the verdicts of a judgement: each is applied before the next is looked at.

A verdict that is wrong is noted as a finding on the run, and its node gets the fatal state of the
table: a mistake of a dialect never stops a host.
"""

from itertools import zip_longest
from typing import Final

from floe.kernel.backoff import delay_ms
from floe.kernel.items import state_of
from floe.kernel.judged.lane import judgement, waits
from floe.kernel.judged.limits import NOTES_MAX, Room, excess_of
from floe.kernel.judged.part import is_expanded, next_entry, part_text, passes_of, table_of
from floe.kernel.judged.prune import prune_lost
from floe.kernel.judged.rest import hold
from floe.kernel.judged.states import PRUNE, NewState, put
from floe.kernel.run_step import RunStep
from floe.model.call import Call, OutsideWork
from floe.model.event import ItemEntered, NodeEntered
from floe.model.flow import Backoff, Node
from floe.model.ids import NO_ITEM, Instant, Key
from floe.model.judging import Enter, Judged, Note, Question, RunNoted, Set, Verdict
from floe.model.nouns import replace
from floe.model.passes import Part, RunExtended
from floe.model.work import Work

ITEMS_MAX: Final = 10_000
"""Items of one node of a judged flow."""

FINDING: Final = "finding"

JUDGED_AGAIN: Final = Backoff(first_s=10.0, factor=2.0, max_s=600.0)
"""Until a part is judged again about which a judgement failed."""


def apply(step: RunStep, signal: Judged) -> bool:
    """Apply the verdicts of the judgement that is owed; False if the signal is of a different
    one."""
    owed = judgement(step.run)
    if owed is None or (signal.epoch, signal.seq) != (owed.epoch, owed.seq):
        return False
    if len(signal.verdicts) > len(owed.asks):
        _find(
            step, owed.asks[-1], f"{len(signal.verdicts)} verdicts for {len(owed.asks)} questions"
        )
    room = Room()
    for question, verdict in zip_longest(owed.asks, signal.verdicts[: len(owed.asks)]):
        if verdict is None and signal.is_partial and signal.verdicts:
            break
        if waits(step.run, question):
            excess = excess_of(step.run, verdict) if verdict else ""
            if verdict and not excess and not room.takes(verdict):
                break  # it is asked again, about the run after the verdicts before it
            since = len(step.events)
            _answer(step, question, verdict, excess)
            _leave(step, question)
            prune_lost(step, since)
        if step.run.phase != "active":
            break
    return True


def _answer(step: RunStep, question: Question, verdict: Verdict | None, excess: str) -> None:
    if verdict is None:
        _refuse(step, question, "there is no verdict about it")
    elif question.stage == "before" and (why := _had_all(step, question)):
        _give_up(step, question, why, table_of(step.run).fatal)
    elif verdict.failed:
        _fail(step, question, f"could not be judged: {verdict.failed}", verdict)
    elif excess:
        _refuse(step, question, f"it {excess}")
    else:
        _apply(step, question, verdict)


def _apply(step: RunStep, question: Question, verdict: Verdict) -> None:
    if verdict.rests:
        _rest(step, question, verdict)
        return
    for one in verdict.sets:
        _set(step, question, one)
    if not waits(step.run, question):
        pass  # it set the node of which its own is an item
    elif question.stage == "before" and not verdict.state:
        _enter(step, question, verdict)
    else:
        _judge(step, question, verdict)
    for entry in verdict.enters:
        _enter_too(step, question, entry)
    for note in verdict.notes:
        _note(step, question, note)
    if verdict.passes > 0:
        step.add(RunExtended(at=step.now, by=question.node, passes=verdict.passes))


def _rest(step: RunStep, question: Question, verdict: Verdict) -> None:
    """Let the run rest in place of a pass in which nothing has entered yet."""
    if passes_of(step.run).entries:
        _refuse(step, question, f"the run cannot rest as {verdict.rests}: the pass has begun")
    else:
        hold(step, verdict=verdict.rests, why=verdict.why)


def _judge(step: RunStep, question: Question, verdict: Verdict, unjudged: int = 0) -> None:
    """Give the node that was asked about its state."""
    table = table_of(step.run)
    part = (question.node, question.item)
    state = state_of(step.run, *part)
    name = verdict.state
    if state is not None and state.lost and not step.flow.by_id[question.node].idempotent:
        name, unjudged = table.crashed, 0
        verdict = replace(verdict, due=None)
    if name not in table.by_name:
        _refuse(step, question, f"there is no state {name!r}")
        return
    new = NewState(
        name=name,
        why=verdict.why,
        outputs=verdict.outputs,
        keeps_outputs=verdict.keeps_outputs,
        due=verdict.due,
        awaits=verdict.awaits,
        unjudged=unjudged,
    )
    put(step, part, new)
    _prune_sequence(step, question)


def _enter(step: RunStep, question: Question, verdict: Verdict) -> None:
    """Begin an attempt of the node, or of the item, that was asked about."""
    node = step.flow.by_id[question.node]
    work = verdict.work or node.work
    if fault := _fault(node, question, verdict, work):
        _refuse(step, question, fault)
    elif question.item == NO_ITEM:
        _entered(step, node, work, verdict)
    else:
        step.add(
            ItemEntered(
                at=step.now,
                node=node.id,
                visit=question.visit,
                item=question.item,
                work=None if work == step.run.nodes[node.id].work else work,
                attempt=question.attempt,
            )
        )


def _had_all(step: RunStep, question: Question) -> str:
    """Why a node may not run again, whatever its condition is; empty if it may."""
    node = step.flow.by_id[question.node]
    state = state_of(step.run, node.id, question.item)
    if state is None or not 0 < node.tries_max <= state.tries:
        return ""
    last = f": {state.outcome.why}" if state.outcome and state.outcome.why else ""
    return f"had all {node.tries_max} attempts{last}"


def _fault(node: Node, question: Question, verdict: Verdict, work: Work) -> str:
    """Why a node cannot enter by a verdict; empty if it can."""
    is_list = node.foreach is not None and question.item == NO_ITEM
    count = len(verdict.items)
    if is_list and not count:
        return "it has no items, so it needs a state"
    if count and not is_list:
        return "it runs once, so it has no items"
    if count > ITEMS_MAX:
        return f"it has {count:,} items, of at most {ITEMS_MAX:,}"
    if not isinstance(work, Call | OutsideWork):
        return f"a judged flow has no work {type(work).__name__}"
    return ""


def _entered(step: RunStep, node: Node, work: Work, verdict: Verdict) -> None:
    visit, attempt = next_entry(step.run, (node.id, NO_ITEM))
    step.add(
        NodeEntered(
            at=step.now,
            node=node.id,
            visit=visit,
            attempt=attempt,
            work=work,
            items=verdict.items,
        )
    )


def _enter_too(step: RunStep, question: Question, entry: Enter) -> None:
    """Enter a node that nothing was asked about, once in a run."""
    node = step.flow.by_id.get(entry.node)
    if node is None:
        _find(step, question, f"enters {entry.node}, which the flow does not have")
    elif node.id in step.run.nodes:
        _find(step, question, f"enters {node.ref}, which has entered")
    elif node.foreach is not None or not isinstance(entry.work, Call | OutsideWork):
        _find(step, question, f"enters {node.ref}, which cannot enter without a question")
    else:
        _entered(step, node, entry.work, Verdict())


def _set(step: RunStep, question: Question, one: Set) -> None:
    """Give a different node, or an item, the state that a verdict sets."""
    node = step.flow.by_id.get(one.node)
    if node is None:
        _find(step, question, f"sets {one.node}, which the flow does not have")
        return
    part = (node.id, one.item)
    row = table_of(step.run).by_name.get(one.state)
    if part == (question.node, question.item):
        fault = "itself, and not by its state"
    elif row is None:
        fault = f"to {one.state!r}, which is no state"
    elif not row.settable:
        fault = f"to {one.state}, which no other node may set"
    elif one.item != NO_ITEM and not _has_begun(step, part):
        fault = "which has not begun"
    else:
        new = NewState(name=row.name, why=one.why, due=one.due, by=question.node)
        put(step, part, new)
        return
    _find(step, question, f"sets {part_text(node, one.item)} {fault}")


def _has_begun(step: RunStep, part: Part) -> bool:
    return is_expanded(step.run, part[0]) and state_of(step.run, *part) is not None


def _leave(step: RunStep, question: Question) -> None:
    """Give a node that was set while its items ran that state, after the last of them."""
    above = step.run.nodes.get(question.node)
    if question.item == NO_ITEM or above is None or above.items is None or above.items.open:
        return
    if above.state and question.node in step.run.open:
        assert above.outcome is not None, "it was set with one"
        why = above.outcome.why
        new = NewState(name=above.state, why=why, due=above.due, by=above.by)
        put(step, (question.node, NO_ITEM), new)


def _prune_sequence(step: RunStep, question: Question) -> None:
    """Prune the items after one that is done in a state that lets none follow."""
    node, above = step.flow.by_id[question.node], step.run.nodes.get(question.node)
    if question.item == NO_ITEM or above is None or above.items is None or node.foreach is None:
        return
    state = above.items.states[question.item]
    if not node.foreach.after or state.phase != "settled" or state.state in node.foreach.after:
        return
    why = f"item {question.item} is {state.state}"
    new = NewState(name=table_of(step.run).pruned, why=why, by=PRUNE)
    if (first := above.items.next) < (count := len(above.items.values)):
        put(step, (node.id, first), new, until=count - 1)


def _refuse(step: RunStep, question: Question, why: str) -> None:
    """Note a wrong verdict; its node cannot go on."""
    _fail(step, question, f"wrong verdict: {why}", Verdict())


def _fail(step: RunStep, question: Question, why: str, verdict: Verdict) -> None:
    """Note why there is no verdict; its node cannot go on."""
    _found(step, question, why)
    table = table_of(step.run)
    if question.stage == "after":
        name = table.verdict_failed
    else:
        name = table.condition_failed if verdict.in_condition or verdict.unjudged else ""
    _give_up(step, question, why, name or table.fatal)


def _give_up(step: RunStep, question: Question, why: str, name: str) -> None:
    """Give a node a state of failure, or that of a lost attempt; what its attempt put out stays.

    A state that is retried is so soon, for it is often the machine that failed; the more often it
    did, the later.
    """
    state = state_of(step.run, question.node, question.item)
    kept = state.outputs if state is not None else {}
    times, due = 0, None
    if table_of(step.run).by_name[name].retries:
        times = 1 + (state.unjudged if state is not None else 0)
        run, attempt = step.run, question.attempt
        key = Key(run.ref, run.epoch, question.node, question.visit, attempt, question.item)
        due = Instant(step.now + delay_ms(JUDGED_AGAIN, times, key))
    _judge(step, question, Verdict(state=name, why=why, outputs=kept, due=due), times)


def _find(step: RunStep, question: Question, what: str) -> None:
    _found(step, question, f"wrong verdict: {what}")


def _found(step: RunStep, question: Question, what: str) -> None:
    """Note a finding; after the last that fits, that there is no room for more."""
    count = len(passes_of(step.run).notes)
    if count < NOTES_MAX:
        where = part_text(step.flow.by_id[question.node], question.item)
        _note(step, question, Note(kind=FINDING, key=where, value=what))
    elif count == NOTES_MAX:
        _note(step, question, Note(kind=FINDING, value="further findings have no room"))


def _note(step: RunStep, question: Question, note: Note) -> None:
    step.add(
        RunNoted(at=step.now, by=question.node, kind=note.kind, key=note.key, value=note.value)
    )
