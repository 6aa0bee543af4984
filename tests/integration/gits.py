"""Real git repositories for tests."""

import os
import subprocess
from pathlib import Path
from typing import Any

from floe.model.signal import Exited, Report
from floe.model.work import Git, GitCheckout, GitMerge, Work
from floe.nodes.commands import Commands
from tests.make_nodes import Reports, a_job, a_key

_ENV = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.org",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.org",
}


class Repository:
    """A repository with a working tree, as somebody's remote: `url` is what floe is given."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.git("init", "--quiet", "--initial-branch=main")

    @property
    def url(self) -> str:
        return f"file://{self.folder}"

    def git(self, *args: str) -> str:
        done = subprocess.run(
            ["git", *args], cwd=self.folder, env=_ENV, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, **files: str) -> str:
        """Write files (`a_txt` for `a.txt`), commit them, answer the hash."""
        for name, text in files.items():
            (self.folder / name.replace("_", ".")).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", f"change {' '.join(files)}")
        return self.git("rev-parse", "HEAD")

    def branch(self, name: str, start: str = "HEAD") -> None:
        self.git("checkout", "--quiet", "-B", name, start)


class House:
    """Commands, and one workspace to run git nodes in."""

    def __init__(self, root: Path, commands: Commands) -> None:
        self.root, self.commands = root, commands
        self.space = a_job(root).workspace
        self.printed = ""
        self._serial = 0

    async def run(self, work: Work, run: int = 1, **others: object) -> Report:
        self._serial += 1
        key = a_key(run, node=f"n{self._serial}")
        job = a_job(self.root, work, key=key, **others)
        reported = Reports()
        self.commands.start(job, reported)
        report = await reported.report()
        self.printed = job.output.read_text() if job.output.exists() else ""
        return report

    async def good(self, work: Work, run: int = 1, **others: object) -> dict[str, object]:
        report = await self.run(work, run, **others)
        assert isinstance(report, Exited), report
        assert report.status == 0, self.printed
        return dict(report.outputs)

    async def bad(self, work: Work, run: int = 1, **others: object) -> str:
        """Run what ends bad, and answer what it printed."""
        report = await self.run(work, run, **others)
        assert isinstance(report, Exited), report
        assert report.status == 1, self.printed
        return self.printed


def checkout(remote: Repository, **which: Any) -> GitCheckout:
    return GitCheckout(git=Git(url=remote.url, **which))


def merge(remote: Repository, **which: Any) -> GitMerge:
    return GitMerge(git=Git(url=remote.url, **which))


def files_of(folder: Path) -> dict[str, bytes | str]:
    """What lies in a folder, without the `.git` at its top: bytes, or where a link leads."""
    found: dict[str, bytes | str] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if name == ".git" or name.startswith(".git/"):
            continue
        if path.is_symlink():
            found[name] = str(path.readlink())
        elif path.is_file():
            found[name] = path.read_bytes()
    return found
