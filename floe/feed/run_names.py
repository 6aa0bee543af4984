"""The names of runs.

A host that lost its store counts from 1 again, so a name like `h1-12` may have meant several runs.
It means the run of the store that the host used last. The other runs are named by their keys. All
names that are read or shown are made here, so each name leads to the run that it was shown for.
"""

from floe.feed.directory import Directory
from floe.model.ids import HostId, RunRef, StoreId
from floe.model.nouns import replace


class RunNames:
    """Reads and writes the names of runs, from what a host knows about the others."""

    def __init__(self, host: HostId, store: StoreId, directory: Directory) -> None:
        """`host` and `store` are this host's own."""
        self._host = host
        self._store = store
        self._directory = directory

    def ref(self, name: str) -> RunRef:
        """The run of a name or a key. Raises IdInvalid."""
        ref = RunRef.parse(name, self._store)
        return ref if "@" in name else replace(ref, store=self._store_of(ref.host))

    def of(self, ref: RunRef) -> str:
        """The shortest name that `ref` reads as this run."""
        return str(ref) if ref.store == self._store_of(ref.host) else ref.key

    def _store_of(self, host: HostId) -> StoreId:
        if host == self._host:
            return self._store
        # An unknown host may be this one, before it was renamed.
        return self._directory.store_of(host) or self._store
