"""Runs git so that files of earlier steps cannot give it instructions.

The environment comes from floe, without git's variables (nodes/git.py). Of the user's and the
system's configs only the keys that configure connections count.
"""

import os
import re
import subprocess
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from floe.repository.task import TaskFailed, print_line

CONNECTION: Final = re.compile(
    r"(credential|http|url|ssh|protocol|safe|lfs)\.|core\.gitproxy$", re.IGNORECASE
)
"""The keys of the user's and the system's configs that count."""
OPTIONS: Final = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.quotePath=false",
    "commit.gpgSign=false",
    "advice.detachedHead=false",
    "fetch.recurseSubmodules=false",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
)


class GitCommandFailed(TaskFailed):
    """A git command failed; `stderr` is its error output."""

    def __init__(self, what: str, stderr: str) -> None:
        super().__init__(f"git {what} failed")
        self.stderr = stderr


class GitCommand:
    """git for one repository."""

    def __init__(self, gitdir: Path, tree: Path | None, config: str = os.devnull) -> None:
        """`tree` is the work tree; None for a bare repository."""
        self.gitdir = gitdir
        self.tree = tree
        self.env = {
            **os.environ,
            "GIT_DIR": str(gitdir),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": config,
            "GIT_NO_REPLACE_OBJECTS": "1",
        }
        if tree:
            self.env["GIT_WORK_TREE"] = str(tree)

    def run(
        self,
        *args: str,
        data: bytes | None = None,
        good: Collection[int] = (0,),
        env: Mapping[str, str] | None = None,
    ) -> bytes:
        """The output of a command; its messages go to the attempt's output. Raises GitFailed."""
        done = self._done(args, data, env)
        stderr = done.stderr.decode(errors="replace").strip()
        if done.returncode not in good:
            raise GitCommandFailed(args[0], stderr)
        if stderr:
            print_line(stderr)
        return done.stdout

    def line(self, *args: str) -> str:
        """The single line that a command prints. Raises GitFailed."""
        return self.run(*args).decode().strip()

    def succeeds(self, *args: str, data: bytes | None = None) -> bool:
        """Whether a command succeeds; its output is ignored."""
        return self._done(args, data, None).returncode == 0

    def has(self, commit: str) -> bool:
        """Whether the repository has a commit."""
        return self.succeeds("cat-file", "-e", f"{commit}^{{commit}}")

    def _done(
        self, args: tuple[str, ...], data: bytes | None, env: Mapping[str, str] | None
    ) -> "subprocess.CompletedProcess[bytes]":
        options = [word for option in OPTIONS for word in ("-c", option)]
        try:
            return subprocess.run(
                ["git", *options, *args],
                cwd=self.tree or self.gitdir,
                env={**self.env, **(env or {})},
                input=data,
                stdin=subprocess.DEVNULL if data is None else None,
                capture_output=True,
                check=False,
            )
        except FileNotFoundError as error:
            raise TaskFailed("git is not installed here, or not on PATH") from error


def connection_config(gitdir: Path) -> tuple[str, int]:
    """For git commands: a file with the user's and system's keys about connections.

    The file has no name in any folder, so that nothing of it remains. git reads it through this
    process, as long as the caller keeps the descriptor open. Raises GitFailed.
    """
    env = {**os.environ, "GIT_DIR": str(gitdir)}
    done = subprocess.run(
        ["git", "config", "--list", "--includes", "--show-scope", "-z"],
        cwd="/",
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise GitCommandFailed("config", done.stderr.decode(errors="replace").strip())
    parts = done.stdout.split(b"\0")
    lines = []
    for scope, setting in zip(parts[::2], parts[1::2], strict=False):
        key, equals, value = os.fsdecode(setting).partition("\n")
        if scope in (b"system", b"global") and CONNECTION.match(key):
            lines.append(setting_of(key, value if equals else None))
    fd = os.memfd_create("gitconfig")
    os.write(fd, os.fsencode("".join(lines)))
    return f"/proc/{os.getpid()}/fd/{fd}", fd


def setting_of(key: str, value: str | None) -> str:
    """A setting of a git command in the syntax of a config file; None for a key without a value."""
    section, _, rest = key.partition(".")
    subsection, dot, name = rest.rpartition(".")
    head = f"[{section} {_quoted(subsection)}]" if dot else f"[{section}]"
    return f"{head}\n\t{name}{'' if value is None else ' = ' + _quoted(value)}\n"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
