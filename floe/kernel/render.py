"""Renders a node's work when the node enters: fills in paths and chooses the commit."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final, assert_never

from floe.expr.substitute import in_text, in_value, in_values
from floe.model.flow import Ask, End, Exec, Fetch, Git, GitCheckout, GitMerge, Join, Wait, Work
from floe.model.refs import Json, NodeId
from floe.model.run import Run

COMMIT: Final = ("hash", "ref", "branch")
"""The names that choose a commit. The nearest layer with any of them decides all three."""


def rendered(work: Work, run: Run, sources: Iterable[NodeId]) -> Work:
    """The work as it is done in this run. Values from people never become code: a command takes
    nothing from them, and a git node takes only url, commit and branch."""
    ws = run.workspace
    match work:
        case Exec():
            return Exec(
                argv=in_values(work.argv, ws),
                shell=in_text(work.shell, ws),
                sub_dir=in_value(work.sub_dir, ws),
                env=in_values(work.env, ws),
            )
        case Fetch():
            return replace(work, url=in_text(work.url, ws), location=in_value(work.location, ws))
        case GitCheckout() | GitMerge():
            return replace(work, git=_decided(_placed(work.git, ws), run, sources))
        case Wait() | Ask() | End() | Join():
            return work
        case _:
            assert_never(work)


def _placed(git: Git, ws: str) -> Git:
    return replace(
        git,
        url=in_value(git.url, ws),
        sub_dir=in_value(git.sub_dir, ws),
        key_file=in_value(git.key_file, ws),
    )


def _decided(git: Git, run: Run, sources: Iterable[NodeId]) -> Git:
    """The git options, with missing ones filled in from the layers below the node.

    A layer that names a commit decides alone: the trigger's `hash` never meets the node's
    `branch`.
    """
    layers = (*(run.settled(s).outputs for s in reversed(tuple(sources))), run.values)
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
