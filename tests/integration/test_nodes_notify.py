"""Notices to real servers: what they get, and what their refusals come to."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from floe.model.notice import Notice
from floe.nodes.base import NoticeRefused
from floe.nodes.notify import NotifySender
from floe.nodes.smtp import Smtp
from floe.places import Places
from tests.make_notices import a_message, a_notice
from tests.receivers import Mailbox, Webhook, a_mailbox, a_webhook

TLS = Path(__file__).parents[1] / "data" / "tls"


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with a_webhook() as hook:
        yield hook


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with a_mailbox() as box:
        yield box


def to_mail(**others: Any) -> Notice:
    return a_notice(channel="mail", url="", to=("ops@example.com", "dev@example.com"), **others)


async def sent(notice: Notice, smtp: Smtp | None = None, **message: Any) -> NoticeRefused | None:
    """Send a notice; the refusal, None if it was taken."""
    try:
        await NotifySender(smtp, Places()).send(notice, a_message(**message))
    except NoticeRefused as error:
        return error
    return None


# --- webhooks ---


async def test_notice_is_posted_with_its_id(webhook: Webhook) -> None:
    assert await sent(a_notice(url=webhook.url)) is None

    (got,) = webhook.received
    assert (got.path, got.headers["Idempotency-Key"]) == ("/hook/s3cr3t-path", "h1-1@k3f9/1")


@pytest.mark.parametrize(("status", "is_final"), [(404, True), (429, False), (503, False)])
async def test_refusal_names_the_status_and_hides_the_path(
    webhook: Webhook, status: int, is_final: bool
) -> None:
    webhook.statuses = [status]

    refusal = await sent(a_notice(url=webhook.url))

    assert refusal is not None
    assert refusal.is_final is is_final
    assert f"127.0.0.1 answered {status}" in str(refusal)
    assert "s3cr3t" not in str(refusal)


async def test_redirect_is_not_followed(webhook: Webhook) -> None:
    webhook.statuses, webhook.location = [307], webhook.url

    refusal = await sent(a_notice(url=webhook.url))

    assert "redirects are not followed" in str(refusal)
    assert len(webhook.received) == 1


async def test_server_that_is_away_is_tried_again(webhook: Webhook) -> None:
    url = webhook.url.replace(str(webhook.port), "1")

    refusal = await sent(a_notice(url=url))

    assert refusal is not None
    assert not refusal.is_final
    assert "s3cr3t" not in str(refusal)


async def test_address_comes_from_the_environment_or_a_file(
    webhook: Webhook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_HOOK", webhook.url)
    file = tmp_path / "url"
    file.write_text(webhook.url + "\n")

    assert await sent(a_notice(url="$TEST_HOOK")) is None
    assert await sent(a_notice(url=f"@{file}", channel="teams")) is None

    assert [got.path for got in webhook.received] == ["/hook/s3cr3t-path"] * 2


@pytest.mark.parametrize(
    ("url", "why", "is_final"),
    [
        ("$NO_SUCH_HOOK", "the host's environment has no $NO_SUCH_HOOK", True),
        ("@/no/such/file", "/no/such/file cannot be read", False),
        ("ftp://host/s3cr3t", "its url is no http or https URL", True),
    ],
)
async def test_missing_address_is_reported(url: str, why: str, is_final: bool) -> None:
    refusal = await sent(a_notice(url=url))

    assert str(refusal).startswith(why)
    assert refusal is not None
    assert refusal.is_final is is_final


# --- mail ---


def server(mailbox: Mailbox, **others: Any) -> Smtp:
    return Smtp(host="127.0.0.1", port=mailbox.port, tls="none", sender="f@example.com", **others)


def encrypted(mailbox: Mailbox) -> Smtp:
    return Smtp(host="127.0.0.1", port=mailbox.port, tls="starttls", sender="f@example.com")


def certified() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")
    return context


async def test_mail_is_handed_to_the_server(mailbox: Mailbox, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("pw\n")

    assert await sent(to_mail(), server(mailbox, user="floe", password_file=str(password))) is None

    (mail,) = mailbox.mails
    assert mail["From"] == "f@example.com"
    assert len(mailbox.logins) == 1


@pytest.mark.parametrize(("reply", "is_final"), [("550 no", True), ("450 later", False)])
async def test_refused_recipients_are_reported(
    mailbox: Mailbox, reply: str, is_final: bool
) -> None:
    mailbox.replies = [reply, reply]

    refusal = await sent(to_mail(), server(mailbox))

    assert refusal is not None
    assert refusal.is_final is is_final
    assert str(refusal) == f"127.0.0.1 refused every recipient: {reply[4:]}"


async def test_server_without_encryption_is_not_talked_to_in_the_open(mailbox: Mailbox) -> None:
    refusal = await sent(to_mail(), encrypted(mailbox))

    assert "STARTTLS" in str(refusal)
    assert mailbox.mails == []


async def test_mail_is_encrypted_for_a_server_that_this_machine_trusts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "cert.pem"))

    with a_mailbox(certified()) as box:
        assert await sent(to_mail(), encrypted(box)) is None

    assert len(box.mails) == 1


async def test_server_with_an_unknown_certificate_gets_no_mail() -> None:
    with a_mailbox(certified()) as box:
        refusal = await sent(to_mail(), encrypted(box))

    assert "certificate verify failed" in str(refusal)
    assert box.mails == []


async def test_mail_server_that_is_away_is_tried_again() -> None:
    refusal = await sent(to_mail(), Smtp(host="127.0.0.1", port=1, tls="none", sender="f@e.com"))

    assert refusal is not None
    assert not refusal.is_final
