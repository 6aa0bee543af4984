"""The pack `Slack`: it sends messages, in threads too, and those of a chat become its events.

Its names are those of flyte's own pack. A chat is Slack, or one with Slack's API; an incoming
webhook is enough to send, at Mattermost too.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import urlencode

from floe.packs.connections import Unanswered, in_thread
from floe.packs.events import Event
from floe.packs.pack import Pack
from floe.packs.shipped.chat_channels import NotTaken, add_channel_commands
from floe.packs.shipped.chat_events import EVENTS, ChatListener
from floe.packs.shipped.configuration import SECRET, WrongSetting, configured, start, url
from floe.packs.shipped.outgoing import WebAnswer, WebRequest, ask_again

TOO_MANY: Final = 429
"""The one status after which a message is sent again: the chat did not take it."""
OK: Final = range(200, 300)
USERS_MAX: Final = 10_000


@dataclass(frozen=True)
class ChatSettings:
    """Settings of the pack, by variables that begin with CHAT_, or by CHAT_CONFIG."""

    token: str = field(default="", repr=False, metadata=SECRET)
    """The token of a bot, for the API; or `@FILE`."""
    webhook: str = field(default="", repr=False, metadata=SECRET)
    """The URL of an incoming webhook, for chats without a token."""
    api: str = "https://slack.com/api"
    signing_secret: str = field(default="", repr=False, metadata=SECRET)
    """What Slack signs its requests with. Without it no event of the API is taken."""
    slash_token: str = field(default="", repr=False, metadata=SECRET)
    """The token of a slash command at Mattermost, which signs nothing."""
    bind: str = "127.0.0.1:8091"
    """The address for requests of the chat, below /events and /commands."""
    channels: list[str] = field(default_factory=list)
    """The ids of the channels whose messages become events; none for all."""
    timeout_s: float = 10
    """The longest time of a request to the chat."""


@dataclass(frozen=True)
class Message:
    """The input of SendMessage."""

    message: str = ""
    channelId: str = ""  # a name of flyte's own pack
    threadTimestamp: str = ""
    """The `timestamp` of the message to answer in its thread."""


@dataclass(frozen=True)
class Channel:
    """The input of JoinChannel and LeaveChannel."""

    channelId: str


class Chat:
    """The API of a chat, or its webhook."""

    def __init__(self, settings: ChatSettings) -> None:
        self._settings = settings
        self._users: dict[str, dict[str, Any]] = {}

    def post(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Send a message of the API: `channel`, `text`, `thread_ts` and so on. Raises NotTaken."""
        if self._settings.token:
            return self.call("chat.postMessage", message)
        answer = self._ask(self._settings.webhook, message, {})
        if answer.status not in OK:
            raise NotTaken(_reason(answer))
        return {}

    def call(self, method: str, input: Mapping[str, Any]) -> dict[str, Any]:
        """Call a method of the API. Raises NotTaken."""
        if not self._settings.token:
            raise NotTaken("the pack has a webhook only; set CHAT_TOKEN")
        token = {"Authorization": f"Bearer {self._settings.token}"}
        answer = self._ask(f"{self._settings.api}/{method}", input, token)
        try:
            found = json.loads(answer.body)
        except ValueError:
            found = None
        if not isinstance(found, dict) or not found.get("ok"):
            error = found.get("error") if isinstance(found, dict) else None
            raise NotTaken(str(error or _reason(answer)))
        return found

    def user(self, id: str) -> dict[str, Any]:
        """A user by the names of flyte's own pack; the id alone if the chat gives no more."""
        if id not in self._users and self._settings.token:
            try:
                found = self.call(f"users.info?{urlencode({'user': id})}", {})["user"]
            except (NotTaken, KeyError):
                return _user(id, {})
            if len(self._users) >= USERS_MAX:
                self._users.clear()
            self._users[id] = _user(id, found if isinstance(found, dict) else {})
        return self._users.get(id) or _user(id, {})

    def _ask(self, url: str, input: Mapping[str, Any], token: dict[str, str]) -> WebAnswer:
        """Without an input it reads: such methods of the API take no JSON."""
        headers = {"Content-Type": "application/json; charset=utf-8"} if input else {}
        body = json.dumps(input).encode() if input else None
        method = "POST" if input else "GET"
        asked = WebRequest(method, url, {**headers, **token}, body, self._settings.timeout_s)
        try:
            return ask_again(asked, lambda answer: answer is not None and answer.status == TOO_MANY)
        except Unanswered as fault:
            raise NotTaken(str(fault)) from fault


