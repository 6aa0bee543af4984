"""One evaluator process, as the host has it: started, asked, watched and killed.

Nothing that a process sends is trusted: a malformed, unexpected or long answer ends it.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar, cast

import floe
from floe.evaluators.base import EvaluatorFailed
from floe.evaluators.frames import (
    ANSWER_BYTES_MAX,
    OUT_OF_MEMORY,
    Found,
    FromProcess,
    Holds,
    JudgedText,
    Ready,
    ToProcess,
    frame,
    frames_from_process,
)
from floe.model.nouns import dataclass

Reply = TypeVar("Reply", Ready, Holds, Found, JudgedText)

LIMIT_S: Final = 5.0
MEMORY: Final = 512 << 20

START_S: Final = 20.0
"""Seconds within which a process must have started."""

RECEIVED_BYTES_MAX: Final = 2 * ANSWER_BYTES_MAX
"""Bytes that a process may send during one judgement."""

GONE_S: Final = 5.0
"""Seconds that a host which stops waits for the end of a killed process."""

ERROR_BYTES_MAX: Final = 4096
"""Of what a process printed on standard error, to say why it ended."""

HELD_MAX: Final = 20_000
"""Runs and flows of which the host believes that a process holds them."""

NO_QUESTION: Final = "sent an answer to no question"

PASSED_ON: Final = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TZ")
"""Variables of the host that a process has too. None of floe's, since it needs no token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSettings:
    """The limits of evaluator processes, and what they judge."""

    evaluators: Mapping[str, str]
    """By dialect, as `module:attribute`."""
    limit_s: float = LIMIT_S
    """Seconds for one question."""
    memory: int = MEMORY
    """Bytes of address space."""


