"""The warden: owns the processes of users' commands, so that they outlive the hub.

docs/warden.md describes its promises, its protocol and its files. It has one thread; nothing blocks
except posix_spawn and small reads and writes of local files. (apart.py writes to other files.)
"""

# Descriptors, and one system call each, where Path is slower and cannot follow a descriptor.
# ruff: noqa: PTH112, PTH116

import contextlib
import fcntl
import json
import os
import select
import selectors
import signal
import socket
import time
from functools import partial
from math import inf
from typing import Any, Final

from floe.warden.apart import OutputApart
from floe.warden.attempts import KEY, RunningAttempt
from floe.warden.family import KILL_AGAIN_S, Family
from floe.warden.hubs import HUBS_MAX, HubConnection, Hubs
from floe.warden.journal import AttemptJournal
from floe.warden.leftovers import press_left, unfinished
from floe.warden.limits import CommandLimits
from floe.warden.log import log_line, trace
from floe.warden.message_lines import message_line
from floe.warden.order import Order, OrderRefused, launch, parse
from floe.warden.outputs import START_S, Output, Outputs, open_output
from floe.warden.proc import slurp, ticks_now, ticks_of
from floe.warden.stamp import Stamps

PROTOCOL: Final = 1

TICK_S: Final = 0.25
"""Seconds between two checks of the processes while a command runs."""
LOOK_SHARE: Final = 0.02
"""Share of one core for checking processes; on a crowded machine it checks less often."""
PATH_CHECK_S: Final = 5.0
HOLD_S: Final = START_S
"""Seconds that the report of a start may wait for that of the end: a short command is one message,
and one entry of the hub. A crash meanwhile loses nothing: the start is in the journal, and a hub
that does not know of it repeats its request. The warden wakes then anyway, to read the pipe."""
SELECTOR_S: Final = 0.001
"""A selector rounds its timeout up to a multiple of this, in seconds. A busy pipe would be full by
then; for others that saves rounds."""


