"""Notices for tests."""

from typing import Any

from floe.model.notice import Notice, NoticeMessage, OwedNotice, OwedNotices
from tests.make import NOW


def a_notice(**others: Any) -> Notice:
    """A notice to Slack about bad runs and recoveries."""
    return Notice(**{"channel": "slack", "url": "https://hooks.example.com/T1/s3cr3t", **others})


def a_message(**others: Any) -> NoticeMessage:
    """What is said about a run that failed."""
    return NoticeMessage(
        **{
            "id": "h1-1@k3f9/1",
            "flow": "Build",
            "run": "h1-1",
            "title": "main · 1a2b3c4",
            "result": "bad",
            "recovered": False,
            "why": "Unit Tests failed: exit status 1",
            "link": "https://ci.example.com/app/dash/runs/h1-1",
            "by": "ann",
            "ended_at": "2026-11-21T10:00:00.123Z",
            "lines": ("expected 4", "got 5 <&>"),
            **others,
        }
    )


def owed_notices(*notices: Notice) -> OwedNotices:
    """The notices of a run that has ended now, none of them tried yet."""
    each = notices or (a_notice(),)
    return OwedNotices(ended_at=NOW, notices=tuple(OwedNotice(notice=one) for one in each))
