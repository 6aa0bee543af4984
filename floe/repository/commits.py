"""Finds the commit that a task names, and fetches it."""

import re
import subprocess
from typing import Final

from floe.model.secret import without_password
from floe.repository import ssh
from floe.repository.command import GitCommandFailed
from floe.repository.folder import Folder
from floe.repository.task import FULL_HASH, HASH, Task, TaskFailed, is_allowed

FULL_DEPTH: Final = 2147483647
"""The depth of the whole history."""
EVERYTHING: Final = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
_REMOTE: Final = re.compile(
    r"couldn't find remote ref|could not resolve|could not read (username|password)"
    r"|unable to access|authentication failed|permission denied \(|host key verification"
    r"|not allowed|does not appear to be a git repository|repository .* not found"
    r"|connection (refused|timed out)",
    re.IGNORECASE,
)


class FetchFailed(GitCommandFailed):
    """Commits could not be fetched, here or at the remote."""


class RemoteFailed(FetchFailed):
    """Commits could not be fetched: the remote refused or failed, not the repository here."""


def check(task: Task) -> None:
    """Refuse names of commits that git would misread. Raises TaskFailed."""
    if not is_allowed(task.url):
        raise TaskFailed(f"url '{task.url}' is not allowed")
    kinds = {"hash": "a commit hash", "branch": "a branch name", "ref": "a ref name"}
    if task.kind not in kinds:
        raise TaskFailed(f"'{task.kind}' is neither hash, ref nor branch")
    is_good = HASH.fullmatch(task.value) if task.kind == "hash" else _is_name(task.value)
    if not is_good:
        raise TaskFailed(f"{task.kind} '{task.value}' is not {kinds[task.kind]}")
    if task.operation == "merge" and not _is_name(task.other):
        raise TaskFailed(f"from-branch '{task.other}' is not a ref name")


def _is_name(name: str) -> bool:
    argv = ["git", "check-ref-format", "--allow-onelevel", name]
    return name[:1] not in ("", "-", "+") and not subprocess.run(argv, check=False).returncode


class Commits:
    """The commits of a remote that a folder has or can fetch."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._git = folder.git
        self._url = folder.task.url

    def commit(self, kind: str, value: str, depth: int) -> str:
        """Fetch the commit of a hash, ref or branch, and return its hash. Raises TaskFailed."""
        found = self._found(kind, value, depth)
        self._folder.state.fetched(found)
        return found

    def complete(self) -> None:
        """Fetch the whole history of the commits here."""
        if (self._git.gitdir / "shallow").exists():
            self._fetch(FULL_DEPTH, *EVERYTHING)

    def _found(self, kind: str, value: str, depth: int) -> str:
        match kind:
            case "hash":
                return self._of_hash(value, depth)
            case "branch":
                self._fetch(depth, f"+refs/heads/{value}:refs/remotes/origin/{value}")
                return self._parsed(f"refs/remotes/origin/{value}")
            case _:  # a branch, a tag, a full ref name, or a hash where no ref has that name
                try:
                    self._fetch(depth, value)
                except GitCommandFailed:
                    if not HASH.fullmatch(value):
                        raise
                    return self._of_hash(value, depth)
                return self._parsed("FETCH_HEAD")

    def _of_hash(self, value: str, depth: int) -> str:
        """The commit from here, fetched by hash or, if the server refuses that, with everything."""
        if self._git.has(value):
            if depth == FULL_DEPTH:
                self.complete()
        elif not (FULL_HASH.fullmatch(value) and self._fetches(depth, value)):
            self._fetch(FULL_DEPTH, *EVERYTHING)
            if not self._git.has(value):
                what = f"floe: {without_password(self._url)} has no commit {value}"
                raise RemoteFailed("fetch", what)
        return self._parsed(value)

    def _parsed(self, name: str) -> str:
        return self._git.line("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")

    def _fetches(self, depth: int, value: str) -> bool:
        try:
            self._fetch(depth, value)
        except GitCommandFailed:
            return False
        return True

    def _fetch(self, depth: int, *refspecs: str) -> None:
        options = ("--quiet", "--no-tags", "--force", "--depth", str(depth))
        try:
            self._git.run("fetch", *options, "--", "origin", *refspecs)
        except GitCommandFailed as error:
            stderr = error.stderr + ssh.explained(self._url, error.stderr, self._git.env)
            kind = RemoteFailed if _REMOTE.search(stderr) else FetchFailed
            raise kind("fetch", stderr) from error
