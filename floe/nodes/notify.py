"""Notifies people: by Slack and its like, Teams, as JSON by any webhook, and by `mail`.

Rules of this file: the URL of a webhook is a secret, so no error repeats it; redirects are not
followed, since a notice must go to no server but the one in the flow.

Source: Slack docs, "Sending messages using incoming webhooks"; Microsoft Learn, "Create incoming
webhooks with Workflows".
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from floe.files import read_named
from floe.model.codec import encode
from floe.model.ids import Json, Shape
from floe.model.notice import Channel, Notice, NoticeMessage
from floe.model.nouns import dataclass
from floe.nodes.base import NoticeRefused
from floe.nodes.forbidden import NOTHING_FORBIDDEN, AddressGuard, ForbiddenAddresses
from floe.nodes.smtp import Smtp
from floe.places import Places

if TYPE_CHECKING:
    import aiohttp

NOTICE_S: Final = 30.0
"""Seconds for one try."""

ADDRESS_BYTES_MAX: Final = 8 * 1024
"""Of a file with a URL or a password."""

ANSWER_MAX: Final = 200
"""Characters of a server's answer that an error repeats."""

TRY_AGAIN: Final = (408, 425, 429)
"""Statuses below 500 that pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyMessage:
    """The message of a notify task, with its address."""

    channel: Channel
    url: str
    to: tuple[str, ...]
    id: str
    """The same at each try, so that a receiver can drop a repetition."""
    flow: str
    run: str
    node: str
    text: str
    subject: str
    link: str
    """To the page of the run; empty for none."""


class NotifySender:
    """Notifies people: sends one notice at a time; keeps no connection."""

    def __init__(
        self,
        smtp: Smtp | None,
        places: Places,
        forbidden: ForbiddenAddresses = NOTHING_FORBIDDEN,
    ) -> None:
        """`forbidden`: for webhooks. The mail server is the host's own choice."""
        self._smtp = smtp
        self._places = places
        self._forbidden = forbidden

    async def send(self, notice: Notice, message: NoticeMessage) -> None:
        """Notify people by a notice. Raises NoticeRefused."""
        if notice.channel == "mail":
            await self._mail(notice, message)
            return
        body: Shape
        match notice.channel:
            case "slack":
                body = slack_body(message)
            case "teams":
                body = teams_body(message)
            case _:
                body = webhook_body(message)
        url = await self._secret(notice.url)
        await post(url, body, message.id, self._forbidden)

    async def send_text(self, message: NotifyMessage) -> None:
        """Send the message of a notify task. Raises NoticeRefused."""
        if message.channel == "mail":
            from floe.nodes.mail import send_mail, text_mail  # most hosts send no mail

            smtp, password = await self._smtp_login()
            await send_mail(smtp, password, text_mail(message, smtp.sender))
            return
        url = await self._secret(message.url)
        await post(url, text_body(message), message.id, self._forbidden)

    async def _secret(self, named: str) -> str:
        """The text of `$NAME`, `@file` or the text itself."""
        if named.startswith("$"):
            if text := os.environ.get(named[1:], "").strip():
                return text
            raise NoticeRefused(f"the host's environment has no {named}", is_final=True)
        if named.startswith("@"):
            path = Path(named[1:])
            try:
                data = await self._places.read(path, read_named, path, ADDRESS_BYTES_MAX)
                return data.decode().strip()
            except (OSError, ValueError) as error:
                raise NoticeRefused(f"{path} cannot be read: {error}") from None
        return named

    async def _mail(self, notice: Notice, message: NoticeMessage) -> None:
        from floe.nodes.mail import mail_of, send_mail  # most hosts send no mail

        smtp, password = await self._smtp_login()
        await send_mail(smtp, password, mail_of(notice, message, smtp.sender))

    async def _smtp_login(self) -> tuple[Smtp, str]:
        smtp = self._smtp
        if smtp is None:
            raise NoticeRefused("the config of this host has no `smtp`", is_final=True)
        return smtp, await self._secret(f"@{smtp.password_file}") if smtp.password_file else ""


