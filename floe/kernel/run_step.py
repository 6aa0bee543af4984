"""The events of one decision, each based on the ones before: entering, settling, ending.

Immediate consequences of an event (merges, ends, a run at rest) are in the same step, so a log
never stops before a consequence that the kernel still had to record.
"""

from collections.abc import Mapping
from typing import TypeVar, assert_never

from floe.expr.errors import ExpressionError
from floe.kernel.evolve import evolve
from floe.kernel.form_text import asked
from floe.kernel.inputs import joined_inputs
from floe.kernel.item_list import list_of
from floe.kernel.items import open_items, outcome_of_items, state_of, too_large, upcoming
from floe.kernel.judge import NodeScope, fault_text
from floe.kernel.loops import next_round, spent_text
from floe.kernel.match import arrived, sources_of, woken_by
from floe.kernel.node_skips import is_behind, skip, skip_after_rounds, skip_lost, why_not_entered
from floe.kernel.process import goes_on, only_waits
from floe.kernel.render import rendered
from floe.kernel.rest import is_at_rest, rest_verdict
from floe.kernel.result import failure_of, reached, result_of
from floe.kernel.run_outputs import outputs_of
from floe.kernel.sentences import first_parts
from floe.kernel.settle import STOPPED, tag_for
from floe.kernel.skipping import followers_of
from floe.kernel.title import names_node, title_of
from floe.kernel.work_values import filled_or_why
from floe.model.answers import DataAsked
from floe.model.call import OutsideWork
from floe.model.children import SubFlow
from floe.model.event import (
    Event,
    ItemEntered,
    ItemSettled,
    NodeEntered,
    NodeReset,
    NodeSettled,
    NodeSkipped,
    RunEnded,
    RunEnding,
)
from floe.model.flow import Flow, Foreach, Node
from floe.model.ids import NO_ITEM, Instant, Json, NodeId
from floe.model.nouns import replace
from floe.model.outcome import Outcome
from floe.model.result import RunResult
from floe.model.run import Attached, NodeState, Run
from floe.model.tags import Tag
from floe.model.work import Action, Ask, End, Join, Wait

E = TypeVar("E", NodeSettled, NodeSkipped)

GOOD = Outcome(result="good")
NO_VALUES: Mapping[str, Json] = {}


