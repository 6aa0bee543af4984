"""The ids of correlations and actions, which lead any host of the cluster to their runs."""

import secrets
from typing import Final

from floe.dialects.flyte.actions import number_of
from floe.dialects.flyte.ids import FlyteId, id_in, id_text
from floe.hub.hub import Hub
from floe.model.errors import Conflict, World
from floe.model.ids import Key, RunRef

KIND: Final = "flyte.key"
"""The kind of the one shared row with the key of the hash in ids."""

NAME: Final = "ids"

KEY_BYTES: Final = 16


class FlyteIds:
    """Makes and reads ids. Their key is made once in a cluster, with the first id."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._shared = hub.shared

    async def of_action(self, key: Key) -> str:
        """The id of the action of an attempt. Raises KeeperAway where no id was ever made."""
        return id_text(FlyteId(key.run, number_of(key.node)), await self.key())

    async def of_run(self, run: RunRef, step: int | None = None) -> str:
        """The id of a correlation, or of the action of a step in it. Raises KeeperAway."""
        return id_text(FlyteId(run, step), await self.key())

    async def find(self, text: str) -> FlyteId | None:
        """What an id names; None for a text that is no id. Raises KeeperAway."""
        return id_in(text, self._hub.reads.stores(), await self.key())

    async def key(self) -> bytes:
        """The key of the hash in ids."""
        if (row := self._shared.local(KIND, NAME)) is None:
            try:
                made = secrets.token_hex(KEY_BYTES)
                await self._shared.write(KIND, NAME, made, by="flyte", expected=0)
            except Conflict:  # a different host made it
                await self._shared.find(KIND, NAME)
            row = self._shared.local(KIND, NAME)
        if row is None:
            raise World("the key of flyte's ids is not in this host's copy", "try again")
        return bytes.fromhex(str(row.value))
