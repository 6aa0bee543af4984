"""The warden: owns the processes of users' commands, so that these outlive the hub.

Standard library only and nothing of floe: it runs from a copy. What it promises, says and
keeps is written down in docs/warden.md. Linux only: it reads /proc.

Rules of this file:
- One thread. Nothing blocks but posix_spawn and small reads and writes of local files.
- The warden is a child subreaper: of every tree of processes that an attempt leaves behind, the
  root is a child of the warden. Only `_reap` waits for children, so a child's pid cannot mean
  another process before `_reap` has seen it, nor can the list of children shrink while it is read.
- An attempt has its file before its process, and loses its last process before it has its end.
"""

# Descriptors, and one system call each, where Path is slower and cannot follow a descriptor.
# ruff: noqa: PTH110, PTH112, PTH116, PTH123, PTH208

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import re
import selectors
import signal
import socket
import struct
import sys
import time
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any, Final, NamedTuple, NoReturn

PROTOCOL: Final = 1
KEY: Final = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._@-]{1,200}")
"""An attempt's key is also the name of its file."""

IDLE_S: Final = 30.0
"""Time without a command and without a hub after which the warden ends."""
TICK_S: Final = 0.25
"""How often sizes of outputs and families of processes are looked at while a command runs."""
LOOK_SHARE: Final = 0.02
"""Part of one core that looking at families may cost; on a crowded machine it looks less often."""
PATH_CHECK_S: Final = 5.0
KILL_AGAIN_S: Final = 0.05
SECONDS_MAX: Final = 10.0**9
MESSAGE_BYTES_MAX: Final = 32 * 1024 * 1024
"""One request: an environment with a 1 MiB FLOE_INPUT in it, escaped as JSON, many times over."""
UNREAD_BYTES_MAX: Final = 8 * 1024 * 1024
"""Words that a hub has not read; past it the hub is dropped and learns them when it is back."""
HUBS_MAX: Final = 16
ATTEMPT_BYTES_MAX: Final = 1024 * 1024
FILES_SPARE: Final = 64
"""Descriptors that commands leave free for sockets, /proc and attempt files."""
LOG_BYTES_MAX: Final = 1024 * 1024

LOCKED: Final = 3
"""Exit status of a warden that found another one serving its folder."""

PR_SET_CHILD_SUBREAPER: Final = 36
HAS_CHILDREN: Final = os.path.exists(f"/proc/self/task/{os.getpid()}/children")
"""False for kernels without CONFIG_PROC_CHILDREN: all of /proc is read instead."""


# -- processes, as /proc shows them


class Proc(NamedTuple):
    """A process; pid and ticks together name it for as long as the machine is up."""

    ppid: int
    pgrp: int
    sid: int
    ticks: int
    """When it started, in clock ticks since boot."""
    is_alive: bool
    """False for one that only waits to be reaped; its first thread alone may be dead, too."""


def slurp(path: str, *, is_one_record: bool = False) -> bytes:
    """Read a file of /proc; empty where the process is gone or is not ours to look at.

    One record comes whole with the first read, and what makes it is dear enough to ask once.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""
    try:
        parts = [os.read(fd, 65536)]
        while not is_one_record and (part := os.read(fd, 65536)):
            parts.append(part)
        return b"".join(parts)
    except (ProcessLookupError, PermissionError):
        return b""
    finally:
        os.close(fd)


def look(pid: int) -> Proc | None:
    """Look at a process; None where there is none."""
    stat = slurp(f"/proc/{pid}/stat", is_one_record=True)
    if not stat:
        return None
    # The name before the last ")" may contain anything, blanks and ")" too.
    fields = stat[stat.rindex(b")") + 2 :].split()
    is_alive = fields[0] not in b"ZX" or int(fields[17]) > 1
    return Proc(int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19]), is_alive)


def census() -> dict[int, Proc]:
    """Look at every process of the machine, except those that wait to be reaped."""
    found = ((int(name), look(int(name))) for name in os.listdir("/proc") if name.isdigit())
    return {pid: proc for pid, proc in found if proc and proc.is_alive}


def families() -> dict[int, list[int]]:
    """Children by parent, of the whole machine."""
    by_parent: dict[int, list[int]] = {}
    for pid, proc in census().items():
        by_parent.setdefault(proc.ppid, []).append(pid)
    return by_parent


def children(pid: int) -> list[int]:
    """Children of a process, of all its threads."""
    if not HAS_CHILDREN:
        return families().get(pid, [])
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return []
    return [
        int(child)
        for thread in threads
        for child in slurp(f"/proc/{pid}/task/{thread}/children").split()
    ]


def tree(roots: Iterable[int]) -> dict[int, Proc]:
    """Look at processes and all below them; parents come before their children."""
    by_parent = None if HAS_CHILDREN else families()
    found: dict[int, Proc] = {}
    todo = list(roots)
    for pid in todo:
        if pid not in found and (proc := look(pid)):
            found[pid] = proc
            todo += children(pid) if by_parent is None else by_parent.get(pid, ())
    return found


def marked(pid: int, mark: bytes) -> str:
    """The key in a process's environment after `mark`; empty where there is none."""
    for entry in slurp(f"/proc/{pid}/environ").split(b"\0"):
        if entry.startswith(mark):
            return entry[len(mark) :].decode("ascii", "replace")
    return ""