def chat_pack(environment: Mapping[str, str] = os.environ) -> Pack:
    """The pack, with the settings of an environment. Raises WrongSetting."""
    settings = configured(ChatSettings, "CHAT", environment)
    if not settings.token and not settings.webhook:
        raise WrongSetting("set CHAT_TOKEN to the token of a bot, or CHAT_WEBHOOK to a URL")
    if settings.webhook:
        url("CHAT_WEBHOOK", settings.webhook)
    settings = replace(settings, api=url("CHAT_API", settings.api))
    pack = Pack(environment.get("PACK_NAME", "") or "Slack", events=EVENTS)
    chat = Chat(settings)

    @pack.command("SendMessage", "MessageSent", "SendMessageFailed")
    async def send(given: Message) -> Event:
        shown = {name: getattr(given, name) for name in ("message", "channelId", "threadTimestamp")}
        missing = [] if given.message else ["missing message field"]
        if not given.channelId and settings.token:
            missing.append("missing channel id field")
        if missing:
            return Event("SendMessageFailed", {**shown, "error": ", ".join(missing)})
        message = {
            "text": given.message,
            "channel": given.channelId,
            "thread_ts": given.threadTimestamp,
        }
        try:
            sent = await in_thread(lambda: chat.post({k: v for k, v in message.items() if v}))
        except NotTaken as error:
            return Event("SendMessageFailed", {**shown, "error": str(error)})
        return Event("MessageSent", {**shown, "timestamp": sent.get("ts", "")})

    @pack.command("SendRichMessage", "RichMessageSent", "SendRichMessageFailed")
    async def send_rich(given: dict[str, Any]) -> Event:
        try:
            sent = await in_thread(lambda: chat.post(given))
        except NotTaken as error:
            return Event("SendRichMessageFailed", {"inputMessage": given, "error": str(error)})
        place = {"channelId": sent.get("channel", ""), "threadTimestamp": sent.get("ts", "")}
        return Event("RichMessageSent", {**given, **place})

    @pack.command("JoinChannel", "ChannelJoined", "JoinChannelFailed", if_interrupted="repeat")
    async def join(given: Channel) -> Event:
        return await _moved(chat, given, "conversations.join", "ChannelJoined", "JoinChannelFailed")

    @pack.command("LeaveChannel", "ChannelLeft", "LeaveChannelFailed", if_interrupted="repeat")
    async def leave(given: Channel) -> Event:
        return await _moved(chat, given, "conversations.leave", "ChannelLeft", "LeaveChannelFailed")

    add_channel_commands(pack, chat)
    if settings.signing_secret or settings.slash_token:
        listener = ChatListener(
            pack.send_now,
            chat.user,
            bind=settings.bind,
            signing_secret=settings.signing_secret,
            slash_token=settings.slash_token,
            channels=settings.channels,
        )
        pack.background(listener.serve)
    return pack


def main() -> None:
    """Run the pack until it is stopped."""
    start(chat_pack)


async def _moved(chat: Chat, given: Channel, method: str, done: str, failed: str) -> Event:
    channel = {"channelId": given.channelId}
    try:
        await in_thread(lambda: chat.call(method, {"channel": given.channelId}))
    except NotTaken as error:
        return Event(failed, {**channel, "error": str(error)})
    return Event(done, channel)


def _user(id: str, found: Mapping[str, Any]) -> dict[str, Any]:
    profile = found.get("profile")
    more = profile if isinstance(profile, dict) else {}
    return {
        "id": id,
        "name": str(found.get("name") or ""),
        "email": str(more.get("email") or ""),
        "title": str(more.get("title") or ""),
        "firstName": str(more.get("first_name") or ""),
        "lastName": str(more.get("last_name") or ""),
    }


def _reason(answer: WebAnswer) -> str:
    text = answer.body[:200].decode(errors="replace").strip()
    return f"the chat answered {answer.status}: {text}"


if __name__ == "__main__":
    main()