class RunStep:
    """A run while its next events are decided; exists for one call of `decide`."""

    __slots__ = ("attached", "events", "now", "run", "runs")

    def __init__(self, run: Run, now: Instant, attached: Attached) -> None:
        self.run = run
        self.attached = attached
        self.now = now
        self.events: list[Event] = []
        self.runs: list[Run] = []
        """The run after each of them."""

    @property
    def flow(self) -> Flow:
        """The flow that the caller attached."""
        assert self.attached.flow is not None, "the flow is attached before this signal"
        return self.attached.flow

    def scope(self, given: Mapping[str, Json] = NO_VALUES) -> NodeScope:
        """The names that expressions of a node see now; `given` are further ones, as `item`."""
        known = self.attached
        return NodeScope(
            run=self.run,
            flow=self.flow,
            host_tags=known.host_tags,
            hosts=known.hosts,
            given=given,
        )

    def add(self, event: Event) -> None:
        """Record an event; later decisions see the run after it."""
        self.run = evolve(self.run, event)
        self.events.append(event)
        self.runs.append(self.run)

    def spread(self, *new: Tag) -> None:
        """Enter the nodes that new tags wake, and those that the tags issued on the way wake.

        Terminates, since a node enters once in a step, and rounds are counted. Stops at an end.
        """
        tags = list(new)
        while True:
            for arrival in tags:
                for node in woken_by(self.run, self.flow, arrival):
                    if node.excused and is_behind(self, node):
                        continue
                    tags.extend(self._enter(node))
                    if self.run.phase != "active":
                        return
                if followers := self.flow.followers and followers_of(self.flow, arrival):
                    tags.extend(skip_lost(self, followers))
            decided = len(self.events)
            tags = self._go_round() if self.flow.loops else []
            if self.run.phase != "active":
                return
            if len(self.events) == decided:
                break
        self.rest()

    def settle(
        self,
        node: Node,
        outcome: Outcome,
        *,
        ended_at: Instant,
        outputs: Mapping[str, Json] = NO_VALUES,
        output_bytes: int = 0,
        by: str = "",
    ) -> None:
        """Record that a node is done, with all consequences of its tag."""
        tag, good = self._settled(node, outcome, ended_at, outputs, output_bytes, by)
        if self.run.phase == "ending":
            self.finish()
            return
        assert tag is not None, "only an ending run stops its nodes"
        if self._ends_by(tag, good=good):
            self.end(good=False, why=failure_of(self.run, self.flow, tag), tag=tag)
        else:
            self.spread(tag)

    def end(
        self, *, good: bool, why: str, tag: Tag | None = None, result: RunResult | None = None
    ) -> None:
        """Decide the run's result: no node enters any more, and waiting nodes are closed.

        `result`: if the other arguments do not show it.
        """
        result = result or result_of(self.run, good=good, why=why, tag=tag)
        self.add(RunEnding(at=self.now, good=good, why=why, tag=tag, result=result))
        for node in self.open_nodes():
            self._close_items(self.flow.by_id[node])
            if not goes_on(state := self.run.nodes[node]):
                stopped = outcome_of_items(state.items) if state.items else STOPPED
                self._settled(self.flow.by_id[node], stopped, self.now)
        self.finish()

    def finish(self) -> None:
        """Record the end of an ending run after its last process is gone."""
        if not self.run.open:
            assert self.run.good is not None, "an ending run knows how it ends"
            good, why, outputs = self.run.good, self.run.why, NO_VALUES
            if self.run.workspace and self.flow.outputs:
                outputs, lacking = outputs_of(self.scope())
                if good and lacking:
                    why = f"{why}; {first_parts(lacking)}"
            self.add(RunEnded(at=self.now, good=good, why=why, outputs=outputs))

    def rest(self) -> None:
        """End the run if it is at rest."""
        if is_at_rest(self.run):
            how = rest_verdict(self.run, self.flow)
            self.end(good=how.good, why=how.why, tag=how.tag, result=how.result)

    def ask(self, node: NodeId, visit: int, item: int = NO_ITEM, size: int = 0) -> None:
        """Open a form, or wait for the answer to a call."""
        self.add(DataAsked(at=self.now, node=node, visit=visit, item=item, output_bytes=size))

    def settle_item(
        self,
        node: Node,
        state: NodeState,
        outcome: Outcome,
        *,
        ended_at: Instant,
        outputs: Mapping[str, Json] = NO_VALUES,
        output_bytes: int = 0,
    ) -> None:
        """Record that an item is done; begin further ones, or settle the node after the last."""
        items = self.run.nodes[node.id].items
        assert items is not None, "an item belongs to a list"
        if fault := too_large(items, outputs):
            outcome, outputs = fault, NO_VALUES
        self._settled_item(node, state, outcome, ended_at, outputs, output_bytes)
        if self.run.phase == "active":
            self._begin_items(node)
        items = self.run.nodes[node.id].items
        assert items is not None, "it had some before"
        if not items.open:
            self.settle(node, outcome_of_items(items), ended_at=ended_at)

    def lose(self, node: Node, outcome: Outcome) -> None:
        """Record that an open node was lost, with all its open items."""
        for state in open_items(self.run.nodes[node.id]):
            self._settled_item(node, state, outcome, self.now)
        self.settle(node, outcome, ended_at=self.now)

    def open_nodes(self) -> tuple[NodeId, ...]:
        """The nodes that have not settled, by entry."""
        return tuple(n for n in self.run.nodes if n in self.run.open)

    def _go_round(self) -> list[Tag]:
        """Begin the next round of a loop, or what waited for its last; return the issued tags."""
        due = next_round(self.run, self.flow)
        if due is None:
            tags, nodes = skip_after_rounds(self)
        else:
            self.add(NodeReset(at=self.now, nodes=due.again, by=due.by))
            tags, nodes = skip_lost(self, (self.flow.by_id[node] for node in due.again)), due.heads
        for node in nodes:
            tags.extend(self._enter(node))
            if self.run.phase != "active":
                break
        return tags

    def _enter(self, node: Node) -> tuple[Tag, ...]:
        """Enter a node; return the tag that it issues at once, if any."""
        fault = ""
        if node.condition or node.excused:
            try:
                if why := why_not_entered(self, node):
                    return (skip(self, node, why),)
            except ExpressionError as error:
                fault = f"`if` failed: {fault_text(node.condition, error)}"
        tags = arrived(self.run, node)
        sources = sources_of(tags)
        work = node.work
        if node.id in self.flow.filled and node.foreach is None and not fault:
            work, fault = filled_or_why(node.work, self.scope())
        work = rendered(work, self.run, sources, inherits=self.flow.inherits)
        if isinstance(work, Ask):
            work = asked(self.run, self.flow, work)
        visit = len(self.run.visits(node.id)) + 1
        entered = NodeEntered(
            at=self.now,
            node=node.id,
            visit=visit,
            work=work,
            sources=sources,
            inherits=self.flow.inherits,
        )
        if node.loop and visit > node.loop:
            fault, node = spent_text(node), replace(node, ignore_fail=False)
        if node.foreach is not None and not fault:
            return self._enter_items(node, node.foreach, entered)
        self.add(entered)
        if fault:
            return self._fail_at_once(node, fault)
        if only_waits(work):
            self.ask(node.id, visit)
        if isinstance(work, Action):
            return ()  # the host owes its start from here on
        match work:
            case Ask():
                self.ask(node.id, visit)
            case Join():
                tag, _ = self._settled(node, GOOD, self.now, joined_inputs(self.run, sources))
                return (tag,) if tag is not None else ()
            case End():
                self._settled(node, GOOD, self.now)
                good, why = reached(self.run, self.flow, node, tags)
                self.end(good=good, why=why, tag=tags[-1])
            case Wait() | SubFlow() | OutsideWork():
                pass  # its timer, its child run or its offer is owed from here on
            case _:
                assert_never(work)
        return ()

    def _fail_at_once(self, node: Node, why: str) -> tuple[Tag, ...]:
        """Settle a node that has just entered with an error."""
        tag, good = self._settled(node, Outcome(result="error", why=why), self.now)
        assert tag is not None, "an error issues a tag"
        if self._ends_by(tag, good=good):
            self.end(good=False, why=failure_of(self.run, self.flow, tag), tag=tag)
        return (tag,)

    def _ends_by(self, tag: Tag, *, good: bool) -> bool:
        """Whether a tag is bad and ends the run, since no node listens to it."""
        return not good and self.flow.unheard_bad == "end" and tag not in self.flow.hearers

    def _enter_items(self, node: Node, foreach: Foreach, entered: NodeEntered) -> tuple[Tag, ...]:
        """Enter a node with items and begin the first; return its tag if its list is wrong."""
        is_first = entered.visit == 1
        taken = next((t for t in self.run.items_taken if t.node == node.id and is_first), None)
        values, wrong = (taken.values, "") if taken else list_of(foreach, self.scope())
        if not (values or wrong):
            return (skip(self, node, f"{foreach.expression} is empty"),)
        self.add(replace(entered, items=values))
        if wrong:
            return self._fail_at_once(node, wrong)
        if taken and taken.taken:
            self.add(replace(taken, at=self.now, values=()))
        self._begin_items(node)
        items = self.run.nodes[node.id].items
        assert items is not None, "it has items"
        if not items.open:  # none could be filled in
            return self._fail_at_once(node, outcome_of_items(items).why)
        return ()

    def _begin_items(self, node: Node) -> None:
        state = self.run.nodes[node.id]
        assert node.foreach is not None and state.items is not None, "it has items"  # noqa: PT018
        if node.id in self.flow.filled:
            self._begin_filled_items(node, node.foreach)
            return
        for item in upcoming(node.foreach, state.items):
            self.add(ItemEntered(at=self.now, node=node.id, visit=state.visit, item=item))
            if only_waits(node.work):
                self.ask(node.id, state.visit, item)

    def _begin_filled_items(self, node: Node, foreach: Foreach) -> None:
        """Begin items whose work has values; those that cannot be filled in settle at once."""
        while True:
            state = self.run.nodes[node.id]
            assert state.items is not None, "it has items"
            item = next(upcoming(foreach, state.items), None)
            if item is None:
                return
            given = {"item": state.items.values[item], "index": item}
            work, fault = filled_or_why(node.work, self.scope(given))
            work = rendered(work, self.run, state.sources, inherits=state.inherits)
            self.add(
                ItemEntered(at=self.now, node=node.id, visit=state.visit, item=item, work=work)
            )
            if fault:
                failed = Outcome(result="error", why=fault)
                begun = state_of(self.run, node.id, item)
                assert begun is not None, "it has just begun"
                self._settled_item(node, begun, failed, self.now)

    def _close_items(self, node: Node) -> None:
        """Settle the open items of a node that have no process: the run ends."""
        for state in open_items(self.run.nodes[node.id]):
            if not goes_on(state):
                self._settled_item(node, state, STOPPED, self.now)

    def _settled_item(
        self,
        node: Node,
        state: NodeState,
        outcome: Outcome,
        ended_at: Instant,
        outputs: Mapping[str, Json] = NO_VALUES,
        output_bytes: int = 0,
    ) -> None:
        self.add(
            ItemSettled(
                at=self.now,
                node=node.id,
                visit=state.visit,
                item=state.item,
                attempt=state.attempt,
                outcome=outcome,
                ended_at=ended_at,
                outputs=outputs,
                output_bytes=output_bytes,
            )
        )

    def _settled(
        self,
        node: Node,
        outcome: Outcome,
        ended_at: Instant,
        outputs: Mapping[str, Json] = NO_VALUES,
        output_bytes: int = 0,
        by: str = "",
    ) -> tuple[Tag | None, bool]:
        state = self.run.nodes[node.id]
        tag, good = tag_for(node, outcome)
        settled = NodeSettled(
            at=self.now,
            node=node.id,
            visit=state.visit,
            attempt=state.attempt,
            outcome=outcome,
            tag=tag,
            good=good,
            ended_at=ended_at,
            outputs=outputs,
            output_bytes=output_bytes,
            by=by,
        )
        if names_node(self.flow, node.id):
            settled = self.titled(settled)
        self.add(settled)
        return tag, good

    def titled(self, event: E) -> E:
        """The event with the run's new title, if it changes the title."""
        title = title_of(evolve(self.run, event), self.flow)
        return replace(event, title=title) if title != self.run.title else event
