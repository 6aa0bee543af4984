"""The ids of correlations and actions, which lead any host of the cluster to their runs."""

from typing import Final

from floe.dialects.flyte.actions import number_of
from floe.dialects.flyte.ids import TASK, FlyteId, id_in, id_text, task_proof
from floe.dialects.pack_work import is_task
from floe.hub.hub import Hub
from floe.hub.shared.id_key import IdKey
from floe.model.call import TakenWork
from floe.model.ids import Key

KIND: Final = "flyte.key"
"""The kind of the one shared row with the key of the hash in ids."""


class FlyteIds:
    """Makes and reads ids."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._key = IdKey(hub.shared, KIND, "flyte")

    async def of_action(self, work: TakenWork) -> str:
        """The id of an action that was taken. Raises KeeperAway where no id was ever made."""
        key, secret = Key.parse(work.key), await self.key()
        if is_task(work.config):
            return id_text(FlyteId(key.run, TASK, task_proof(key, secret)), secret)
        return id_text(FlyteId(key.run, number_of(key.node)), secret)

    async def find(self, text: str) -> FlyteId | None:
        """What an id names; None for a text that is no id. Raises KeeperAway."""
        return id_in(text, self._hub.reads.stores(), await self.key())

    async def key(self) -> bytes:
        """The key of the hash in ids."""
        return await self._key.bytes()
