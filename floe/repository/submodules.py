"""Submodules and git LFS files of a commit: fetched if the task asks for it, otherwise named."""

import os
import posixpath
import re
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Final, NamedTuple

from floe.model.secret import without_password
from floe.repository.command import GitCommand
from floe.repository.files import LINK, TreeEntry
from floe.repository.folder import Folder
from floe.repository.paths import made_above, remove
from floe.repository.task import TaskFailed, escaped, is_allowed, is_local, print_line

NAMES_MAX: Final = 10
_ALLOWED: Final = re.compile(r"(https?|ssh|git)://|[^/:]+:(?!:|//)")


class Submodule(NamedTuple):
    """A commit of a different repository, and its path."""

    path: bytes
    commit: str
    url: str


def submodules(folder: Folder, commit: str, entries: list[TreeEntry]) -> list[Submodule]:
    """The submodules of a commit that can be fetched. Raises TaskFailed for a forbidden URL.

    Submodules without a URL are reported; those with `update = none` are left out.
    """
    links = [entry for entry in entries if entry.mode == LINK]
    if not links:
        return []
    about = _settings(folder.git, f"{commit}:.gitmodules")
    of_path = {
        os.fsencode(value): key.removesuffix(".path")
        for key, value in about.items()
        if key.startswith("submodule.") and key.endswith(".path")
    }
    found = []
    for link in links:
        name = of_path.get(link.path, "")
        url = about.get(f"{name}.url", "")
        if not url:
            print_line(
                f"floe: {escaped(link.path)} is a submodule for which .gitmodules has no url"
            )
        elif about.get(f"{name}.update") != "none":
            whole = submodule_url(url, folder.task.url)
            if not may_follow(folder.task.url, whole):
                raise TaskFailed(
                    f"submodule {escaped(link.path)}: url '{without_password(url)}' is not allowed"
                )
            found.append(Submodule(link.path, link.hash, whole))
    return found


def empty(where: Path, entries: list[TreeEntry], fetched: Collection[bytes] = ()) -> None:
    """Empty the folders of all other submodules; their content is from an earlier step."""
    for entry in entries:
        if entry.mode == LINK and entry.path not in fetched:
            path = made_above(where, entry.path)
            remove(path)
            path.mkdir()


def report_submodules(entries: list[TreeEntry]) -> None:
    """Report submodules that the task does not fetch."""
    names = [escaped(entry.path) for entry in entries if entry.mode == LINK]
    if names:
        print_line(f"floe: submodules are not fetched (submodules: true does): {_some(names)}")


def check_lfs(folder: Folder, commit: str) -> None:
    """Check that a commit and its submodules may use git LFS. Raises TaskFailed."""
    if not shutil.which("git-lfs"):
        raise TaskFailed("`lfs: true` needs git-lfs on PATH: install the package git-lfs")
    for key, url in _settings(folder.git, f"{commit}:.lfsconfig").items():
        if key.endswith("url") and not may_follow(folder.task.url, url):
            raise TaskFailed(f".lfsconfig: {key} '{without_password(url)}' is not allowed")


def name_pointers(git: GitCommand) -> None:
    """Report files in git LFS, in the commit or its submodules, that the task does not fetch."""
    names = git.run("ls-files", "-z", "--", ":(attr:filter=lfs)").split(b"\0")[:-1]
    if names:
        print_line(
            "floe: files in git LFS are not fetched, only their pointers (lfs: true does): "
            + _some([escaped(name) for name in names])
        )


def may_follow(main: str, url: str) -> bool:
    """Whether a repository may have a URL as a submodule: a local one only if it is local."""
    if not is_allowed(url):
        return False
    return is_local(main) if is_local(url) else bool(_ALLOWED.match(url))


def submodule_url(url: str, main: str) -> str:
    """The URL of a submodule: `./` and `../` are relative to the repository's own URL.

    Source: gitmodules(5), `submodule.<name>.url`.
    """
    if not url.startswith(("./", "../")):
        return url
    base, rest = main.rstrip("/"), url
    while rest.startswith(("./", "../")):
        step, _, rest = rest.partition("/")
        if step == "..":
            cut = max(base.rfind("/"), base.rfind(":"))
            if cut <= 0 or base[:cut].endswith(("/", ":")):
                raise TaskFailed(f"submodule url '{url}' leads above {without_password(main)}")
            rest_of = base[cut]
            base = base[:cut] + (":" if rest_of == ":" else "")
    separator = "" if base.endswith(":") else "/"
    return base + separator + posixpath.normpath(rest)


def _settings(git: GitCommand, blob: str) -> dict[str, str]:
    if not git.succeeds("cat-file", "-e", blob):
        return {}
    listing = git.run("config", "--blob", blob, "--list", "-z").split(b"\0")
    pairs = (os.fsdecode(setting).partition("\n") for setting in listing if setting)
    return {key: value for key, _, value in pairs}


def _some(names: list[str]) -> str:
    more = len(names) - NAMES_MAX
    return ", ".join(names[:NAMES_MAX]) + (f" and {more} more" if more > 0 else "")
