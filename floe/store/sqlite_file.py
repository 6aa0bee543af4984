"""A SQLite store's folder: its lock, the database file, and the migration of its schema."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from floe.model.errors import StoreBusy, StoreFailed, StoreForeign
from floe.model.ids import StoreId
from floe.store.rules import new_store_id
from floe.store.sql import migrations, queries
from floe.store.upgrades import add_functions

APPLICATION_ID: Final = 0x666C6F65
"""`floe`, in the header of every database that floe created."""

POS_SKIP: Final = 1 << 20
"""Positions skipped after a possible power failure: far more than a power failure can lose.

Listeners may have received the lost ones. If a position were reused for a different event, such a
listener would miss that event.
"""

LOST_HINT: Final = (
    "put the file back and this host continues; or stop the host, restore the store, start it again"
)

_MAGIC: Final = b"SQLite format 3\0"

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


@contextmanager
def locked_folder(root: Path) -> Iterator[Path]:
    """The folder of a SQLite file: created if missing, and locked; yields the file's path.

    The lock ends with the process, however that ends; the lock file stays. Raises StoreBusy,
    StoreForeign, OSError.
    """
    try:
        _make_folder(root)
    except (FileExistsError, NotADirectoryError) as error:
        raise StoreForeign(
            f"{error.filename} is not a directory", "choose a different root"
        ) from error
    fd = os.open(root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(fd, root)
        yield root / "floe.db"
    finally:
        os.close(fd)


def open_database(path: Path) -> sqlite3.Connection:
    """Open a store's database for writing; create it or migrate it to the current schema.

    Raises StoreForeign, StoreFailed, OSError, sqlite3.Error.
    """
    _make_file(path)
    conn = connect(path)
    try:
        conn.execute("PRAGMA secure_delete = ON")  # keys of removed runs do not stay in the file
        _bring_up_to_date(conn, path)
        _write_ahead(conn, path)
    except BaseException as error:
        conn.close()
        if isinstance(error, sqlite3.Error) and error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            raise StoreForeign(f"{path} is not a SQLite database") from error
        raise
    return conn


def connect(path: Path) -> sqlite3.Connection:
    """A connection to a SQLite file, for one thread at a time; the caller begins transactions."""
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False)


def boot_id() -> str:
    """The machine's current boot, as a SQLite file has it; empty if it is unknown."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


class Begun(NamedTuple):
    """The positions at which an opened SQLite file continues."""

    head: int
    """The highest position that a listener may have received; the next event gets the next."""
    skipped: range
    """Positions before it that are never used."""


def begin(conn: sqlite3.Connection, boot: str) -> Begun:
    """Begin to use a store's database, for the first time or again.

    Everything in it is on disk afterwards. So no caller receives data of an earlier process that a
    power failure could still lose. Raises sqlite3.Error.
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


class StoreFiles:
    """The files of a database that is open for writing, as they were when it was opened.

    SQLite keeps writing to the files that it opened, even if they were removed, moved or replaced
    since. Data in such a file is lost when the process ends.
    """

    def __init__(self, path: Path) -> None:
        """`path`: the database file, after its first write. Raises OSError."""
        names = (str(path), f"{path}-wal")  # texts, because they are checked often
        self._known = {name: os.stat(name) for name in names}  # noqa: PTH116

    def size(self) -> int:
        """The bytes of the SQLite files. A file that was removed counts nothing."""
        sizes = 0
        for name in self._known:
            with suppress(OSError):
                sizes += os.stat(name).st_size  # noqa: PTH116
        return sizes

    def check(self) -> None:
        """Check that the names still lead to these SQLite files. Raises StoreFailed."""
        for name, known in self._known.items():
            try:
                is_same = os.path.samestat(os.stat(name), known)  # noqa: PTH116
            except OSError as error:
                raise StoreFailed(f"{name}: {error.strerror}", LOST_HINT) from None
            if not is_same:
                raise StoreFailed(f"{name} was replaced since it was opened", LOST_HINT)


def store_id_in(conn: sqlite3.Connection) -> StoreId:
    """The id of the store in a SQLite file."""
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
            f"{root} is in use by {owner}", "stop that process, or choose a different root"
        ) from error
    os.ftruncate(fd, 0)
    os.pwrite(fd, f"{os.getpid()} {os.uname().nodename}\n".encode(), 0)


def _make_file(path: Path) -> None:
    """Create an empty file for this user only, or check that the existing one is SQLite's."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if os.fstat(fd).st_uid == os.geteuid():
            os.fchmod(fd, 0o600)  # a copy from a backup may be readable by all
        start = os.read(fd, len(_MAGIC))
    finally:
        os.close(fd)
    if start not in (b"", _MAGIC):  # empty: a crash between creating and filling it
        raise StoreForeign(f"{path} is not a SQLite database", "choose a different root")


def _write_ahead(conn: sqlite3.Connection, path: Path) -> None:
    [mode] = conn.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise StoreFailed(f"{path}: its file system does not support a write-ahead log")


def _bring_up_to_date(conn: sqlite3.Connection, path: Path) -> None:
    [application] = conn.execute("PRAGMA application_id").fetchone()
    [version] = conn.execute("PRAGMA user_version").fetchone()
    [tables] = conn.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (application or version or tables):
        raise StoreForeign(f"{path} is a database, but not floe's", "choose a different root")
    known = migrations()
    if version > len(known):
        raise StoreForeign(
            f"{path} was written by a newer floe "
            f"(schema {version}; this version knows {len(known)})",
            "start the newer floe again",
        )
    add_functions(conn)
    if version < len(known):
        # Header and tables in one transaction: a crash leaves the old schema or the new one. It is
        # one for all scripts, since each has to be synced several times.
        with closing(conn.cursor()) as cursor:
            scripts = "\n".join(known[version:])
            cursor.executescript(
                f"BEGIN IMMEDIATE;\n{scripts}\nPRAGMA application_id = {APPLICATION_ID};\n"
                f"PRAGMA user_version = {len(known)};\nCOMMIT;"
            )
