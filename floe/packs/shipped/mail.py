"""The pack `Email`: it sends mails by SMTP. Its names are those of flyte's own pack."""

import os
import re
import smtplib
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.utils import formatdate, getaddresses, make_msgid
from typing import Any, Final, Literal

from floe.packs.connections import in_thread
from floe.packs.events import Event
from floe.packs.inputs import WrongInput, read
from floe.packs.pack import Pack
from floe.packs.shipped.configuration import SECRET, WrongSetting, configured, start

PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}
ADDRESS: Final = re.compile(r"[^\s<>()\[\]\\,;:@\"\x00-\x20\x7f]{1,64}@[A-Za-z0-9.-]{1,253}")
ADDRESSES_MAX: Final = 10_000
"""The most characters of all addresses of a member."""
SHOWN: Final = ("from", "to", "subject", "body", "isHtmlEmail")
"""The members of the input, which each event has too."""


@dataclass(frozen=True)
class MailSettings:
    """Settings of the pack, by variables that begin with MAIL_, or by MAIL_CONFIG."""

    host: str = ""
    """The server for mail."""
    port: int = 0
    """0 for that of `tls`: 587, 465 or 25."""
    tls: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: str = field(default="", repr=False, metadata=SECRET)
    sender: str = ""
    """The sender of mails whose input names none."""
    senders: list[str] = field(default_factory=list)
    """Senders that an input may name: `ci@example.org`, `@example.org`; none for all."""
    recipients: list[str] = field(default_factory=list)
    """Recipients that an input may name, in the same way."""
    ca: str = ""
    """The file of a certificate to trust; "" for those of the system."""
    timeout_s: float = 30
    """The longest time of each step at the server."""


class NotMailed(Exception):
    """A mail that is not allowed, or that the server refused."""


def mail_pack(environment: Mapping[str, str] = os.environ) -> Pack:
    """The pack, with the settings of an environment. Raises WrongSetting."""
    settings = configured(MailSettings, "MAIL", environment)
    if not settings.host:
        raise WrongSetting("set MAIL_HOST to the server for mail")
    if settings.user and settings.tls == "none":
        raise WrongSetting("MAIL_TLS is none, so MAIL_PASSWORD would be sent in the clear")
    pack = Pack(environment.get("PACK_NAME", "") or "Email")

    @pack.command("SendEmail", "EmailSent", "SendEmailFailed")
    async def send(given: dict[str, Any]) -> Event:
        shown = {name: given[name] for name in SHOWN if name in given}
        try:
            await in_thread(lambda: _send(settings, *_mail(settings, given)))
        except (NotMailed, WrongInput) as error:
            return Event("SendEmailFailed", {**shown, "error": str(error)})
        return Event("EmailSent", shown)

    return pack


def main() -> None:
    """Run the pack until it is stopped."""
    start(mail_pack)


def _mail(settings: MailSettings, given: Mapping[str, Any]) -> tuple[EmailMessage, list[str]]:
    """The mail, and all its recipients. Raises NotMailed and WrongInput."""
    [sender] = _addresses("from", given.get("from") or settings.sender, settings.senders) or [""]
    to, copies, hidden = (
        _addresses(name, given.get(name), settings.recipients) for name in ("to", "cc", "bcc")
    )
    if not sender or not to:
        raise NotMailed(f"the input has no {'from' if to else 'to'}")
    mail = EmailMessage(policy=policy.SMTP)
    headers = {"From": sender, "To": ", ".join(to), "Cc": ", ".join(copies)}
    headers["Reply-To"] = ", ".join(_addresses("replyTo", given.get("replyTo"), ()))
    headers["Subject"] = _line("subject", read(str, given.get("subject", ""), "subject"))
    for name, value in headers.items():
        if value:
            mail[name] = value
    mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(domain=sender.rpartition("@")[2])
    text = read(str, given.get("body", ""), "body")
    # A lone end of a line is one mail to some servers, and the end of it to others.
    plain = re.sub(r"\r\n?", "\n", text).replace("\0", "")
    is_html = read(bool, given.get("isHtmlEmail") or False, "isHtmlEmail")
    mail.set_content(plain, subtype="html" if is_html else "plain", cte="quoted-printable")
    return mail, [*to, *copies, *hidden]


def _addresses(name: str, given: Any, allowed: Sequence[str]) -> list[str]:
    """The addresses of a member: a text with commas, or a list. Raises NotMailed."""
    texts = read(list[str] | str | None, given, name) or []
    lines = [_line(name, text) for text in ([texts] if isinstance(texts, str) else texts)]
    if sum(map(len, lines)) > ADDRESSES_MAX:
        raise NotMailed(f"{name} has more than {ADDRESSES_MAX} characters")
    try:
        found = [address for _, address in getaddresses(lines)]
    except RecursionError as error:  # brackets in brackets
        raise NotMailed(f"{name} has no addresses") from error
    for address in found:
        # The parser mends addresses: what it mends is none.
        if not ADDRESS.fullmatch(address) or not any(address in line for line in lines):
            raise NotMailed(f"{name} has {address or lines!r}, which is no address")
        if allowed and not any(_is_allowed(address, one) for one in allowed):
            raise NotMailed(f"{name} has {address}, which is not allowed by the settings")
    if name == "from" and len(found) > 1:
        raise NotMailed("from has more than one address")
    return found


def _is_allowed(address: str, allowed: str) -> bool:
    if allowed.startswith("@"):
        return address.lower().endswith(allowed.lower())
    return address.lower() == allowed.lower()


def _line(name: str, text: str) -> str:
    """A text without ends of lines, which would begin a header of the caller's choice."""
    if re.search(r"[\r\n\0\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", text):
        raise NotMailed(f"{name} has more than one line")
    return text


def _send(settings: MailSettings, mail: EmailMessage, recipients: list[str]) -> None:
    """Send a mail. Raises NotMailed."""
    port = settings.port or PORTS[settings.tls]
    try:
        context = ssl.create_default_context(cafile=settings.ca or None)
        with _connected(settings, port, context) as server:
            if settings.tls == "starttls":
                server.starttls(context=context)
            if settings.user:
                server.login(settings.user, settings.password)
            refused = server.send_message(mail, to_addrs=recipients)
    except smtplib.SMTPRecipientsRefused as error:
        raise NotMailed(_refused(error.recipients)) from error
    except smtplib.SMTPResponseException as error:
        raise NotMailed(f"{error.smtp_code} {_text(error.smtp_error)}") from error
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        raise NotMailed(f"{settings.host}:{port}: {str(error) or type(error).__name__}") from error
    if refused:
        raise NotMailed(f"{_refused(refused)}; the others have it")


def _connected(settings: MailSettings, port: int, context: ssl.SSLContext) -> smtplib.SMTP:
    if settings.tls == "tls":
        return smtplib.SMTP_SSL(settings.host, port, timeout=settings.timeout_s, context=context)
    return smtplib.SMTP(settings.host, port, timeout=settings.timeout_s)


def _refused(recipients: Mapping[str, tuple[int, bytes]]) -> str:
    return "; ".join(f"{one}: {code} {_text(why)}" for one, (code, why) in recipients.items())


def _text(answer: bytes | str) -> str:
    return answer.decode(errors="replace") if isinstance(answer, bytes) else answer


if __name__ == "__main__":
    main()
