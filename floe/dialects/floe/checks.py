"""Faults of a flow as a whole, which no single key shows."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Final

from floe.dialects.floe.calls import check_answers
from floe.dialects.floe.expressions import check_expression, named_in
from floe.dialects.floe.nodes import Nodes
from floe.dialects.floe.repeats import check_repeat
from floe.dialects.floe.templates import TemplateText, check_template
from floe.dialects.floe.vocabulary import FORM, FORM_TEXT, TRIGGER_IF
from floe.dialects.notes import Notes, Position
from floe.dialects.section import SectionValues
from floe.dialects.tree import Scalar, Table
from floe.expr.paths import shown
from floe.expr.template import template_parts
from floe.kernel.graph import Flaw, edges_of, graph_of
from floe.model.flow import EVENT, Flow, Trigger
from floe.model.ids import NodeId
from floe.model.tags import Tag, label_of
from floe.model.work import Ask, End, Git, GitCheckout, GitMerge


def check_flow(flow: Flow, nodes: Nodes, notes: Notes) -> None:
    """Report the nodes and tags of a flow that can never work."""
    if nodes.is_whole:
        for flaw in graph_of(flow).flaws:
            note = notes.error if flaw.level == "error" else notes.warning
            note(_place(flaw, nodes), flaw.what, flaw.hint)


def check_rejections(flow: Flow, nodes: Nodes, notes: Notes) -> None:
    """Warn of ends that only a rejection leads to, and that make its run good.

    Good because the end listens to good events alone, such as that of a mail about the rejection.
    """
    for node in flow.nodes:
        rejected = Tag(f"{node.ref}.bad")
        if not isinstance(node.work, Ask) or rejected not in flow.hearers:
            continue
        reached = _reached(flow, without=rejected)
        for end in flow.nodes:
            is_behind = isinstance(end.work, End) and end.id not in reached
            if is_behind and all(label_of(tag) == "good" for tag in end.heard):
                what = f"a run that `{node.id}` rejects is good if it ends here"
                hint = f"`listen: {rejected}` ends it as rejected; `on-end` can tell people"
                notes.warning(nodes.positions[end.id, None], what, hint)


def _reached(flow: Flow, *, without: Tag) -> set[NodeId]:
    """The nodes that some event leads to if one tag never comes."""
    reached: set[NodeId] = set()
    edges = [edge for edge in edges_of(flow) if edge.tag != without]
    while more := {
        edge.target
        for edge in edges
        if edge.target not in reached and (edge.source is None or edge.source in reached)
    }:
        reached |= more
    return reached


def _place(flaw: Flaw, nodes: Nodes) -> Position:
    """The position of the tag, else of its node, else of the first node."""
    first = nodes.nodes[0].id
    of_node = nodes.positions[flaw.node or first, None]
    return nodes.positions.get((flaw.node, flaw.tag), of_node) if flaw.node else of_node


def check_texts(flow: Flow, nodes: Nodes, notes: Notes) -> None:
    """Report what texts of forms, lists and `until` name, and no run can give."""
    check_answers(flow, nodes.opts, notes)
    for node in flow.nodes:
        check_expression(nodes.lists.get(node.id), flow, notes, node=node.id)
        check_repeat(nodes.repeats.get(node.id), flow, node.id, notes)
        if isinstance(node.work, Ask) and node.work.form.text is not None:
            form = nodes.opts[node.id].entries[FORM.name].value
            assert isinstance(form, Table), "the form was read"
            tree = form.entries[FORM_TEXT.name].value
            assert isinstance(tree, Scalar), "so was its text"
            check_template(TemplateText(tree, template_parts(tree.text)), flow, notes, node=node.id)


def check_conditions(flow: Flow, nodes: Nodes, notes: Notes) -> None:
    """Report the names in conditions that can never lead to a value, and types that do not fit."""
    for node, condition in nodes.conditions.items():
        check_expression(condition, flow, notes, node=node)


def check_starts(
    flow: Flow, written: Iterable[tuple[Trigger, SectionValues]], notes: Notes
) -> None:
    """Report the names in conditions of triggers that have no value before a run exists."""
    for trigger, part in written:
        text = part[TRIGGER_IF]
        given = ("host", EVENT) if trigger.heard else ("host",)
        check_expression(text, replace(flow, triggers=(trigger,)), notes, given=given)
        for one in named_in(text) if text else ():
            if one.path[0] in ("task", "merge", "run"):
                what = f"`{shown(one.path)}` is unknown before a run starts"
                notes.error(one.at, what, "an `if` of a task can name it")


def check_git(flow: Flow, nodes: Nodes, notes: Notes) -> None:
    """Warn about git nodes without a repository, commit or branch from their opts or a trigger.

    The output of an earlier node may still give one, but only the commit of an earlier git node is
    known in advance. A flow without triggers starts with unknown values, so it is not checked.
    """
    if not flow.triggers:
        return
    given = _given_values(flow)
    for node in flow.nodes:
        if not isinstance(node.work, GitCheckout | GitMerge):
            continue
        known = given | _names_in(node.work.git)
        for names, missing, hint in _NEEDED if isinstance(node.work, GitMerge) else _NEEDED[:2]:
            if not known & names:
                what = f"neither `{node.id}` nor a trigger gives {missing}"
                notes.warning(nodes.positions[node.id, None], what, hint)


_COMMIT: Final = frozenset({"hash", "ref", "branch"})
_GIVEN: Final = {"poll-git": _COMMIT, "push": _COMMIT | {"url"}}
"""What triggers of a type give by themselves: the forges name the repository too."""
_NEEDED: Final = (
    (
        frozenset({"url"}),
        "a repository",
        "give it `opts: {url: ...}`, or give one to a trigger",
    ),
    (_COMMIT, "a commit", "give it `opts: {branch: ...}`, or give one to a trigger"),
    (
        frozenset({"from-branch", "from-ref"}),
        "a branch to merge",
        "give it `opts: {from-branch: ...}`, or ask for it in a form",
    ),
)
"""What git nodes need: the value's names, its description, and the hint. The last is for merges."""


def _given_values(flow: Flow) -> frozenset[str]:
    """Names of the values that a trigger, or a git node for the nodes after it, may supply."""
    given: set[str] = set()
    for trigger in flow.triggers:
        given |= {field.id for field in trigger.form.fields} | _names_in(trigger.git)
        given |= _GIVEN.get(trigger.type, frozenset())
    for node in flow.nodes:
        if isinstance(node.work, GitCheckout | GitMerge):
            given |= _names_in(node.work.git) & _COMMIT
    return frozenset(given)


def _names_in(git: Git) -> frozenset[str]:
    return frozenset(name.replace("_", "-") for name, value in asdict(git).items() if value)