class EvaluatorProcess(asyncio.Protocol):
    """A running process. Only one caller waits for an answer at a time."""

    transport: asyncio.Transport

    def __init__(self, settings: ProcessSettings) -> None:
        """Not started yet. A process starts once, and ends once."""
        self.settings = settings
        self.seqs: dict[tuple[str, int], int] = {}
        """What it should hold of runs, by key and epoch: the last sequence number."""
        self.flows: set[str] = set()
        """The digests of the flows that it was sent. Both are corrected by its answers."""
        self.job = 0
        """The number of the latest message; each answer has the number of its message."""
        self.why = ""
        """Why it is of no more use; empty while it runs."""
        self._frames = frames_from_process()
        self._received = 0
        self._answers: deque[FromProcess] = deque()
        self._wake = asyncio.Event()
        self._is_expected = True
        self._popen: subprocess.Popen[bytes] | None = None
        self._gone = asyncio.Event()

    async def start(self) -> None:
        """Start the process and wait until it is ready. Raises EvaluatorFailed."""
        try:
            await self._open()
            ready = await self.reply(Ready, START_S)
        except OSError as error:
            raise self.failure(f"could not start: {error}") from error
        except BaseException:
            self.kill("was stopped at its start")
            raise
        if ready.version != floe.__version__:
            raise self.failure(f"is floe {ready.version}, and this host is {floe.__version__}")
        self.rest()

    @property
    def is_gone(self) -> bool:
        """Whether it has ended, and was removed by the kernel."""
        return self._gone.is_set()

    async def wait_gone(self) -> None:
        """Wait until a killed process is gone, as it is within a moment unless the kernel hangs."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GONE_S):
                await self._gone.wait()

    async def _open(self) -> None:
        own, other = socket.socketpair()
        self._errors, errors = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        loop = asyncio.get_running_loop()
        try:
            try:
                self._popen = self._spawned(other, errors)
            except BaseException:
                self._gone.set()
                os.close(self._errors)
                raise
            self._pidfd = os.pidfd_open(self._popen.pid)
            loop.add_reader(self._pidfd, self._ended)
            await loop.create_unix_connection(lambda: self, sock=own)
        except BaseException:
            own.close()
            raise
        finally:
            other.close()
            os.close(errors)

    def _spawned(self, served: socket.socket, errors: int) -> "subprocess.Popen[bytes]":
        """The process. By the loop's thread: the kernel ends it when the thread that made it ends.

        Without `site`, which costs a third of the start: it gets the paths of this process.
        """
        numbers = map(str, (served.fileno(), os.getpid(), self.settings.memory))
        named = [f"{name}={place}" for name, place in self.settings.evaluators.items()]
        return subprocess.Popen(
            [sys.executable, "-S", "-P", "-m", "floe.evaluators", *numbers, *named],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            pass_fds=(served.fileno(),),
            env=environment(),
            cwd="/",
            start_new_session=True,
        )

    # --- what it holds ---

    def holds(self, run: tuple[str, int], seq: int, digest: str, *, has_flow: bool) -> None:
        """The process should hold the facts of a run up to one, and a flow."""
        if len(self.seqs) + len(self.flows) > HELD_MAX:  # it says what it lacks
            self.seqs.clear()
            self.flows.clear()
        self.seqs[run] = seq
        (self.flows.add if has_flow else self.flows.discard)(digest)

    # --- messages ---

    def send(self, *messages: ToProcess) -> None:
        """Send messages, at once. Raises EvaluatorFailed."""
        self._is_expected = True
        try:
            data = b"".join(map(frame, messages))
        except ValueError as error:
            raise EvaluatorFailed(str(error)) from None
        if not self.why:
            self.transport.write(data)

    async def reply(self, kind: type[Reply], limit_s: float = 0.0) -> Reply:
        """The next answer, which is of one kind and for the latest job. Raises EvaluatorFailed."""
        answer = await self.answer(limit_s)
        if not isinstance(answer, kind):
            raise self.failure(NO_QUESTION)
        return answer

    async def answer(self, limit_s: float = 0.0) -> FromProcess:
        """The next answer for the latest job; kills a process that takes too long, and raises."""
        limit_s = limit_s or self.settings.limit_s
        if not self._answers and not self.why:
            try:
                async with asyncio.timeout(limit_s):
                    while not (self._answers or self.why):  # a long answer comes in pieces
                        self._wake.clear()
                        await self._wake.wait()
            except TimeoutError:
                self.kill(f"timed out after {limit_s:g} s")
        if not self._answers:
            raise EvaluatorFailed(self.why)
        answer = self._answers.popleft()
        if not isinstance(answer, Ready) and answer.job != self.job:
            raise self.failure(NO_QUESTION)
        return answer

    def rest(self) -> None:
        """No answer is expected any more. Raises EvaluatorFailed if one came."""
        if self._answers:
            raise self.failure(NO_QUESTION)
        self._is_expected = False
        self._received = 0

    def failure(self, why: str) -> EvaluatorFailed:
        """The error to raise for a process that broke a rule; it is killed."""
        self.kill(why)
        return EvaluatorFailed(self.why)

    # --- the connection ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        if not self._is_expected:
            self.kill(NO_QUESTION)
        elif self._received > RECEIVED_BYTES_MAX:
            self.kill(f"sent more than {RECEIVED_BYTES_MAX >> 20} MiB")
        else:
            try:
                self._answers.extend(self._frames.feed(data))
            except ValueError as error:
                self.kill(f"sent {error}")
        self._wake.set()

    def connection_lost(self, _error: Exception | None) -> None:
        # A process that closed its socket may live on. How it ended is known a moment later.
        if not self.why:
            asyncio.get_running_loop().call_later(CLOSED_S, self.kill, "closed its socket")

    def _ended(self) -> None:
        """The process has ended, and is not removed yet, so that its group is still its own."""
        assert self._popen is not None
        self._kill_group()
        status = self._popen.wait()
        self.kill(_ending(status, self._printed(), self.settings.memory))
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        os.close(self._errors)
        self._gone.set()

    def kill(self, why: str) -> None:
        """End the process and all of its group. Idempotent; the first reason stays."""
        if not self.why:
            self.why = why
            self._kill_group()
            if hasattr(self, "transport"):
                self.transport.abort()
            self._wake.set()

    def _kill_group(self) -> None:
        if self._popen is not None and self._popen.returncode is None:
            os.killpg(self._popen.pid, signal.SIGKILL)

    def _printed(self) -> str:
        try:
            return os.read(self._errors, ERROR_BYTES_MAX).decode(errors="replace")
        except BlockingIOError:
            return ""


CLOSED_S: Final = 0.5
"""Seconds in which a process whose socket is closed may still end by itself."""


def environment() -> dict[str, str]:
    """The variables of an evaluator process: modules are found where this process finds them."""
    path = [str(Path(entry).absolute()) for entry in sys.path if entry or not sys.flags.safe_path]
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join(path)}


def _ending(status: int, printed: str, memory: int) -> str:
    lines = printed.strip().splitlines()
    if status == OUT_OF_MEMORY or (lines and lines[-1].startswith("MemoryError")):
        return f"needed more than {memory >> 20} MiB of memory"
    last = f": {lines[-1]}" if lines else ""
    if status < 0:
        return f"was ended by signal {-status} ({signal.Signals(-status).name}){last}"
    return f"ended with exit status {status}{last}"
