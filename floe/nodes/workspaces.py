"""The working folders of runs, created on first use and empty then.

Everything is below `<root>/spaces`, which floe created and marked; floe deletes nothing else.

Rules of this file: to empty a folder, floe first renames it into `spaces/.trash`, so that a start
never waits for a deletion; a separate thread deletes; links are removed, never followed.
"""

import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from floe.files import FileFolders, file_kind_of, private
from floe.model.errors import World
from floe.model.ids import Key, ref_of
from floe.nodes.base import Job, Space
from floe.threads import Threads

log = structlog.get_logger()

MARKER: Final = ".floe-spaces"
_TRASH: Final = ".trash"
_SHARED: Final = "single"
"""The workspace of a flow with `reuse-space`."""

_NOTE: Final = re.compile(r"\..+\.[0-9]+")
"""The name of a note that an epoch of a run has begun in its workspace."""

_READY_MAX: Final = 1024
"""How many runs are remembered as ready; any other run is checked again."""


class Workspaces:
    """Makes, empties and removes workspaces below one root."""

    def __init__(self, root: Path) -> None:
        """`root` is the workspace root; it does not need to exist."""
        self._spaces = root / "spaces"
        self._folders = FileFolders()
        self._ready: dict[tuple[Path, str], None] = {}
        self._notes: dict[Path, set[Path]] = {}
        """The notes of later epochs, in the folders that were listed."""
        self._sweeper = Threads("floe-sweep", 1)
        self._owned = False

    def open(self) -> None:
        """Continue deletions that a crash interrupted, in the thread that deletes."""
        self._sweeper.submit(self._continue)

    def _continue(self) -> None:
        try:
            self._sweep_trash()
        except (OSError, World) as error:
            log.warning("workspace.not_deleted", folder=str(self._spaces), error=str(error))

    def _sweep_trash(self) -> None:
        trash = self._spaces / _TRASH
        if trash.is_dir() and not trash.is_symlink():
            self._own()
            for folder in trash.iterdir():
                self._sweep(folder)

    def close(self) -> None:
        """Stop deleting; the next `open` continues."""
        self._sweeper.drop()
        self._folders.close()

    def ready_for(self, job: Job, folders: FileFolders | None = None) -> None:
        """Make sure that the workspace of a job exists, see `ready`."""
        moved_from, reuse = job.moved_from, job.reuse_space
        self.ready(job.workspace, job.key, reuse=reuse, moved_from=moved_from, folders=folders)

    def ready(
        self,
        workspace: Path,
        key: Key,
        *,
        reuse: bool,
        moved_from: Path | None = None,
        folders: FileFolders | None = None,
    ) -> None:
        """Make sure that a workspace exists, and is empty before the run's first use of it.

        A re-run gets the workspace `moved_from` of an earlier run instead, if that still exists.
        With `reuse` a workspace is never emptied. A run that restarts from the beginning (a new
        epoch) gets an empty workspace again. Folders that a user removed by hand are created
        again, except the workspace of a run that has already used it. In a thread, give `folders`
        of its own. Raises World or OSError.
        """
        use = (workspace, f"{key.run.key}.{key.epoch}")
        if use in self._ready:
            _check_workspace(workspace)
            return
        if workspace.parent.parent.parent != self._spaces:
            self._inside(workspace)
        folders = folders or self._folders
        note = None if key.epoch == 1 or reuse else _note_of_epoch(workspace, key.epoch)
        try:
            self._own()
            is_new = self._moved(moved_from, workspace, folders, note)
            is_new = is_new or self._made(workspace, folders)
        except FileNotFoundError:  # a user removed the folders
            self._owned = False
            self._own()
            is_new = self._made(workspace, folders)
        if note is not None:
            self._begin(workspace, note, is_new=is_new)
        self._ready[use] = None
        if len(self._ready) > _READY_MAX:
            self._ready.pop(list(self._ready)[0], None)  # noqa: RUF015  # threads change it

    def _made(self, workspace: Path, folders: FileFolders) -> bool:
        """Create a workspace; False if it exists. Follows no link below `spaces`."""
        path = str(workspace)
        folder = folders.enter(path, make=True, mode=0o777)
        try:
            os.mkdir(path.rpartition("/")[2], dir_fd=folder)
        except FileExistsError:
            _check_workspace(workspace)
            return False
        return True

    def _moved(
        self, old: Path | None, workspace: Path, folders: FileFolders, note: Path | None
    ) -> bool:
        """Make the workspace of an earlier run this run's; False where there is nothing to move.

        The note of a later epoch comes first: without it, a start after a crash would take what was
        moved for the workspace of an earlier epoch and empty it. Then the state of the git nodes
        moves: a crash in between leaves the workspace to be moved again.
        """
        if old is None or os.path.lexists(workspace) or not old.is_dir() or old.is_symlink():
            return False
        try:
            self._inside(old)
        except World as error:  # the host has a different workspace root since
            log.warning("workspace.not_moved", folder=str(old), error=str(error))
            return False
        folders.enter(str(workspace), make=True, mode=0o777)
        if note is not None:
            self._write_note(note)
        with suppress(FileNotFoundError):
            git_state(old).rename(git_state(workspace))
        old.rename(workspace)
        self._remove_notes(old)
        self._ready = {use: None for use in list(self._ready) if use[0] != old}
        return True

    @property
    def root(self) -> Path:
        """As in the port `Spaces`."""
        return self._spaces

    def path(self, space: Space) -> Path:
        """As in the port."""
        return self._spaces / space.flow / "ws" / (space.run or _SHARED)

    def each(self) -> Iterator[Space]:
        """As in the port."""
        for folder in self._spaces.glob("[!.]*/ws/[!.]*"):
            flow, name = folder.parent.parent.name, folder.name
            if name == _SHARED or ref_of(name) is not None:
                yield Space(flow, "" if name == _SHARED else name)

    def remove(self, workspace: Path) -> None:
        """As in the port."""
        self._inside(workspace)
        state = git_state(workspace)
        if not (os.path.lexists(workspace) or os.path.lexists(state)):
            return
        self._own()
        self._ready = {use: None for use in list(self._ready) if use[0] != workspace}
        self._discard(workspace)
        self._discard(state)
        self._remove_notes(workspace)

    def _remove_notes(self, workspace: Path) -> None:
        notes = self._notes_in(workspace.parent)
        for note in tuple(notes):  # threads change it
            if note.name.startswith(f".{workspace.name}."):
                note.unlink(missing_ok=True)
                notes.discard(note)

    def _begin(self, workspace: Path, note: Path, *, is_new: bool) -> None:
        """Empty the workspace of an earlier epoch, and write a note that this epoch has begun.

        The first epoch needs no note: a run's key is unique, so whatever its first epoch finds is
        its own. A note would double the cost of creating a workspace.
        """
        if note.exists():
            return
        if not is_new:
            self._discard(workspace)
            workspace.mkdir()
        self._write_note(note)

    def _write_note(self, note: Path) -> None:
        note.touch()
        if (known := self._notes.get(note.parent)) is not None:
            known.add(note)

    def _notes_in(self, folder: Path) -> set[Path]:
        """The notes in a folder. It is listed once, since it may have very many workspaces."""
        if folder not in self._notes:
            names = filter(_NOTE.fullmatch, os.listdir(folder))  # noqa: PTH208  # a Path for each is slow
            self._notes[folder] = {folder / name for name in names}
        return self._notes[folder]

    def _discard(self, workspace: Path) -> None:
        self._inside(workspace)
        trash = self._spaces / _TRASH
        if trash.is_symlink():  # a command made this link; its target is not floe's to delete
            trash.unlink()
        trash.mkdir(exist_ok=True)
        doomed = trash / f"{workspace.name}.{os.urandom(6).hex()}"
        with suppress(FileNotFoundError):
            workspace.rename(doomed)
            self._sweep(doomed)

    def _sweep(self, folder: Path) -> None:
        self._sweeper.submit(partial(_try_to_delete_workspace, folder))

    def _own(self) -> None:
        """Check that floe created `spaces`, or create it. Raises World."""
        if self._owned:
            return
        marker = self._spaces / MARKER
        if not marker.exists():
            self._spaces.mkdir(mode=0o700, parents=True, exist_ok=True)
            # A different thread may do the same: it marks the folder before it puts anything in.
            if any(self._spaces.iterdir()) and not marker.exists():
                raise World(
                    f"{self._spaces} was not created by floe",
                    "empty it, or set a different workspace-root",
                )
            marker.touch()
        private(self._spaces)
        self._owned = True

    def _inside(self, workspace: Path) -> None:
        """Check that a path is below `spaces` and that no link leads elsewhere. Raises World."""
        folder = Path(os.path.realpath(workspace.parent))
        if (
            workspace.name in ("", ".", "..", MARKER, _TRASH)
            or not workspace.is_absolute()
            or ".." in workspace.parts
            or not folder.is_relative_to(os.path.realpath(self._spaces))
            or folder == Path(os.path.realpath(self._spaces))
        ):
            raise World(f"{workspace} is not a workspace below {self._spaces}")