async def post(url: str, body: Shape, id: str, forbidden: ForbiddenAddresses) -> None:
    """POST JSON to notify once; each repetition has the same id. Raises NoticeRefused."""
    import aiohttp  # a host without notices and peers of its own needs no client

    from floe.nodes.connection_faults import connection_fault
    from floe.nodes.http import HttpTarget, http_session
    from floe.nodes.partial_file import DownloadRefused

    try:
        target = HttpTarget.parse(url)
    except DownloadRefused:
        raise NoticeRefused("its url is no http or https URL", is_final=True) from None
    place, guard = target.host, AddressGuard(forbidden)
    try:
        guard.check_written(target.host, target.port)
        async with (
            http_session(total_s=NOTICE_S, is_raw=False, socket_factory=guard.socket) as http,
            http.post(
                target.url(target.user),
                json=body,
                headers={"Idempotency-Key": id, "User-Agent": "floe"},
                allow_redirects=False,
            ) as answer,
        ):
            text = await _reply_to_notice(answer)
            if answer.status < 300:
                return
            what = f"{place} answered {answer.status} {answer.reason or ''}".strip()
            if 300 <= answer.status < 400:
                what += "; redirects are not followed"
            elif text:
                what += f": {_without(text, url)}"
            is_final = answer.status < 500 and answer.status not in TRY_AGAIN
            raise NoticeRefused(what, is_final=is_final)
    except TimeoutError:
        raise NoticeRefused(f"{place} did not answer within {NOTICE_S:g} s") from None
    except (aiohttp.ClientError, OSError) as error:
        if guard.fault:
            raise NoticeRefused(f"{place}: {guard.fault}", is_final=True) from None
        raise NoticeRefused(f"{place}: {_without(connection_fault(error), url)}") from None


async def _reply_to_notice(answer: "aiohttp.ClientResponse") -> str:
    data = await answer.content.read(4 * ANSWER_MAX)
    return _notice_reply_text(data)


def _notice_reply_text(data: bytes | str) -> str:
    text = data.decode(errors="replace") if isinstance(data, bytes) else data
    return " ".join(text.split())[:ANSWER_MAX]


def _without(text: str, url: str) -> str:
    """A text without the secret part of a URL: its path, with the query."""
    path = "/" + url.partition("://")[2].partition("/")[2]
    return text.replace(url, "***").replace(path, "/***") if len(path) > 1 else text


# --- what is sent ---


def slack_body(message: NoticeMessage) -> Shape:
    """Notify by Slack: a message in its shape, which Mattermost and Rocket.Chat take too."""
    if message.text:
        return {"text": message.text}
    parts = [f"*{_slack(message.headline)}*", _slack(message.why)]
    parts.append(f"<{message.link}|{_slack(message.run)}> by {_slack(message.by)}")
    if message.lines:
        parts.append("```\n" + _slack("\n".join(message.lines)).replace("```", "'''") + "\n```")
    return {"text": "\n".join(filter(None, parts))}


def _slack(text: str) -> str:
    """Source: Slack docs, "Escaping text"."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def teams_body(message: NoticeMessage) -> Shape:
    """Notify by Teams: an Adaptive Card, as its workflow for webhooks takes it."""
    blocks: list[Json] = [
        _card_text(message.text or message.headline, weight="default" if message.text else "bolder")
    ]
    if not message.text:
        blocks += [_card_text(message.why)] if message.why else []
        blocks += (
            [_card_text("\n\n".join(message.lines), fontType="monospace")] if message.lines else []
        )
    return _card(blocks, message.run, message.link)


def _card(blocks: list[Json], run: str, link: str) -> Shape:
    action: Json = {"type": "Action.OpenUrl", "title": f"Open {run}", "url": link}
    card: Json = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
        "actions": [action] if link else [],
    }
    return {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": card,
            }
        ],
    }


def text_body(message: NotifyMessage) -> Shape:
    """The body of a task's message, in the shape of its channel."""
    match message.channel:
        case "slack":
            return {"text": message.text}
        case "teams":
            return _card([_card_text(message.text)], message.run, message.link)
        case _:
            names = ("id", "flow", "run", "node", "text", "link")
            return {name: getattr(message, name) for name in names}


def _card_text(text: str, **more: str) -> Json:
    return {"type": "TextBlock", "text": text, "wrap": True, **more}


def webhook_body(message: NoticeMessage) -> Shape:
    """Notify by webhook: the whole content of a notice, as JSON."""
    return {
        "recovered": message.recovered,
        "lines": [],
        "text": "",
        "title": "",
        "why": "",
        **encode(message),
    }
