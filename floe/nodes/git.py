"""How floe runs git: no prompts, no hooks, no unusual transports, and only the key it was given."""

import os
import re
import shlex
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from floe.model.errors import Yours
from floe.model.secret import without_password
from floe.model.work import Git, GitCheckout, GitMerge
from floe.nodes.remote import Remote
from floe.nodes.workspaces import git_state, inside
from floe.repository.task import Task

_NO_NAMES: Final = ("", ".", "..", ".git")


_KEPT: Final = ("GIT_SSL_", "GIT_PROXY_SSL_", "GIT_HTTP_")
"""Prefixes of the variables that configure connections. They name no file that git writes."""


def git_environment(
    env: Mapping[str, str], key_file: str, entries: Iterable[str] = ()
) -> dict[str, str]:
    """The environment of every git command: `env` without the variables that redirect git.

    Of all `GIT_*` variables only those that configure connections stay: the others name work
    trees, repositories, objects, configs and programs. `GIT_SSH_COMMAND` stays and gets options
    added. It is code that git's shell expands, so an entry for it in `entries` (`NAME=value`) is
    used as written. The askpass program always fails, so git gives up at once if it needs a
    password. Messages are in English because floe explains some of them.
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
    """The environment of the git commands that floe runs for its own purposes."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "FLOE_"))}
    return {**git_environment(env, key_file), **remote.env}


def argv(program: Path, task: Task) -> tuple[str, ...]:
    """The command line of a git task."""
    return (sys.executable, "-I", "-S", str(program), task.text())


def task_of(work: GitCheckout | GitMerge, workspace: Path, folder: Path) -> Task:
    """The task of a git node; `folder` is the parent of the repository's folder.

    Raises Yours, which names the missing option, or World if a link leads out of the workspace.
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
        state=str(git_state(workspace)),
        kind=names,
        value=value,
        url=Remote.parse(git.url).url,
        other=git.from_branch,
        submodules=git.submodules,
        lfs=git.lfs,
    )


def target(git: Git) -> tuple[str, str]:
    """Which of a git node's `hash`, `ref` and `branch` decides, and its value; else HEAD."""
    if git.hash:
        return "hash", git.hash
    if git.ref:
        return "ref", git.ref
    return ("branch", git.branch) if git.branch else ("ref", "HEAD")


def repository_name(url: str) -> str:
    """The folder that `git clone` would create: the last part of the URL without `.git`.

    If that leaves no name (`..git`), the last part unchanged. Control characters become blanks,
    as in git.
    """
    part = re.split(r"[/:]", url.rstrip("/").removesuffix("/.git").rstrip("/"))[-1]
    part = re.sub(r"[\0-\x1f\x7f]+", " ", part).strip()
    short = part.removesuffix(".git")
    name = part if short.lower() in _NO_NAMES else short
    if name.lower() in _NO_NAMES:
        raise Yours(f"the url {without_password(url)!r} gives no name for a folder")
    return name


def _missing(kind: str, what: str) -> Yours:
    return Yours(
        f"{kind} has no {what}",
        "give one in its opts, in an output of a node before it, or in the trigger",
    )
