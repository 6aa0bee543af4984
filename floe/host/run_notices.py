"""Notices that a run owes when it has ended: kept in the ledger with its end, tried until sent.

The entry is stored in the transaction of RunEnded, at the host where the run ended, so that no
crash loses it. It stays as the record of what was sent. No I/O, no clock.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from floe.expr.template import filled
from floe.kernel.items import failed_item
from floe.kernel.named_values import named_value
from floe.kernel.result import failed_nodes
from floe.model.codec import encode, iso
from floe.model.flow import Flow
from floe.model.ids import Instant, Json, Key
from floe.model.notice import (
    Notice,
    NoticeMessage,
    OwedNotice,
    OwedNotices,
    is_about,
)
from floe.model.run import Run
from floe.model.secret import HIDDEN, names_secret, without_password, without_secrets
from floe.model.summary import Summary
from floe.model.template import Path
from floe.store.base import LedgerWrite

NOTICES: Final = "notices"
"""Ledger entries of runs with a notice that is still to be sent, by the key of the run."""

NOTIFIED: Final = "notified"
"""Entries of the others."""

NOTICE_RETRY_S: Final = (5, 15, 60, 300, 900)
"""Seconds before each further try; the last one repeats."""

NOTICE_GIVE_UP_S: Final = 6 * 3600
"""Seconds after the end of a run for which its notices are tried."""

NOTICE_TEXT_MAX: Final = 8192
"""Characters of the text that a template makes."""

EARLIER_MAX: Final = 50
"""Runs of the flow among which the one that ended before is looked for."""


def notices_at_end(run: Run, default: tuple[Notice, ...]) -> OwedNotices | None:
    """The notices that a run owes at its end; None for none.

    Whether a good run is a recovery is not known here, so a notice of recoveries is owed at first.
    """
    assert run.result is not None, "a run that ended has its result"
    assert run.ended_at is not None
    wanted = (run.flow.on_end if run.flow else ()) or default
    owed = tuple(OwedNotice(notice=n) for n in wanted if is_about(n, run.result, recovered=True))
    return OwedNotices(ended_at=run.ended_at, notices=owed) if owed else None


def notice_rows(key: str, notices: OwedNotices) -> tuple[LedgerWrite, ...]:
    """The rows of a run's notices: among those that are owed, or among the others."""
    value = encode(notices)
    if notices.is_open:
        return (LedgerWrite(kind=NOTICES, key=key, value=value),)
    return (
        LedgerWrite(kind=NOTICES, key=key, value=None),
        LedgerWrite(kind=NOTIFIED, key=key, value=value if notices.notices else None),
    )


def without_unwanted(notices: OwedNotices, row: Summary, *, recovered: bool) -> OwedNotices:
    """The notices without those of recoveries, where the run of the row is none."""
    result = row.result or "bad"
    kept = (n for n in notices.notices if is_about(n.notice, result, recovered=recovered))
    return replace(notices, notices=tuple(kept))


def is_recovery(row: Summary, others: Sequence[Summary]) -> bool:
    """Whether notices of a recovery are due: a good run ended after a bad one of its flow.

    Cancelled and rejected runs say nothing about the flow and are passed over.
    """
    if row.result != "good" or row.ended_at is None:
        return False
    before = [
        (other.ended_at, other.key, other.result)
        for other in others
        if other.result in ("good", "bad", "stalled")
        and other.ended_at is not None
        and (other.ended_at, other.key) < (row.ended_at, row.key)
    ]
    return bool(before) and max(before)[2] != "good"


def after_try(
    notices: OwedNotices, number: int, now: Instant, *, why: str = "", is_final: bool = False
) -> OwedNotices:
    """The notices after a try of one of them; `why` it failed, empty if it was sent."""
    one = notices.notices[number]
    tries = one.tries + 1
    wait_s = NOTICE_RETRY_S[min(tries, len(NOTICE_RETRY_S)) - 1]
    due = Instant(now + wait_s * 1000)
    if not why:
        one = replace(one, state="sent", tries=tries, at=now, due=None, why="")
    elif is_final or due > notices.ended_at + NOTICE_GIVE_UP_S * 1000:
        one = replace(one, state="failed", tries=tries, at=now, due=None, why=why)
    else:
        one = replace(one, tries=tries, at=now, due=due, why=why)
    each = notices.notices
    return replace(notices, notices=(*each[:number], one, *each[number + 1 :]))


def failed_output(run: Run) -> Key | None:
    """The output to quote in the notices of a run that failed, as its attempt; None for none."""
    if run.flow is None or run.result == "good":
        return None
    for node in failed_nodes(run, run.flow):
        state = failed_item(run.settled(node))
        if state.output_bytes and not state.taken_from:
            return Key(run.ref, run.epoch, node, state.visit, state.attempt, state.item)
    return None


def message_of(
    run: Run,
    row: Summary,
    notice: Notice,
    *,
    number: int,
    name: str,
    link: str,
    recovered: bool,
    lines: tuple[str, ...],
) -> NoticeMessage:
    """The content of a notice about a run of that name, without passwords."""
    assert run.result is not None
    message = NoticeMessage(
        id=f"{run.ref.key}/{number + 1}",
        flow=run.flow.name if run.flow else run.flow_id,
        run=name,
        title=without_password(row.title),
        result=run.result,
        recovered=recovered,
        why=without_password(row.why),
        link=link,
        by=row.by,
        ended_at=iso(run.ended_at) or "",
        lines=tuple(without_password(line) for line in lines),
    )
    if notice.text is None or run.flow is None:
        return message
    text = without_password(filled(notice.text, _values(run, run.flow, message)))
    return replace(message, text=text[:NOTICE_TEXT_MAX])


def _values(run: Run, flow: Flow, message: NoticeMessage) -> Callable[[Path], Json]:
    own: Mapping[str, Json] = {
        "id": message.run,
        "title": message.title,
        "result": message.result,
        "why": message.why,
        "link": message.link,
        "lines": "\n".join(message.lines),
    }

    def value(path: Path) -> Json:
        if names_secret(path):
            return HIDDEN
        if path[0] == "run" and len(path) == 2 and path[1] in own:
            return own[str(path[1])]
        found: Json = without_secrets(named_value(run, flow, path))
        return found

    return value
