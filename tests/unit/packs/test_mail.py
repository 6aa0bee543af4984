"""The pack for mail: what arrives at a server, and what is refused before."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from floe.packs import Event
from floe.packs.shipped.configuration import WrongSetting
from floe.packs.shipped.mail import mail_pack
from floe.packs.testing import MemoryServer
from tests.ports import free_port
from tests.receivers import Mailbox, a_mailbox

pytestmark = pytest.mark.slow

CERT: Final = Path(__file__).parents[2] / "data/tls/cert.pem"
MAIL: Final = {
    "from": "ci@example.org",
    "to": "ada@example.org",
    "subject": "Deployed",
    "body": "web 1.4\nis live\n",
    "isHtmlEmail": False,
}


class Post:
    """The pack, and the mailbox that its mails go to."""

    def __init__(self, server: MemoryServer, box: Mailbox) -> None:
        self._server, self.box = server, box

    def send(self, **changes: Any) -> Event:
        return self._server.carry_out("SendEmail", {**MAIL, **changes})


@contextmanager
def a_post(tls: ssl.SSLContext | None = None, /, **environment: str) -> Iterator[Post]:
    with a_mailbox(tls) as box, MemoryServer() as server:
        usual = {"MAIL_HOST": "127.0.0.1", "MAIL_PORT": str(box.port), "MAIL_TLS": "none"}
        with mail_pack({**usual, **environment}).in_background(server.settings()):
            yield Post(server, box)


@pytest.fixture(scope="module")
def post() -> Iterator[Post]:
    with a_post() as post:
        yield post


@pytest.fixture
def box(post: Post) -> Mailbox:
    post.box.mails.clear()
    return post.box


def test_mail_arrives_and_the_event_is_that_of_flytes_own_pack(post: Post, box: Mailbox) -> None:
    assert post.send() == Event("EmailSent", MAIL)

    [mail] = box.mails
    assert (mail["From"], mail["To"], mail["Subject"]) == tuple(MAIL.values())[:3]
    assert mail.get_content().splitlines() == ["web 1.4", "is live"]
    assert mail.get_content_type() == "text/plain"
    assert mail["Date"]
    assert mail["Message-ID"].endswith("@example.org>")


def test_mail_may_be_html_with_copies_and_an_address_for_answers(post: Post, box: Mailbox) -> None:
    copies = {"cc": ["bob@example.org"], "bcc": "eve@example.org", "replyTo": "ops@example.org"}
    post.send(isHtmlEmail="true", to="Ada <ada@example.org>, lin@example.org", **copies)

    [mail] = box.mails
    assert (mail.get_content_type(), mail["Bcc"]) == ("text/html", None)
    assert mail["To"] == "ada@example.org, lin@example.org"
    assert (mail["Cc"], mail["Reply-To"]) == ("bob@example.org", "ops@example.org")


def test_text_in_any_language_arrives(post: Post, box: Mailbox) -> None:
    post.send(subject="Größe ✓", body="naïve ✓\n" + "x" * 2000)

    [mail] = box.mails
    assert mail["Subject"] == "Größe ✓"
    assert mail.get_content().splitlines() == ["naïve ✓", "x" * 2000]


@pytest.mark.parametrize("member", ["from", "to", "subject", "cc", "bcc", "replyTo"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\u2028", "\x85", "\x0b", "\0"])
def test_member_that_would_begin_a_header_is_refused(
    post: Post, box: Mailbox, member: str, end: str
) -> None:
    sent = post.send(**{member: f"ada@example.org{end}Bcc: eve@example.org"})

    assert (sent.name, box.mails) == ("SendEmailFailed", [])
    assert sent.payload["error"] == f"{member} has more than one line"


@pytest.mark.parametrize(
    "to",
    [
        "ada",
        "@example.org",
        "ada@",
        "a b@example.org",
        "<ada@example.org> SIZE=1",
        "ada@example.org> NOTIFY=SUCCESS",
        "ada@exa mple.org",
        "ada@example.org,, eve",
        '"a\\"b"@example.org',
        "ada@example.org," * 100_000,
        "(" * 1_000,
        [5],
        {},
        "",
        None,
    ],
)
def test_recipient_that_is_no_address_is_refused(post: Post, box: Mailbox, to: Any) -> None:
    assert (post.send(to=to).name, box.mails) == ("SendEmailFailed", [])


@pytest.mark.parametrize(
    "body",
    ["a\r\n.\r\nMAIL FROM:<x@y.z>\r\n", "a\n.\nb", "a\r.\rb", "a\n.\r\nb", ".", "a\r\n.\rb\r\n"],
)
def test_body_cannot_end_its_mail(post: Post, box: Mailbox, body: str) -> None:
    post.send(body=body)

    [mail] = box.mails
    assert mail.get_content().splitlines() == body.splitlines()


def test_recipient_that_the_server_refuses_is_named(post: Post, box: Mailbox) -> None:
    box.replies[:] = ["550 no such user"]
    alone = post.send()
    box.replies[:] = ["250 ok", "550 no such user"]
    among = post.send(to="ada@example.org, bob@example.org")

    assert alone.payload["error"] == "ada@example.org: 550 no such user"
    assert among.payload["error"] == "bob@example.org: 550 no such user; the others have it"
    assert len(box.mails) == 1


def test_only_senders_and_recipients_of_the_settings_are_allowed() -> None:
    allowed = {"MAIL_SENDERS": "ci@example.org", "MAIL_RECIPIENTS": "@example.org,bob@x.org"}
    with a_post(**allowed) as post:
        names = [
            post.send().name,
            post.send(to="BOB@X.org").name,
            post.send(to="ada@example.org, eve@evil.test").name,
            post.send(to="eve@notexample.org").name,
            post.send(cc="eve@evil.test").name,
            post.send(**{"from": "boss@example.org"}).name,
        ]

    assert names == ["EmailSent"] * 2 + ["SendEmailFailed"] * 4


def test_sender_of_the_settings_is_used_where_the_input_has_none() -> None:
    with a_post(MAIL_SENDER="floe@example.org") as post:
        post.send(**{"from": ""})

        assert post.box.mails[0]["From"] == "floe@example.org"


def test_mail_goes_through_tls_with_a_login() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERT, CERT.with_name("key.pem"))
    login = {"MAIL_USER": "ci", "MAIL_PASSWORD": "s3cret", "MAIL_TLS": "starttls"}
    with a_post(context, **login, MAIL_CA=str(CERT)) as post:
        sent = post.send()
        logins = post.box.logins

    assert (sent.name, logins) == ("EmailSent", ["ci"])


def test_certificate_that_is_not_trusted_is_refused() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERT, CERT.with_name("key.pem"))
    with a_post(context, MAIL_TLS="starttls") as post:
        sent = post.send()

    assert "certificate verify failed" in sent.payload["error"]


def test_server_without_tls_gets_no_mail_where_it_is_asked_for() -> None:
    with a_post(MAIL_TLS="starttls") as post:
        sent = post.send()

    assert "STARTTLS extension not supported" in sent.payload["error"]


def test_server_that_does_not_answer_is_named() -> None:
    port = free_port()
    with MemoryServer() as server:
        pack = mail_pack({"MAIL_HOST": "127.0.0.1", "MAIL_PORT": str(port)})
        with pack.in_background(server.settings()):
            sent = server.carry_out("SendEmail", MAIL)

    assert sent.payload["error"] == f"127.0.0.1:{port}: [Errno 111] Connection refused"


@pytest.mark.parametrize(
    ("environment", "wrong"),
    [
        ({}, "set MAIL_HOST"),
        ({"MAIL_HOST": "h", "MAIL_TLS": "maybe"}, "MAIL.tls is a text, not one of starttls"),
        ({"MAIL_HOST": "h", "MAIL_USER": "u", "MAIL_TLS": "none"}, "sent in the clear"),
        ({"MAIL_HOST": "h", "MAIL_PASWORD": "p"}, "did you mean MAIL_PASSWORD"),
    ],
)
def test_wrong_setting_is_refused_at_the_start(environment: dict[str, str], wrong: str) -> None:
    with pytest.raises(WrongSetting, match=wrong):
        mail_pack(environment)
