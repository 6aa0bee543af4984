"""The stores that operators forgot, as every host of the cluster keeps them."""

from collections.abc import Mapping

from floe.model.codec import decode
from floe.model.ids import Instant, Json
from floe.model.nouns import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgottenStore:
    """A store that was forgotten."""

    at: Instant
    """When an operator forgot it, by the clock of the host that was asked."""
    expected: int = 0
    """The number of other hosts in the config then; 0 where this host did not know that the host
    was one of them."""


ForgottenStores = Mapping[str, ForgottenStore]
"""All stores that were forgotten, as `h2@k3f9`."""


def forgotten_in(rows: Mapping[str, Json]) -> dict[str, ForgottenStore]:
    """The forgotten stores in ledger rows of the kind `forgotten`."""
    return {
        key: decode(ForgottenStore, row) for key, row in rows.items() if isinstance(row, Mapping)
    }
