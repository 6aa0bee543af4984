"""Renders a node's work when the node enters: fills in paths and chooses the commit."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final, TypeVar, get_args, get_type_hints

from floe.expr.substitute import in_text, in_texts, substituted_value
from floe.kernel.inputs import layers_of
from floe.model.ids import Json, NodeId
from floe.model.nouns import replace
from floe.model.run import Run
from floe.model.template import Text
from floe.model.work import Git, GitCheckout, GitMerge, Work
from floe.model.workspace_texts import InWorkspace

T = TypeVar("T", bound=Work | Git)

COMMIT: Final = ("hash", "ref", "branch")
"""The names that choose a commit. The nearest layer with any of them decides all three."""


def _in_text(text: Text, ws: str) -> Text:
    return in_text(text, ws) if isinstance(text, str) else text


_FILL: Final[Mapping[InWorkspace, Callable[[Any, str], object]]] = {
    InWorkspace.TEXT: _in_text,
    InWorkspace.VALUE: substituted_value,
    InWorkspace.VALUES: in_texts,
}


def rendered(work: Work, run: Run, sources: Sequence[NodeId], *, inherits: bool) -> Work:
    """The work as it is done in this run. Values from people never become code: a command takes
    them only by its templates, and a git node takes only url, commit and branch. Templates are
    filled in before: see `work_values`."""
    if isinstance(work, GitCheckout | GitMerge):
        layers = (*layers_of(run, sources, inherits=inherits), run.values)
        return replace(work, git=_decided(_filled(work.git, run.workspace), layers))
    return _filled(work, run.workspace)


def _filled(work: T, ws: str) -> T:
    """The work with the workspace in each field that is marked for it."""
    kind: Any = type(work)
    changed: dict[str, Any] = {}
    for name, fill in _fills(kind):
        value = getattr(work, name)
        if (filled := fill(value, ws)) != value:
            changed[name] = filled
    return replace(work, **changed) if changed else work


@cache
def _fills(kind: type[Any]) -> tuple[tuple[str, Callable[[Any, str], object]], ...]:
    """The fields of a class of work that name the workspace, with what fills them."""
    hints = get_type_hints(kind, include_extras=True)
    return tuple(
        (name, _FILL[mark])
        for name, hint in hints.items()
        for mark in get_args(hint)
        if isinstance(mark, InWorkspace)
    )


def _decided(git: Git, layers: Sequence[Mapping[str, Json]]) -> Git:
    """The git options, with missing ones filled in from the layers below the node, nearest first.

    A layer that names a commit decides alone: the trigger's `hash` never meets the node's
    `branch`.
    """
    commit = {name: getattr(git, name) for name in COMMIT}
    for layer in layers:
        if any(commit.values()):
            break
        commit = {name: _text(layer, name) for name in COMMIT}
    return replace(
        git,
        url=git.url or _nearest(layers, "url"),
        from_branch=git.from_branch or _nearest(layers, "from-branch", "from-ref"),
        **commit,
    )


def _nearest(layers: Iterable[Mapping[str, Json]], *names: str) -> str:
    return next((text for layer in layers for n in names if (text := _text(layer, n))), "")


def _text(layer: Mapping[str, Json], name: str) -> str:
    value = layer.get(name)
    return value if isinstance(value, str) else ""
