"""Ended runs tell people: real servers receive what real hosts send, also after a crash."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.people import floe, hosted, said
from tests.acceptance.product import Host, until
from tests.receivers import Mailbox, Webhook, a_mailbox, a_webhook

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

CONFIG = """
common:
  public-url: https://ci.example.com
  smtp: {{host: 127.0.0.1, port: {smtp}, tls: none, from: floe@example.com, user: floe,
         password-file: '$HERE/password'}}
flows:
  - name: Build
    triggers: [{{name: start, type: data, opts: {{form: {{fields: [{{id: fail, value: 'no'}}]}}}}}}]
    run-name: 'Build {{{{ values.fail }}}}'
    on-end:
      - {{when: [bad, recovered], slack: '{slack}'}}
      - {{when: [good, cancelled], webhook: '@$HERE/address'}}
      - when: [bad]
        mail: {{to: [ops@example.com]}}
        text: '{{{{ run.title }}}} was {{{{ run.result }}}}: {{{{ run.link }}}}'
    tasks:
      - name: Unit Tests
        type: exec
        listen: trigger.good
        opts: {{shell: 'echo "expected 4, got 5"; test "$FLOE_IN_FAIL" = "no"'}}
      - {{name: wait, type: data, listen: task.unit-tests.good}}
      - {{name: done, type: end, listen: task.wait.good}}
"""


class Watched:
    """A host, and the servers that it tells."""

    def __init__(self, host: Host, slack: Webhook, webhook: Webhook, mailbox: Mailbox) -> None:
        self.host = host
        self.slack = slack
        self.webhook = webhook
        self.mailbox = mailbox

    def end(self, *, fail: str = "no") -> str:
        """A run that has ended: bad if `fail` is not `no`."""
        run = self.host.trigger("build", fail=fail)
        if fail == "no":
            until(lambda: self.host.show(run)["forms"], "the form")
            said(floe(self.host, "give", run, "wait"))
        self.host.until_over(run)
        return run

    def notices(self, run: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.host.api.get(f"runs/{run}/notices")["notices"]
        return found

    def until_settled(self, run: str) -> list[str]:
        """Wait until no notice of a run is owed; how each ended."""

        def states() -> list[str] | None:
            found = [one["state"] for one in self.notices(run)]
            return None if "owed" in found else [*found, "settled"]

        return until(states, "the notices")[:-1]


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with ExitStack() as stack:
        slack, webhook = stack.enter_context(a_webhook()), stack.enter_context(a_webhook())
        mailbox = stack.enter_context(a_mailbox())
        (tmp_path / "password").write_text("s3cret\n")
        (tmp_path / "address").write_text(webhook.url + "\n")
        config = CONFIG.format(smtp=mailbox.port, slack=slack.url)
        host = stack.enter_context(hosted(tmp_path, config))
        yield Watched(host, slack, webhook, mailbox)


def received(where: Callable[[], list[Any]], count: int) -> list[Any]:
    """Wait until a server has received so many."""
    return until(lambda: where() if len(where()) >= count else None, f"{count} notices")


def test_bad_run_is_reported_with_its_reason_and_the_recovery_after_it(watched: Watched) -> None:
    bad = watched.end(fail="yes")
    (text,) = [one.body["text"] for one in received(lambda: watched.slack.received, 1)]
    assert watched.until_settled(bad) == ["sent", "sent"]

    good = watched.end()
    assert watched.until_settled(good) == ["sent", "sent"]

    assert "*Build is bad: Build yes*" in text
    assert "Unit Tests failed: exit status 1" in text
    assert f"<https://ci.example.com/app/dash/runs/{bad}|{bad}>" in text
    assert "expected 4, got 5" in text
    assert "is good again" in watched.slack.received[1].body["text"]
    (told,) = watched.webhook.received
    assert (told.body["result"], told.body["recovered"]) == ("good", True)
    assert told.headers["Idempotency-Key"] == told.body["id"]


def test_mail_has_the_text_of_the_template(watched: Watched) -> None:
    bad = watched.end(fail="yes")

    (mail,) = received(lambda: watched.mailbox.mails, 1)
    assert mail["To"] == "ops@example.com"
    assert mail["Subject"] == "Build is bad: Build yes"
    link = f"https://ci.example.com/app/dash/runs/{bad}"
    assert mail.get_content().strip() == f"Build yes was bad: {link}"
    assert len(watched.mailbox.logins) == 1


def test_second_good_run_is_no_recovery(watched: Watched) -> None:
    first, second = watched.end(), watched.end()

    assert [watched.until_settled(run) for run in (first, second)] == [["sent"], ["sent"]]
    assert watched.slack.received == []


def test_cancelled_run_is_reported_as_cancelled(watched: Watched) -> None:
    run = watched.host.trigger("build", fail="no")
    said(floe(watched.host, "cancel", run))
    watched.host.until_over(run)

    assert watched.until_settled(run) == ["sent"]
    assert watched.webhook.received[0].body["result"] == "cancelled"


def test_notice_is_sent_after_the_host_was_killed_while_sending(watched: Watched) -> None:
    watched.slack.may_answer.clear()
    bad = watched.end(fail="yes")
    received(lambda: watched.slack.received, 1)

    watched.host.kill()
    watched.slack.may_answer.set()
    watched.host.start()

    assert watched.until_settled(bad) == ["sent", "sent"]
    first, again = watched.slack.received
    assert first.headers["Idempotency-Key"] == again.headers["Idempotency-Key"]


def test_failed_notice_is_tried_again_and_shown(watched: Watched) -> None:
    watched.slack.statuses = [503]
    watched.mailbox.replies = ["550 no such user"]
    bad = watched.end(fail="yes")

    tried = until(
        lambda: [n for n in watched.notices(bad) if n["tries"] and n["state"] == "owed"], "a retry"
    )
    assert "127.0.0.1 answered 503" in tried[0]["why"]
    assert tried[0]["due"]
    assert watched.until_settled(bad) == ["sent", "failed"]
    shown = said(floe(watched.host, "show", bad))
    assert "notified Slack at 127.0.0.1" in shown
    assert "not notified: mail to ops@example.com: 127.0.0.1 refused every recipient" in shown


def test_path_of_an_address_is_shown_nowhere(watched: Watched) -> None:
    watched.slack.statuses = [404]
    watched.slack.location = watched.slack.url
    bad = watched.end(fail="yes")
    watched.until_settled(bad)

    texts = [
        str(watched.notices(bad)),
        str(watched.host.api.get(f"runs/{bad}")),
        str(watched.host.api.get("flows/build")),
        said(floe(watched.host, "show", bad)),
        watched.host.log.read_text(),
    ]
    assert "answered 404 Not Found: no_service of /***" in texts[0]
    assert [text for text in texts if "s3cr3t-path" in text] == []
