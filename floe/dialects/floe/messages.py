"""Builds the work of a notify task from its `opts`. No finding repeats an address."""

from collections.abc import Mapping
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
)
from floe.dialects.notes import Notes
from floe.dialects.section import KeySpec, SectionValues
from floe.model.notice import Channel
from floe.model.notify import Notify
from floe.model.secret_name import SecretRef

_URLS: Final[Mapping[Channel, KeySpec[str | SecretRef]]] = {
    "slack": NOTIFY_SLACK,
    "teams": NOTIFY_TEAMS,
    "webhook": NOTIFY_WEBHOOK,
}


def read_notify(opts: SectionValues, name: str, notes: Notes) -> Notify:
    """The message of a notify task."""
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
