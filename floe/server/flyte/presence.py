"""When each pack was last seen: exact at the host that it calls, a minute old at the others."""

from collections.abc import Mapping
from typing import Final

from floe.hub.hub import Hub
from floe.model.errors import FloeError
from floe.model.ids import Instant, Json
from floe.model.named_row import row_key

PACK: Final = "flyte.pack"
"""The kind of the rows with the documents of packs."""

SEEN: Final = "flyte.seen"
"""The kind of the rows in which each host writes which packs it has seen."""

ROW_PACKS: Final = 1000
"""Packs in one row."""

SHORT_KEY: Final = 16
"""Characters of the key of a pack in these rows."""

LIVE_MS: Final = 10 * 60 * 1000
WARNING_MS: Final = 24 * 3600 * 1000


class Presence:
    """When the packs were last seen. A call of a pack costs no write of its own."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._shared = hub.shared
        self._seen: dict[str, Instant] = {}
        """By short key: the packs that this host has seen."""
        self._all: dict[str, Instant] | None = None
        """By short key: the packs in the rows of all hosts; None while that is to be read."""
        self._is_changed = False
        for row in self._shared.of_kind(SEEN):
            if row.key.startswith(f"{hub.host.id} "):
                self._seen |= _packs(row.value)
        self._shared.changed.append(self._forget)

    def see(self, pack: str) -> None:
        """A pack has called this host."""
        self._seen[_short(pack)] = self._hub.clock.now()
        self._is_changed = True

    def last_seen(self, pack: str, since: Instant) -> Instant:
        """When a host last saw a pack that registered at `since`."""
        key = _short(pack)
        if self._all is None:
            self._all = {}
            for row in self._shared.of_kind(SEEN):
                for found, at in _packs(row.value).items():
                    self._all[found] = max(at, self._all.get(found, at))
        return max(since, self._seen.get(key, since), self._all.get(key, since))

    def status(self, last_seen: Instant) -> str:
        """The status of a pack now."""
        return status_after(self._hub.clock.now() - last_seen)

    async def write(self) -> None:
        """Write which packs this host has seen, if that has changed. Raises KeeperAway, Busy."""
        if not self._is_changed:
            return
        self._is_changed = False
        known = {row.key[:SHORT_KEY] for row in self._shared.of_kind(PACK)}
        self._seen = {key: at for key, at in self._seen.items() if key in known}
        seen = sorted(self._seen.items())
        try:
            for start in range(0, len(seen), ROW_PACKS):
                page: Json = dict(seen[start : start + ROW_PACKS])
                key = f"{self._hub.host.id} {start // ROW_PACKS}"
                await self._shared.write(SEEN, key, page, by="flyte", expected=None)
        except FloeError:
            self._is_changed = True
            raise

    def _forget(self) -> None:
        self._all = None


def status_after(silence_ms: int) -> str:
    """`live`, `warning` after ten minutes of silence, or `critical` after a day."""
    if silence_ms < LIVE_MS:
        return "live"
    return "warning" if silence_ms < WARNING_MS else "critical"


def _packs(value: Json) -> dict[str, Instant]:
    assert isinstance(value, Mapping), "the value of such a row is an object"
    return {key: Instant(at) for key, at in value.items() if isinstance(at, int)}


def _short(pack: str) -> str:
    return row_key(pack)[:SHORT_KEY]
