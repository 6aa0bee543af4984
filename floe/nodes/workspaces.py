"""The folders in which runs work: made when first needed, emptied before that.

Everything lies below `<root>/spaces`, which floe made and marked; nothing else is ever deleted.

Rules of this file: a folder that is to be emptied is renamed into `spaces/.trash` first, so that
a start never waits for a deletion; the deletion runs in a thread of its own; links are removed,
never followed.
"""

import os
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

from floe.files import folder_of, kind_of, private
from floe.model.errors import World
from floe.model.refs import Key

log = structlog.get_logger()

MARKER: Final = ".floe-spaces"
_TRASH: Final = ".trash"
_READY_MAX: Final = 1024
"""Runs whose workspace is known to be there; one that is forgotten is looked for again."""


class Workspaces:
    """Makes, empties and removes workspaces below one root."""

    def __init__(self, root: Path) -> None:
        """`root` is the workspace root; it need not exist."""
        self._spaces = root / "spaces"
        self._ready: dict[tuple[Path, str], None] = {}
        self._sweeper: ThreadPoolExecutor | None = None
        self._owned = False

    def open(self) -> None:
        """Go on with deletions that a crash cut short."""
        trash = self._spaces / _TRASH
        if trash.is_dir() and not trash.is_symlink():
            self._own()
            for folder in trash.iterdir():
                self._sweep(folder)

    def close(self) -> None:
        """Let go; what is still to be deleted is deleted after the next `open`."""
        if self._sweeper:
            self._sweeper.shutdown(wait=False, cancel_futures=True)
            self._sweeper = None

    def ready(self, workspace: Path, key: Key, *, reuse: bool) -> None:
        """Make a workspace ready for a run: there, and empty before its first use by the run.

        With `reuse` it is never emptied. A run that was restarted from the beginning (a new
        epoch) finds it empty again. Folders that somebody removed by hand are made again, but not
        the workspace of a run that has used it. Raises World or OSError.
        """
        use = (workspace, f"{key.run.key}.{key.epoch}")
        if use in self._ready:
            _check(workspace)
            return
        if self._spaces not in workspace.parents[2:3]:
            self._inside(workspace)
        try:
            self._own()
            is_new = _made(workspace)
        except FileNotFoundError:  # somebody removed what was there
            self._owned = False
            self._own()
            is_new = _made(workspace)
        if key.epoch > 1 and not reuse:
            self._begin(workspace, key.epoch, is_new=is_new)
        self._ready[use] = None
        if len(self._ready) > _READY_MAX:
            del self._ready[next(iter(self._ready))]

    def remove(self, workspace: Path) -> None:
        """Delete a workspace for good, soon. Raises World if it is not one of ours."""
        self._own()
        self._ready = {use: None for use in self._ready if use[0] != workspace}
        self._discard(workspace)
        for marker in workspace.parent.glob(f".{workspace.name}.*"):
            marker.unlink(missing_ok=True)

    def _begin(self, workspace: Path, epoch: int, *, is_new: bool) -> None:
        """Empty what an earlier epoch left, and note that this one has begun.

        The first epoch needs no note, which would double what making a workspace costs: a run's
        key is unique, so what its first epoch finds is its own.
        """
        note = workspace.with_name(f".{workspace.name}.{epoch}")
        if note.exists():
            return
        if not is_new:
            self._discard(workspace)
            workspace.mkdir()
        note.touch()

    def _discard(self, workspace: Path) -> None:
        self._inside(workspace)
        trash = self._spaces / _TRASH
        if trash.is_symlink():  # a command's doing: what is there is not ours to delete
            trash.unlink()
        trash.mkdir(exist_ok=True)
        doomed = trash / f"{workspace.name}.{os.urandom(6).hex()}"
        with suppress(FileNotFoundError):
            workspace.rename(doomed)
            self._sweep(doomed)

    def _sweep(self, folder: Path) -> None:
        self._sweeper = self._sweeper or ThreadPoolExecutor(1, "floe-sweep")
        self._sweeper.submit(_deleted, folder)

    def _own(self) -> None:
        """Prove that floe made `spaces`, or make it."""
        if self._owned:
            return
        marker = self._spaces / MARKER
        if not marker.exists():
            self._spaces.mkdir(mode=0o700, parents=True, exist_ok=True)
            if any(self._spaces.iterdir()):
                raise World(
                    f"{self._spaces} was not made by floe",
                    "empty it, or set another workspace-root",
                )
            marker.touch()
        private(self._spaces)
        self._owned = True

    def _inside(self, workspace: Path) -> None:
        """Prove that the path is one of ours and that no link on the way leads elsewhere."""
        folder = Path(os.path.realpath(workspace.parent))
        if (
            workspace.name in ("", ".", "..", MARKER, _TRASH)
            or not workspace.is_absolute()
            or ".." in workspace.parts
            or not folder.is_relative_to(os.path.realpath(self._spaces))
            or folder == Path(os.path.realpath(self._spaces))
        ):
            raise World(f"{workspace} is not a workspace below {self._spaces}")


def _made(workspace: Path) -> bool:
    """Make a workspace; False where it was there. No link below `spaces` is followed."""
    with folder_of(workspace, make=True, mode=0o777) as folder:
        try:
            os.mkdir(workspace.name, dir_fd=folder)
        except FileExistsError:
            _check(workspace)
            return False
    return True


def _check(workspace: Path) -> None:
    """See that a workspace is still there. Raises World: what was in it is lost, or elsewhere."""
    try:
        mode = os.lstat(workspace).st_mode
    except FileNotFoundError:
        what = f"the working directory {workspace} was removed while the run was under way"
        raise World(what) from None
    if not stat.S_ISDIR(mode):
        raise World(f"the working directory {workspace} {kind_of(mode)}, not a folder")


def inside(workspace: Path, name: str) -> Path:
    """The real path of a name in a workspace, links followed; it need not exist.

    Raises World where it leads out of the workspace.
    """
    real = os.path.realpath(workspace / name)
    root = os.path.realpath(workspace)
    if real != root and not real.startswith(root + os.sep):
        raise World(f"{name} leads out of the workspace", "links are followed; see sub-dir")
    return Path(real)


def _deleted(folder: Path) -> None:
    try:
        _delete(folder)
    except OSError as error:
        log.warning("workspace.not_deleted", folder=str(folder), error=str(error))


def _delete(folder: Path) -> None:
    """Delete a folder and all in it, also below folders that are read-only (Go's module cache)."""
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
