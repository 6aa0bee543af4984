"""Builds the work of a notify task from its `opts`. No finding repeats an address."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from floe.dialects.floe.vocabulary import (
    MAIL,
    MAIL_MAP,
    MAIL_TO,
    NOTIFY_SLACK,
    NOTIFY_SUBJECT,
    NOTIFY_TEAMS,
    NOTIFY_TEXT,
    NOTIFY_WEBHOOK,
    OPTS,
)
from floe.dialects.notes import Notes, Position
from floe.dialects.section import KeySpec, SectionValues
from floe.dialects.tree import Table
from floe.model.notice import Channel
from floe.model.notify import Notify
from floe.model.secret_name import SecretRef

_URLS: Final[Mapping[Channel, KeySpec[str | SecretRef]]] = {
    "slack": NOTIFY_SLACK,
    "teams": NOTIFY_TEAMS,
    "webhook": NOTIFY_WEBHOOK,
}


def read_notify(opts: SectionValues, name: str, notes: Notes) -> Notify:
    """The work of a notify task, from its `opts`."""
    given: list[Channel] = [channel for channel, key in _URLS.items() if key in opts]
    if MAIL in opts:
        given.append("mail")
    if len(given) != 1:
        what = "a message needs one of `slack`, `teams`, `webhook` and `mail`"
        if given:
            what = f"a message has one address, not {len(given)}"
        notes.error(opts.at, what, "slack: $SLACK_URL")
    channel = given[0] if given else "slack"
    if NOTIFY_SUBJECT in opts and channel != "mail":
        notes.error(opts.at_of(NOTIFY_SUBJECT), "only a mail has a `subject`", "remove it")
    address = "" if channel == "mail" else opts[_URLS[channel]]
    mail = opts[MAIL]
    return Notify(
        channel=channel,
        text=opts[NOTIFY_TEXT],
        url=address if isinstance(address, str) else "",
        secret=None if isinstance(address, str) else address,
        to=MAIL_MAP.read(mail, notes)[MAIL_TO] if mail else (),
        subject=opts[NOTIFY_SUBJECT],
    )


def notify_mails(tasks: Sequence[Table]) -> Iterator[Position]:
    """Where notify tasks as written, without errors, have mails to send."""
    for task in tasks:
        opts = task.entries.get(OPTS.name)
        if opts and isinstance(opts.value, Table) and (mail := opts.value.entries.get(MAIL.name)):
            yield mail.value.at
