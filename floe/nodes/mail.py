"""Sends notices by mail, in a thread of their own: smtplib blocks.

Source: RFC 5321, RFC 5322, RFC 3834.
"""

import asyncio
import smtplib
import ssl
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP
from typing import TYPE_CHECKING, Final, TypeVarTuple

from floe.model.notice import Notice, NoticeMessage
from floe.nodes.base import NoticeRefused
from floe.nodes.smtp import Smtp

if TYPE_CHECKING:
    from floe.nodes.notify import NotifyMessage

Ts = TypeVarTuple("Ts")

MAIL_S: Final = 30.0
"""Seconds for each reply of the server, and for one try."""

REPLY_MAX: Final = 200
"""Characters of a server's reply that an error repeats."""


async def send_mail(smtp: Smtp, password: str, mail: EmailMessage) -> None:
    """Hand a mail to the server. Raises NoticeRefused."""
    try:
        async with asyncio.timeout(MAIL_S):
            await _in_thread(_deliver, smtp, password, mail)
    except TimeoutError:
        raise NoticeRefused(f"{smtp.host} did not answer within {MAIL_S:g} s") from None
    except smtplib.SMTPRecipientsRefused as error:
        replies = list(error.recipients.values())
        raise NoticeRefused(
            f"{smtp.host} refused every recipient: {_reply(replies[0][1])}",
            is_final=all(code >= 500 for code, _ in replies),
        ) from None
    except smtplib.SMTPResponseException as error:
        what = f"{smtp.host} answered {error.smtp_code} {_reply(error.smtp_error)}"
        raise NoticeRefused(what) from None
    except (smtplib.SMTPException, OSError) as error:
        raise NoticeRefused(f"{smtp.host}: {error}") from None


def mail_of(notice: Notice, message: NoticeMessage, sender: str) -> EmailMessage:
    """A mail. Its Message-ID is the same at each try."""
    mail = _mail(message.headline, sender, notice.to, message.id)
    lines = [message.headline, "", message.why, message.link, f"by {message.by}"]
    if message.lines:
        lines += ["", "The last lines of its output:", "", *message.lines]
    mail.set_content((message.text or "\n".join(lines)) + "\n")
    return mail


def text_mail(message: "NotifyMessage", sender: str) -> EmailMessage:
    """The mail of a task."""
    mail = _mail(message.subject, sender, message.to, message.id)
    mail.set_content(message.text + "\n")
    return mail


def _mail(subject: str, sender: str, to: Sequence[str], id: str) -> EmailMessage:
    """A mail without content. Its Message-ID is the same at each try."""
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = " ".join(subject.split())
    mail["From"] = sender
    mail["To"] = ", ".join(to)
    mail["Message-ID"] = f"<{id.replace('@', '.').replace('/', '.')}@floe>"
    mail["Auto-Submitted"] = "auto-generated"
    return mail


def _deliver(smtp: Smtp, password: str, mail: EmailMessage) -> None:
    """Hand a mail to the server; blocks. Raises SMTPException, OSError."""
    context = ssl.create_default_context()
    server: smtplib.SMTP
    if smtp.tls == "tls":
        server = smtplib.SMTP_SSL(smtp.host, smtp.port, timeout=MAIL_S, context=context)
    else:
        server = smtplib.SMTP(smtp.host, smtp.port, timeout=MAIL_S)
    with server:
        if smtp.tls == "starttls":
            server.starttls(context=context)
        if smtp.user:
            server.login(smtp.user, password)
        server.send_message(mail)


def _reply(data: bytes | str) -> str:
    text = data.decode(errors="replace") if isinstance(data, bytes) else data
    return " ".join(text.split())[:REPLY_MAX]


def _in_thread(work: Callable[[*Ts], None], *args: *Ts) -> "asyncio.Future[None]":
    """Run a blocking call in a thread that does not delay the end of this process."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle(error: Exception | None) -> None:
        if done.cancelled():
            return
        if error:
            done.set_exception(error)
        else:
            done.set_result(None)

    def run() -> None:
        error = None
        try:
            work(*args)
        except Exception as caught:  # it is raised where the future is awaited
            error = caught
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, error)

    threading.Thread(target=run, name="mail", daemon=True).start()
    return done
