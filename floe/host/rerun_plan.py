"""Starts an ended run again, as a whole or in part, with its values or edited ones."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from floe.expr.form_values import check_values_size, checked_values
from floe.host.inputs import Start
from floe.kernel.rerun import ChoiceKind, Rerun, RerunChoice, rerun_of
from floe.kernel.sentences import either
from floe.model.errors import Conflict, NotFound, ValuesInvalid
from floe.model.flow import Flow, Trigger
from floe.model.ids import HostId, Json, NodeId
from floe.model.nouns import dataclass
from floe.model.run import Run
from floe.model.secret import HIDDEN, masked
from floe.model.taken import RerunOf

UNKNOWN_MAX: Final = 20
"""Unknown values that an error names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunRequest:
    """A request to start an ended run again, from which a re-run is planned."""

    node: str = ""
    """By id or reference. It runs again, and all nodes after it; empty for the whole run."""
    failed: bool = False
    """What failed or was stopped runs again, and all nodes after it."""
    values: Mapping[str, Json]
    """They replace values of the earlier run."""
    is_edited: bool = False
    """For a plan: values will differ, and are not given yet."""
    latest: bool = False
    """By the present version of the flow, not by the one that the run was pinned to."""
    same_host: bool = False
    """Wait for the host that has the earlier run's workspace."""
    by: str = ""
    """The person who requests it."""


