"""The ledger rows in which a host remembers what it and its peers agreed on.

Each row is written in the transaction of the events that it belongs to.
"""

from collections.abc import Mapping
from typing import Final

from floe.host.inbox import INBOX, INBOX_FINDINGS
from floe.model.ids import Json

SHARED_KINDS: Final = ("shared", "shared-state", "shared-request")
"""Those that a single host has, too: it is its own keeper."""

INBOX_KINDS: Final = (INBOX, INBOX_FINDINGS)
"""Those of events; a single host has them, too."""

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
    "returned",
    "child-rows",
    "void-take",
    *SHARED_KINDS,
    *INBOX_KINDS,
    "shared-copied",
)
"""drain: whether this host drains. member: the store that a host was first seen with. other: a
different store that uses the name of a host. forgotten: when `host@store` was forgotten. floor: the
highest epoch of a run that was refused here. withdraw: the cancel that waits for the grantee's
answer. owed: ends, returned runs and releases without an acknowledgement. claim: what a run claims.
obeyed: the keeper whose census was answered last. kept: the keeper's table and queue. keeping: its
term, and whether its census is complete. counted: the hosts that answered its census. moved: the
re-run that took the workspace of a run. tags: those of a peer, as it last sent them. returned: the
copy of a run that this host returned to its adopter. child-rows: the parents whose children are to
be read. void-take: takes that never get outside work, and the hosts that are to know it.
shared, shared-state, shared-request: the copy of the shared rows, its state, and the requests that
the keeper answered. inbox, inbox-findings: events that wait for their runs, and what was wrong with
earlier ones. shared-copied: the hosts whose copies are in the keeper's, and its term."""

LedgerRows = Mapping[str, Mapping[str, Json]]
"""Rows by kind and key, as a store has them."""

NO_LEDGER: Final[LedgerRows] = {}
