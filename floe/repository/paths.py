"""Files and folders that a step may have changed: made, read and removed with no link followed."""

import os
import shutil
import stat
from pathlib import Path


def remove(path: Path) -> None:
    """Delete a file, a link or a folder with all in it, also below read-only folders."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(found.st_mode):
        path.unlink()
        return
    opened(path)
    shutil.rmtree(path)


def made_above(where: Path, path: bytes) -> Path:
    """Make the folders above a path in a folder; what is no folder there, as a link, is removed.

    A commit can have a name twice, as a link and as a folder with a submodule in it. git then
    leaves the link, and all that is done to the submodule would be done where it leads.
    """
    at = where
    *above, name = os.fsdecode(path).split("/")
    for part in above:
        at /= part
        if not is_folder(at):
            remove(at)
            at.mkdir()
    return at / name


def opened(folder: Path) -> None:
    """Make each folder below one writable for its owner, and drop what is no file, link or folder.

    git would wait for ever at a FIFO that is named `.gitignore`. What belongs to somebody else
    stays as it is.
    """
    waiting = [os.fsencode(folder)]
    while waiting:
        at = waiting.pop()
        try:
            mode = stat.S_IMODE(os.lstat(at).st_mode)
            if mode & stat.S_IRWXU != stat.S_IRWXU:
                os.chmod(at, mode | stat.S_IRWXU)  # noqa: PTH101 - names may be no text
            with os.scandir(at) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif not entry.is_file(follow_symlinks=False) and not entry.is_symlink():
                        os.unlink(entry.path)  # noqa: PTH108
        except OSError:  # another's, or gone: git will say so where it matters
            continue


def plain_text(path: Path, size_max: int = 1 << 20) -> str:
    """What a plain file holds; empty where there is none."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return ""
        with os.fdopen(fd, "rb", closefd=False) as file:  # which refuses a folder
            return file.read(size_max).decode(errors="replace")
    finally:
        os.close(fd)


def is_folder(path: Path) -> bool:
    """Whether a path is a folder and no link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except FileNotFoundError:
        return False


def is_plain(path: Path) -> bool:
    """Whether a plain file is there, and no link to one."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except FileNotFoundError:
        return False