class ChildPlan(NamedTuple):
    """What a re-run does for a failed child of the earlier run, before it starts."""

    node: str
    """The reference of its task."""
    item: int
    run: str
    """The name of the child."""
    taken: tuple[str, ...] = ()
    """The references of the nodes that are taken over in it."""
    why_new: str = ""
    """Why a new child would start instead; empty if this one starts again."""
    children: "tuple[ChildPlan, ...]" = ()
    """Its own failed children; the first of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunPlan:
    """A re-run, as it is shown before it starts."""

    run: str
    """The name of the earlier run."""
    flow: Flow
    """The flow that the re-run follows."""
    rerun: Rerun
    values: Mapping[str, Json]
    host: HostId | None
    """The host that has the earlier run's workspace; None if the re-run gets an empty one."""
    why_empty: str
    """Why it gets an empty workspace; empty if the earlier one is moved."""
    children: tuple[ChildPlan, ...] = ()
    """What becomes of the first of its failed children."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunSource:
    """A run that is to start again, and the flow to follow."""

    run: Run
    name: str
    flow: Flow
    digest: str | None
    """Of the flow; None where its flow-file is to be read first."""
    why_gone: str = ""
    """Why the workspace of the run does not exist any more; empty if it does."""

    @property
    def space(self) -> str:
        """The workspace that the re-run takes over; empty for none, and for the one of a flow with
        `reuse-space`, which stays where it is."""
        return "" if self.why_gone else space_of(self.run)

    def rerun(self, again: RerunRequest) -> Rerun:
        """The nodes that are taken over, and those that run again.

        Raises NotFound for an unknown node, Conflict where the run is not over, it went on
        elsewhere, there is nothing to run, or the node could not start; ValuesInvalid, TooLarge.
        """
        run, name, flow = self.run, self.name, self.flow
        if run.state != "archive":
            raise Conflict(f"{name} is not over yet", f"wait for its end, or: floe cancel {name}")
        if run.superseded and not run.cancelled_by:
            raise Conflict(f"{name} {run.why}", f"at a different host: floe rerun {name}")
        if again.failed and run.good:
            raise Conflict(f"nothing failed in {name}", f"floe rerun {name} runs all of it again")
        if again.failed:
            rerun = rerun_of(run, flow, self._choice(again, "failed"))
            return replace(rerun, children=()) if again.latest else rerun
        if not again.node:
            return rerun_of(run, flow, self._choice(again, "all"))
        node = _node(flow, name, again.node)
        rerun = rerun_of(run, flow, replace(self._choice(again, "from"), node=node))
        if rerun.missing:
            lacks = " and ".join(map(either, rerun.missing))
            raise Conflict(
                f"{node} cannot start: {lacks} did not occur in {name}",
                f"choose a node before it, or: floe rerun {name} --failed",
            )
        return rerun

    def _choice(self, again: RerunRequest, kind: ChoiceKind) -> RerunChoice:
        values = (
            rerun_values(self.run, self.flow, again.values) if again.values else self.run.values
        )
        is_edited = again.is_edited or values != self.run.values
        return RerunChoice(kind=kind, by=again.by, is_edited=is_edited)

    def plan(self, again: RerunRequest) -> RerunPlan:
        """What the re-run would do. Raises NotFound, Conflict, ValuesInvalid, TooLarge."""
        why_empty = self.why_gone
        if not why_empty and not self.space:
            never = "it never had one"
            why_empty = "its flow has one for all runs" if self.run.workspace else never
        return RerunPlan(
            run=self.name,
            flow=self.flow,
            rerun=self.rerun(again),
            values=rerun_values(self.run, self.flow, again.values),
            host=None if why_empty else self.run.host,
            why_empty=why_empty,
        )

    def start(self, again: RerunRequest, *, by: str, once: str) -> Start:
        """The start of the re-run, with checked values.

        Raises NotFound, Conflict, ValuesInvalid, TooLarge.
        """
        old = self.run
        if again.same_host and not self.space:
            what = f"{self.name} left no workspace that could be moved"
            raise Conflict(what, "leave same-host out: it starts with an empty one")
        rerun = self.rerun(again)
        return Start(
            flow=self.flow,
            digest=self.digest,
            trigger=old.trigger,
            values=rerun_values(old, self.flow, again.values),
            by=by,
            once=once,
            rerun_of=RerunOf(
                run=old.ref.key, host=old.host, workspace=self.space, same_host=again.same_host
            ),
            taken=rerun.taken,
            items_taken=rerun.items,
            children=rerun.children,
            sealed=old.sealed,
        )


def space_of(run: Run) -> str:
    """The workspace of a run that a re-run may plan to take over; empty for none."""
    reuses = run.flow is not None and run.flow.reuse_space
    return "" if reuses or run.host is None else run.workspace


def rerun_values(old: Run, flow: Flow, edited: Mapping[str, Json]) -> Mapping[str, Json]:
    """The values of a re-run. A value that comes back as it is shown, with its password hidden,
    stays what it was. Raises ValuesInvalid, TooLarge."""
    given = {name: _unmasked(old.values.get(name), value) for name, value in edited.items()}
    trigger = _trigger(old, flow)
    if trigger is not None and trigger.type == "data":
        names = {field.id for field in trigger.form.fields}
        kept = {n: v for n, v in old.values.items() if n in names}
        others = {n: v for n, v in old.values.items() if n not in names}
        return {**others, **checked_values(trigger.form, {**kept, **given})}
    if unknown := sorted(given.keys() - old.values.keys()):
        known = ", ".join(old.values) or "none"
        why = f"the run has no such value; it has {known}"
        raise ValuesInvalid(dict.fromkeys(unknown[:UNKNOWN_MAX], why))
    values = {**old.values, **given}
    check_values_size(values)
    return values


def _trigger(old: Run, flow: Flow) -> Trigger | None:
    return next((t for t in flow.triggers if t.id == old.trigger), None)


def _unmasked(old: Json, given: Json) -> Json:
    return old if HIDDEN in str(given) and masked(old) == given else given


def _node(flow: Flow, name: str, text: str) -> NodeId:
    id = NodeId(text.removeprefix("task.").removeprefix("merge."))
    if id in flow.by_id:
        return id
    what = f"{name} has no node {text[:80]!r}"
    if (node := NodeId(id.partition("[")[0])) in flow.by_id:
        hint = f"items do not start again alone: from {node} all of them run again, "
        raise NotFound(what, f"{hint}with failed only those that were not good")
    from difflib import get_close_matches  # needed for errors only

    near = get_close_matches(id[:80], flow.by_id, n=1)
    raise NotFound(what, f"did you mean {near[0]}?" if near else f"it has {', '.join(flow.by_id)}")
