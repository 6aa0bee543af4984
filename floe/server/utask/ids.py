"""The ids of uTask's API at one host: made and read with a key that all hosts share."""

from floe.dialects.utask.ids import UtaskId, UtaskKind, id_in, id_text, is_uuid
from floe.dialects.utask.surroundings import DIALECT, KEYS
from floe.hub.hub import Hub
from floe.hub.shared.id_key import IdKey
from floe.model.ids import RunRef


class UtaskIds:
    """Makes and reads ids."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._key = IdKey(hub.shared, KEYS, DIALECT)

    async def text(self, run: RunRef, kind: UtaskKind, number: int = 0) -> str:
        """The text of an id. Raises KeeperAway where no id was ever made."""
        return id_text(UtaskId(run, kind, number), await self.key())

    async def find(self, text: str) -> UtaskId | None:
        """What a text names; None for no id. Raises KeeperAway."""
        if not is_uuid(text):
            return None
        return id_in(text, self._hub.reads.stores(), await self.key())

    async def key(self) -> bytes:
        """The key of the hash in ids."""
        return await self._key.bytes()
