"""The `.git` of a repository: keeps only its objects, and writes everything else again.

Rules of this file: it follows no link, opens only plain files, and touches nothing outside of the
folder.
"""

import os
import re
from pathlib import Path
from typing import Final

from floe.repository.command import GitCommand, GitCommandFailed, connection_config, setting_of
from floe.repository.paths import is_folder, made_writable, plain_text, remove
from floe.repository.state import FolderState
from floe.repository.task import FULL_HASH, Task, TaskFailed

PACKS_MAX: Final = 200
LOOSE_MAX: Final = 20_000
"""More packs or loose objects, from fetches into a reused workspace, would make git slow."""
_PACK: Final = re.compile(r"pack-[0-9a-f]+\.(pack|idx)")
_LOOSE: Final = re.compile(r"[0-9a-f]{38,62}")
_FANOUT: Final = re.compile(r"[0-9a-f]{2}")
_ASIDE: Final = ("objects", "shallow")
_LFS: Final = (
    ("filter.lfs.clean", "git-lfs clean -- %f"),
    ("filter.lfs.smudge", "git-lfs smudge -- %f"),
    ("filter.lfs.process", "git-lfs filter-process"),
    ("filter.lfs.required", "true"),
)


class Folder:
    """A trusted repository, which replaces whatever was in its place."""

    def __init__(self, task: Task) -> None:
        """Create it. Raises TaskFailed if something else is in its place."""
        self.task = task
        self.where = Path(task.where)
        is_bare = task.operation == "show"
        self.gitdir = self.where if is_bare else self.where / ".git"
        if os.path.realpath(self.where) != task.where or (
            self.where.exists() and not self.where.is_dir()
        ):
            raise TaskFailed(f"{self.where} exists and is not a folder")
        self.where.mkdir(parents=True, exist_ok=True)
        self.state = FolderState.read(task.state, self.where)
        if not is_bare:
            self._claim()
        self.head = _head(self.gitdir)
        """The commit that was checked out here; empty if unknown."""
        self.has_objects = _tidied(self.gitdir)
        self._write()
        self.git = GitCommand(self.gitdir, None if is_bare else self.where)
        config, self._config = connection_config(self.gitdir)
        self.git = GitCommand(self.gitdir, self.git.tree, config)
        self._remember()

    def set_objects_aside(self) -> None:
        """Start without objects, since the present ones may be damaged."""
        for name in _ASIDE:
            if os.path.lexists(self.gitdir / name):
                (self.gitdir / name).rename(self.gitdir / f"{name}.aside")
        for name in os.listdir(self.gitdir):  # noqa: PTH208 - names only
            if not name.endswith(".aside"):
                remove(self.gitdir / name)
        self.has_objects = False
        self._write()
        self._remember()

    def take_objects_back(self) -> None:
        """Restore the objects, because the remote gave no new ones."""
        for name in _ASIDE:
            if os.path.lexists(self.gitdir / f"{name}.aside"):
                remove(self.gitdir / name)
                (self.gitdir / f"{name}.aside").rename(self.gitdir / name)

    def close(self) -> None:
        """Remove files that only fetching needed; `git` cannot be used afterwards."""
        os.close(self._config)
        for name in _ASIDE:
            remove(self.gitdir / f"{name}.aside")
        remove(self.gitdir / "packed-refs")

    def _claim(self) -> None:
        """Record that floe created the folder, in case its `.git` vanishes."""
        if not self.state.is_ours:
            if not os.path.lexists(self.gitdir) and any(self.where.iterdir()):
                raise TaskFailed(f"{self.where} exists and is not a git repository")
            self.state.claim(self.where)

    def _write(self) -> None:
        if self.gitdir != self.where:
            self.gitdir.mkdir(exist_ok=True)
        for name in ("objects/info", "objects/pack", "refs/heads", "refs/tags"):
            (self.gitdir / name).mkdir(parents=True, exist_ok=True)
        (self.gitdir / "HEAD").write_text("ref: refs/heads/main\n")
        task = self.task
        config = [
            ("core.repositoryformatversion", "0"),
            ("core.filemode", "true"),
            ("core.bare", "true" if self.gitdir == self.where else "false"),
            ("remote.origin.url", task.url),
            ("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"),
            *(_LFS if task.lfs else ()),
        ]
        text = "".join(setting_of(key, value) for key, value in config)
        (self.gitdir / "config").write_bytes(os.fsencode(text))

    def _remember(self) -> None:
        """Write refs for the commits here, so that a fetch brings only missing objects.

        The refs have their own names, so a branch `release` that becomes `release/1.0` has no
        conflict.
        """
        remove(self.gitdir / "packed-refs")
        if self.has_objects and self.state.tips:
            tips = "".join(f"{tip}^{{commit}}\n" for tip in self.state.tips).encode()
            try:
                found = self.git.run("cat-file", "--batch-check", data=tips).decode().splitlines()
            except GitCommandFailed:  # damaged; the next command reports it
                return
            here = sorted({line.split()[0] for line in found if line.split()[1:2] == ["commit"]})
            lines = "".join(f"{tip} refs/floe/{tip}\n" for tip in here)
            (self.gitdir / "packed-refs").write_text(lines)


def _head(gitdir: Path) -> str:
    """The commit that HEAD names, read without git, because the config is not trusted yet."""
    if not is_folder(gitdir):
        return ""
    text = plain_text(gitdir / "HEAD").strip()
    if text.startswith("ref: refs/") and ".." not in text:
        ref = text.removeprefix("ref: ")
        path = gitdir / ref
        if os.path.realpath(path.parent) != str(path.parent):
            return ""
        text = plain_text(path).strip()
        if not text:
            packed = plain_text(gitdir / "packed-refs", 1 << 26).splitlines()
            text = next((line.split()[0] for line in packed if line.split()[1:] == [ref]), "")
    return text if FULL_HASH.fullmatch(text) else ""


def _tidied(gitdir: Path) -> bool:
    """Remove everything but the objects; return whether there are any."""
    if not is_folder(gitdir):
        remove(gitdir)
        return False
    made_writable(gitdir)
    with os.scandir(gitdir) as entries:
        strays = [entry.name for entry in entries if entry.name not in _ASIDE]
    for name in strays:
        remove(gitdir / name)
    shallow = gitdir / "shallow"
    if os.path.lexists(shallow):
        lines = plain_text(shallow, 1 << 26).split()
        if not lines or not all(FULL_HASH.fullmatch(line) for line in lines):
            remove(shallow)
    objects = gitdir / "objects"
    count = _tidied_objects(objects) if is_folder(objects) else 0
    if not count:
        remove(objects)
        remove(shallow)
    return bool(count)


def _tidied_objects(objects: Path) -> int:
    """Remove all but packs and loose objects; return their number, or 0 if too many to be fast."""
    packs = loose = 0
    for folder in list(objects.iterdir()):
        is_pack = folder.name == "pack"
        if not is_folder(folder) or not (is_pack or _FANOUT.fullmatch(folder.name)):
            remove(folder)
            continue
        names = _PACK if is_pack else _LOOSE
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.is_file(follow_symlinks=False) or not names.fullmatch(entry.name):
                    remove(Path(entry.path))
                elif is_pack:
                    packs += entry.name.endswith(".pack")
                else:
                    loose += 1
    return 0 if packs > PACKS_MAX or loose > LOOSE_MAX else packs + loose
