"""Lists the refs of a remote git repository with their commits."""

import asyncio
import os
import shutil
import signal
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from floe.model.errors import Theirs, World
from floe.model.work import Git
from floe.nodes.git import own_environment
from floe.nodes.remote import Remote
from floe.repository.ssh import explained
from floe.repository.task import is_allowed

if TYPE_CHECKING:
    from git import Git as Command

LS_REMOTE_S: Final = 30.0
"""Seconds within which a server must answer."""
LS_REMOTES: Final = 4
"""How many repositories are listed at once, so that a slow one does not delay the others."""
ALWAYS_LISTED: Final = ("refs/heads/", "refs/tags/")
"""Refs that are always listed, whatever the pattern."""


class RemoteRefs:
    """Runs `git ls-remote` in its own threads, so that a slow server blocks nothing else."""

    def __init__(self, key_file: str = "", *, look_s: float = LS_REMOTE_S) -> None:
        """`key_file` is the key for triggers that name none."""
        self._key_file = key_file
        self._look_s = look_s
        self._threads = ThreadPoolExecutor(LS_REMOTES, "floe-refs")
        self._looks = asyncio.Semaphore(LS_REMOTES)
        self._processes: set[int] = set()

    def close(self) -> None:
        """Cancel every listing in progress."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for pid in tuple(self._processes):
            _kill_git(pid)

    async def refs(self, git: Git, pattern: str) -> Mapping[str, str]:
        """Commits by full ref name: all branches and tags, and the refs that match a shell pattern.

        An annotated tag maps to its commit. Raises Theirs, World.
        """
        async with self._looks:
            found = parsed_refs(await self._look(git, pattern)).items()
        return {n: c for n, c in found if n.startswith(ALWAYS_LISTED) or fnmatchcase(n, pattern)}

    async def _look(self, git: Git, pattern: str) -> str:
        loop = asyncio.get_running_loop()
        process, env = await loop.run_in_executor(self._threads, self._begin, git, pattern)
        # A timeout of `communicate` would sleep, and would fail with a faked clock.
        deadline = loop.call_later(self._look_s, _kill_git, process.pid)
        self._processes.add(process.pid)
        try:
            out, err = await loop.run_in_executor(self._threads, process.communicate)
        finally:
            self._processes.discard(process.pid)
            if process.returncode is None:
                _kill_git(process.pid)
            deadline.cancel()
        if process.returncode == -signal.SIGKILL and loop.time() >= deadline.when():
            raise self._silent(git)
        if process.returncode:
            stderr = err.decode(errors="replace")
            raise refusal(git.url, stderr + explained(Remote.parse(git.url).url, stderr, env))
        return str(out, "utf-8", "replace")

    def _begin(self, git: Git, pattern: str) -> "tuple[Command.AutoInterrupt, dict[str, str]]":
        from git import Git as Command  # slow to import, so only when something is polled

        if not is_allowed(git.url):
            raise Theirs(f"the url {git.url!r} is not allowed")
        remote = Remote.parse(git.url)
        env = own_environment(git.key_file or self._key_file, remote)
        # GitPython adds `env` to the host's environment: unset what git must not see.
        hidden = [f"--unset={name}" for name in os.environ if name not in env]
        argv = ["env", *hidden, "git", "-c", "protocol.ext.allow=never", "ls-remote", "--quiet"]
        if pattern.startswith(ALWAYS_LISTED):
            argv += ["--heads", "--tags"]  # so the server does not list every pull request
        if shutil.which("git") is None:
            raise World("git is not installed", "install git, or add its folder to PATH")
        try:
            process = Command("/").execute(  # outside of any repository, whose config would apply
                [*argv, "--", remote.url], as_process=True, env=env, start_new_session=True
            )
        except (OSError, ValueError) as error:  # no files or processes left; a NUL in the url
            raise World(f"git cannot be started: {error}") from error
        return process, env

    def _silent(self, git: Git) -> Theirs:
        return Theirs(f"{git.url} did not answer within {self._look_s:g} s")


def refusal(url: str, stderr: str) -> Theirs:
    """Why a remote gave no refs, from git's message, with a hint if git wanted a password."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    last = next((line for line in lines if line.startswith("fatal:")), lines[-1] if lines else "")
    last = last.removeprefix("fatal: ").removeprefix("floe: ")
    what = f"{url}: {last or 'git failed'}"
    if "could not read Username" in stderr or "could not read Password" in stderr:
        return Theirs(f"{url} asks for a password", _CREDENTIALS)
    ssh = [line.removeprefix("floe: ") for line in lines if line.startswith("floe: ")]
    if ssh and ("Permission denied (" in stderr or "Host key verification failed" in stderr):
        return Theirs(f"{url}: {ssh[0]}", "; ".join(ssh[1:]))
    if "Permission denied (" in stderr or "Authentication failed" in stderr:
        return Theirs(what, _CREDENTIALS)
    return Theirs(what)


_CREDENTIALS: Final = "use an ssh url with key-file, or a git credential helper"


def parsed_refs(text: str) -> dict[str, str]:
    """Commit hashes by full ref name, from the output of `git ls-remote`."""
    found: dict[str, str] = {}
    for line in text.split("\n"):  # not splitlines: names may contain Unicode line separators
        commit, tab, name = line.partition("\t")
        if tab:
            found[name.removesuffix("^{}")] = commit  # the peeled line comes after its tag
    return found


def _kill_git(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
