"""The pack for chats: what it sends, and which settings it takes."""

from collections.abc import Iterator
from typing import Any

import pytest

from floe.packs import Event
from floe.packs.shipped.chat import chat_pack
from floe.packs.shipped.configuration import WrongSetting
from floe.packs.testing import MemoryServer
from tests.make_chat import SECRET, Room, a_chat, a_room
from tests.ports import free_port

pytestmark = pytest.mark.slow


@pytest.fixture
def room() -> Iterator[Room]:
    with a_room(CHAT_TOKEN="xoxb-1", CHAT_SIGNING_SECRET=SECRET) as room:
        yield room


def test_message_is_sent_in_its_thread(room: Room) -> None:
    message = {"message": "hi", "channelId": "C1", "threadTimestamp": "1.5"}

    sent = room.server.carry_out("SendMessage", message)

    assert sent == Event("MessageSent", {**message, "timestamp": "1700000000.000001"})
    [called] = room.chat.called
    assert called.token == "xoxb-1"
    assert called.body == {"text": "hi", "channel": "C1", "thread_ts": "1.5"}


def test_message_that_the_chat_refuses_has_its_error(room: Room) -> None:
    room.chat.answers.append((200, {}, {"ok": False, "error": "channel_not_found"}))

    sent = room.server.carry_out("SendMessage", {"message": "hi", "channelId": "C9"})

    shown = {"message": "hi", "channelId": "C9", "threadTimestamp": ""}
    assert sent == Event("SendMessageFailed", {**shown, "error": "channel_not_found"})


def test_message_without_its_parts_fails_with_the_words_of_flytes_own_pack(room: Room) -> None:
    sent = room.server.carry_out("SendMessage", {})

    assert sent.name == "SendMessageFailed"
    assert sent.payload["error"] == "missing message field, missing channel id field"


def test_message_is_sent_again_after_429_and_after_no_other_status(room: Room) -> None:
    room.chat.answers.append((429, {"Retry-After": "0"}, {"ok": False}))
    room.chat.answers.append((503, {}, {}))

    sent = room.server.carry_out("SendMessage", {"message": "hi", "channelId": "C1"})

    assert (sent.name, len(room.chat.called)) == ("SendMessageFailed", 2)


def test_pause_of_an_hour_is_not_waited_for(room: Room) -> None:
    room.chat.answers.append((429, {"Retry-After": "3600"}, {"ok": False, "error": "ratelimited"}))

    sent = room.server.carry_out("SendMessage", {"message": "hi", "channelId": "C1"})

    assert sent.payload["error"] == "ratelimited"


def test_rich_message_is_sent_as_it_is(room: Room) -> None:
    message = {"channel": "C1", "attachments": [{"title": "t"}], "thread_ts": "1.5"}

    sent = room.server.carry_out("SendRichMessage", message)

    place = {"channelId": "C1", "threadTimestamp": "1700000000.000001"}
    assert sent == Event("RichMessageSent", {**message, **place})
    assert room.chat.sent() == [message]


def test_channel_is_joined_and_left(room: Room) -> None:
    joined = room.server.carry_out("JoinChannel", {"channelId": "C1"})
    left = room.server.carry_out("LeaveChannel", {"channelId": "C1"})

    assert [joined, left] == [
        Event("ChannelJoined", {"channelId": "C1"}),
        Event("ChannelLeft", {"channelId": "C1"}),
    ]
    methods = [one.method for one in room.chat.called]
    assert methods == ["conversations.join", "conversations.leave"]


@pytest.mark.parametrize(
    ("name", "event", "payload"),
    [
        ("#team2", "Success", {"conversation": {"id": "C2", "name": "team2", "topic": "t"}}),
        ("nowhere", "Fail", {"reason": "no channel nowhere"}),
    ],
)
def test_channel_is_found_by_its_name(
    room: Room, name: str, event: str, payload: dict[str, Any]
) -> None:
    found = room.server.carry_out("GetChannelInfo", {"channelName": name})

    assert found == Event(f"GetChannelInfo{event}", {"channelName": name, **payload})


def test_broadcast_is_sent_to_all_channels_of_the_bot_and_names_those_that_refuse(
    room: Room,
) -> None:
    good = room.server.carry_out("Broadcast", {"message": "hi"})
    sent = [one["channel"] for one in room.chat.sent()]
    usual = room.chat.page("")
    room.chat.answers += [(200, {}, usual), (200, {}, {"ok": False, "error": "is_archived"})]
    bad = room.server.carry_out("Broadcast", {"message": "hi"})

    assert (good, sent) == (Event("BroadcastSent", {"message": "hi"}), ["C1", "C2"])
    assert bad == Event("BroadcastFailed", {"message": "hi", "error": "C1: is_archived"})


@pytest.mark.parametrize(("user", "text"), [("U1", "deploy?"), ("U2", "")])
def test_message_is_read_to_which_a_user_reacted(room: Room, user: str, text: str) -> None:
    message = {"channelId": "C1", "threadTimestamp": "1.5"}

    found = room.server.carry_out("GetReactionList", {**message, "reactionUser": user})

    assert found == Event("GetReactionListSuccess", {**message, "message": text})


def test_webhook_is_enough_to_send() -> None:
    with a_chat() as hook, MemoryServer() as server:
        pack = chat_pack({"CHAT_WEBHOOK": f"{hook.url}/hooks/abc", "PACK_NAME": "Mattermost"})
        with pack.in_background(server.settings()):
            sent = server.carry_out("SendMessage", {"message": "hi"})

    assert (pack.name, sent.name) == ("Mattermost", "MessageSent")
    assert [one.body for one in hook.called] == [{"text": "hi"}]


def test_chat_that_does_not_answer_fails_the_message_without_the_token() -> None:
    away = f"http://127.0.0.1:{free_port()}"
    with MemoryServer() as server:
        pack = chat_pack({"CHAT_TOKEN": "xoxb-1", "CHAT_API": away})
        with pack.in_background(server.settings()):
            sent = server.carry_out("SendMessage", {"message": "hi", "channelId": "C1"})

    assert sent.payload["error"] == f"{away[7:]}: [Errno 111] Connection refused"


def test_pack_without_a_way_to_the_chat_does_not_start() -> None:
    with pytest.raises(WrongSetting, match="set CHAT_TOKEN"):
        chat_pack({})


@pytest.mark.parametrize(
    ("environment", "wrong"),
    [
        ({"CHAT_WEBHOOK": "hooks.example.org/s3cret"}, "CHAT_WEBHOOK is no URL of http or https"),
        ({"CHAT_TOKEN": "xo\ns3cret"}, "CHAT_TOKEN has more than one line"),
        ({"CHAT_TOKEN": "x", "CHAT_API": "ftp://s3cret"}, "CHAT_API is no URL of http or https"),
    ],
)
def test_error_about_a_setting_does_not_show_it(environment: dict[str, str], wrong: str) -> None:
    with pytest.raises(WrongSetting, match=wrong) as refused:
        chat_pack(environment)

    assert "s3cret" not in str(refused.value)


def test_token_may_be_in_a_file(tmp_path: Any) -> None:
    (tmp_path / "token").write_text("xoxb-9\n")
    with a_room(CHAT_TOKEN=f"@{tmp_path}/token") as room:
        room.server.carry_out("SendMessage", {"message": "hi", "channelId": "C1"})

        assert room.chat.called[0].token == "xoxb-9"
