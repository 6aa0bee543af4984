"""The key of the hash in the ids of a dialect, which is made once in a cluster."""

import secrets
from typing import Final

from floe.hub.shared.shared_rows import SharedRows
from floe.model.errors import Conflict, World

NAME: Final = "ids"
"""The key of the one row of its kind."""

KEY_BYTES: Final = 16


class IdKey:
    """Reads the key from its shared row, and makes it with the first id."""

    def __init__(self, shared: SharedRows, kind: str, dialect: str) -> None:
        """`kind` of the row."""
        self._shared = shared
        self._kind = kind
        self._dialect = dialect

    async def bytes(self) -> bytes:
        """The key. Raises KeeperAway where there is none yet."""
        if (row := self._shared.local(self._kind, NAME)) is None:
            made = secrets.token_hex(KEY_BYTES)
            try:
                await self._shared.write(self._kind, NAME, made, by=self._dialect, expected=0)
            except Conflict:  # a different host made it
                await self._shared.find(self._kind, NAME)
            row = self._shared.local(self._kind, NAME)
        if row is None:
            what = f"the key of {self._dialect}'s ids is not in this host's copy"
            raise World(what, "try again")
        return bytes.fromhex(str(row.value))