def _note_of_epoch(workspace: Path, epoch: int) -> Path:
    """The file beside a workspace that says that an epoch of its run has begun in it."""
    return workspace.with_name(f".{workspace.name}.{epoch}")


def git_state(workspace: Path) -> Path:
    """The folder beside a workspace with what its git nodes remember."""
    return workspace.with_name(f".{workspace.name}")


def _check_workspace(workspace: Path) -> None:
    """Check that a workspace still exists. Raises World if it was removed or replaced."""
    try:
        mode = os.lstat(workspace).st_mode
    except FileNotFoundError:
        what = f"the working directory {workspace} was removed during the run"
        raise World(what) from None
    if not stat.S_ISDIR(mode):
        raise World(f"the working directory {workspace} {file_kind_of(mode)}, not a folder")


def inside(workspace: Path, name: str) -> Path:
    """The real path of a name in a workspace, with links followed; it may not exist.

    Raises World if it leads out of the workspace.
    """
    real = os.path.realpath(workspace / name)
    root = os.path.realpath(workspace)
    if real != root and not real.startswith(root + os.sep):
        raise World(
            f"{name} leads out of the workspace",
            "links are followed; use a path inside the workspace",
        )
    return Path(real)


def _try_to_delete_workspace(folder: Path) -> None:
    try:
        _delete_workspace(folder)
    except OSError as error:
        log.warning("workspace.not_deleted", folder=str(folder), error=str(error))


def _delete_workspace(folder: Path) -> None:
    """Delete a folder with its content, read-only or not (such as Go's module cache)."""
    if folder.is_symlink() or not folder.is_dir():
        folder.unlink(missing_ok=True)
        return
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        folder.chmod(stat.S_IRWXU)
        for parent, names, _ in os.walk(folder):
            for child in (Path(parent, name) for name in names):
                if not child.is_symlink():
                    child.chmod(stat.S_IRWXU)
        shutil.rmtree(folder)
