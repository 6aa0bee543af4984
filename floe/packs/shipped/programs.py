"""A program with limits of time, output and memory, in a process group of its own."""

import asyncio
import errno
import os
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

END_S: Final = 5.0
"""The time between TERM and KILL."""
REST_S: Final = 1.0
"""The time for output that is still in the pipes when a program has ended."""
OUTPUT, ERRORS = 1, 2
GUARDED: Final = """\
(read -r _ <"$1"; kill -s KILL -- -$$) >/dev/null 2>&1 &
[ -z "$2" ] || ulimit -v "$2" || exit 126
shift 2
unset PWD OLDPWD SHLVL _
exec "$@"
"""
"""A shell that becomes the program. Its child reads from a pipe of the pack, and kills the group
when the pipe ends: after `kill -9` of the pack no program runs whose action has failed."""


@dataclass(frozen=True)
class Limits:
    """The limits of a program."""

    time_s: float
    output_bytes: int
    """How much is kept of the output, and of the errors."""
    memory_bytes: int = 0
    """Of each process; 0 for no limit."""


@dataclass(frozen=True)
class EndedProgram:
    """A program that has ended."""

    code: int
    """Its exit status; a signal that ended it is below 0."""
    output: bytes
    errors: bytes
    is_cut: bool
    """Whether there was more output than is kept."""
    is_late: bool


async def run_program(
    words: Sequence[str], input: bytes, folder: str, environment: Mapping[str, str], limits: Limits
) -> EndedProgram:
    """Run a program to its end. Its process group ends with it, and with the caller's process.

    Raises OSError: the program or the folder is absent.
    """
    _check(words[0], folder, environment)
    ours, theirs = os.pipe()
    try:
        memory = str(max(1, limits.memory_bytes // 1024)) if limits.memory_bytes else ""
        line = ["/bin/sh", "-c", GUARDED, "floe", f"/dev/fd/{ours}", memory, *words]
        return await _ended(line, input, folder, environment, limits, ours)
    finally:
        os.close(ours)
        os.close(theirs)


async def _ended(
    line: Sequence[str],
    input: bytes,
    folder: str,
    environment: Mapping[str, str],
    limits: Limits,
    guard: int,
) -> EndedProgram:
    watched = Watched(limits.output_bytes)
    transport, _ = await asyncio.get_running_loop().subprocess_exec(
        lambda: watched,
        *line,
        stdin=PIPE if input else DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        cwd=folder,
        env=environment,
        start_new_session=True,
        pass_fds=(guard,),
    )
    group = transport.get_pid()
    is_late = False
    try:
        _write(transport, input)
        try:
            async with asyncio.timeout(limits.time_s):
                await watched.exited.wait()
        except TimeoutError:
            is_late = True
            _signal(group, signal.SIGTERM)
            with suppress(TimeoutError):
                async with asyncio.timeout(END_S):
                    await watched.exited.wait()
        _signal(group, signal.SIGKILL)  # also the processes that the program left behind
        await watched.exited.wait()
        with suppress(TimeoutError):  # a process that left the group may keep the pipes open
            async with asyncio.timeout(REST_S):
                await watched.closed.wait()
    except BaseException:  # the pack stops
        _signal(group, signal.SIGKILL)
        with suppress(TimeoutError):  # its end is short, and leaves no zombie
            async with asyncio.timeout(REST_S):
                await watched.exited.wait()
        raise
    finally:
        pipe = transport.get_pipe_transport(0)
        if isinstance(pipe, asyncio.WriteTransport) and pipe.get_write_buffer_size():
            pipe.abort()  # the program did not read all
        transport.close()
    return watched.ended(transport.get_returncode() or 0, is_late)


class Watched(asyncio.SubprocessProtocol):
    """Keeps the first bytes of the output. The rest is read too, so that the program goes on."""

    def __init__(self, bytes_max: int) -> None:
        self.exited, self.closed = asyncio.Event(), asyncio.Event()
        self._kept = {OUTPUT: bytearray(), ERRORS: bytearray()}
        self._open = set(self._kept)
        self._max, self._is_cut = bytes_max, False

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Keep what there is room for."""
        room = self._max - len(self._kept[fd])
        self._kept[fd] += data[:room]
        self._is_cut = self._is_cut or len(data) > room

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """The program and its children have closed a pipe."""
        self._open.discard(fd)
        if not self._open:
            self.closed.set()

    def process_exited(self) -> None:
        """The program itself has ended."""
        self.exited.set()

    def ended(self, code: int, is_late: bool) -> EndedProgram:
        """The program, as it ended."""
        output, errors = (bytes(one) for one in self._kept.values())
        return EndedProgram(code, output, errors, self._is_cut, is_late)


def _check(program: str, folder: str, environment: Mapping[str, str]) -> None:
    """Raise FileNotFoundError for a program that is absent."""
    place = str(Path(folder, program)) if "/" in program else program
    if shutil.which(place, path=environment.get("PATH", os.defpath)) is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), program)


def _write(transport: asyncio.SubprocessTransport, input: bytes) -> None:
    pipe = transport.get_pipe_transport(0)
    if isinstance(pipe, asyncio.WriteTransport):
        pipe.write(input)
        pipe.close()  # once it is written


def _signal(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
