"""Messages of notify tasks to real servers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from floe.model.notify import Notify
from floe.model.secret_name import SecretName, SecretRef
from floe.model.signal import Answered, Failed, Report
from floe.nodes.forbidden import NOTHING_FORBIDDEN, ForbiddenAddresses
from floe.nodes.notify import NotifySender
from floe.nodes.notify_tasks import MESSAGE_CHARS_MAX, NotifyTasks
from floe.nodes.secrets import EnvironmentSecrets, HostSecrets
from floe.nodes.smtp import Smtp
from floe.nodes.vault import Vault
from floe.places import Places
from tests.make_nodes import Reports, a_job
from tests.receivers import Mailbox, Webhook, a_mailbox, a_webhook


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with a_webhook() as hook:
        yield hook


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with a_mailbox() as box:
        yield box


async def sent(
    root: Path,
    work: Notify,
    *,
    smtp: Smtp | None = None,
    secret: str = "",
    retry_s: tuple[float, ...] = (),
    forbidden: ForbiddenAddresses = NOTHING_FORBIDDEN,
    **job: Any,
) -> Report:
    """The report of a message."""
    environ = {"FLOE_SECRET_URL": secret} if secret else {}
    messages = NotifyTasks(
        NotifySender(smtp, Places(), forbidden),
        secrets=HostSecrets(Vault(root), [EnvironmentSecrets(environ)]),
        public_url="https://ci.example.com",
        retry_s=retry_s,
    )
    made, reported = a_job(root, work, **job), Reports()
    messages.start(made, reported)
    messages.recorded(made.key)
    report = await reported.report()
    await messages.close()
    return report


def log(root: Path) -> str:
    return a_job(root).output.read_text()


async def test_slack_gets_the_text_and_the_log_hides_the_address(
    tmp_path: Path, webhook: Webhook
) -> None:
    report = await sent(tmp_path, Notify(channel="slack", url=webhook.url, text="it is <up>"))

    assert isinstance(report, Answered)
    assert report.good
    assert webhook.received[0].body == {"text": "it is <up>"}
    assert log(tmp_path) == "it is <up>\n\nfloe: sent: Slack at 127.0.0.1\n"


async def test_webhook_gets_all_of_it_with_an_id(tmp_path: Path, webhook: Webhook) -> None:
    await sent(tmp_path, Notify(channel="webhook", url=webhook.url, text="up"))

    got = webhook.received[0]
    assert got.headers["Idempotency-Key"] == "h1-1@k3f9/1.build.1"
    assert got.body == {
        "id": "h1-1@k3f9/1.build.1",
        "flow": "ci",
        "run": "h1-1",
        "node": "task.build",
        "text": "up",
        "link": "https://ci.example.com/app/dash/runs/h1-1",
    }


async def test_teams_gets_a_card_with_a_link(tmp_path: Path, webhook: Webhook) -> None:
    await sent(tmp_path, Notify(channel="teams", url=webhook.url, text="up"))

    card = webhook.received[0].body["attachments"][0]["content"]
    assert [block["text"] for block in card["body"]] == ["up"]
    assert card["actions"][0]["url"] == "https://ci.example.com/app/dash/runs/h1-1"


async def test_address_may_be_a_secret(tmp_path: Path, webhook: Webhook) -> None:
    work = Notify(channel="slack", secret=SecretRef(SecretName("URL")), text="up")

    await sent(tmp_path, work, secret=webhook.url)

    assert len(webhook.received) == 1
    assert "Slack (secret URL)" in log(tmp_path)


async def test_mail_has_its_subject_on_one_line(tmp_path: Path, mailbox: Mailbox) -> None:
    smtp = Smtp(host="127.0.0.1", port=mailbox.port, tls="none", sender="floe@example.com")
    work = Notify(
        channel="mail", to=("ops@example.com",), text="down\n.\nnow", subject="a\r\nBcc: x@y.z"
    )

    await sent(tmp_path, work, smtp=smtp)

    [mail] = mailbox.mails
    assert (mail["Subject"], mail["Bcc"]) == ("a Bcc: x@y.z", None)
    assert mail.get_content().splitlines() == ["down", ".", "now"]


async def test_refusal_that_may_pass_is_tried_again_with_the_same_id(
    tmp_path: Path, webhook: Webhook
) -> None:
    webhook.statuses = [503, 429]

    report = await sent(
        tmp_path, Notify(channel="slack", url=webhook.url, text="up"), retry_s=(0.0, 0.0)
    )

    assert isinstance(report, Answered)
    assert (report.good, len(webhook.received)) == (True, 3)
    assert len({got.headers["Idempotency-Key"] for got in webhook.received}) == 1


@pytest.mark.parametrize(("status", "tries"), [(404, 1), (500, 3)])
async def test_message_that_is_refused_is_bad_and_says_why(
    tmp_path: Path, webhook: Webhook, status: int, tries: int
) -> None:
    webhook.statuses = [status] * 3

    report = await sent(
        tmp_path, Notify(channel="slack", url=webhook.url, text="up"), retry_s=(0.0, 0.0)
    )

    assert isinstance(report, Answered)
    assert (report.good, len(webhook.received)) == (False, tries)
    assert f"127.0.0.1 answered {status}" in report.why
    assert "s3cr3t-path" not in report.why + log(tmp_path)


async def test_host_without_smtp_sends_no_mail(tmp_path: Path) -> None:
    report = await sent(tmp_path, Notify(channel="mail", to=("a@b.c",), text="up"))

    assert isinstance(report, Answered)
    assert report.why == "the config of this host has no `smtp`"


async def test_missing_secret_could_not_start(tmp_path: Path) -> None:
    report = await sent(
        tmp_path, Notify(channel="slack", secret=SecretRef(SecretName("URL")), text="up")
    )

    assert isinstance(report, Failed)
    assert "this host has no secret URL" in report.why


async def test_long_text_is_cut(tmp_path: Path, webhook: Webhook) -> None:
    await sent(tmp_path, Notify(channel="slack", url=webhook.url, text="x" * 10_000))

    assert len(webhook.received[0].body["text"]) == MESSAGE_CHARS_MAX


async def test_receiver_that_stalls_is_a_timeout(tmp_path: Path, webhook: Webhook) -> None:
    webhook.may_answer.clear()

    report = await sent(
        tmp_path, Notify(channel="slack", url=webhook.url, text="up"), timeout_s=0.2
    )

    webhook.may_answer.set()
    assert isinstance(report, Failed)
    assert (report.cause, report.why) == ("timeout", "not finished after 0.2 s")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
async def test_own_api_gets_no_message_by_any_name(
    tmp_path: Path, webhook: Webhook, host: str
) -> None:
    url = webhook.url.replace("127.0.0.1", host)
    forbidden = ForbiddenAddresses(("own-api",), (int(webhook.url.split(":")[2].split("/")[0]),))

    report = await sent(
        tmp_path,
        Notify(channel="webhook", url=url, text="hi"),
        forbidden=forbidden,
        retry_s=(60.0,),
    )

    assert isinstance(report, Answered)
    assert "this host's API, which `http-forbid` has" in report.why
    assert webhook.received == []


async def test_link_local_address_gets_no_message(tmp_path: Path) -> None:
    work = Notify(channel="slack", url="http://169.254.169.254/latest/meta-data/", text="hi")

    report = await sent(tmp_path, work, forbidden=ForbiddenAddresses(("link-local",)))

    assert isinstance(report, Answered)
    assert "169.254.169.254 is forbidden for requests here" in report.why
    assert "meta-data" not in report.why
