"""One command on the far side: its output as it comes, its exit status, and how it is stopped."""

import asyncio
import os
import signal
import sys
from collections import deque
from contextlib import suppress
from math import inf
from typing import Final

import asyncssh

from floe.ssh.far_command import SshFailed
from floe.ssh.far_end import EARLIER

HELD_BYTES: Final = 1 << 20
"""Of output that is not printed yet; the far side then waits."""
BESIDE_BYTES_MAX: Final = 3 << 20
"""Of the outputs of a command; floe takes 1 MiB of them, and reports more as an error."""
DRAIN_S: Final = 2.0
"""How long the output may be silent after the exit status: a process that stayed may hold it open.
"""
DRAIN_MAX_S: Final = 60.0
"""How long output is read after the exit status, though more comes: by a slow network, or by a
process that stayed."""


class Session(asyncssh.SSHClientSession[bytes]):
    """The far command. Its output is printed by `print_all`."""

    def __init__(self, *, mark: str, grace_s: float) -> None:
        """`mark`: of the far shell, whose watcher ends the command at the end of its input, and
        whose standard error has the outputs of the command. Empty for a command without it.
        """
        self.beside = b""
        self._mark, self._grace_s = mark.encode(), grace_s
        self._status: int | None = None
        self._signal = ""
        self._lost: Exception | None = None
        self._is_closed = False
        self._is_stopped = False
        self._held: deque[bytes] = deque()
        self._held_bytes = 0
        self._news = asyncio.Event()
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None

    def connection_made(self, chan: "asyncssh.SSHClientChannel[bytes]") -> None:
        self._channel = chan

    def session_started(self) -> None:
        if self._is_stopped:
            self.stop()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if datatype is not None and self._is_watched:
            self.beside += data[: BESIDE_BYTES_MAX - len(self.beside)]
            self._news.set()
            return
        self._held.append(data)
        self._held_bytes += len(data)
        if self._held_bytes > HELD_BYTES and self._channel:
            self._channel.pause_reading()
        self._news.set()

    def exit_status_received(self, status: int) -> None:
        self._status = status
        self._news.set()

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        self._signal = signal
        self._news.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost, self._is_closed = exc, True
        self._news.set()

    @property
    def _is_watched(self) -> bool:
        return self._mark != b""

    @property
    def _is_over(self) -> bool:
        return self._is_closed or self._status is not None or self._signal != ""

    @property
    def _is_ready(self) -> bool:
        return self._mark in self.beside

    async def until_ready(self) -> None:
        """Wait until the far shell takes the text of the command, or is over."""
        while not self._is_ready and not self._is_over:
            self._news.clear()
            await self._news.wait()

    async def print_all(self) -> None:
        """Print the output until the command is over and its output has ended."""
        loop, ended_at = asyncio.get_running_loop(), inf
        while self._held or not self._is_closed:
            if self._is_over:
                ended_at = min(ended_at, loop.time())
            if not self._is_closed and loop.time() > ended_at + DRAIN_MAX_S:
                return
            if self._held:
                await self._print_next()
                continue
            self._news.clear()
            try:
                async with asyncio.timeout(DRAIN_S if self._is_over else None):
                    await self._news.wait()
            except TimeoutError:
                return

    async def _print_next(self) -> None:
        data = self._held.popleft()
        self._held_bytes -= len(data)
        await asyncio.to_thread(_write, data)
        if self._held_bytes <= HELD_BYTES and self._channel and not self._is_closed:
            self._channel.resume_reading()

    def send(self, text: str) -> None:
        """Send the text for the far shell, unless the command is over or to be stopped already."""
        channel = self._channel
        if channel and not self._is_stopped and not channel.is_closing():
            channel.write(text.encode())

    async def beat(self, period_s: float) -> None:
        """Send the watcher a line now and then."""
        while self._is_watched:
            await asyncio.sleep(period_s)
            self.send("\n")

    def stop(self) -> None:
        """End the far command: TERM, and KILL if it does not end."""
        self._is_stopped = True
        if self._channel is None:
            return
        if self._is_watched:
            self._channel.write_eof()
            return
        self._send_signal("TERM")
        loop = asyncio.get_running_loop()
        loop.call_later(self._grace_s * EARLIER, self._send_signal, "KILL")

    def _send_signal(self, name: str) -> None:
        # No question for `is_closing`: that is true after the end of the input.
        if self._channel and not self._is_over:
            with suppress(OSError):  # the channel closed at this moment
                self._channel.send_signal(name)

    def exit_status(self) -> int:
        """The status to end with: that of the command, or 128 and its signal. Raises SshFailed."""
        if not self._is_ready:
            raise SshFailed(self._unready())
        if self._status is not None:
            return self._status
        if self._signal:
            return 128 + int(getattr(signal, f"SIG{self._signal}", signal.SIGKILL))
        why = f": {self._lost}" if self._lost else ""
        what = f"the connection was lost before the command ended{why}"
        raise SshFailed(f"{what}\nwhether the command did its work is unknown")

    def _unready(self) -> str:
        """Why the command did not begin."""
        if self._status is None and not self._signal:
            why = f": {self._lost}" if self._lost else ""
            return f"the connection was lost before the command began{why}"
        ended = f"a signal, {self._signal}" if self._signal else f"status {self._status}"
        return (
            f"the login shell ended with {ended} before the command began\n"
            "the user there may log in for one command only: use `direct: true` for that"
        )


def _write(data: bytes) -> None:
    """Write all of it; blocks while the warden does not read."""
    while data:
        data = data[os.write(sys.stdout.fileno(), data) :]
