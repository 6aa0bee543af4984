"""Copies files to and from the far side (sftp). A file gets its name when it is complete."""

import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import asyncssh

from floe.ssh.far_command import CopyFailed, print_line

PART: Final = ".floe-part"
"""Behind the name of a file that is not complete. The next attempt replaces it."""


async def uploaded(
    connection: asyncssh.SSHClientConnection, copies: Iterable[tuple[str, str]]
) -> None:
    """Copy files from here to there, with their modes. Raises CopyFailed."""
    for source, target in copies:
        try:
            mode = _mode(source)
            async with connection.start_sftp_client() as sftp:
                await sftp.put(source, target + PART)
                await sftp.chmod(target + PART, mode)
                await sftp.posix_rename(target + PART, target)
                size = await sftp.getsize(target)
        except (OSError, asyncssh.Error) as error:
            raise CopyFailed(f"{source} was not uploaded to {target}: {error}") from None
        print_line(f"uploaded {source} to {target}, {size} bytes")


async def downloaded(
    connection: asyncssh.SSHClientConnection, copies: Iterable[tuple[str, str]]
) -> None:
    """Copy files from there to here. Raises CopyFailed."""
    for source, target in copies:
        try:
            _make_room(target)
            async with connection.start_sftp_client() as sftp:
                await sftp.get(source, target + PART, follow_symlinks=True)
            size = _finish(target)
        except (OSError, asyncssh.Error) as error:
            raise CopyFailed(f"{source} was not downloaded to {target}: {error}") from None
        print_line(f"downloaded {source} to {target}, {size} bytes")


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
