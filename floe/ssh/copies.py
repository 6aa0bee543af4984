"""Copies files to and from the far side (sftp). A file gets its name when it is complete.

Files with holes are copied like others: asyncssh loses a hole at the end of a file.
"""

import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import asyncssh

from floe.ssh.far_command import SILENCES_MAX, CopyFailed, FarCommand, print_line
from floe.ssh.stages import Stage, stage

PART: Final = ".floe-part"
"""Behind the name of a file that is not complete. The next attempt replaces it."""


async def upload(connection: asyncssh.SSHClientConnection, far: FarCommand) -> None:
    """Copy files from here to there, with their modes. Raises SshFailed."""
    for source, target in far.upload:
        try:
            mode = _mode(source)
            async with _transfer(connection, f"the upload of {target}", far) as (sftp, copying):
                part, progressed = target + PART, copying.progressed
                await sftp.put(source, part, sparse=False, progress_handler=progressed)
                await sftp.chmod(part, mode)
                await sftp.posix_rename(part, target)
                size = await sftp.getsize(target)
        except (OSError, asyncssh.Error) as error:
            raise CopyFailed(f"{source} was not uploaded to {target}: {error}") from None
        print_line(f"uploaded {source} to {target}, {size} bytes")


async def download(connection: asyncssh.SSHClientConnection, far: FarCommand) -> None:
    """Copy files from there to here. Raises SshFailed."""
    for source, target in far.download:
        try:
            _make_room(target)
            async with _transfer(connection, f"the download of {source}", far) as (sftp, copying):
                part, progressed = target + PART, copying.progressed
                await sftp.get(
                    source, part, follow_symlinks=True, sparse=False, progress_handler=progressed
                )
            size = _finish(target)
        except (OSError, asyncssh.Error) as error:
            raise CopyFailed(f"{source} was not downloaded to {target}: {error}") from None
        print_line(f"downloaded {source} to {target}, {size} bytes")


@asynccontextmanager
async def _transfer(
    connection: asyncssh.SSHClientConnection, name: str, far: FarCommand
) -> AsyncIterator[tuple[asyncssh.SFTPClient, Stage]]:
    """The copy of one file: lost after a silence, as a connection is. Raises SshFailed."""
    async with (
        stage(f"{name} on {far.host}", far.keepalive_s * SILENCES_MAX) as copying,
        connection.start_sftp_client() as sftp,
    ):
        yield sftp, copying


def _mode(source: str) -> int:
    mode = Path(source).lstat().st_mode
    if not stat.S_ISREG(mode):
        raise CopyFailed(f"{source} is not a plain file; pack a folder into one")
    return stat.S_IMODE(mode)


def _make_room(target: str) -> None:
    path = Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_name(path.name + PART).unlink(missing_ok=True)


def _finish(target: str) -> int:
    """Give a complete file its name; its size."""
    part = Path(target + PART)
    size = part.stat().st_size
    part.replace(target)
    return size