class Warden:
    """The loop, the attempts and the hubs of one folder."""

    def __init__(
        self,
        path: str,
        idle_s: float,
        life: socket.socket | None = None,
        files: int = 0,
    ) -> None:
        """`life`: when its other end is closed, the warden stops all commands and ends.

        `files`: the soft limit on open files for commands; 0 for the warden's own.
        """
        self.path = path
        self.idle_s = idle_s
        self.return_s = idle_s
        """Seconds to wait for a hub after the last command; none after one that left on purpose."""
        self.folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        # Locks the folder, since a file could be deleted and created again. A child of posix_spawn
        # holds the lock until its exec, so the next holder finds no unmarked process.
        fcntl.flock(self.folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        identity = os.fstat(self.folder)
        self.mark = f"{identity.st_dev:x}-{identity.st_ino:x}"
        """Distinguishes the processes of this folder from those of other folders."""
        self.env_mark = f"FLOE_WARDEN={self.mark}.".encode()
        self.boot = slurp("/proc/sys/kernel/random/boot_id").decode().strip()
        self.null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        # All signals: for each one left out, posix_spawn makes two calls instead of one.
        self.reset = tuple(signal.valid_signals())
        self.running: dict[str, RunningAttempt] = {}
        """Attempts of this warden that have not ended."""
        self.left: dict[str, RunningAttempt] = {}
        """Attempts of an earlier warden, whose processes are being stopped."""
        self.stamps = Stamps()
        self.places = CommandLimits(files)
        self.family = Family(self.running, self.env_mark, self._finish)
        self.is_ending = False
        self.is_terminated = False
        now = time.monotonic()
        self.idle_at = now + idle_s
        self.tick_at = self.look_at = now
        self.check_at = now + PATH_CHECK_S
        self.selector = selectors.EpollSelector()
        self.hubs = Hubs(self.selector, self._obey, self._hub_is_gone)
        self.outputs = Outputs(self.selector, self._too_much)
        self.wakeup, wake = socket.socketpair()
        self.wake = wake
        for end in (self.wakeup, wake):
            end.setblocking(False)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._terminated)
        self.journal = AttemptJournal(self.folder, {"boot": self.boot, "mark": self.mark})
        self._recover()
        if life:
            self.selector.register(life, selectors.EVENT_READ, self._life_is_over)
        self.selector.register(self.wakeup, selectors.EVENT_READ, self._woken)
        self._listen()

    def _listen(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink("sock", dir_fd=self.folder)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        # Through the descriptor, because the path of a socket is limited to 107 bytes.
        self.listener.bind(f"/proc/self/fd/{self.folder}/sock")
        self.listener.listen(HUBS_MAX)
        self.sock_is = os.stat("sock", dir_fd=self.folder)
        self.selector.register(self.listener, selectors.EVENT_READ, self._accept)

    def _accept(self, *_: object) -> None:
        self.hubs.accept(self.listener)

    def _hub_is_gone(self, hub: HubConnection) -> None:
        self.return_s = 0.0 if hub.is_leaving else self.idle_s
        self.idle_at = time.monotonic() + self.return_s

    def _terminated(self, *_: object) -> None:
        self.is_terminated = True

    def _life_is_over(self, life: socket.socket, _events: int) -> None:
        log_line("warden.floe_run_gone", running=len(self.running))
        self.selector.unregister(life)
        self._end("stopped")

    def _written(self, output: Output) -> None:
        """Have the loop go on with an output. Called in a thread."""
        self.outputs.written.append(output)
        with contextlib.suppress(BlockingIOError):  # it wakes anyway
            self.wake.send(b"\0")

    def _woken(self, *_: object) -> None:
        with contextlib.suppress(BlockingIOError):
            self.wakeup.recv(4096)
        self.outputs.settle(time.monotonic())
        self.family.reap()

    def _recover(self) -> None:
        for key in self.journal:
            head, messages = self.journal.head(key), self.journal.messages(key)
            if attempt := unfinished(key, head, messages, self.boot, self.mark):
                self.left[key] = attempt
        if self.left:
            log_line("attempts.unfinished", keys=sorted(self.left))

    # -- the loop

    def serve(self) -> None:
        """Serve until there is nothing left to serve; an error in one round does not end it."""
        while True:
            try:
                if self._is_over():
                    break
                self._round()
            except Exception as error:
                log_line("warden.failed", error=trace(error))
                time.sleep(KILL_AGAIN_S)
        with contextlib.suppress(FileNotFoundError):
            os.unlink("sock", dir_fd=self.folder)
        self.hubs.finish()
        self.journal.close()
        self.listener.close()
        os.close(self.folder)  # from here on a different warden may serve it

    def _round(self) -> None:
        wait_s = self._wait_s()
        if wait_s and wait_s < SELECTOR_S and self.outputs.is_busy():
            select.select([self.selector], [], [], wait_s)
            wait_s = 0.0
        for key, events in self.selector.select(wait_s):
            key.data(key.fileobj, events)
        if self.is_terminated and not self.is_ending:
            log_line("warden.terminated", running=len(self.running))
            self._end("lost")
        now = time.monotonic()
        self.outputs.look(now)
        for attempt in [a for a in self.running.values() if a.due <= now]:
            self._stop(attempt, "timeout")
        if (self.running or self.left) and now >= self.tick_at:
            self.tick_at = now + TICK_S
            self._tick(now)
        self.hubs.flush(now)
        self.journal.flush()

    def _wait_s(self) -> float | None:
        dues = [attempt.due for attempt in self.running.values()]
        if self.running or self.left:
            dues += (self.tick_at, self.outputs.due(), self.hubs.held_until)
        elif not self.hubs:
            dues += (self.idle_at, self.check_at)
        return max(0.0, min(dues) - time.monotonic()) if dues else None

    def _is_over(self) -> bool:
        if self.running or self.left:
            return False
        if self.is_ending:
            return True
        now = time.monotonic()
        if not self.hubs and now >= self.idle_at:
            self._accept()  # a hub that connected in the meantime
            return not self.hubs
        return now >= self.check_at and not self._is_reachable(now)

    def _is_reachable(self, now: float) -> bool:
        """Whether the folder's path still leads to this warden; creates a missing socket again."""
        self.check_at = now + PATH_CHECK_S
        try:
            if not os.path.samestat(os.stat(self.path), os.fstat(self.folder)):
                return False
            if os.path.samestat(os.stat("sock", dir_fd=self.folder), self.sock_is):
                return True
        except FileNotFoundError:
            if not os.path.isdir(self.path):
                return False
        log_line("socket.recreated")
        self.selector.unregister(self.listener)
        self.listener.close()
        self._listen()
        return True

    def _tick(self, now: float) -> None:
        self.family.reap()  # its signal may have arrived in a round that failed
        if now >= self.check_at:
            self._is_reachable(now)
        for attempt in list(self.running.values()):
            if attempt.kill_at is not None:
                self.family.press(attempt)
        if self.running and now >= self.look_at:
            begun = time.thread_time()  # not wall time, which includes other processes on the core
            self.family.look()
            self.look_at = now + max(TICK_S, (time.thread_time() - begun) / LOOK_SHARE)
        if self.left:
            press_left(self.left, self.env_mark, now, self._finish_left)
            self.tick_at = time.monotonic() + KILL_AGAIN_S

    # -- messages

    def _finish(self, attempt: RunningAttempt) -> None:
        output = attempt.output
        assert output is not None
        is_patient = attempt.why == "exited" and not attempt.is_given_up
        if not output.finish() and (is_patient or output.is_moving):
            return  # the disk is full or slow: retried at the next tick
        if output.is_too_much and attempt.why == "exited":
            attempt.why = "output-limit"
        self.outputs.drop(output)
        del self.running[attempt.key]
        self.idle_at = time.monotonic() + self.return_s
        if attempt.why == "lost":
            message = message_line("lost", attempt.key)
        else:
            status, why = attempt.status, attempt.why
            message = message_line("exited", attempt.key, status=status, why=why)
        self._send(attempt.key, message)

    def _finish_left(self, attempt: RunningAttempt) -> None:
        del self.left[attempt.key]
        self.idle_at = time.monotonic() + self.return_s
        self._send(attempt.key, message_line("lost", attempt.key))

    def _send(self, key: str, message: bytes) -> None:
        """Record a message and send it to every hub."""
        self.journal.add(key, message)
        self.hubs.send(message)

    def _obey(self, hub: HubConnection, line: bytes) -> None:
        try:
            self._do(hub, json.loads(line))
        except Exception as error:
            if not isinstance(error, OrderRefused | ValueError | RecursionError):
                log_line("request.failed", error=trace(error))
            log_line("request.refused", why=str(error))
            hub.unsent += message_line("refused", why=str(error))

    def _do(self, hub: HubConnection, message: Any) -> None:
        if not isinstance(message, dict):
            raise OrderRefused("a request must be an object")
        request = message.get("do")
        if request == "hello":
            if message.get("protocol") != PROTOCOL:
                raise OrderRefused(f"this warden speaks protocol {PROTOCOL}")
            hub.is_greeted = True
            count, why = self.places.look(len(self.running), self.family.pids)
            hub.unsent += message_line(
                "hello", protocol=PROTOCOL, pid=os.getpid(), places=count, places_why=why
            )
        elif request == "list":
            for key in self.journal:
                hub.unsent += b"".join(self.journal.messages(key))
            hub.unsent += message_line("listed", keys=list(self.journal))
        elif request == "leave":
            hub.is_leaving = True
        elif request == "quit":
            self._end("stopped")
        else:
            key = message.get("key", "")
            if not (isinstance(key, str) and KEY.fullmatch(key)):
                raise OrderRefused(f"not a key: {str(key)[:80]!r}")
            match request:
                case "spawn":
                    self._spawn(hub, key, message)
                case "stop" if attempt := self.running.get(key):
                    self._stop(attempt, "stopped")
                case "taken" if key in self.journal and not self._is_open(key):
                    self.journal.drop(key)
                case "stop" | "taken":
                    pass  # a repeated or late request: the attempt ended or was taken before
                case _:
                    raise OrderRefused(f"not a request: {str(request)[:80]!r}")

    def _is_open(self, key: str) -> bool:
        return key in self.running or key in self.left

    def _stop(self, attempt: RunningAttempt, why: str) -> None:
        if attempt.status is not None:
            attempt.is_given_up |= why != "timeout"  # a timeout here only means that grace is over
        elif attempt.why == "exited":
            attempt.why = why
        self.family.adopt()
        self.family.press(attempt)

    def _too_much(self, key: str) -> None:
        self._stop(self.running[key], "output-limit")

    def _end(self, why: str) -> None:
        self.is_ending = True
        for attempt in list(self.running.values()):
            self._stop(attempt, why)

    def _spawn(self, hub: HubConnection, key: str, message: dict[str, Any]) -> None:
        if key in self.journal:
            hub.unsent += b"".join(self.journal.messages(key))
        elif message.get("attach"):
            hub.unsent += message_line("lost", key)
        elif not self.is_ending:  # otherwise the hub asks the next warden, after this one
            try:
                order = parse(message)
                self.places.check(len(self.running))
                stamp = self.stamps.next()
                self.journal.begin(key, order.grace_s, stamp)
                self._start(key, order, stamp)
            except OrderRefused as error:
                reason = message_line("not-started", key, error=str(error), errno=error.number)
                self._send(key, reason)

    def _start(self, key: str, order: Order, stamp: int) -> None:
        env = {"FLOE_ATTEMPT": key, **order.env, "FLOE_WARDEN": f"{self.mark}.{key}"}
        since = ticks_now()
        with self.places.given():
            pid, size, pipe = launch(order, env, self.null, self.reset)
        now = time.monotonic()
        attempt = RunningAttempt(
            key, pid=pid, stamp=stamp, grace_s=order.grace_s, due=now + order.timeout_s
        )
        attempt.ticks = ticks_of(pid, since)  # alive or not, it exists until it is reaped
        room = order.output_max - size if order.output_max else inf
        open_file = partial(open_output, order.output)
        if order.apart:
            attempt.output = OutputApart(key, open_file, pipe, room, written=self._written)
        else:
            attempt.output = Output(key, open_file, pipe, room)
        self.outputs.add(attempt.output, now)
        if not self.running:
            self.tick_at = now + TICK_S
        self.running[key] = attempt
        self.family.add(attempt)
        spawned = message_line("spawned", key, pid=pid, ticks=attempt.ticks)
        self.journal.add(key, spawned)
        self.hubs.hold(spawned, now + HOLD_S)
