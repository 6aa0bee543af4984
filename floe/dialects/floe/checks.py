"""What is wrong with a flow as a whole, though each key is right."""

from dataclasses import asdict
from typing import Final

from floe.dialects.floe.nodes import Nodes
from floe.dialects.notes import Notes, Position
from floe.kernel.graph import Flaw, graph_of
from floe.model.flow import Flow, Git, GitCheckout, GitMerge


def check_flow(flow: Flow, nodes: Nodes, notes: Notes) -> None:
    """Note what can never happen."""
    if nodes.is_whole:
        for flaw in graph_of(flow).flaws:
            note = notes.error if flaw.level == "error" else notes.warning
            note(_place(flaw, nodes), flaw.what, flaw.hint)


def _place(flaw: Flaw, nodes: Nodes) -> Position:
    """Where the tag is written, else its node, else the first node."""
    first = nodes.nodes[0].id
    of_node = nodes.places[flaw.node or first, None]
    return nodes.places.get((flaw.node, flaw.tag), of_node) if flaw.node else of_node


def check_git(flow: Flow, nodes: Nodes, notes: Notes) -> None:
    """Warn of git nodes that miss what neither they nor a trigger say.

    An output of a node before it might still, which nobody can know beforehand, but for the commit
    that a git node leaves. A flow without triggers is started with values that nobody can know
    either.
    """
    if not flow.triggers:
        return
    told = _told(flow)
    for node in flow.nodes:
        if not isinstance(node.work, GitCheckout | GitMerge):
            continue
        known = told | _said(node.work.git)
        for names, missing, hint in _NEEDED if isinstance(node.work, GitMerge) else _NEEDED[:2]:
            if not known & names:
                what = f"no trigger can tell `{node.id}` {missing}"
                notes.warning(nodes.places[node.id, None], what, hint)


_COMMIT: Final = frozenset({"hash", "ref", "branch"})
_NEEDED: Final = (
    (
        frozenset({"url"}),
        "which repository",
        "give it `opts: {url: ...}`, or give one to a trigger",
    ),
    (_COMMIT, "which commit", "give it `opts: {branch: ...}`, or give one to a trigger"),
    (
        frozenset({"from-branch", "from-ref"}),
        "what to merge",
        "give it `opts: {from-branch: ...}`, or ask for it in a form",
    ),
)
"""What git nodes need: under which names, and what to say without; the last for a merge alone."""


def _told(flow: Flow) -> frozenset[str]:
    """Names of the values that some trigger may supply, or a git node for those after it."""
    told: set[str] = set()
    for trigger in flow.triggers:
        told |= {field.id for field in trigger.form.fields} | _said(trigger.git)
        told |= _COMMIT if trigger.type == "poll-git" else frozenset()
    for node in flow.nodes:
        if isinstance(node.work, GitCheckout | GitMerge):
            told |= _said(node.work.git) & _COMMIT
    return frozenset(told)


def _said(git: Git) -> frozenset[str]:
    return frozenset(name.replace("_", "-") for name, value in asdict(git).items() if value)
