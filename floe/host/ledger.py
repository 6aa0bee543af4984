"""The ledger rows in which a host remembers what it and its peers agreed on.

Each row is written in the transaction of the events that it belongs to.
"""

from collections.abc import Mapping
from typing import Final

from floe.model.ids import Json

LEDGER_KINDS: Final = (
    "drain",
    "member",
    "other",
    "forgotten",
    "floor",
    "withdraw",
    "owed",
    "claim",
    "obeyed",
    "kept",
    "keeping",
    "counted",
    "moved",
    "tags",
)
"""drain: whether this host drains. member: the store that a host was first seen with. other: a
different store that uses the name of a host. forgotten: when `host@store` was forgotten. floor: the
highest epoch of a run that was refused here. withdraw: the cancel that waits for the grantee's
answer. owed: ends and releases without an acknowledgement. claim: what a run claims. obeyed: the
keeper whose census was answered last. kept: the keeper's table and queue. keeping: its term, and
whether its census is complete. counted: the hosts that answered its census. moved: the
re-run that took the workspace of a run. tags: those of a peer, as it last sent them."""

LedgerRows = Mapping[str, Mapping[str, Json]]
"""Rows by kind and key, as a store has them."""

NO_LEDGER: Final[LedgerRows] = {}
