"""Give a store that was restored from a backup a new id, so that it differs from the original."""

import sqlite3
from contextlib import closing
from pathlib import Path

from floe.model.errors import StoreFailed
from floe.model.ids import StoreId
from floe.model.nouns import dataclass
from floe.store.rules import new_store_id
from floe.store.sql import queries
from floe.store.sqlite_file import locked_folder, open_database, store_id_in
from floe.store.sqlite_writer import failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """The ids of a restored store, and its held runs."""

    was: StoreId
    """The id of the original."""
    now: StoreId
    held: tuple[str, ...]
    """Keys of runs that may have continued since the backup, in order: they wait for an
    operator."""


def renew(root: Path) -> Renewed:
    """Give the restored store in a folder, which no host may be using, a new id.

    Raises StoreBusy, StoreForeign, StoreFailed; the last also if there is no store to restore.
    """
    path = root / "floe.db"
    if not path.exists():
        raise StoreFailed(f"there is no store in {root}", "put the copy there as floe.db")
    try:
        return _renew(path)
    except OSError as error:
        raise StoreFailed(f"{path}: {error.strerror}", "make it writable") from error
    except sqlite3.Error as error:
        raise failed(error) from error


def _renew(path: Path) -> Renewed:
    sql = queries()
    with locked_folder(path.parent), closing(open_database(path)) as conn:
        if conn.execute(sql["last_pos"]).fetchone() == (0,):
            raise StoreFailed(f"{path} has no runs", "replace it with the copy from the backup")
        was, now = store_id_in(conn), new_store_id()
        conn.execute("PRAGMA synchronous = FULL")
        conn.execute(sql["put_meta"], ("store_id", now))
        held = tuple(key for (key,) in conn.execute(sql["unfinished"]))
    return Renewed(was=was, now=now, held=held)