def send(pid: int, proc: Proc, *signals: signal.Signals) -> bool:
    """Signal a process if it still is the one that was looked at; False where that is forbidden.

    Between look and kill lie microseconds, in which the pid would have to end, be reaped, and
    come round again through all other pids.
    """
    present = look(pid)
    if present is None or present.ticks != proc.ticks:
        return True
    try:
        for number in signals:
            os.kill(pid, number)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return True


# -- what the hub asks for


class Refused(Exception):
    """A request that cannot be met; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A command to start, as the hub asked for it."""

    argv: list[str]
    env: dict[str, str]
    cwd: str
    output: str
    timeout_s: float
    grace_s: float
    output_max: int


def parse(message: dict[str, Any]) -> Order:
    """Read a spawn request. Raises Refused."""
    argv, env = message.get("argv"), message.get("env")
    cwd, output = message.get("cwd"), message.get("output")
    if not (isinstance(argv, list) and argv and all(isinstance(a, str) for a in argv) and argv[0]):
        raise Refused("argv must be texts, the first not empty")
    if not (isinstance(env, dict) and all(isinstance(v, str) for v in env.values())):
        raise Refused("env must map names to texts")
    if not (isinstance(cwd, str) and cwd.startswith("/")):
        raise Refused("cwd must be an absolute path")
    if not (isinstance(output, str) and output.startswith("/")):
        raise Refused("output must be an absolute path")
    timeout_s = message.get("timeout_s")
    return Order(
        argv=argv,
        env=env,
        cwd=cwd,
        output=output,
        timeout_s=inf if timeout_s is None else _number(timeout_s, "timeout_s"),
        grace_s=_number(message.get("grace_s"), "grace_s"),
        output_max=int(_number(message.get("output_max"), "output_max", most=2**62)),
    )


def _number(value: object, name: str, most: float = SECONDS_MAX) -> float:
    # Written so that NaN is refused.
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most:
        return value
    raise Refused(f"{name} must be a number from 0 to {most:g}")


def find(name: str, env: dict[str, str]) -> str:
    """Find a command as a shell does, from the working directory. Raises Refused."""
    if "/" in name:
        return name
    path = env.get("PATH", os.defpath)
    candidates = [f"{folder or '.'}/{name}" for folder in path.split(":")]
    for candidate in candidates:
        if os.access(candidate, os.X_OK) and not os.path.isdir(candidate):
            return candidate
    for candidate in filter(os.path.isfile, candidates):
        raise Refused(f"permission denied: {candidate} is not executable")
    raise Refused(f"command not found: {name} (PATH is {path})")


