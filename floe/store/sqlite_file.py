"""A SQLite store's folder: its lock, the database file, and the schema it is brought to."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from floe.model.errors import StoreBusy, StoreFailed, StoreForeign
from floe.model.refs import StoreId
from floe.store.rules import new_store_id
from floe.store.sql import migrations, queries

APPLICATION_ID: Final = 0x666C6F65
"""`floe`, in the header of every database that floe made."""

POS_SKIP: Final = 1 << 20
"""Positions left out where the power may have failed: far more than it can have taken.

Others may have heard of the lost ones. Given again to other facts, these would be missed by
whoever had heard the first.
"""

LOST_HINT: Final = (
    "put the file back and this host goes on; or stop the host, restore the store, start it again"
)

_MAGIC: Final = b"SQLite format 3\0"

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


@contextmanager
def locked_folder(root: Path) -> Iterator[Path]:
    """Make the folder if need be and keep other processes out of it; gives the database's path.

    The lock goes with the process, however it ends; its file stays. Raises StoreBusy,
    StoreForeign, OSError.
    """
    try:
        _make_folder(root)
    except (FileExistsError, NotADirectoryError) as error:
        raise StoreForeign(f"{error.filename} is not a directory", "choose another root") from error
    fd = os.open(root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(fd, root)
        yield root / "floe.db"
    finally:
        os.close(fd)


def open_database(path: Path) -> sqlite3.Connection:
    """Open a store's database for writing, making it or bringing it to today's schema.

    Raises StoreForeign, StoreFailed, OSError, sqlite3.Error.
    """
    _make_file(path)
    conn = connect(path)
    try:
        _bring_up_to_date(conn, path)
        _write_ahead(conn, path)
    except BaseException as error:
        conn.close()
        if isinstance(error, sqlite3.Error) and error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            raise StoreForeign(f"{path} is not a SQLite database") from error
        raise
    return conn


def connect(path: Path) -> sqlite3.Connection:
    """A connection that any one thread at a time may use; transactions are begun by hand."""
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False)


def boot_id() -> str:
    """Which start of this machine it runs since; empty where that cannot be known."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


class Begun(NamedTuple):
    """From where a store goes on when it is opened."""

    head: int
    """The highest position that anybody may know; the next is given to the next event."""
    skipped: range
    """Positions before it that were never given and never will be."""


def begin(conn: sqlite3.Connection, boot: str) -> Begun:
    """Begin to use a store's database, for the first time or again.

    All that is in it is on the disk afterwards: nobody is told what the power may still take
    although the process that stored it is gone. Raises sqlite3.Error.
    """
    sql = queries()
    conn.execute("PRAGMA synchronous = FULL")
    with conn:
        conn.execute("BEGIN IMMEDIATE")
        is_new = conn.execute(sql["make_meta"], (new_store_id(),)).rowcount > 0
        known = {name: conn.execute(sql["meta"], (name,)).fetchone() for name in ("boot", "head")}
        [last] = conn.execute(sql["last_pos"]).fetchone()
        if known["head"]:
            last = max(last, int(*known["head"]))
        is_same_boot = is_new or (boot != "" and known["boot"] == (boot,))
        head = last if is_same_boot else last + POS_SKIP
        conn.executemany(sql["put_meta"], (("boot", boot), ("head", str(head))))
    return Begun(head, range(last + 1, head))


class Files:
    """The files of a database that is open for writing, by what they were when it was opened.

    SQLite writes to the files that it opened, wherever they are by now, and asks no more: what it
    stores in one that was removed, moved or replaced is lost with the process.
    """

    def __init__(self, path: Path) -> None:
        """`path` is the database's, in which something was written. Raises OSError."""
        names = (str(path), f"{path}-wal")  # texts: they are looked at often
        self._known = {name: os.stat(name) for name in names}  # noqa: PTH116

    def check(self) -> None:
        """See that the names still lead to these files. Raises StoreFailed."""
        for name, known in self._known.items():
            try:
                is_same = os.path.samestat(os.stat(name), known)  # noqa: PTH116
            except OSError as error:
                raise StoreFailed(f"{name}: {error.strerror}", LOST_HINT) from None
            if not is_same:
                raise StoreFailed(f"{name} is another file than the one that was opened", LOST_HINT)


def store_id_in(conn: sqlite3.Connection) -> StoreId:
    """The id that the store was made with."""
    [store_id] = conn.execute(queries()["meta"], ("store_id",)).fetchone()
    return StoreId(store_id)


def _make_folder(path: Path) -> None:
    if path.is_dir():
        return
    _make_folder(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    fd = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)  # SQLite syncs the folder of its files, not the folders above
    finally:
        os.close(fd)


def _lock(fd: int, root: Path) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        pid, _, host = os.pread(fd, 300, 0).decode(errors="replace").strip().partition(" ")
        owner = f"process {pid} on {host}" if pid else "another process"
        raise StoreBusy(
            f"{root} is in use by {owner}", "stop that one, or choose another root"
        ) from error
    os.ftruncate(fd, 0)
    os.pwrite(fd, f"{os.getpid()} {os.uname().nodename}\n".encode(), 0)


def _make_file(path: Path) -> None:
    """Make an empty file that this user alone can read, or see that SQLite wrote the one there."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if os.fstat(fd).st_uid == os.geteuid():
            os.fchmod(fd, 0o600)  # a copy from a backup may be readable by all
        start = os.read(fd, len(_MAGIC))
    finally:
        os.close(fd)
    if start not in (b"", _MAGIC):  # empty: a crash between making and filling it
        raise StoreForeign(f"{path} is not a SQLite database", "choose another root")


def _write_ahead(conn: sqlite3.Connection, path: Path) -> None:
    [mode] = conn.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise StoreFailed(f"{path}: its file system cannot carry a write-ahead log")


def _bring_up_to_date(conn: sqlite3.Connection, path: Path) -> None:
    [application] = conn.execute("PRAGMA application_id").fetchone()
    [version] = conn.execute("PRAGMA user_version").fetchone()
    [tables] = conn.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (application or version or tables):
        raise StoreForeign(f"{path} is a database, but not floe's", "choose another root")
    known = migrations()
    if version > len(known):
        raise StoreForeign(
            f"{path} was written by a newer floe (schema {version}; this one knows {len(known)})",
            "start the newer floe again",
        )
    for number, script in enumerate(known[version:], version + 1):
        # Header and tables in one transaction: a crash leaves the schema before or the one after.
        with closing(conn.cursor()) as cursor:
            cursor.executescript(
                f"BEGIN IMMEDIATE;\n{script}\nPRAGMA application_id = {APPLICATION_ID};\n"
                f"PRAGMA user_version = {number};\nCOMMIT;"
            )
