"""Reads `on-end`, the notices about the ends of runs. No finding repeats an address."""

from collections.abc import Sequence
from typing import Final

from floe.dialects.floe.templates import TemplateText, check_template
from floe.dialects.floe.vocabulary import (
    CHANNELS,
    COMMON_SMTP,
    MAIL,
    MAIL_MAP,
    MAIL_TO,
    NOTICE,
    NOTICE_TEXT,
    NOTICE_WHEN,
    PUBLIC_URL,
)
from floe.dialects.notes import Notes, Position
from floe.dialects.section import SectionValues
from floe.dialects.tree import Table
from floe.kernel.named_values import RUN
from floe.model.flow import Flow
from floe.model.notice import Notice

RUN_AT_END: Final = (*RUN, "title", "result", "why", "link", "lines")
"""What the text of a notice can name of its run."""


class NoticeTexts:
    """The notices of a document, with their texts as written."""

    def __init__(self, tables: Sequence[Table], notes: Notes) -> None:
        self._texts: list[TemplateText] = []
        self.at: Position | None = None
        """Of the first notice."""
        self.mail_at: Position | None = None
        """Of the first mail."""
        found = (self._notice(NOTICE.read(table, notes), notes) for table in tables)
        self.notices: tuple[Notice, ...] = tuple(notice for notice in found if notice)

    def check(self, flow: Flow, notes: Notes) -> None:
        """Report the paths of texts that can never lead to a value."""
        for text in self._texts:
            check_template(text, flow, notes, run=RUN_AT_END)

    def _notice(self, part: SectionValues, notes: Notes) -> Notice | None:
        given = [(channel, key) for channel, key in CHANNELS.items() if key in part]
        if len(given) != 1:
            what = "a notice needs one of `slack`, `teams`, `webhook` and `mail`"
            if given:
                what = f"a notice has one address, not {len(given)}"
            notes.error(part.at, what, "slack: $SLACK_URL")
            return None
        (channel, key) = given[0]
        self.at = self.at or part.at
        if channel == "mail":
            self.mail_at = self.mail_at or part.at_of(MAIL)
        text = part[NOTICE_TEXT]
        if text:
            self._texts.append(text)
        mail = part[MAIL]
        to = MAIL_MAP.read(mail, notes)[MAIL_TO] if mail else ()
        if part.is_wrong(key):
            return None
        return Notice(
            channel=channel,
            when=part[NOTICE_WHEN],
            url="" if channel == "mail" else str(part[key]),
            to=to,
            text=text.template if text else None,
        )


def check_sending(
    told: Sequence[NoticeTexts], common: Table, notes: Notes, mails: Sequence[Position] = ()
) -> None:
    """Warn of what notices, and `mails` of tasks, need and `common` of their document lacks."""
    mail_at = next(filter(None, (*(one.mail_at for one in told), *mails)), None)
    if mail_at and COMMON_SMTP.name not in common.entries:
        what = "no mail can be sent: `common` has no `smtp`"
        notes.warning(mail_at, what, COMMON_SMTP.example)
    at = next(filter(None, (one.at for one in told)), None)
    if at and PUBLIC_URL.name not in common.entries:
        what = "links in notices lead to the address that the host listens on"
        notes.warning(at, what, f"`{PUBLIC_URL.example}` in `common`")
