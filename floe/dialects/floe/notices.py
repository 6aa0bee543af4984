"""Reads `on-end`, the notices about the ends of runs. No finding repeats an address."""

from collections.abc import Sequence
from typing import Final

from floe.dialects.floe.templates import TemplateText, check_template
from floe.dialects.floe.vocabulary import (
    CHANNELS,
    MAIL,
    MAIL_MAP,
    MAIL_TO,
    NOTICE,
    NOTICE_TEXT,
    NOTICE_WHEN,
)
from floe.dialects.notes import Notes
from floe.dialects.section import KeyValues
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
        found = (self._notice(NOTICE.read(table, notes), notes) for table in tables)
        self.notices: tuple[Notice, ...] = tuple(notice for notice in found if notice)

    def check(self, flow: Flow, notes: Notes) -> None:
        """Report the paths of texts that can never lead to a value."""
        for text in self._texts:
            check_template(text, flow, notes, run=RUN_AT_END)

    def _notice(self, part: KeyValues, notes: Notes) -> Notice | None:
        given = [(channel, key) for channel, key in CHANNELS.items() if key in part]
        if len(given) != 1:
            what = "a notice needs one of `slack`, `teams`, `webhook` and `mail`"
            if given:
                what = f"a notice has one address, not {len(given)}"
            notes.error(part.at, what, "slack: $SLACK_URL")
            return None
        (channel, key) = given[0]
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
