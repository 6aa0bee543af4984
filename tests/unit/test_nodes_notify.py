"""What is sent to Slack, Teams, webhooks and by mail."""

import json
from typing import Any

import pytest

from floe.model.notice import Notice
from floe.nodes.base import NoNotifier, NoticeRefused
from floe.nodes.mail import mail_of
from floe.nodes.notify import NotifySender, slack_body, teams_body, webhook_body
from floe.places import Places
from tests.make_notices import a_message, a_notice

LINK = "https://ci.example.com/app/dash/runs/h1-1"


def to_mail(**others: Any) -> Notice:
    return a_notice(channel="mail", url="", to=("ops@example.com", "dev@example.com"), **others)


def test_slack_gets_headline_reason_link_and_last_lines_escaped() -> None:
    assert slack_body(a_message(by="<ann>")) == {
        "text": "*Build is bad: main · 1a2b3c4*\n"
        "Unit Tests failed: exit status 1\n"
        f"<{LINK}|h1-1> by &lt;ann&gt;\n"
        "```\nexpected 4\ngot 5 &lt;&amp;&gt;\n```"
    }


def test_lines_do_not_leave_their_block_in_slack() -> None:
    text = slack_body(a_message(lines=("a ``` b",)))["text"]

    assert text.count("```") == 2


def test_own_text_is_all_that_slack_gets() -> None:
    assert slack_body(a_message(text="{broken}")) == {"text": "{broken}"}


def test_teams_gets_an_adaptive_card_with_a_button() -> None:
    body = teams_body(a_message())

    (attachment,) = body["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    texts = [block["text"] for block in card["body"]]
    assert texts[:2] == ["Build is bad: main · 1a2b3c4", "Unit Tests failed: exit status 1"]
    assert card["actions"][0]["url"] == LINK
    own = teams_body(a_message(text="mine"))["attachments"][0]["content"]["body"]
    assert [block["text"] for block in own] == ["mine"]


def test_webhook_gets_everything_as_json() -> None:
    body = json.loads(json.dumps(webhook_body(a_message(title="", lines=()))))

    assert body == {
        "id": "h1-1@k3f9/1",
        "flow": "Build",
        "run": "h1-1",
        "title": "",
        "result": "bad",
        "recovered": False,
        "why": "Unit Tests failed: exit status 1",
        "link": LINK,
        "by": "ann",
        "ended_at": "2026-11-21T10:00:00.123Z",
        "lines": [],
        "text": "",
    }


def test_mail_has_one_line_of_subject_and_the_same_id_at_each_try() -> None:
    message = a_message(title="a\nBcc: eve@example.com")

    mail = mail_of(to_mail(), message, "floe@example.com")

    assert mail["Subject"] == "Build is bad: a Bcc: eve@example.com"
    assert mail["Bcc"] is None
    assert mail["To"] == "ops@example.com, dev@example.com"
    assert mail["Message-ID"] == "<h1-1.k3f9.1@floe>"
    assert LINK in mail.get_content()
    assert "expected 4" in mail.get_content()


async def test_host_without_a_server_for_mail_reports_it() -> None:
    with pytest.raises(NoticeRefused, match="the config of this host has no `smtp`") as refused:
        await NotifySender(None, Places()).send(to_mail(), a_message())

    assert refused.value.is_final


async def test_hub_without_a_sender_refuses_notices() -> None:
    with pytest.raises(NoticeRefused, match="sends no notices"):
        await NoNotifier().send(a_notice(), a_message())
