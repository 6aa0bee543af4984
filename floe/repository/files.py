"""Writes the files of a commit to a folder, and removes all others.

Files that a `.gitignore` of the commit names stay, since they are the purpose of a reused
workspace.
"""

import os
import pwd
import stat
from pathlib import Path
from typing import Final, NamedTuple

from floe.repository.command import GitCommand, GitCommandFailed
from floe.repository.folder import Folder
from floe.repository.paths import made_writable, remove
from floe.repository.task import TaskFailed, escaped, print_line

RULES: Final = (b".gitattributes", b".gitignore")
"""Files that control which files git writes and deletes."""
CLEANS_MAX: Final = 10
LINK: Final = b"160000"


class TreeEntry(NamedTuple):
    """A file of a commit, or the commit of a submodule."""

    mode: bytes
    hash: str
    path: bytes


def tree_entries(git: GitCommand, commit: str) -> list[TreeEntry]:
    """All files and submodules of a commit."""
    entries = []
    for line in git.run("ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0")[:-1]:
        about, _, path = line.partition(b"\t")
        mode, _, found = about.split(b" ")
        entries.append(TreeEntry(mode, found.decode(), path))
    return entries


def put(folder: Folder, commit: str, run: str) -> list[TreeEntry]:
    """Set HEAD, index and files to a commit, for a run. Raises TaskFailed."""
    git, state, task = folder.git, folder.state, folder.task
    entries = tree_entries(git, commit)
    made_writable(folder.where)
    _drop_strange_rules(os.fsencode(folder.where), entries)
    if _is_index_right(folder, commit):
        state.restore_index(folder.gitdir)
    git.run("update-ref", "--no-deref", "HEAD", commit)
    if task.kind == "branch":
        git.run("update-ref", f"refs/heads/{task.value}", commit)
        git.run("symbolic-ref", "HEAD", f"refs/heads/{task.value}")
    try:
        git.run("read-tree", "--reset", "-u", commit)
        _clean(git)
    except GitCommandFailed as error:
        raise blocked(folder.where) or error from None
    known = {"run": run, "kind": task.kind, "value": task.value, "lfs": task.lfs}
    state.checked_out(folder.gitdir, commit=commit, **known)
    return entries


def _is_index_right(folder: Folder, commit: str) -> bool:
    """Whether files that floe wrote for the last commit are valid for the same blobs in this one.

    They are not if attributes or filters have changed.
    """
    before = folder.state["commit"]
    if not before or folder.state["lfs"] != folder.task.lfs:
        return False
    rules = (":(glob)**/.gitattributes",)
    return before == commit or folder.git.succeeds("diff", "--quiet", before, commit, "--", *rules)


def _drop_strange_rules(where: bytes, entries: list[TreeEntry]) -> None:
    """Remove rule files that are not part of the commit."""
    own = {entry.path for entry in entries}
    folders = {b""}
    for path in own:
        at = os.path.dirname(path)  # noqa: PTH120 - names may be no text
        while at not in folders:
            folders.add(at)
            at = os.path.dirname(at)  # noqa: PTH120
    for at in folders:
        if _has_link(where, at):
            continue
        for name in RULES:
            path = os.path.join(at, name)  # noqa: PTH118
            if path not in own:
                remove(Path(os.fsdecode(os.path.join(where, path))))  # noqa: PTH118


def _has_link(where: bytes, at: bytes) -> bool:
    """Whether a link, or anything but a folder, is on the path to a folder of the commit."""
    path = where
    for part in at.split(b"/") if at else ():
        path += b"/" + part
        try:
            if not stat.S_ISDIR(os.lstat(path).st_mode):
                return True
        except OSError:
            return True
    return False


def _clean(git: GitCommand) -> None:
    """Delete files that are not part of the commit; repeat if that deleted rule files."""
    for _ in range(CLEANS_MAX):
        gone = git.run("clean", "-ffd").splitlines()
        if not any(line.rstrip(b'"').endswith(b".gitignore") for line in gone):
            return


def blocked(where: Path) -> TaskFailed | None:
    """The error about a file that floe's user cannot delete; None if there is none."""
    me = os.geteuid()
    for parent, folders, files in os.walk(os.fsencode(where)):
        for name in (*folders, *files):
            found = os.lstat(os.path.join(parent, name))  # noqa: PTH118
            is_closed = not os.access(parent, os.W_OK | os.X_OK)
            is_foreign = stat.S_ISDIR(found.st_mode) and found.st_uid != me
            if is_closed or (is_foreign and not os.access(os.path.join(parent, name), os.W_OK)):  # noqa: PTH118
                path = os.path.join(parent, name)  # noqa: PTH118
                print_line(
                    f"floe: as root: rm -rf '{escaped(path)}'; a step that runs as a "
                    f"different user, as containers do, should run as {_name(me)}"
                )
                return TaskFailed(
                    f"{_name(me)}, the user of {os.environ.get('FLOE_HOST', 'this host')}, cannot "
                    f"delete {escaped(path)}: it is owned by {_name(found.st_uid)}, and its folder "
                    f"by {_name(os.lstat(parent).st_uid)}"
                )
    return None


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
