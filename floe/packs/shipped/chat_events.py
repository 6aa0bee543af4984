"""What a chat sends to the pack: requests whose signature is checked, each of which is one event.

A chat sends a request again where it got no answer within three seconds, or one that is no 2xx. So
the answer waits for the server of the pack, and a repeated request is sent to it once.

Source: Slack's Events API, slash commands and "Verifying requests from Slack".
"""

import asyncio
import hmac
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs

from floe.packs.wire import NotSent

LOG: Final = logging.getLogger("floe.packs")

EVENTS: Final = ("ReceivedMessage", "ReactionAdded", "SlashCommand")
BODY_BYTES_MAX: Final = 262_144
WINDOW_S: Final = 300
"""How old a signed request may be."""
KNOWN_S: Final = 3_600
"""How long a request is known again: a chat repeats it for five minutes, and an hour at most."""
KNOWN_MAX: Final = 100_000
READ_S: Final = 10.0
AT_ONCE: Final = 32
PEOPLES_OWN: Final = ("", "thread_broadcast", "file_share", "me_message")
"""Subtypes of messages that people write. The others report changes, or what bots wrote."""

Sent = tuple[str, dict[str, Any]]
"""Name and payload of an event."""


class NotGenuine(Exception):
    """A request that the chat did not send, or sent too long ago; the text has the reason."""


