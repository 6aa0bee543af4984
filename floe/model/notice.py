"""Notices about the ends of runs: their receivers, their content, and their progress.

Rules of this file: the address of a webhook is a secret, and no text shows its path.
"""

from typing import Literal
from urllib.parse import urlsplit

from floe.model.ids import Instant
from floe.model.nouns import dataclass
from floe.model.result import FAILING, RunResult
from floe.model.template import Template

NoticeOf = Literal["bad", "recovered", "good", "cancelled"]
"""Which ends a notice is about. `bad`: bad or stalled. `recovered`: good, and the flow's run that
ended before it was bad or stalled. `cancelled`: cancelled or rejected by a person."""

Channel = Literal["slack", "teams", "webhook", "mail"]

CHANNEL_NAMES = {"slack": "Slack", "teams": "Teams", "webhook": "webhook", "mail": "mail"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One entry of `on-end`."""

    channel: Channel
    when: tuple[NoticeOf, ...] = ("bad", "recovered")
    url: str = ""
    """Not for mail: an http(s) URL, `$NAME` of the host's environment, or `@file`."""
    to: tuple[str, ...] = ()
    """mail: the addresses."""
    text: Template | None = None
    """The whole text; without one floe writes it."""

    @property
    def place(self) -> str:
        """Its receiver, in a sentence: `Slack at hooks.slack.com`."""
        name = CHANNEL_NAMES[self.channel]
        if self.channel == "mail":
            return f"{name} to {', '.join(self.to)}"
        if self.url.startswith(("$", "@")):
            return f"{name} ({self.url})"
        return f"{name} at {urlsplit(self.url).hostname or '***'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeMessage:
    """The content of a notice."""

    id: str
    """The same at each try, so that a receiver can drop a repetition."""
    flow: str
    run: str
    title: str
    result: RunResult
    recovered: bool
    why: str
    link: str
    by: str
    ended_at: str
    lines: tuple[str, ...] = ()
    """The last lines of the output of the node that failed."""
    text: str = ""
    """By the notice's template; empty without one."""

    @property
    def headline(self) -> str:
        """The first line: `build is bad: main · 1a2b3c4`."""
        state = "is good again" if self.recovered else _STATES[self.result]
        return f"{self.flow} {state}: {self.title or self.run}"


_STATES = {
    "good": "is good",
    "bad": "is bad",
    "stalled": "is stalled",
    "cancelled": "was cancelled",
    "rejected": "was rejected",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedNotice:
    """The progress of one notice of a run."""

    notice: Notice
    state: Literal["owed", "sent", "failed"] = "owed"
    tries: int = 0
    at: Instant | None = None
    """Of the last try."""
    due: Instant | None = None
    """owed: of the next try; None for at once."""
    why: str = ""
    """Why the last try failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedNotices:
    """The owed notices of a run that has ended, each with its progress."""

    ended_at: Instant
    notices: tuple[OwedNotice, ...]

    @property
    def is_open(self) -> bool:
        """Whether one is still to be sent."""
        return any(one.state == "owed" for one in self.notices)


def is_about(notice: Notice, result: RunResult, *, recovered: bool) -> bool:
    """Whether a notice is about a run with this result."""
    if result == "good":
        return "good" in notice.when or (recovered and "recovered" in notice.when)
    return ("bad" if result in FAILING else "cancelled") in notice.when
