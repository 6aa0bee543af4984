"""Connections of hubs: receives lines, sends messages, and lets no hub block the others."""

import os
import selectors
import socket
import struct
import time
from collections.abc import Callable
from math import inf
from typing import Final

from floe.warden.log import log_line
from floe.warden.order import SHORT

MESSAGE_BYTES_MAX: Final = 32 * 1024 * 1024
"""For one request: many times the size of an environment with 1 MiB of values, as JSON."""
READ_BYTES: Final = 65536
"""Bytes per read. Each read allocates twice as much, and frees it again."""
UNREAD_BYTES_MAX: Final = 8 * 1024 * 1024
"""Unread messages of a hub; above this it is dropped, and gets them after it reconnects."""
HUBS_MAX: Final = 16
FULL_S: Final = 0.05
"""Seconds to pause if no open file is left for a waiting hub; commands continue."""


class HubConnection:
    """A connection, with its unprocessed input and its unsent output."""

    __slots__ = ("is_greeted", "is_leaving", "sock", "unread", "unsent")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.unread = bytearray()
        self.unsent = bytearray()
        self.is_greeted = False
        self.is_leaving = False
        """It closes on purpose: nothing has to wait for its return."""


class Hubs:
    """All connections; `obey` receives each line, `dropped` is called when one closes."""

    def __init__(
        self,
        selector: selectors.BaseSelector,
        obey: Callable[[HubConnection, bytes], None],
        dropped: Callable[[HubConnection], None],
    ) -> None:
        self._selector = selector
        self._obey = obey
        self._dropped = dropped
        self._hubs: dict[int, HubConnection] = {}
        self._held = b""
        self.held_until = inf
        """When the messages that are held are sent at the latest; inf for none."""
        self._is_full = False
        """The log says that no hub can be accepted."""

    def __bool__(self) -> bool:
        return bool(self._hubs)

    def accept(self, listener: socket.socket) -> None:
        """Accept the next waiting hub, if it runs as the same user."""
        try:
            sock, _address = listener.accept()
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno not in SHORT:
                raise
            self._wait(error)
            return
        self._is_full = False
        credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        pid, uid, _gid = struct.unpack("iii", credentials)
        if uid != os.geteuid() or len(self._hubs) >= HUBS_MAX:
            log_line("hub.refused", pid=pid, uid=uid, hubs=len(self._hubs))
            sock.close()
            return
        sock.setblocking(False)
        self._hubs[sock.fileno()] = hub = HubConnection(sock)
        self._selector.register(
            sock, selectors.EVENT_READ, lambda _, events: self._serve(hub, events)
        )

    def _wait(self, error: OSError) -> None:
        """Pause until others close files; the hub stays in the system's queue."""
        if not self._is_full:
            log_line("hub.not_accepted", why=error.strerror)
        self._is_full = True
        time.sleep(FULL_S)

    def send(self, message: bytes) -> None:
        """Send a message to every hub that has sent hello, after those that were held."""
        if self._held:
            message, self._held, self.held_until = self._held + message, b"", inf
        for hub in self._hubs.values():
            if hub.is_greeted:
                hub.unsent += message

    def hold(self, message: bytes, until: float) -> None:
        """Send a message together with the next one, or at an instant if none comes before."""
        self._held += message
        self.held_until = min(self.held_until, until)

    def flush(self, now: float) -> None:
        """Send as much output as possible without waiting."""
        if now >= self.held_until:
            self.send(b"")
        for hub in [h for h in self._hubs.values() if h.unsent]:
            self._flush(hub)

    def finish(self) -> None:
        """Send the remaining output and close; wait up to a second for each slow reader."""
        for hub in self._hubs.values():
            hub.sock.settimeout(1.0)
            try:
                hub.sock.sendall(hub.unsent)
            except OSError as error:
                log_line("hub.disconnected", why=str(error), unsent=len(hub.unsent))
            hub.sock.close()

    def _serve(self, hub: HubConnection, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._flush(hub)
        if not events & selectors.EVENT_READ or hub.sock.fileno() < 0:
            return
        try:
            data = hub.sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(hub, "gone")
            return
        hub.unread += data
        if b"\n" in data:
            *lines, rest = hub.unread.split(b"\n")
            hub.unread = rest
            for line in lines:
                self._obey(hub, bytes(line))
                if len(hub.unsent) > UNREAD_BYTES_MAX:
                    self._flush(hub)
                if hub.sock.fileno() < 0:
                    return
        if len(hub.unread) > MESSAGE_BYTES_MAX:
            self._drop(hub, "message too long")

    def _drop(self, hub: HubConnection, why: str) -> None:
        fd = hub.sock.fileno()
        if fd < 0:
            return
        log_line("hub.disconnected", why=why, unsent=len(hub.unsent))
        self._selector.unregister(hub.sock)
        del self._hubs[fd]
        hub.sock.close()
        hub.unsent.clear()
        self._dropped(hub)

    def _flush(self, hub: HubConnection) -> None:
        if hub.sock.fileno() < 0:
            return
        try:
            sent = hub.sock.send(hub.unsent)
            del hub.unsent[:sent]
        except BlockingIOError:
            pass
        except OSError as error:
            self._drop(hub, str(error))
            return
        if len(hub.unsent) > UNREAD_BYTES_MAX:
            self._drop(hub, "does not read")
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if hub.unsent else 0)
        if (key := self._selector.get_key(hub.sock)).events != wanted:
            self._selector.modify(hub.sock, wanted, key.data)
