"""Names that hosts draw by chance, drawn from the seed of a trial: so it can be played again."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from random import Random
from typing import Final
from unittest.mock import patch
from uuid import UUID

UUIDS: Final = (
    "floe.server.flyte.flows",
    "floe.hub.shared.shared_rows",
    "floe.hub.shared.named_rows",
)


@contextmanager
def names_from(seed: int) -> Iterator[None]:
    """Names of takes, versions, rows and requests by a seed."""
    random = Random(seed)

    def hexadecimal(count: int) -> str:
        return random.randbytes(count).hex()

    def unique() -> UUID:
        return UUID(int=random.getrandbits(128))

    with ExitStack() as stack:
        stack.enter_context(patch("secrets.token_hex", hexadecimal))
        for module in UUIDS:
            stack.enter_context(patch(f"{module}.uuid4", unique))
        yield
