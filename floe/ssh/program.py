"""Connects, runs the far command, and ends with its exit status."""

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from floe.ssh import far_end
from floe.ssh.far_command import SILENCES_MAX, FarCommand, SshFailed, print_line
from floe.ssh.stages import stage

if TYPE_CHECKING:
    import asyncssh


def main() -> None:
    """Run the program: the command in the environment; and exit."""
    far = FarCommand.of_environment()
    sys.path.extend(far.libraries)
    try:
        status = asyncio.run(_status(far))
    except SshFailed as error:
        print_line(str(error))
        status = error.status
    os._exit(status)  # a thread may still wait to write


async def _status(far: FarCommand) -> int:
    """Run the far command. Raises SshFailed."""
    async with _connected(far) as connection:
        if far.upload:
            from floe.ssh.copies import upload

            await upload(connection, far)
        status = await _ran(far, connection) if far.argv or far.line else 0
        if far.download:
            from floe.ssh.copies import download

            try:
                await download(connection, far)
            except SshFailed as error:  # a command that failed has the more interesting status
                if not status:
                    raise
                print_line(str(error))
        return status


@asynccontextmanager
async def _connected(far: FarCommand) -> "AsyncIterator[asyncssh.SSHClientConnection]":
    """The connection, logged in. Raises SshFailed."""
    import asyncssh

    from floe.ssh.host_keys import KnownHost
    from floe.ssh.logins import credentials, refusal

    known = None if far.any_host else KnownHost(far.host, far.port, far.known_hosts)
    checks: dict[str, Any] = {"known_hosts": None}
    if known:
        checks["known_hosts"] = (known.keys, known.authorities, known.revoked)
        checks["server_host_key_algs"] = known.algorithms
    shown: list[asyncssh.SSHKey] = []
    where = f"{far.host}, port {far.port}"

    class Client(asyncssh.SSHClient):
        """Names the stages, and remembers the host's key if it is not a known one."""

        def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
            connecting.name = f"the key exchange with {where}"

        def begin_auth(self, username: str) -> None:
            connecting.name = f"the login on {where}"

        def validate_host_public_key(
            self, host: str, addr: str, port: int, key: asyncssh.SSHKey
        ) -> bool:
            shown.append(key)
            return False

    try:
        async with stage(f"the connection to {where}", far.connect_s) as connecting:
            connection = await asyncssh.connect(
                far.host,
                far.port,
                client_factory=Client,
                config=None,
                **checks,
                keepalive_interval=far.keepalive_s,
                keepalive_count_max=SILENCES_MAX,
                login_timeout=far.connect_s,
                gss_auth=False,
                gss_kex=False,
                host_based_auth=False,
                **({"username": far.user} if far.user else {}),
                **credentials(far),
            )
    except asyncssh.HostKeyNotVerifiable as error:  # a revoked key is shown to no one
        why = known.fault(shown[0]) if known and shown else f"{where}: {error}"
        raise SshFailed(why) from None
    except asyncssh.PermissionDenied:
        raise SshFailed(refusal(far)) from None
    except (asyncssh.Error, OSError) as error:
        raise SshFailed(f"no connection to {where}: {_reason(error)}") from None
    try:
        yield connection
    finally:
        connection.abort()  # the far command is over, or floe gave it up


def _reason(error: Exception) -> str:
    """The sentence of an error; that of the system without asyncio's own words."""
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return str(error)


async def _ran(far: FarCommand, connection: "asyncssh.SSHClientConnection") -> int:
    """The exit status of the far command. Raises SshFailed."""
    import asyncssh

    from floe.ssh.session import Session

    mark, loop = secrets.token_hex(16), asyncio.get_running_loop()
    session = Session(mark="" if far.direct else mark, grace_s=far.grace_s)
    line, sent = far_end.first_line(mark), tuple[str, ...]()
    if far.direct:
        line, sent = far.line or far_end.command(far.argv, (), far.folder), far.env
    loop.add_signal_handler(signal.SIGTERM, session.stop)
    async with stage(f"the start of the command on {far.host}", far.connect_s):
        try:
            channel, _ = await connection.create_session(
                lambda: session, line, encoding=None, env=sent
            )
        except (asyncssh.Error, OSError) as error:
            raise SshFailed(f"{far.host} runs no command: {error}") from None
        await session.until_ready()
    if far.direct:
        if far.stdin:
            with suppress(BrokenPipeError):  # the far side is over already
                channel.write(far.stdin.encode())
        channel.write_eof()
    else:
        text = far_end.script(
            far.argv,
            far.env,
            far.folder,
            grace_s=far.grace_s,
            silence_s=far.keepalive_s * SILENCES_MAX,
            mark=mark,
        )
        session.send(text)
    async with asyncio.TaskGroup() as tasks:
        beating = tasks.create_task(session.beat(far.keepalive_s))
        await session.print_all()
        beating.cancel()
    if not far.direct:
        _keep_outputs(session.beside, mark, far.outputs)
    return session.exit_status()


def _keep_outputs(beside: bytes, mark: str, file: str) -> None:
    """Write the outputs of the command to the files here, and print what a login shell printed."""
    printed, *outputs = beside.split(f"{mark}\n".encode())
    if printed:
        os.write(sys.stdout.fileno(), printed)
    for name, content in zip((file, f"{file}.json"), outputs, strict=False):
        if content:
            Path(name).write_bytes(content)
