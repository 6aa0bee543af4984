"""The pack for chats: which requests of a chat become events."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlencode

import pytest

from floe.packs import Event
from floe.packs.connections import Unanswered
from floe.packs.shipped.chat_events import Once
from tests.make_chat import SECRET, Room, a_message, a_room, posted, signed

pytestmark = pytest.mark.slow

ADA: Final = {
    "id": "U1",
    "name": "ada",
    "email": "ada@example.org",
    "title": "",
    "firstName": "Ada",
    "lastName": "L",
}


@pytest.fixture
def room() -> Iterator[Room]:
    with a_room(CHAT_TOKEN="xoxb-1", CHAT_SIGNING_SECRET=SECRET) as room:
        yield room


def test_challenge_is_answered(room: Room) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "abc", "token": "x"}).encode()

    assert room.report(body) == (200, b'{"challenge": "abc"}')


def test_message_becomes_the_event_of_flytes_own_pack(room: Room) -> None:
    assert room.report(a_message("deploy web"))[0] == 200

    payload = {"channelId": "C1", "user": ADA, "message": "deploy web"}
    times = {"timestamp": "1.5", "threadTimestamp": "1.5"}
    thread = {"replyCount": 0, "replies": []}
    assert room.server.events == [Event("ReceivedMessage", {**payload, **times, **thread})]


def test_answer_in_a_thread_names_it(room: Room) -> None:
    room.report(a_message("yes", thread_ts="1.2"))

    [event] = room.server.events
    assert (event.payload["timestamp"], event.payload["threadTimestamp"]) == ("1.5", "1.2")


def test_user_is_asked_for_once(room: Room) -> None:
    for number in range(3):
        room.report(a_message("hi", f"Ev{number}"))

    assert [one.method for one in room.chat.called] == ["users.info"]


def test_user_of_whom_the_chat_gives_no_more_is_an_id(room: Room) -> None:
    room.chat.answers.append((200, {}, {"ok": False, "error": "missing_scope"}))

    room.report(a_message("hi"))

    user = room.server.events[0].payload["user"]
    assert (user["id"], user["name"]) == ("U1", "")


def test_request_that_the_chat_repeats_is_one_event(room: Room) -> None:
    body = a_message("deploy")

    again = {**signed(body), "X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_timeout"}
    answers = [room.report(body)[0], room.report(body, again)[0]]

    assert (answers, len(room.server.events)) == ([200, 200], 1)


def test_request_is_answered_503_until_the_server_has_its_event(room: Room) -> None:
    room.server.fail("/events", 503)
    body = a_message("deploy")

    answers = [room.report(body)[0] for _ in range(3)]

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
    assert (room.report(a_message("loop", **more))[0], room.server.events) == (200, [])


def test_reaction_becomes_an_event(room: Room) -> None:
    item = {"type": "message", "channel": "C1", "ts": "1.5"}
    event = {"type": "reaction_added", "user": "U1", "reaction": "+1", "item": item}
    event["item_user"] = "U2"
    body = json.dumps({"type": "event_callback", "event_id": "Ev1", "event": event}).encode()

    room.report(body)

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

    assert room.report(body, signed(body, at=time.time() + at))[0] == 401


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
    assert (room.report(a_message("deploy"), headers)[0], room.server.events) == (401, [])


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"null", b"\xff", b'{"type": "event_callback", "event": 5}']
)
def test_signed_request_that_is_none_of_the_api_is_answered_400(room: Room, body: bytes) -> None:
    assert (room.report(body)[0], room.server.events) == (400, [])


def test_other_paths_and_long_requests_are_refused(room: Room) -> None:
    body = b"x" * 300_000

    assert posted(f"{room.url}/other", b"", {})[0] == 404
    assert posted(f"{room.url}/events", body, signed(body))[0] == 413


def test_messages_of_other_channels_are_dropped() -> None:
    with a_room(CHAT_TOKEN="t", CHAT_SIGNING_SECRET=SECRET, CHAT_CHANNELS="C2, C3") as room:
        room.report(a_message("one", "Ev1"))
        room.report(a_message("two", "Ev2", channel="C3"))

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
        assert room.report(a_message("hi"))[0] == 401


def test_work_of_a_key_is_done_once_for_all_callers_at_the_same_time() -> None:
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