def launch(order: Order, env: dict[str, str], null: int, reset: Sequence[int]) -> tuple[int, int]:
    """Start a command; its pid, and the descriptor of its output. Raises Refused."""
    try:
        os.chdir(order.cwd)
    except OSError as error:
        raise Refused(f"working directory {order.cwd}: {error.strerror}") from error
    except ValueError as error:
        raise Refused(f"working directory: {error}") from error
    try:
        try:
            path = find(order.argv[0], order.env)
        except ValueError as error:
            raise Refused(f"command: {error}") from error
        output = _opened(order.output)
        try:
            # A session of its own, and no descriptor but these three: all others close on exec.
            pid = os.posix_spawn(
                path,
                order.argv,
                env,
                file_actions=(
                    (os.POSIX_SPAWN_DUP2, null, 0),
                    (os.POSIX_SPAWN_DUP2, output, 1),
                    (os.POSIX_SPAWN_DUP2, output, 2),
                ),
                setsid=True,
                setsigdef=reset,
            )
        except (OSError, ValueError) as error:
            os.close(output)
            raise Refused(_why_not(path, error)) from error
        return pid, output
    finally:
        os.chdir("/")


def _opened(output: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOCTTY | os.O_CLOEXEC
    try:
        return os.open(output, flags, 0o600)
    except OSError as error:
        raise Refused(f"output file {output}: {error.strerror}") from error
    except ValueError as error:
        raise Refused(f"output file: {error}") from error


def _why_not(path: str, error: OSError | ValueError) -> str:
    if isinstance(error, ValueError):
        return f"arguments or environment: {error}"
    match error.errno:
        case errno.ENOENT if os.path.exists(path):
            return f"{path}: the interpreter named in its first line is missing"
        case errno.ENOENT:
            return f"command not found: {path}"
        case errno.ENOEXEC:
            return f"{path}: neither a program nor a script with #! in its first line"
        case errno.EACCES if os.path.isdir(path):
            return f"{path} is a directory"
        case errno.EACCES:
            return f"permission denied: {path} is not executable"
        case _:
            return f"{path}: {error.strerror}"


# -- the warden


@dataclass(slots=True, eq=False)
class Attempt:
    """A command that was started and whose end is not yet said."""

    key: str
    pid: int = 0
    """Of the leader of its session; 0 where it is not known."""
    ticks: int = 0
    grace_s: float = 10.0
    status: int | None = None
    """Of the leader, once it has exited."""
    why: str = "exited"
    """What ended it; `lost` for what an earlier warden left behind."""
    due: float = inf
    """When there is something to do next: the timeout, then KILL."""
    kill_at: float | None = None
    """When grace is over; None until the first TERM."""
    file: int = -1
    """Where its words are kept; open for as long as it runs, so that its end has a place."""
    output: int = -1
    output_max: int = 0
    seen: dict[int, int] = field(default_factory=dict)
    """Pid to ticks of its processes, at the latest look."""
    sids: set[int] = field(default_factory=set)
    """Their sessions."""
    termed: set[tuple[int, int]] = field(default_factory=set)
    """Who was sent TERM; to some programs a second one means more than the first."""


class Hub:
    """A connection, with what was not yet read and not yet sent."""

    __slots__ = ("is_greeted", "sock", "unread", "unsent")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.unread = bytearray()
        self.unsent = bytearray()
        self.is_greeted = False


class Warden:
    """The loop, the attempts and the hubs of one folder."""

    def __init__(self, path: str, idle_s: float) -> None:
        self.path = path
        self.idle_s = idle_s
        self.folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        # On the folder, since a file could be deleted and made anew. A child of posix_spawn holds
        # it until its exec: whoever gets the lock finds no process that is not yet marked.
        fcntl.flock(self.folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        identity = os.fstat(self.folder)
        self.mark = f"{identity.st_dev:x}-{identity.st_ino:x}"
        """Tells the processes of this folder from those of others that use the same keys."""
        self.env_mark = f"FLOE_WARDEN={self.mark}.".encode()
        self.boot = slurp("/proc/sys/kernel/random/boot_id").decode().strip()
        self.null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        self.reset = [s for s in signal.valid_signals() if signal.getsignal(s) == signal.SIG_IGN]
        self.words: dict[str, list[bytes]] = {}
        """All that was said about each attempt which the hub has not taken."""
        self.running: dict[str, Attempt] = {}
        """Attempts of this warden without an end."""
        self.leaders: dict[int, Attempt] = {}
        self.orphans: dict[int, Attempt | None] = {}
        """Other children: whose they are, None where that is not known."""
        self.immune: set[int] = set()
        """Children that may not be signalled, as those of sudo."""
        self.left: dict[str, Attempt] = {}
        """Attempts of an earlier warden, whose processes are being ended."""
        self.hubs: dict[int, Hub] = {}
        self.is_ending = False
        self.is_terminated = False
        now = time.monotonic()
        self.idle_at = now + idle_s
        self.tick_at = self.look_at = now
        self.check_at = now + PATH_CHECK_S
        self.selector = selectors.DefaultSelector()
        self.wakeup, wake = socket.socketpair()
        self.wake = wake
        for end in (self.wakeup, wake):
            end.setblocking(False)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._terminated)
        self.attempts = self._attempts_folder()
        self._recover()
        self.selector.register(self.wakeup, selectors.EVENT_READ, self._woken)
        self._listen()

    def _attempts_folder(self) -> int:
        with contextlib.suppress(FileExistsError):
            os.mkdir("attempt", 0o700, dir_fd=self.folder)
        return os.open("attempt", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self.folder)

    def _listen(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink("sock", dir_fd=self.folder)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        # Through the descriptor: the path of a socket may have 107 bytes, that of a root has more.
        self.listener.bind(f"/proc/self/fd/{self.folder}/sock")
        self.listener.listen(HUBS_MAX)
        self.sock_is = os.stat("sock", dir_fd=self.folder)
        self.selector.register(self.listener, selectors.EVENT_READ, self._accept)

    def _terminated(self, *_: object) -> None:
        self.is_terminated = True

    # -- the loop

    def serve(self) -> None:
        """Serve until there is nothing left to serve; survives whatever one round brings."""
        while True:
            try:
                if self._is_over():
                    break
                self._round()
            except Exception:
                say("warden.failed", error=traceback.format_exc())
                time.sleep(KILL_AGAIN_S)
        with contextlib.suppress(FileNotFoundError):
            os.unlink("sock", dir_fd=self.folder)
        for hub in list(self.hubs.values()):
            hub.sock.settimeout(1.0)
            with contextlib.suppress(OSError):
                hub.sock.sendall(hub.unsent)

    def _round(self) -> None:
        for key, events in self.selector.select(self._wait_s()):
            key.data(key.fileobj, events)
        if self.is_terminated and not self.is_ending:
            say("warden.terminated", running=len(self.running))
            self._end("lost")
        now = time.monotonic()
        for attempt in [a for a in self.running.values() if a.due <= now]:
            self._stop(attempt, "timeout")
        if (self.running or self.left) and now >= self.tick_at:
            self.tick_at = now + TICK_S
            self._tick(now)
        for hub in [h for h in self.hubs.values() if h.unsent]:
            self._flush(hub)

    def _wait_s(self) -> float | None:
        dues = [attempt.due for attempt in self.running.values()]
        if self.running or self.left:
            dues.append(self.tick_at)
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
            self._accept(self.listener, 0)  # one that came while this was being decided
            return not self.hubs
        return now >= self.check_at and not self._is_reachable(now)

    def _is_reachable(self, now: float) -> bool:
        """Whether the folder's path still leads to this warden; a socket that is gone is remade."""
        self.check_at = now + PATH_CHECK_S
        try:
            if not os.path.samestat(os.stat(self.path), os.fstat(self.folder)):
                return False
            if os.path.samestat(os.stat("sock", dir_fd=self.folder), self.sock_is):
                return True
        except FileNotFoundError:
            if not os.path.isdir(self.path):
                return False
        say("socket.remade")
        self.selector.unregister(self.listener)
        self.listener.close()
        self._listen()
        return True

    def _tick(self, now: float) -> None:
        self._reap()  # its signal may have come in a round that failed
        if now >= self.check_at:
            self._is_reachable(now)
        for attempt in list(self.running.values()):
            if attempt.kill_at is not None:
                self._press(attempt)
            elif attempt.output_max and os.fstat(attempt.output).st_size > attempt.output_max:
                self._stop(attempt, "output-limit")
        if self.running and now >= self.look_at:
            begun = time.thread_time()  # not by the clock, which runs on while others have the core
            self._look()
            self.look_at = now + max(TICK_S, (time.thread_time() - begun) / LOOK_SHARE)
        if self.left:
            self._press_left(now)

    # -- children

    def _woken(self, *_: object) -> None:
        with contextlib.suppress(BlockingIOError):
            self.wakeup.recv(4096)
        self._reap()

    def _reap(self) -> None:
        has_children = True
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                has_children = False
                break
            if not pid:
                break
            if attempt := self.leaders.pop(pid, None):
                code = os.waitstatus_to_exitcode(status)
                attempt.status = code if code >= 0 else 128 - code
                attempt.due = inf if attempt.kill_at is None else attempt.kill_at
            self.orphans.pop(pid, None)
            self.immune.discard(pid)
        gone = [a for a in self.running.values() if a.status is not None]
        if gone and has_children:
            self._adopt()
        for attempt in gone:
            self._press(attempt)

    def _adopt(self) -> None:
        """Find out whose the children are that nobody started as such."""
        for pid in children(os.getpid()):
            if pid not in self.leaders and pid not in self.orphans and pid not in self.immune:
                self.orphans[pid] = self._owner(pid)

    def _owner(self, pid: int) -> Attempt | None:
        if marked_as := self.running.get(marked(pid, self.env_mark)):
            return marked_as
        proc = look(pid)
        for attempt in self.running.values():
            if proc and (proc.sid == attempt.pid or attempt.seen.get(pid) == proc.ticks):
                return attempt
        for attempt in self.running.values():
            if proc and proc.sid in attempt.sids:
                return attempt
        return None

    def _look(self) -> None:
        """Remember each attempt's processes, to know them if they lose their parents."""
        self._adopt()
        for attempt in self.running.values():
            self._remember(attempt, tree(self._roots(attempt)))

    def _roots(self, attempt: Attempt) -> list[int]:
        orphans = [pid for pid, owner in self.orphans.items() if owner is attempt]
        return orphans if attempt.status is not None else [attempt.pid, *orphans]

    def _remember(self, attempt: Attempt, found: dict[int, Proc]) -> None:
        attempt.seen = {pid: proc.ticks for pid, proc in found.items()}
        attempt.sids = {proc.sid for proc in found.values()}

    def _press(self, attempt: Attempt) -> None:
        """Say that an attempt ended if nothing of it is left; else bring it nearer to that.

        Each process gets TERM once; after grace all get KILL, again and again.
        """
        if attempt.status is not None and len(self.running) == 1:
            # Nobody else can miss what nobody has claimed.
            self.orphans = {pid: owner or attempt for pid, owner in self.orphans.items()}
        roots = self._roots(attempt)
        if not roots:
            self._finish(attempt)
            return
        found = tree(roots)
        self._remember(attempt, found)
        now = time.monotonic()
        if attempt.kill_at is None:
            attempt.kill_at = now + attempt.grace_s
        if now < attempt.kill_at:
            attempt.due = attempt.kill_at
            self._term(attempt, found)
        else:
            attempt.due = now + max(KILL_AGAIN_S, now - attempt.kill_at)  # then ticks will do
            self._kill(attempt, roots, found)

    def _term(self, attempt: Attempt, found: dict[int, Proc]) -> None:
        for pid, proc in found.items():
            if (pid, proc.ticks) not in attempt.termed:
                attempt.termed.add((pid, proc.ticks))
                send(pid, proc, signal.SIGTERM, signal.SIGCONT)

    def _kill(self, attempt: Attempt, roots: list[int], found: dict[int, Proc]) -> None:
        for pid in roots:
            # A group at once, since one by one a fork bomb outruns us. Its id cannot mean another
            # group: a child of ours is in it.
            if proc := found.get(pid):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    assert proc.pgrp > 1
                    os.killpg(proc.pgrp, signal.SIGKILL)
        for pid, proc in found.items():
            if not send(pid, proc, signal.SIGKILL) and pid in {*roots} - self.immune:
                # An orphan is waited for no longer. A leader is: its end is what was asked for.
                say("attempt.immune", key=attempt.key, pid=pid)
                self.orphans.pop(pid, None)
                self.immune.add(pid)

    def _finish(self, attempt: Attempt) -> None:
        del self.running[attempt.key]
        self.idle_at = time.monotonic() + self.idle_s
        os.close(attempt.output)
        if attempt.why == "lost":
            self._conclude(attempt.file, worded("lost", attempt.key), attempt.key)
        else:
            status, why = attempt.status, attempt.why
            word = worded("exited", attempt.key, status=status, why=why)
            self._conclude(attempt.file, word, attempt.key)

    def _conclude(self, file: int, word: bytes, key: str) -> None:
        """Say a last word, after it is written."""
        self._write(file, word, key)
        os.close(file)
        self._tell(key, word)

    def _write(self, file: int, word: bytes, key: str) -> None:
        try:
            append(file, word)
        except OSError as error:
            # Still told, and kept here until taken; only a death of the warden makes it lost.
            say("attempt.unwritten", key=key, error=str(error))

    # -- what another warden left behind

    def _recover(self) -> None:
        for key in os.listdir(self.attempts):
            if not KEY.fullmatch(key):
                say("attempt.foreign", name=key)
                continue
            try:
                lines = self._read(key)
            except OSError as error:
                say("attempt.unreadable", key=key, error=str(error))
                continue
            self.words[key] = [line for line in lines if "word" in read(line)]
            last = read(self.words[key][-1]) if self.words[key] else {}
            if last.get("word") not in ("exited", "not-started", "lost"):
                head = read(lines[0]) if lines else {}
                attempt = Attempt(key, why="lost", grace_s=head.get("grace_s", 10.0))
                # Of another boot or of another folder (a copy): nothing of it can be here.
                if (head.get("boot"), head.get("mark")) == (self.boot, self.mark):
                    attempt.pid, attempt.ticks = last.get("pid", 0), last.get("ticks", 0)
                self.left[key] = attempt
        if self.left:
            say("attempts.left", keys=sorted(self.left))

    def _read(self, key: str) -> list[bytes]:
        """Lines of an attempt's file, without a last one that was never finished."""
        fd = os.open(key, os.O_RDWR | os.O_CLOEXEC, dir_fd=self.attempts)
        try:
            data = os.read(fd, ATTEMPT_BYTES_MAX)
            whole = data[: data.rfind(b"\n") + 1]
            if len(whole) < len(data):
                os.ftruncate(fd, len(whole))
            return whole.splitlines(keepends=True)
        finally:
            os.close(fd)

    def _press_left(self, now: float) -> None:
        """Bring what a dead warden left nearer to its end; it does not become our child."""
        everyone = census()
        everyone.pop(os.getpid(), None)
        keys = {pid: marked(pid, self.env_mark) for pid in everyone}
        for attempt in list(self.left.values()):
            found = leftovers(attempt, everyone, keys)
            self._remember(attempt, found)
            if attempt.kill_at is None:
                attempt.kill_at = now + attempt.grace_s
            if now < attempt.kill_at:
                self._term(attempt, found)
            else:
                for pid, proc in found.items():
                    send(pid, proc, signal.SIGKILL)
            if not found:
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
                file = os.open(attempt.key, flags, 0o600, dir_fd=self.attempts)
                self._conclude(file, worded("lost", attempt.key), attempt.key)
                del self.left[attempt.key]
                self.idle_at = now + self.idle_s
        self.tick_at = time.monotonic() + KILL_AGAIN_S

    # -- hubs

    def _accept(self, *_: object) -> None:
        try:
            sock, _address = self.listener.accept()
        except BlockingIOError:
            return
        credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        pid, uid, _gid = struct.unpack("iii", credentials)
        if uid != os.geteuid() or len(self.hubs) >= HUBS_MAX:
            say("hub.refused", pid=pid, uid=uid, hubs=len(self.hubs))
            sock.close()
            return
        sock.setblocking(False)
        self.hubs[sock.fileno()] = hub = Hub(sock)
        self.selector.register(
            sock, selectors.EVENT_READ, lambda _, events: self._serve(hub, events)
        )

    def _serve(self, hub: Hub, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._flush(hub)
        if not events & selectors.EVENT_READ or hub.sock.fileno() < 0:
            return
        try:
            data = hub.sock.recv(262144)
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

    def _drop(self, hub: Hub, why: str) -> None:
        fd = hub.sock.fileno()
        if fd < 0:
            return
        say("hub.dropped", why=why, unsent=len(hub.unsent))
        self.selector.unregister(hub.sock)
        del self.hubs[fd]
        hub.sock.close()
        hub.unsent.clear()
        self.idle_at = max(self.idle_at, time.monotonic() + self.idle_s)

    def _flush(self, hub: Hub) -> None:
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
        if (key := self.selector.get_key(hub.sock)).events != wanted:
            self.selector.modify(hub.sock, wanted, key.data)

    def _tell(self, key: str, word: bytes) -> None:
        """Keep a word and say it to every hub."""
        self.words.setdefault(key, []).append(word)
        for hub in self.hubs.values():
            if hub.is_greeted:
                hub.unsent += word

    def _obey(self, hub: Hub, line: bytes) -> None:
        try:
            self._do(hub, json.loads(line))
        except Exception as error:
            if not isinstance(error, Refused | ValueError | RecursionError):
                say("request.failed", error=traceback.format_exc())
            say("request.refused", why=str(error))
            hub.unsent += worded("refused", why=str(error))

    def _do(self, hub: Hub, message: Any) -> None:
        if not isinstance(message, dict):
            raise Refused("a request is an object")
        request = message.get("do")
        if request == "hello":
            if message.get("protocol") != PROTOCOL:
                raise Refused(f"this warden speaks protocol {PROTOCOL}")
            hub.is_greeted = True
            hub.unsent += worded("hello", protocol=PROTOCOL, pid=os.getpid())
        elif request == "list":
            for words in self.words.values():
                hub.unsent += b"".join(words)
            hub.unsent += worded("listed", keys=list(self.words))
        elif request == "quit":
            self._end("stopped")
        else:
            key = message.get("key")
            if not (isinstance(key, str) and KEY.fullmatch(key)):
                raise Refused(f"not a key: {str(key)[:80]!r}")
            match request:
                case "spawn":
                    self._spawn(hub, key, message)
                case "stop" if attempt := self.running.get(key):
                    self._stop(attempt, "stopped")
                case "taken" if key in self.words and not self._is_open(key):
                    del self.words[key]
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(key, dir_fd=self.attempts)
                case "stop" | "taken":
                    pass  # of an attempt that ended or was taken before: asked twice, or too late
                case _:
                    raise Refused(f"not a request: {str(request)[:80]!r}")

    def _is_open(self, key: str) -> bool:
        return key in self.running or key in self.left

    def _stop(self, attempt: Attempt, why: str) -> None:
        if attempt.status is None and attempt.why == "exited":
            attempt.why = why
        self._adopt()
        self._press(attempt)

    def _end(self, why: str) -> None:
        self.is_ending = True
        for attempt in list(self.running.values()):
            self._stop(attempt, why)

    def _spawn(self, hub: Hub, key: str, message: dict[str, Any]) -> None:
        if key in self.words:
            hub.unsent += b"".join(self.words[key])
        elif message.get("attach"):
            hub.unsent += worded("lost", key)
        elif not self.is_ending:  # else the hub asks the next warden, when this one is gone
            try:
                order = parse(message)
                file = self._begin(key, order.grace_s)
            except Refused as error:
                self._tell(key, worded("not-started", key, error=str(error)))
                return
            try:
                self._start(key, order, file)
            except Refused as error:
                self._conclude(file, worded("not-started", key, error=str(error)), key)

    def _begin(self, key: str, grace_s: float) -> int:
        """Make an attempt's file; its block of the disk then has room for the words as well."""
        limit = (os.sysconf("SC_OPEN_MAX") - FILES_SPARE) // 2
        if len(self.running) >= limit:
            raise Refused(f"{limit} commands run, as many as open files allow (ulimit -n)")
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            file = os.open(key, flags, 0o600, dir_fd=self.attempts)
        except OSError as error:
            raise Refused(f"attempt file: {error.strerror}") from error
        try:
            head = {"boot": self.boot, "mark": self.mark, "grace_s": grace_s}
            append(file, json.dumps(head).encode() + b"\n")
        except OSError as error:
            os.close(file)
            os.unlink(key, dir_fd=self.attempts)
            raise Refused(f"attempt file: {error.strerror}") from error
        return file

    def _start(self, key: str, order: Order, file: int) -> None:
        env = {"FLOE_ATTEMPT": key, **order.env, "FLOE_WARDEN": f"{self.mark}.{key}"}
        pid, output = launch(order, env, self.null, self.reset)
        now = time.monotonic()
        attempt = Attempt(key, pid, grace_s=order.grace_s, due=now + order.timeout_s)
        attempt.file, attempt.output, attempt.output_max = file, output, order.output_max
        if not self.running:
            self.tick_at = now + TICK_S
        self.running[key] = self.leaders[pid] = attempt
        with contextlib.suppress(OSError):  # its processes are known by their environment as well
            if proc := look(pid):  # alive or not, it is there until it is reaped
                attempt.ticks = proc.ticks
        word = worded("spawned", key, pid=pid, ticks=attempt.ticks)
        self._write(file, word, key)
        self._tell(key, word)


def append(file: int, data: bytes) -> None:
    """Write all of it, or raise OSError."""
    if os.write(file, data) < len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def leftovers(attempt: Attempt, everyone: dict[int, Proc], keys: dict[int, str]) -> dict[int, Proc]:
    """Which processes belong to an attempt of a dead warden.

    A session counts only while a process that is surely of the attempt is in it: the id of an
    empty session may have come to mean somebody else's.
    """
    found = {
        pid: proc
        for pid, proc in everyone.items()
        if keys[pid] == attempt.key
        or (pid == attempt.pid and proc.ticks == attempt.ticks)
        or attempt.seen.get(pid) == proc.ticks
    }
    size = -1
    while size < len(found):
        size = len(found)
        sids = {proc.sid for proc in found.values()}
        for pid, proc in everyone.items():
            if proc.ppid in found or proc.sid in sids:
                found[pid] = proc
    return found


def worded(kind: str, key: str = "", **fields: object) -> bytes:
    """One line of the protocol, and of an attempt's file."""
    named = {"word": kind, "key": key} if key else {"word": kind}
    return json.dumps(named | {"at": time.time_ns() // 1_000_000} | fields).encode() + b"\n"


def read(line: bytes) -> dict[str, Any]:
    """Read a line of an attempt's file; empty where it is not one of ours."""
    try:
        known = json.loads(line)
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}


# -- start


def say(event: str, **fields: object) -> None:
    """Write a line to the log, which is standard error and begins anew when it is long."""
    line = json.dumps({"at": time.time_ns() // 1_000_000, "event": event} | fields) + "\n"
    with contextlib.suppress(OSError):
        if os.fstat(2).st_size > LOG_BYTES_MAX:
            os.ftruncate(2, 0)
        os.write(2, line.encode())


def become_daemon(path: str) -> None:
    """Leave the hub's session; standard error is the log from here on."""
    os.setsid()
    os.chdir("/")
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "cannot become a child subreaper")
    null = os.open("/dev/null", os.O_RDWR)
    log = os.open(f"{path}/log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for target, source in enumerate((null, null, log)):
        os.dup2(source, target)
    os.close(null)
    os.close(log)


def main(argv: list[str]) -> NoReturn:
    """Start a warden for a folder and return when it serves: 0, or 1 or LOCKED with a reason."""
    path, idle_s = argv[1], float(argv[2]) if argv[2:] else IDLE_S
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        with open(reading, encoding="utf-8", errors="replace") as answer:
            status, _, reason = answer.read().partition(" ")
        sys.stderr.write(reason if status else f"it died at once; see {path}/log")
        sys.exit(int(status or 1))
    os.close(reading)
    try:
        become_daemon(path)
        warden = Warden(path, idle_s)
    except BlockingIOError:
        os.write(writing, f"{LOCKED} another warden serves {path}".encode())
        os._exit(LOCKED)
    except OSError as error:
        os.write(writing, f"1 {error}".encode())
        os._exit(1)
    say("warden.started", pid=os.getpid(), left=len(warden.left), known=len(warden.words))
    os.write(writing, b"0 ")
    os.close(writing)
    warden.serve()
    say("warden.ended", pid=os.getpid())
    sys.exit(0)


if __name__ == "__main__":
    main(sys.argv)
