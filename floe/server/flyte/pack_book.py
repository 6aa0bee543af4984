"""The packs in this host's copy, read once for each change of the copy."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from floe.hub.shared.named_rows import NamedRows
from floe.hub.shared.shared_rows import SharedRows
from floe.model.ids import Instant, Shape
from floe.server.flyte.presence import Presence


class KnownPack(NamedTuple):
    """A pack as it registered last."""

    id: str
    document: Shape
    at: Instant
    """When it registered."""
    by: str

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        labels: Mapping[str, str] = self.document.get("labels", {})
        return labels

    def has(self, command: str) -> bool:
        """Whether it declares a command."""
        return any(one["name"] == command for one in self.document.get("commands", ()))

    def covers(self, labels: Mapping[str, str]) -> bool:
        """Whether it has all of some labels."""
        return labels.items() <= self.labels.items()


class PackBook:
    """The packs by name, with when they were seen."""

    def __init__(self, packs: NamedRows, shared: SharedRows, presence: Presence) -> None:
        self._rows = packs
        self._presence = presence
        self._by_name: dict[str, list[KnownPack]] | None = None
        """None while it is to be read."""
        shared.changed.append(self._forget)

    def named(self, name: str) -> Sequence[KnownPack]:
        """The packs with a name: one for each set of labels. Raises World."""
        return self._read().get(name, ())

    def all(self) -> list[KnownPack]:
        """All packs, by name; of one name, the last registration last. Raises World."""
        by_name = self._read()
        return [pack for name in sorted(by_name) for pack in by_name[name]]

    def last_seen(self, pack: KnownPack) -> Instant:
        """When a host last saw a pack."""
        return self._presence.last_seen(pack.id, pack.at)

    def status(self, pack: KnownPack) -> str:
        """The status of a pack now."""
        return self._presence.status(self.last_seen(pack))

    def _read(self) -> dict[str, list[KnownPack]]:
        if self._by_name is None:
            found: dict[str, list[KnownPack]] = {}
            for row in self._rows.all():
                document = dict(row.value) if isinstance(row.value, Mapping) else {}
                pack = KnownPack(row.name, document, Instant(row.row.at), row.row.by)
                found.setdefault(str(document.get("name", "")), []).append(pack)
            self._by_name = found
        return self._by_name

    def _forget(self) -> None:
        self._by_name = None