class ChatListener:
    """Takes requests of a chat, and sends their events."""

    def __init__(
        self,
        send: Callable[[str, Any], None],
        user: Callable[[str], dict[str, Any]],
        *,
        bind: str,
        signing_secret: str = "",
        slash_token: str = "",
        channels: Sequence[str] = (),
    ) -> None:
        self._send, self._user, self._channels = send, user, channels
        self._secret, self._slash_token = signing_secret, slash_token
        host, _, port = bind.rpartition(":")
        self._at = (host.strip("[]"), int(port))
        self._once = Once()
        self._slots = threading.BoundedSemaphore(AT_ONCE)

    async def serve(self) -> None:
        """Serve while the pack runs. Raises OSError: the address is taken."""
        try:
            server = _Server(self._at, self)
        except OSError as error:
            at = ":".join(map(str, self._at))
            raise OSError(f"CHAT_BIND: cannot listen at {at}: {error.strerror}") from error
        LOG.info("requests of the chat: http://%s:%s", *server.server_address[:2])
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
        thread.start()
        try:
            await asyncio.Event().wait()
        finally:
            server.shutdown()
            server.server_close()

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        """Status and JSON for a request; its event is at the server of the pack before."""
        if not self._slots.acquire(blocking=False):
            return 503, None
        try:
            if path == "/events":
                return self._events(headers, body)
            return self._command(headers, body) if path == "/commands" else (404, None)
        except NotGenuine as error:
            LOG.warning("a request to %s is refused: %s", path, error)
            return 401, None
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            LOG.warning("a request to %s is none of the API: %r", path, error)
            return 400, None
        except NotSent as error:  # the chat sends it again
            LOG.warning("%s", error)
            return 503, None
        finally:
            self._slots.release()

    def _events(self, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        check_signature(self._secret, headers, body, time.time())
        request = json.loads(body)
        if request["type"] == "url_verification":
            return 200, {"challenge": str(request["challenge"])}
        if request["type"] == "event_callback":
            self._once.run(
                str(request["event_id"]), lambda: self._sent(self._event(request["event"]))
            )
        return 200, None

    def _command(self, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        key = headers.get("x-slack-signature", "")
        if self._secret:
            check_signature(self._secret, headers, body, time.time())
        elif hmac.compare_digest(form.get("token", "").encode(), self._slash_token.encode()):
            key = form.get("trigger_id", "") or sha256(body).hexdigest()
        else:
            raise NotGenuine("its token is a different one")
        payload = {
            "command": form["command"],
            "text": form.get("text", ""),
            "channelId": form.get("channel_id", ""),
            "user": {"id": form.get("user_id", ""), "name": form.get("user_name", "")},
        }
        if self._is_ours(form.get("channel_id", "")):
            self._once.run(key, lambda: self._sent(("SlashCommand", payload)))
        return 200, None if self._secret else {}  # Mattermost takes no empty answer

    def _event(self, event: Mapping[str, Any]) -> Sent | None:
        """The event for one of the chat; None if it is none for flows."""
        item = event.get("item") or {}
        kind, channel = event.get("type"), str(event.get("channel") or item.get("channel") or "")
        if event.get("bot_id") or not event.get("user") or not self._is_ours(channel):
            return None  # the answers of a bot to itself would never end
        if kind == "reaction_added":
            author = event.get("item_user")
            return "ReactionAdded", {
                "channelId": channel,
                "user": self._user(event["user"]),
                "reaction": event["reaction"],
                "eventTimestamp": event.get("event_ts", ""),
                "type": item.get("type", ""),
                "itemTimestamp": item.get("ts", ""),
                "itemUser": self._user(author) if author else {},
            }
        if kind != "message" or event.get("subtype", "") not in PEOPLES_OWN:
            return None
        return "ReceivedMessage", {
            "channelId": channel,
            "user": self._user(event["user"]),
            "message": event.get("text", ""),
            "timestamp": event["ts"],
            "threadTimestamp": event.get("thread_ts") or event["ts"],
            "replyCount": event.get("reply_count", 0),
            "replies": event.get("replies", []),
        }

    def _sent(self, sent: Sent | None) -> None:
        if sent is not None:
            self._send(*sent)

    def _is_ours(self, channel: str) -> bool:
        return not self._channels or channel in self._channels


class Once:
    """Does the work of a key once, however often and at the same time it is asked to."""

    def __init__(self) -> None:
        self._known: dict[str, float] = {}
        self._working: set[str] = set()
        self._changed = threading.Condition()

    def run(self, key: str, work: Callable[[], None]) -> None:
        """Do the work unless it is done. Work that raises is not done."""
        with self._changed:
            self._changed.wait_for(lambda: key not in self._working)
            self._drop_old()
            if key in self._known:
                return
            self._working.add(key)
        try:
            work()
            with self._changed:
                self._known[key] = time.monotonic()
        finally:
            with self._changed:
                self._working.discard(key)
                self._changed.notify_all()

    def _drop_old(self) -> None:
        old = time.monotonic() - KNOWN_S
        while self._known:
            key = next(iter(self._known))
            if self._known[key] > old and len(self._known) < KNOWN_MAX:
                return
            del self._known[key]


def check_signature(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> None:
    """Check the signature v0 of a request. Raises NotGenuine."""
    at = headers.get("x-slack-request-timestamp", "")
    if not secret or not at.isdecimal() or len(at) > len("1000000000000"):
        raise NotGenuine("it has no signature" if secret else "the pack has no signing secret")
    if abs(now - int(at)) > WINDOW_S:
        raise NotGenuine(f"its time is more than {WINDOW_S} s away from that of this machine")
    signed = hmac.new(secret.encode(), b"v0:" + at.encode() + b":" + body, sha256)
    wanted = f"v0={signed.hexdigest()}"
    if not hmac.compare_digest(wanted.encode(), headers.get("x-slack-signature", "").encode()):
        raise NotGenuine("its signature is that of a different secret")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, at: tuple[str, int], listener: ChatListener) -> None:
        self.listener = listener
        super().__init__(at, _Requests)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no fault."""


class _Requests(BaseHTTPRequestHandler):
    timeout = READ_S

    def do_POST(self) -> None:
        assert isinstance(self.server, _Server)
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > BODY_BYTES_MAX:
            self._reply(413 if length.isdecimal() else 411, None)
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._reply(*self.server.listener.answer(self.path, headers, self.rfile.read(int(length))))

    def log_message(self, *_: object) -> None:
        """The listener logs what matters."""

    def _reply(self, status: int, answer: Any) -> None:
        content = json.dumps(answer).encode() if answer is not None else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if content else "text/plain")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
