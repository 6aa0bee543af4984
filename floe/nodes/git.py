"""How floe runs git: without questions, hooks or foreign transports, with the key it was given."""

import os
import re
import shlex
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from floe.model.errors import Yours
from floe.model.flow import Git, GitCheckout, GitMerge
from floe.model.secret import without_password
from floe.nodes.remote import Remote
from floe.nodes.workspaces import inside
from floe.repository.task import Task

_NO_NAMES: Final = ("", ".", "..", ".git")


_KEPT: Final = ("GIT_SSL_", "GIT_PROXY_SSL_", "GIT_HTTP_")
"""Prefixes of the variables that say how to reach a server. They name no file that git writes."""


def git_environment(
    env: Mapping[str, str], key_file: str, entries: Iterable[str] = ()
) -> dict[str, str]:
    """The environment of every git command: `env` without what git would take orders from.

    Of all `GIT_*` variables only those that say how to reach a server stay: the others name work
    trees, repositories, objects, configs and programs. `GIT_SSH_COMMAND` stays and is completed.
    It is code, so the shell of git expands it: an entry for it in `entries` (`NAME=value`) counts
    as it was written. An askpass program that fails makes git give up at once where a password is
    needed. Messages are English because floe explains some of them.
    """
    clean = {
        name: value
        for name, value in env.items()
        if not name.startswith("GIT_") or name.startswith(_KEPT)
    }
    ssh = env.get("GIT_SSH_COMMAND", "ssh")
    for entry in entries:
        name, _, value = entry.partition("=")
        if name == "GIT_SSH_COMMAND":
            ssh = value
    ssh += " -o BatchMode=yes"
    if key_file:
        ssh += f" -o IdentitiesOnly=yes -i {shlex.quote(str(Path(key_file).expanduser()))}"
    return clean | {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "false",
        "SSH_ASKPASS": "false",
        "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
        "GIT_SSH_COMMAND": ssh,
        "LC_ALL": "C.UTF-8",
        "LANGUAGE": "",
    }


def own_environment(key_file: str, remote: Remote) -> dict[str, str]:
    """The environment of git commands that floe runs for itself."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "FLOE_"))}
    return {**git_environment(env, key_file), **remote.env}


def argv(program: Path, task: Task) -> tuple[str, ...]:
    """The command that carries a task out."""
    return (sys.executable, "-I", "-S", str(program), task.text())


def task_of(work: GitCheckout | GitMerge, workspace: Path, folder: Path) -> Task:
    """What a node asks for; `folder` is where the repository's folder lies.

    Raises Yours, saying which option is missing, or World where a link leads elsewhere.
    """
    git = work.git
    kind = "git-checkout" if isinstance(work, GitCheckout) else "git-merge"
    if not git.url:
        raise _missing(kind, "url")
    if not (git.hash or git.ref or git.branch):
        raise _missing(kind, "hash, ref or branch")
    if isinstance(work, GitMerge) and not git.from_branch:
        raise _missing(kind, "from-branch")
    names, value = target(git)
    return Task(
        operation=kind.removeprefix("git-"),
        where=str(inside(workspace, str(folder / repository_name(git.url)))),
        state=str(workspace.with_name(f".{workspace.name}")),
        kind=names,
        value=value,
        url=Remote.parse(git.url).url,
        other=git.from_branch,
        submodules=git.submodules,
        lfs=git.lfs,
    )


def target(git: Git) -> tuple[str, str]:
    """Which of `hash`, `ref` and `branch` decides, and its value; by default what HEAD is there."""
    if git.hash:
        return "hash", git.hash
    if git.ref:
        return "ref", git.ref
    return ("branch", git.branch) if git.branch else ("ref", "HEAD")


def repository_name(url: str) -> str:
    """The folder that `git clone` would make: the last part of the URL without `.git`.

    Where that leaves no name (`..git`), the last part as it is. A blank stands for each control
    character, as with git.
    """
    part = re.split(r"[/:]", url.rstrip("/").removesuffix("/.git").rstrip("/"))[-1]
    part = re.sub(r"[\0-\x1f\x7f]+", " ", part).strip()
    short = part.removesuffix(".git")
    name = part if short.lower() in _NO_NAMES else short
    if name.lower() in _NO_NAMES:
        raise Yours(f"no folder can be named after the url {without_password(url)!r}")
    return name


def _missing(kind: str, what: str) -> Yours:
    return Yours(
        f"{kind} has no {what}",
        "neither the node's opts nor the nodes before it nor the trigger give one",
    )
