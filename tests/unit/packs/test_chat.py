"""The pack for chats: what it sends, and which requests of a chat become events."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import pytest

from floe.packs import Event
from floe.packs.connections import Unanswered
from floe.packs.shipped.chat import chat_pack
from floe.packs.shipped.chat_events import Once
from floe.packs.shipped.configuration import WrongSetting
from floe.packs.testing import MemoryServer
from tests.make_chat import SECRET, Chat, a_chat, a_message, posted, signed
from tests.ports import free_port

pytestmark = pytest.mark.slow

ADA: Final = {
    "id": "U1",
    "name": "ada",
    "email": "ada@example.org",
    "title": "",
    "firstName": "Ada",
    "lastName": "L",
}


@dataclass
class Room:
    """A chat, its pack, and the server of the pack."""

    chat: Chat
    server: MemoryServer
    url: str

    def tell(self, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        return posted(f"{self.url}/events", body, signed(body) if headers is None else headers)

    def command(self, form: dict[str, str], headers: dict[str, str] | None = None) -> int:
        body = urlencode(form).encode()
        return posted(f"{self.url}/commands", body, signed(body) if headers is None else headers)[0]


@contextmanager
def a_room(**environment: str) -> Iterator[Room]:
    port = free_port()
    with a_chat() as chat, MemoryServer() as server:
        usual = {"CHAT_API": chat.url, "CHAT_BIND": f"127.0.0.1:{port}"}
        pack = chat_pack({**usual, **environment})
        with pack.in_background(server.settings()):
            server.wait_for(lambda: server.packs, "pack")
            yield Room(chat, server, f"http://127.0.0.1:{port}")


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


def test_challenge_is_answered(room: Room) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "abc", "token": "x"}).encode()

    assert room.tell(body) == (200, b'{"challenge": "abc"}')


def test_message_becomes_the_event_of_flytes_own_pack(room: Room) -> None:
    assert room.tell(a_message("deploy web"))[0] == 200

    payload = {"channelId": "C1", "user": ADA, "message": "deploy web"}
    times = {"timestamp": "1.5", "threadTimestamp": "1.5"}
    thread = {"replyCount": 0, "replies": []}
    assert room.server.events == [Event("ReceivedMessage", {**payload, **times, **thread})]


def test_answer_in_a_thread_names_it(room: Room) -> None:
    room.tell(a_message("yes", thread_ts="1.2"))

    [event] = room.server.events
    assert (event.payload["timestamp"], event.payload["threadTimestamp"]) == ("1.5", "1.2")


def test_user_is_asked_for_once(room: Room) -> None:
    for number in range(3):
        room.tell(a_message("hi", f"Ev{number}"))

    assert [one.method for one in room.chat.called] == ["users.info"]


def test_user_whom_the_chat_does_not_tell_is_an_id(room: Room) -> None:
    room.chat.answers.append((200, {}, {"ok": False, "error": "missing_scope"}))

    room.tell(a_message("hi"))

    user = room.server.events[0].payload["user"]
    assert (user["id"], user["name"]) == ("U1", "")


def test_request_that_the_chat_repeats_is_one_event(room: Room) -> None:
    body = a_message("deploy")

    again = {**signed(body), "X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_timeout"}
    answers = [room.tell(body)[0], room.tell(body, again)[0]]

    assert (answers, len(room.server.events)) == ([200, 200], 1)


def test_request_is_answered_503_until_the_server_has_its_event(room: Room) -> None:
    room.server.fail("/events", 503)
    body = a_message("deploy")

    answers = [room.tell(body)[0] for _ in range(3)]

    assert (answers, len(room.server.events)) == ([503, 200, 200], 1)


@pytest.mark.parametrize(
    "more",
    [
        {"bot_id": "B1"},
        {"subtype": "bot_message"},
        {"subtype": "message_changed"},
        {"subtype": "message_deleted"},
        {"subtype": "channel_join"},
        {"user": None},
        {"type": "app_home_opened"},
    ],
)
def test_event_that_no_user_wrote_is_dropped(room: Room, more: dict[str, Any]) -> None:
    assert (room.tell(a_message("loop", **more))[0], room.server.events) == (200, [])


def test_reaction_becomes_an_event(room: Room) -> None:
    item = {"type": "message", "channel": "C1", "ts": "1.5"}
    event = {"type": "reaction_added", "user": "U1", "reaction": "+1", "item": item}
    event["item_user"] = "U2"
    body = json.dumps({"type": "event_callback", "event_id": "Ev1", "event": event}).encode()

    room.tell(body)

    at = {"channelId": "C1", "type": "message", "itemTimestamp": "1.5", "eventTimestamp": ""}
    who = {"user": ADA, "reaction": "+1", "itemUser": {**ADA, "id": "U2"}}
    assert room.server.events == [Event("ReactionAdded", {**at, **who})]


def test_slash_command_becomes_an_event_once(room: Room) -> None:
    form = {"command": "/deploy", "text": "web; rm", "channel_id": "C1", "user_id": "U1"}
    headers = signed(urlencode(form).encode())

    answers = [room.command(form, headers), room.command(form, headers)]

    user = {"id": "U1", "name": ""}
    payload = {"command": "/deploy", "text": "web; rm", "channelId": "C1", "user": user}
    assert answers == [200, 200]
    assert room.server.events == [Event("SlashCommand", payload)]


@pytest.mark.parametrize("at", [-301, 301])
def test_request_that_is_too_old_or_too_new_is_refused(room: Room, at: int) -> None:

    body = a_message("deploy")

    assert room.tell(body, signed(body, at=time.time() + at))[0] == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(a_message("deploy"), secret="another"),
        signed(a_message("another")),
        {**signed(a_message("deploy")), "X-Slack-Request-Timestamp": "1"},
        {**signed(a_message("deploy")), "X-Slack-Request-Timestamp": "-5"},
        {**signed(a_message("deploy")), "X-Slack-Signature": "v0=\xe9"},
        {**signed(a_message("deploy")), "X-Slack-Signature": "v1=00"},
    ],
)
def test_request_that_is_not_signed_by_the_chat_is_refused(
    room: Room, headers: dict[str, str]
) -> None:
    assert (room.tell(a_message("deploy"), headers)[0], room.server.events) == (401, [])


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"null", b"\xff", b'{"type": "event_callback", "event": 5}']
)
def test_signed_request_that_is_none_of_the_api_is_answered_400(room: Room, body: bytes) -> None:
    assert (room.tell(body)[0], room.server.events) == (400, [])


def test_other_paths_and_long_requests_are_refused(room: Room) -> None:
    body = b"x" * 300_000

    assert posted(f"{room.url}/other", b"", {})[0] == 404
    assert posted(f"{room.url}/events", body, signed(body))[0] == 413


def test_messages_of_other_channels_are_dropped() -> None:
    with a_room(CHAT_TOKEN="t", CHAT_SIGNING_SECRET=SECRET, CHAT_CHANNELS="C2, C3") as room:
        room.tell(a_message("one", "Ev1"))
        room.tell(a_message("two", "Ev2", channel="C3"))

        assert [event.payload["message"] for event in room.server.events] == ["two"]


def test_slash_command_of_mattermost_has_a_token() -> None:
    with a_room(CHAT_TOKEN="t", CHAT_SLASH_TOKEN="s3cret") as room:
        form = {"command": "/deploy", "text": "web", "trigger_id": "t1"}
        answers = [
            room.command({**form, "token": token}, {})
            for token in ("wrong", "", "s3cret", "s3cret")
        ]

        body = urlencode({**form, "token": "s3cret"}).encode()
        assert (answers, len(room.server.events)) == ([401, 401, 200, 200], 1)
        assert posted(f"{room.url}/commands", body, {}) == (200, b"{}")
        assert room.tell(a_message("hi"))[0] == 401


def test_pack_without_a_way_to_the_chat_does_not_start() -> None:
    with pytest.raises(WrongSetting, match="set CHAT_TOKEN"):
        chat_pack({})


def test_token_may_be_in_a_file(tmp_path: Any) -> None:
    (tmp_path / "token").write_text("xoxb-9\n")
    with a_room(CHAT_TOKEN=f"@{tmp_path}/token") as room:
        room.server.carry_out("SendMessage", {"message": "hi", "channelId": "C1"})

        assert room.chat.called[0].token == "xoxb-9"


def test_work_of_a_key_is_done_once_by_all_who_ask_at_the_same_time() -> None:
    once, done, go = Once(), [], threading.Event()

    def work() -> None:
        go.wait(30)
        done.append(1)

    threads = [threading.Thread(target=once.run, args=("a", work)) for _ in range(8)]
    for thread in threads:
        thread.start()
    go.set()
    for thread in threads:
        thread.join()

    assert done == [1]


def test_work_that_raised_is_done_again() -> None:
    once, done = Once(), []

    def fail() -> None:
        raise Unanswered("away")

    with pytest.raises(Unanswered):
        once.run("a", fail)
    once.run("a", lambda: done.append(1))

    assert done == [1]
