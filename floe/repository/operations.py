"""The operations checkout, merge and show; each works on the leftovers of earlier attempts."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from floe.repository import files, submodules
from floe.repository.command import GitCommand, GitCommandFailed
from floe.repository.commits import FULL_DEPTH, Commits, FetchFailed, RemoteFailed, check
from floe.repository.conflicts import conflicts, print_conflicts
from floe.repository.folder import Folder
from floe.repository.paths import is_folder, made_above, remove
from floe.repository.task import NoSuchFile, Task, TaskFailed, print_line

SHOWN_MAX: Final = 1048576
DEPTH_MAX: Final = 32
"""How deep submodules may be nested."""


def main(argument: str) -> None:
    """Carry out the operation in the argument, and exit."""
    task = Task.parse(argument)
    try:
        {"checkout": checkout, "merge": merge, "show": show}[task.operation](task)
    except TaskFailed as error:
        stderr = error.stderr if isinstance(error, GitCommandFailed) else ""
        if stderr:
            print_line(stderr)
        if not (stderr and isinstance(error, RemoteFailed)):
            print_line(f"floe: {error}")
        sys.exit(error.status)
    except OSError as error:
        print_line(f"floe: {files.blocked(Path(task.where)) or error}")
        sys.exit(1)


def checkout(task: Task) -> None:
    """The operation that checks out one commit, shallowly."""
    _begin(task, f"checking out {task.kind} {task.value} of {task.url} into {task.where}")
    _healed(task, _checkout)
    _report(task)


def merge(task: Task) -> None:
    """The operation that merges into a commit, with the whole history.

    In a shallow history the best common ancestor may be missing, and a merge from an older one can
    undo work without a conflict.
    """
    into = f"{task.kind} {task.value} of {task.url}"
    _begin(task, f"merging {task.other} into {into} in {task.where}")
    _healed(task, _merge)
    _report(task)


def show(task: Task) -> None:
    """The operation that prints the commit, then a file."""
    check(task)
    _healed(task, _show)


def _begin(task: Task, what: str) -> None:
    check(task)
    print_line(what)


def _healed(task: Task, operation: Callable[[Folder], None]) -> None:
    """Run an operation with the present objects; if they are damaged, run it again without them."""
    folder = Folder(task)
    try:
        try:
            operation(folder)
        except RemoteFailed:
            raise
        except GitCommandFailed as error:
            if not folder.has_objects:
                raise
            print_line(error.stderr)
            print_line(
                f"floe: {error}: {folder.gitdir} may be damaged, so the repository is cloned again"
            )
            folder.set_objects_aside()
            try:
                operation(folder)
            except FetchFailed:
                folder.take_objects_back()
                raise
    finally:
        folder.close()


def _checkout(folder: Folder) -> None:
    task = folder.task
    commit = Commits(folder).commit(task.kind, task.value, 1)
    _put(folder, commit)


def _put(folder: Folder, commit: str, level: int = 1) -> None:
    """Write the files of a commit, of its submodules and of git LFS."""
    task = folder.task
    if task.lfs:
        submodules.check_lfs(folder, commit)
    entries = files.put(folder, commit, _run())
    if not task.lfs:
        submodules.name_pointers(folder.git)
    if not task.submodules or (task.submodules != "recursive" and level > 1):
        submodules.empty(folder.where, entries)
        submodules.report_submodules(entries)
        return
    if level > DEPTH_MAX:
        raise TaskFailed(f"submodules in submodules, more than {DEPTH_MAX} deep")
    wanted = submodules.submodules(folder, commit, entries)
    submodules.empty(folder.where, entries, {found.path for found in wanted})
    for found in wanted:
        where = made_above(folder.where, found.path)
        print_line(f"floe: submodule {where}: commit {found.commit} of {found.url}")
        if not is_folder(where):
            remove(where)
        part = task._replace(
            operation="checkout", where=str(where), kind="hash", value=found.commit, url=found.url
        )
        check(part)
        _healed(part, lambda inner: _part(inner, level + 1))


def _part(folder: Folder, level: int) -> None:
    _put(folder, Commits(folder).commit("hash", folder.task.value, 1), level)


def _merge(folder: Folder) -> None:
    task, git, state = folder.task, folder.git, folder.state
    commits = Commits(folder)
    head = folder.head or state["commit"] or ""
    is_on_top = state["run"] == _run() and [state["kind"], state["value"]] == [
        task.kind,
        task.value,
    ]
    if is_on_top and head:
        commit = _of_this_run(commits, git, head)
    else:
        commit = commits.commit(task.kind, task.value, FULL_DEPTH)
    theirs = commits.commit("ref", task.other, FULL_DEPTH)
    files.put(folder, commit, _run())
    if not git.run("merge-base", commit, theirs, good=(0, 1)):
        raise TaskFailed(
            f"{task.other} does not merge into {task.value}: they have no commit in common "
            "(unrelated histories)"
        )
    author = f"floe@{os.environ.get('FLOE_HOST', 'localhost')}"
    names = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "floe"), ("EMAIL", author))
    }
    message = f"Merge {task.other} into {task.value}"
    try:
        printed = git.run("merge", "--ff", "--no-edit", "-m", message, theirs, env=names)
    except GitCommandFailed as error:
        found = conflicts(git, commit, theirs, task.value, task.other)
        if not found:
            raise
        print_line(error.stderr)
        print_conflicts(found, task.value, task.other)
        sys.exit(1)
    sys.stdout.write(printed.decode(errors="replace"))
    merged = git.line("rev-parse", "--verify", "HEAD")
    _put(folder, merged)


def _of_this_run(commits: Commits, git: GitCommand, head: str) -> str:
    """The commit that this run checked out or merged here before, which must not be lost."""
    if git.has(head):
        commits.complete()
        return head
    try:
        return commits.commit("hash", head, FULL_DEPTH)
    except TaskFailed as error:
        raise TaskFailed(
            f"the commit {head}, made here by this run before, is gone: {error}"
        ) from None


def _show(folder: Folder) -> None:
    task, git = folder.task, folder.git
    commit = Commits(folder).commit(task.kind, task.value, 1)
    folder.state.store()
    name = f"{commit}:{task.other}"
    if not git.succeeds("cat-file", "-e", name):
        git.run("ls-tree", "-r", commit)  # raises if the commit is damaged
        raise NoSuchFile(f"commit {commit} has no file {task.other}")
    if int(git.line("cat-file", "-s", name)) > SHOWN_MAX:
        raise TaskFailed(f"{task.other} is larger than {SHOWN_MAX} bytes")
    data = git.run("cat-file", "blob", name)
    sys.stdout.buffer.write(f"{commit}\n".encode() + data)
    sys.stdout.buffer.flush()


def _run() -> str:
    """The run of this attempt."""
    return os.environ.get("FLOE_ATTEMPT", "").rsplit(".", 3)[0]


def _report(task: Task) -> None:
    git = GitCommand(Path(task.where, ".git"), None)
    commit = git.line("rev-parse", "--verify", "HEAD")
    with open(os.environ["FLOE_OUTPUTS"], "a", encoding="utf-8", errors="surrogateescape") as out:  # noqa: PTH123
        out.write(f"hash={commit}\ndir={task.where}\n")
    line = git.run("--no-pager", "log", "-1", "--format=%h %s (%an, %ad)", "--date=iso")
    sys.stdout.write(line.decode(errors="replace"))
    sys.stdout.flush()
