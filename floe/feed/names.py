"""What runs are called.

A host that lost its store counts from 1 again, so a name like `h1-12` may have meant several runs.
It means that of the store which the host was last heard with; the others are called by their keys.
Whatever is read or shown passes here, so each name leads to the run that it was shown for.
"""

from floe.feed.directory import Directory
from floe.model.refs import HostId, RunRef, StoreId


class RunNames:
    """Reads and writes the names of runs, as a host knows the others."""

    def __init__(self, host: HostId, store: StoreId, directory: Directory) -> None:
        """`host` and `store` are this host's own."""
        self._host = host
        self._store = store
        self._directory = directory

    def ref(self, name: str) -> RunRef:
        """The run of a name or a key. Raises IdInvalid."""
        ref = RunRef.parse(name, self._store)
        return ref if "@" in name else ref._replace(store=self._store_of(ref.host))

    def of(self, ref: RunRef) -> str:
        """The shortest text that `ref` reads as this run."""
        return str(ref) if ref.store == self._store_of(ref.host) else ref.key

    def _store_of(self, host: HostId) -> StoreId:
        if host == self._host:
            return self._store
        # A host that was never heard may be this one, before it was given another name.
        return self._directory.store_of(host) or self._store
