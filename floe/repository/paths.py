"""Creates, reads and removes files that a step may have changed, without following links."""

import os
import shutil
import stat
from pathlib import Path


def remove(path: Path) -> None:
    """Delete a path: a file, a link, or a folder with its content, even in read-only folders."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(found.st_mode):
        path.unlink()
        return
    made_writable(path)
    shutil.rmtree(path)


def made_above(where: Path, path: bytes) -> Path:
    """Create the folders above a path in a folder; remove links and files in their place.

    A commit can have a name twice: as a link, and as a folder with a submodule in it. git then
    leaves the link, and operations on the submodule would follow it.
    """
    at = where
    *above, name = os.fsdecode(path).split("/")
    for part in above:
        at /= part
        if not is_folder(at):
            remove(at)
            at.mkdir()
    return at / name


def made_writable(folder: Path) -> None:
    """Make every folder below a path writable; delete all but files, links and folders.

    git would wait forever at a FIFO named `.gitignore`. Files of other users stay unchanged.
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
        except OSError:  # a different user's, or gone: git reports it if it matters
            continue


def plain_text(path: Path, size_max: int = 1 << 20) -> str:
    """The text of a plain file at a path; empty if there is none."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return ""
        with os.fdopen(fd, "rb", closefd=False) as file:  # refuses a folder
            return file.read(size_max).decode(errors="replace")
    finally:
        os.close(fd)


def is_folder(path: Path) -> bool:
    """Whether a path in a repository is a folder, and not a link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except FileNotFoundError:
        return False


def is_plain(path: Path) -> bool:
    """Whether a path is a plain file, and not a link to one."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except FileNotFoundError:
        return False
