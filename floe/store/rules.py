"""Rules shared by all stores: valid appends, cursors, and the match of a query."""

import os
import re
from typing import Final, NamedTuple

from floe.model.errors import IdInvalid, StoreConflict, Yours
from floe.model.ids import RunRef, StoreId
from floe.model.nouns import dataclass, replace
from floe.model.run import Pruned
from floe.model.summary import Summary
from floe.store.base import Append, RunQuery

_CURSOR: Final = re.compile(r"([0-9a-f]{1,15})\.(.{1,200})")


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a run: where its log ends."""

    epoch: int
    seq: int


class SortKey(NamedTuple):
    """The sort key of a row; the newest run has the highest."""

    pended_at: int
    key: str


NOWHERE: Final = Head(0, 0)
"""The head of a run that has no log here."""


def next_head(head: Head, append: Append) -> Head:
    """Rule of stores: the head of a run after an append. Raises StoreConflict if it does not fit.

    The records are consecutive from `after`, their epochs never fall, and the last has the
    append's epoch: a run that is handed over arrives with the older epochs of its first events.
    An append without records does not change the log.
    """
    if not append.records:
        return head
    if append.epoch < head.epoch:
        raise _conflict(append, f"epoch {append.epoch}, but the run is at epoch {head.epoch}")
    if append.after != head.seq:
        raise _conflict(append, f"after {append.after}, but the run is at {head.seq}")
    for record in append.records:
        if record.run != append.run or record.seq != head.seq + 1 or record.epoch < head.epoch:
            raise _conflict(
                append, f"record {record.run} {record.epoch}.{record.seq} is out of order"
            )
        head = Head(record.epoch, record.seq)
    if head.epoch != append.epoch:
        raise _conflict(append, f"epoch {append.epoch}, but its last record has {head.epoch}")
    return head


def is_newer(row: Summary, than: Summary | None) -> bool:
    """Rule of stores: whether a row replaces an older one of the same run."""
    return than is None or _rank(row) > _rank(than)


def kept_removal(pruned: Pruned, row: int | None, known: Pruned | None) -> Pruned | None:
    """Rule of stores: what is kept of a removal; None if it leaves the run.

    `row`: the epoch of the row of that run, if there is one; `known`: an earlier removal.
    """
    if row is not None and pruned.leaves(row):
        return None
    if known is not None and pruned.epoch is not None and not known.leaves(pruned.epoch):
        return replace(pruned, epoch=known.epoch)
    return pruned


def is_removed(row: Summary, known: Pruned | None) -> bool:
    """Rule of stores: whether a row that was received is of a run that was removed."""
    return known is not None and not known.leaves(row.epoch)


def sort_key_of(summary: Summary) -> SortKey:
    """Rule of stores: the sort key of a row in the directory."""
    return SortKey(summary.pended_at, summary.key)


def cursor_at(sort_key: SortKey) -> str:
    """Rule of stores: the cursor of the page after a row."""
    return f"{sort_key.pended_at:x}.{sort_key.key}"


def read_cursor(text: str) -> SortKey | None:
    """Rule of stores: the sort key in a cursor; None for the first page. Raises Yours."""
    if not text:
        return None
    match = _CURSOR.fullmatch(text)
    try:
        if match:
            return SortKey(int(match[1], 16), RunRef.parse(match[2]).key)
    except IdInvalid:
        pass
    raise Yours(f"{text[:80]!r} is not a cursor", "use `next` of the previous page unchanged")


def text_of(summary: Summary) -> str:
    """Rule of stores: the text that a search reads, in one case."""
    row = summary
    return searched(row.id, row.flow, row.why, row.by, row.trigger, row.title, row.terms)


def kept_search(*texts: str) -> str:
    """Rule of stores: the text that a search reads, where it has to be kept: SQL knows one case of
    ASCII alone, so it makes such a text itself, when it is read."""
    return "" if all(map(str.isascii, texts)) else searched(*texts)


def searched(*texts: str) -> str:
    """Rule of stores: texts as a search reads them."""
    return "\n".join(texts).casefold()


def is_match(summary: Summary, query: RunQuery) -> bool:
    """Rule of stores: whether a row belongs to a query's list."""
    return (
        (query.flow is None or summary.flow == query.flow)
        and (not query.states or summary.state in query.states)
        and (query.good is None or summary.good == query.good)
        and (not query.results or summary.result in query.results)
        and (query.host is None or summary.host == query.host)
        and (query.since is None or summary.pended_at >= query.since)
        and (query.until is None or summary.pended_at < query.until)
        and (not query.parent or summary.parent.startswith(f"{query.parent}."))
        and (not query.text or query.text.casefold() in text_of(summary))
    )


def new_store_id() -> StoreId:
    """Rule of stores: a random id. 40 bits distinguish the stores of any cluster."""
    return StoreId(os.urandom(5).hex())


def _rank(row: Summary) -> tuple[int, int, bool, int]:
    return row.epoch, row.seq, row.state == "archive", row.edition


def _conflict(append: Append, what: str) -> StoreConflict:
    return StoreConflict(f"{append.run}: append at {what}")
