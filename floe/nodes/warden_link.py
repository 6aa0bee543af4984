"""Connects to the warden of a root, and starts one if none runs.

This file does not know the meaning of the messages.
"""

import asyncio
import json
import os
import resource
import socket
import struct
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, cast

import structlog

from floe.files import private
from floe.model.errors import World
from floe.nodes.program_copies import archive, is_current, write_program
from floe.nodes.pulse import Pulse, described
from floe.open_files import FILES_GIVEN

log = structlog.get_logger()

WARDEN_PROTOCOL: Final = 1
REACH_S: Final = 15.0
"""Seconds within which a warden must be reached or started."""
GREETING_S: Final = 5.0
"""Seconds within which a connected warden must answer hello."""
CONNECT_RETRY_S: Final = 0.02
"""First pause between two attempts to connect; doubled each time."""
CONNECT_RETRY_MAX_S: Final = 2.0
FOLDER_TAKEN: Final = 3
"""Exit status of a warden that found the folder locked by a different one."""

OnMessage = Callable[[Mapping[str, Any]], None]


class WardenAddress:
    """The folder and the socket of the warden of one root."""

    def __init__(self, root: Path, on_message: OnMessage) -> None:
        """`root` holds the warden's folder; `on_message` receives each message except the first."""
        self.folder = root.absolute() / "warden"
        self.data = self.folder / f"v{WARDEN_PROTOCOL}"
        """The files of this protocol version: attempts, socket and log."""
        self._on_message = on_message

    @property
    def log_file(self) -> Path:
        """The warden's own log."""
        return self.data / "log"

    async def reach(self) -> "WardenConnection":
        """Connect; start a warden if needed. Raises World.

        Two clients at once get the same warden, since a warden locks its folder.
        """
        pause_s = CONNECT_RETRY_S
        why = ""
        try:
            async with asyncio.timeout(REACH_S):
                self._make_folder()
                while True:
                    try:
                        return await self._connect()
                    except (OSError, TimeoutError) as error:
                        why = str(error) or type(error).__name__
                    if not await self._start():
                        await asyncio.sleep(pause_s)
                        pause_s = min(2 * pause_s, CONNECT_RETRY_MAX_S)
        except TimeoutError as error:
            raise World(
                f"the warden in {self.folder} does not answer: {why}",
                f"its log is {self.log_file}",
            ) from error
        except OSError as error:
            raise World(f"{self.folder}: {error.strerror or error}") from error

    def _make_folder(self) -> None:
        for folder in (self.folder, self.data):
            private(folder)
            if folder.stat().st_uid != os.geteuid():
                raise World(f"{folder} belongs to a different user", "use a root of your own")

    async def _connect(self) -> "WardenConnection":
        loop = asyncio.get_running_loop()
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            folder = os.open(self.data, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                # Through the descriptor, because the path of a socket is limited to 107 bytes.
                # Connects at once, or raises BlockingIOError if too many clients wait.
                sock.connect(f"/proc/self/fd/{folder}/sock")
            finally:
                os.close(folder)
            pid = self._check_peer(sock)
            _, link = await loop.create_unix_connection(
                lambda: WardenConnection(loop, self._on_message, pid), sock=sock
            )
        except BaseException:
            sock.close()
            raise
        try:
            async with asyncio.timeout(GREETING_S):
                await link.greet()
        except TimeoutError:
            link.transport.abort()
            raise TimeoutError(described(pid)) from None
        except BaseException:
            link.transport.abort()
            raise
        return link

    def _check_peer(self, sock: socket.socket) -> int:
        """The pid of the process that serves the socket. Raises World for a different user's."""
        credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        pid, uid, _gid = struct.unpack("iii", credentials)
        if uid != os.geteuid():
            raise World(f"a process of a different user ({uid}) serves the socket in {self.data}")
        return int(pid)

    async def _start(self) -> bool:
        """Start a warden; False if a different one has locked the folder. Raises World."""
        program = self.install()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-S", str(program), str(self.data), str(FILES_GIVEN)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            env=public_environment(),
        )
        try:
            _, reason = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode not in (0, FOLDER_TAKEN):
            why = reason.decode(errors="replace").strip() or _ended(process.returncode or 0)
            raise World(f"the warden in {self.folder} did not start: {why}")
        if process.returncode == 0:
            log.info("warden.started", folder=str(self.folder))
        return process.returncode == 0

    def install(self) -> Path:
        """Copy the warden's program beside its data, where an upgrade of floe leaves it alone."""
        program = self.folder / f"warden-v{WARDEN_PROTOCOL}.pyz"
        if not program.is_file() or not is_current("warden", program.read_bytes()):
            write_program(program, archive("warden"))
        return program


def _ended(status: int) -> str:
    """How a process ended that gave no reason, with the limit that Python may have met."""
    memory = resource.getrlimit(resource.RLIMIT_AS)[0]
    short = "" if memory < 0 else f" (`ulimit -v` allows {memory // 1024} KiB of address space)"
    return (f"signal {-status}" if status < 0 else f"exit status {status}") + short


def public_environment() -> dict[str, str]:
    """The environment of a warden: without floe's tokens, since a warden lives long.

    FLOE_WARDEN stays: by it an outer warden finds this one as part of a command that runs floe.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if name == "FLOE_WARDEN" or not name.startswith("FLOE_")
    }


class WardenConnection(asyncio.Protocol):
    """One connection: receives lines, passes messages on."""

    transport: asyncio.Transport

    def __init__(self, loop: asyncio.AbstractEventLoop, on_message: OnMessage, pid: int) -> None:
        self.loop = loop
        self.pulse = Pulse(pid)
        self.places = 0
        """How many commands may run at once; 0 if the warden did not say."""
        self.places_why = ""
        self.kept: tuple[str, ...] = ()
        """Keys of all attempts that the warden kept when it was reached."""
        self.lost = asyncio.Event()
        self._greeted = asyncio.Event()
        self._on_message = on_message
        self._rest = b""

    def ask(self) -> None:
        """Send hello, which the warden always answers."""
        self.transport.write(request(do="hello", protocol=WARDEN_PROTOCOL))

    async def greet(self) -> None:
        """Ask for what the warden keeps, and wait for the answer. Raises ConnectionResetError."""
        self.ask()
        self.transport.write(request(do="list"))
        await self._greeted.wait()
        if self.lost.is_set():
            raise ConnectionResetError("the warden closed the connection")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.pulse.answered()
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if message["word"] == "hello":
                self.places = message.get("places", 0)  # a warden of an earlier floe sends neither
                self.places_why = message.get("places_why", "")
            if message["word"] == "listed":
                self.kept = tuple(message["keys"])
                self._greeted.set()
            elif message["word"] != "hello" or self._greeted.is_set():
                self._on_message(message)

    def connection_lost(self, _error: Exception | None) -> None:
        self.lost.set()
        self._greeted.set()


def request(**fields: object) -> bytes:
    """A request to the warden, as one line."""
    return json.dumps(fields).encode() + b"\n"
