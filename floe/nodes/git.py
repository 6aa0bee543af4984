"""How floe runs git: without questions, hooks or foreign transports, with the key it was given."""

import os
import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from floe.model.errors import Yours
from floe.model.flow import Git, GitCheckout, GitMerge
from floe.model.secret import without_password
from floe.nodes.workspaces import inside

SCRIPT: Final = Path(__file__).with_name("git.sh")
FULL_HASH: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


_KEPT: Final = ("GIT_SSL_", "GIT_PROXY_SSL_", "GIT_HTTP_")
"""Prefixes of the variables that say how to reach a server. They name no file that git writes."""
_HELPER: Final = re.compile(r"[A-Za-z0-9+.-]*::")


def environment(
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


def own_environment(key_file: str) -> dict[str, str]:
    """The environment of git commands that floe runs for itself."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "FLOE_"))}
    return environment(env, key_file)


def is_allowed(url: str) -> bool:
    """Whether git may be given a URL: it is no option and names no remote helper (`ext::`)."""
    return bool(url) and not url.startswith("-") and not _HELPER.match(url)


def arguments(work: GitCheckout | GitMerge, workspace: Path, folder: Path) -> tuple[str, ...]:
    """The fixed script and its operands; `folder` is where the repository's folder lies.

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
    where = inside(workspace, str(folder / repository_name(git.url)))
    operation = kind.removeprefix("git-")
    return ("bash", str(SCRIPT), operation, str(where), *target(git), git.url, git.from_branch)


def target(git: Git) -> tuple[str, str]:
    """Which of `hash`, `ref` and `branch` decides, and its value; by default what HEAD is there."""
    if git.hash:
        return "hash", git.hash
    if git.ref:
        return "ref", git.ref
    return ("branch", git.branch) if git.branch else ("ref", "HEAD")


def repository_name(url: str) -> str:
    """The folder that `git clone` would make: the last part of the URL without `.git`."""
    path = re.split(r"[/:\\]", url.rstrip("/").removesuffix("/.git").rstrip("/"))[-1]
    name = path.removesuffix(".git")
    if not name or name.startswith(("-", ".")) or "\0" in name:
        raise Yours(f"no folder can be named after the url {without_password(url)!r}")
    return name


def _missing(kind: str, what: str) -> Yours:
    return Yours(
        f"{kind} has no {what}",
        "neither the node's opts nor the nodes before it nor the trigger give one",
    )
