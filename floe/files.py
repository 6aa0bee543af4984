"""Files that a user's command can reach, opened so that nothing put there blocks the host.

A command runs as the host's user: it can replace its output, its input, its outputs, or a folder
above them by a named pipe, a link, a folder or a device. Every reader and writer of such a file
uses this module.

Rules of this file: below a root no link is followed; an open never waits for another process; a
file that is not plain is refused, with a sentence that names its kind.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

OWN_PARTS: Final = 3
"""The parts of an attempt's path below the root: `runs/<run key>/<file>`."""

SPARSE: Final = 1000
"""A file that is this many times longer than its blocks is not an output: outputs have no holes,
and no compressing file system gains that much."""
SPARSE_BYTES: Final = 1024**3

FOLDERS_MAX: Final = 64
"""Folders that a `FileFolders` keeps open: those of more runs than most hosts work on at once."""

PROBE: Final = ".floe-probe"
PROBE_BYTES: Final = 4096

FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
"""Errors of a disk without room, of a read-only one, and of a broken one: waiting helps."""

EXHAUSTED: Final = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE})
"""The machine is out of processes, memory or open files for now; a later try may succeed."""

_SAFE: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_PATH: Final = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_FOLDER: Final = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_KINDS: Final = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFLNK: "a link",
    stat.S_IFDIR: "a folder",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFREG: "a file",
}


class NotPlain(OSError):
    """A plain file or folder was replaced; the text names its new kind."""

    def __str__(self) -> str:
        return f"{self.filename} {self.strerror}"


