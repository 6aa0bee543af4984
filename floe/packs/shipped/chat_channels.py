"""What the pack `Slack` reads of channels, by the commands of flyte's own pack."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import urlencode

from floe.packs.connections import in_thread
from floe.packs.events import Event
from floe.packs.pack import Pack

PAGE: Final = 1_000
PAGES_MAX: Final = 100


class NotTaken(Exception):
    """A request that the chat refused, or did not answer."""


class ChatMethods(Protocol):
    """The API of a chat. Both raise NotTaken."""

    def call(self, method: str, input: dict[str, Any]) -> dict[str, Any]:
        """Call a method."""
        ...

    def post(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a message."""
        ...


@dataclass(frozen=True)
class ChannelName:
    """The input of GetChannelInfo."""

    channelName: str


@dataclass(frozen=True)
class Announcement:
    """The input of Broadcast."""

    message: str


@dataclass(frozen=True)
class ReactedMessage:
    """The input of GetReactionList: a message, and a user who may have reacted to it."""

    channelId: str = ""
    threadTimestamp: str = ""
    reactionUser: str = ""


def add_channel_commands(pack: Pack, chat: ChatMethods) -> None:
    """Add the commands to the pack."""

    @pack.command(
        "GetChannelInfo", "GetChannelInfoSuccess", "GetChannelInfoFail", if_interrupted="repeat"
    )
    async def channel(given: ChannelName) -> Event:
        name = {"channelName": given.channelName}
        wanted = given.channelName.removeprefix("#")
        try:
            found = await in_thread(lambda: _named(chat, wanted))
        except NotTaken as error:
            return Event("GetChannelInfoFail", {**name, "reason": str(error)})
        if found is None:
            return Event("GetChannelInfoFail", {**name, "reason": f"no channel {wanted}"})
        topic = found.get("topic") or {}
        shown = {"id": found.get("id", ""), "name": wanted, "topic": topic.get("value", "")}
        return Event("GetChannelInfoSuccess", {**name, "conversation": shown})

    @pack.command("Broadcast", "BroadcastSent", "BroadcastFailed")
    async def broadcast(given: Announcement) -> Event:
        shown = {"message": given.message}
        failed = await in_thread(lambda: _announced(chat, given.message))
        return (
            Event("BroadcastFailed", {**shown, "error": failed})
            if failed
            else Event("BroadcastSent", shown)
        )

    @pack.command(
        "GetReactionList",
        "GetReactionListSuccess",
        "GetReactionListFailed",
        if_interrupted="repeat",
    )
    async def reactions(given: ReactedMessage) -> Event:
        shown = {"channelId": given.channelId, "threadTimestamp": given.threadTimestamp}
        try:
            text = await in_thread(lambda: _reacted(chat, given))
        except NotTaken as error:
            return Event("GetReactionListFailed", {**shown, "message": "", "error": str(error)})
        return Event("GetReactionListSuccess", {**shown, "message": text})


def _listed(call: Callable[[str], dict[str, Any]], method: str) -> Iterator[dict[str, Any]]:
    """All channels of a method of the API, page by page."""
    cursor = ""
    for _ in range(PAGES_MAX):
        query = {"limit": str(PAGE), "exclude_archived": "true", "cursor": cursor}
        found = call(f"{method}?{urlencode({k: v for k, v in query.items() if v})}")
        channels = found.get("channels")
        yield from (one for one in channels or () if isinstance(one, dict))
        cursor = str((found.get("response_metadata") or {}).get("next_cursor") or "")
        if not cursor:
            return


def _named(chat: ChatMethods, name: str) -> dict[str, Any] | None:
    channels = _listed(lambda method: chat.call(method, {}), "conversations.list")
    return next((one for one in channels if one.get("name") == name), None)


def _announced(chat: ChatMethods, message: str) -> str:
    """Send a message to each channel of the pack; the faults as one text."""
    failed = []
    try:
        for channel in _listed(lambda method: chat.call(method, {}), "users.conversations"):
            try:
                chat.post({"channel": channel.get("id", ""), "text": message})
            except NotTaken as error:
                failed.append(f"{channel.get('id', '')}: {error}")
    except NotTaken as error:
        failed.append(str(error))
    return ", ".join(failed)


def _reacted(chat: ChatMethods, given: ReactedMessage) -> str:
    """The text of the message, if the user reacted to it; else an empty one."""
    query = urlencode({"user": given.reactionUser, "count": "50"})
    for item in chat.call(f"reactions.list?{query}", {}).get("items") or ():
        message = item.get("message") or {}
        if item.get("channel") == given.channelId and message.get("ts") == given.threadTimestamp:
            return str(message.get("text") or "")
    return ""