def private(folder: Path) -> None:
    """Make a folder for files of floe's user only; close an existing one to all others.

    Files below it keep their modes. A folder of another user is left unchanged. Raises OSError.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_mode & 0o077 and found.st_uid == os.geteuid():
        folder.chmod(0o700)


@contextmanager
def folder_of(path: Path, *, make: bool = False, mode: int = 0o700) -> Iterator[int]:
    """The folder of a file that commands can reach, as a descriptor; `make`: created if missing.

    Raises FileNotFoundError, NotPlain if a link or a file replaced a folder, OSError.
    """
    root, *names, _ = str(path).rsplit("/", OWN_PARTS)
    fd = os.open(root or "/", _PATH)
    try:
        for name in names:
            above, root = fd, f"{root}/{name}"
            fd = _into(above, root, make=make, mode=mode)
            os.close(above)
        yield fd
    finally:
        os.close(fd)


class FileFolders:
    """Folders of files that commands can reach, kept open for a single thread.

    A step uses its run's folder several times, and each system call may wait for the interpreter's
    lock. So a folder is entered once; after that a single call shows that it has not moved, and
    that no link has come into its path.
    """

    def __init__(self) -> None:
        self._open: dict[str, _Folder] = {}
        """The one that was not used for the longest time comes first."""

    def enter(self, path: str, *, make: bool = False, mode: int = 0o700) -> int:
        """Enter a folder of files as `folder_of` does; the descriptor stays with this object."""
        folder = path.rpartition("/")[0]
        if (fd := self._known(folder)) >= 0:
            return fd
        root, name, _, _ = path.rsplit("/", OWN_PARTS)
        above = f"{root}/{name}"
        if (fd := self._known(above)) < 0:
            top = os.open(root or "/", _PATH)
            try:
                fd = self._keep(above, _into(top, above, make=make, mode=mode), root)
            finally:
                os.close(top)
        return self._keep(folder, _into(fd, folder, make=make, mode=mode), root)

    def close(self) -> None:
        """Close all folders of files."""
        while self._open:
            os.close(self._open.popitem()[1].fd)

    def _known(self, path: str) -> int:
        """The descriptor of a folder that is open and still there; -1 for none."""
        folder = self._open.pop(path, None)
        if folder is None:
            return -1
        if _is_at(folder):
            self._open[path] = folder
            return folder.fd
        os.close(folder.fd)
        return -1

    def _keep(self, path: str, fd: int, root: str) -> int:
        if len(self._open) >= FOLDERS_MAX:
            os.close(self._open.pop(next(iter(self._open))).fd)
        self._open[path] = _Folder(fd, f"/proc/self/fd/{fd}", _real(root) + path[len(root) :])
        return fd


class _Folder(NamedTuple):
    fd: int
    link: str
    """The link of the descriptor in /proc."""
    real: str
    """The path of the folder when it was entered."""


def _is_at(folder: _Folder) -> bool:
    try:
        return os.readlink(folder.link) == folder.real  # noqa: PTH115 - each step does this
    except OSError:  # no /proc: the folder is entered each time
        return False


@lru_cache(maxsize=16)
def _real(root: str) -> str:
    """The path of a root. A folder of a root that moves is entered each time from then on."""
    return os.path.realpath(root or "/").rstrip("/")


def open_in(folder: int, path: str, flags: int = os.O_RDONLY, mode: int = 0o600) -> int:
    """Open a plain file whose folder is open. Raises FileNotFoundError, NotPlain, OSError."""
    name = path.rpartition("/")[2]
    try:
        fd = os.open(name, flags | _SAFE, mode, dir_fd=folder)
    except OSError as error:
        # A link, a socket, a pipe without a reader, or a folder to be written.
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
            raise _odd(folder, name, "a plain file", path) from None
        raise
    try:
        _check(os.fstat(fd), path)
    except BaseException:
        os.close(fd)
        raise
    return fd


@contextmanager
def opened(path: Path, flags: int = os.O_RDONLY, *, make: bool = False) -> Iterator[int]:
    """Open a file that commands can reach. Raises FileNotFoundError, NotPlain, OSError."""
    with folder_of(path, make=make) as folder:
        fd = open_in(folder, str(path), flags)
    try:
        yield fd
    finally:
        os.close(fd)


def opened_plain(path: Path, flags: int = os.O_RDONLY, mode: int = 0o600) -> int:
    """Open a plain file anywhere else; links in its folders are followed, the last is not.

    Raises FileNotFoundError, NotPlain, OSError.
    """
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return open_in(folder, str(path), flags, mode)
    finally:
        os.close(folder)


def read_named(path: Path, most: int) -> bytes:
    """The content of a file that a user names; links are followed.

    A pipe is read if a shell opened it: `/dev/stdin`, `/dev/fd/63` of `<(command)`. Raises
    FileNotFoundError, NotPlain (also for more than `most` bytes), OSError.
    """
    is_open = str(path).startswith(("/dev/fd/", "/dev/stdin", "/proc/self/fd/"))
    wait = 0 if is_open else os.O_NONBLOCK
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | wait)
    try:
        mode = os.fstat(fd).st_mode
        if not (stat.S_ISREG(mode) or (is_open and stat.S_ISFIFO(mode))):
            raise _not_plain(mode, "a plain file", str(path))
        data = bytearray()
        while len(data) <= most and (part := os.read(fd, most + 1 - len(data))):
            data += part
    finally:
        os.close(fd)
    if len(data) > most:
        raise NotPlain(errno.EFBIG, f"is larger than {most} bytes", str(path))
    return bytes(data)


def size_of(path: Path) -> int:
    """The size of a file that commands can reach; 0 if there is none. Raises NotPlain, OSError."""
    try:
        with folder_of(path) as folder:
            return size_in(folder, str(path))
    except FileNotFoundError:
        return 0


def size_in(folder: int, path: str) -> int:
    """The size of a file if its folder is open. Raises FileNotFoundError, NotPlain, OSError."""
    found = os.stat(path.rpartition("/")[2], dir_fd=folder, follow_symlinks=False)
    _check(found, path)
    return found.st_size


def write_probe(folder: Path) -> None:
    """Write a small file and remove it. Raises OSError if the disk or a quota forbids it."""
    path = folder / PROBE
    path.unlink(missing_ok=True)
    fd = opened_plain(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        os.write(fd, bytes(PROBE_BYTES))
    finally:
        os.close(fd)
        path.unlink(missing_ok=True)


def file_kind_of(mode: int) -> str:
    """A mode in words: `is a link`."""
    return f"is {_KINDS.get(stat.S_IFMT(mode), 'something odd')}"


def reason_of(error: OSError) -> str:
    """The error about a file, without its path, as the end of a sentence."""
    return error.strerror or str(error)


def _into(above: int, path: str, *, make: bool, mode: int) -> int:
    """The folder at a path, opened in the one above it. Raises as `folder_of` does."""
    name = path.rpartition("/")[2]
    try:
        try:
            return os.open(name, _FOLDER, dir_fd=above)
        except FileNotFoundError:
            if not make:
                raise
            with suppress(FileExistsError):  # created by another thread in between
                os.mkdir(name, mode, dir_fd=above)
            return os.open(name, _FOLDER, dir_fd=above)
    except NotADirectoryError:
        raise _odd(above, name, "a folder", path) from None


def _check(found: os.stat_result, path: str) -> None:
    """Raises NotPlain for a file that is not plain, and for one that was only extended."""
    if not stat.S_ISREG(found.st_mode):
        raise _not_plain(found.st_mode, "a plain file", path)
    if found.st_size > SPARSE_BYTES and found.st_size > SPARSE * 512 * found.st_blocks:
        what = f"is {found.st_size} bytes long with almost no content"
        raise NotPlain(errno.EFBIG, what, path)


def _odd(folder: int, name: str, wanted: str, path: str) -> NotPlain:
    return _not_plain(os.lstat(name, dir_fd=folder).st_mode, wanted, path)


def _not_plain(mode: int, wanted: str, path: str) -> NotPlain:
    return NotPlain(errno.EINVAL, f"{file_kind_of(mode)}, not {wanted}", path)
