"""Outputs of attempts whose secrets are masked: as they are read, and once in the file itself.

A mask is as long as what it hides, so offsets and sizes do not change. A part of a file is searched
together with the bytes around it, so that no reader gets the half of a secret that its part has.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

import structlog

from floe.expr.masking import Masks, hidden
from floe.files import folder_of, open_in

log = structlog.get_logger()

AtEnd = Literal["as-is", "masked", "left-out"]
"""What becomes of bytes at the end of a file that may be the beginning of a secret, while more may
follow. A file that has its end has them as they are."""

MASK_BLOCK: Final = 256 * 1024
"""Bytes that are masked at once."""

COPY: Final = ".masked"
"""Behind the name of a file: its masked copy, until that replaces the file."""


def masked_piece(fd: int, size: int, offset: int, masks: Masks, at_end: AtEnd = "as-is") -> bytes:
    """Some bytes of a file, masked. Raises OSError."""
    if not masks:
        return os.pread(fd, size, offset)
    before = min(offset, masks.overlap)
    wanted = before + size + masks.overlap
    data = os.pread(fd, wanted, offset - before)
    shown = masks.masked(data)
    if at_end != "as-is" and len(data) < wanted and (held := masks.held(data)):
        shown, tail = shown[:-held], shown[-held:]
        shown += hidden(tail) if at_end == "masked" else b""
    return shown[before : before + size]


def mask_file(path: Path, size: int, masks: Masks) -> None:
    """Mask the secrets that begin in the first bytes of a file, permanently.

    A masked copy replaces the file, so a reader gets the old or the new file, and a crash leaves
    one of them. Where the copy cannot be made, such as on a full disk, the file itself is written:
    a reader of that moment may get a part of a secret.

    Raises FileNotFoundError, NotPlain, OSError.
    """
    with folder_of(path) as folder:
        fd = open_in(folder, str(path), os.O_RDWR)
        try:
            if not _has_secret(fd, size, masks):
                return
            try:
                _replace(folder, path, fd, masks)
            except OSError as error:
                log.warning("output.no_copy", path=str(path), error=str(error))
                for offset in range(0, size, MASK_BLOCK):
                    _mask_block(fd, offset, min(MASK_BLOCK, size - offset), masks)
        finally:
            os.close(fd)


def _has_secret(fd: int, size: int, masks: Masks) -> bool:
    """Whether a secret begins in the first bytes of a file."""
    for offset in range(0, size, MASK_BLOCK):
        block = min(MASK_BLOCK, size - offset)
        before, data = _around(fd, offset, block, masks)
        if any(start < before + block for start, _ in masks.spans(data)):
            return True
    return False


def _replace(folder: int, path: Path, fd: int, masks: Masks) -> None:
    """Put a masked copy in place of a file."""
    copy = f"{path.name}{COPY}"
    with suppress(FileNotFoundError):  # of a try that was interrupted
        os.unlink(copy, dir_fd=folder)
    to = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=folder)
    try:
        for offset in range(0, os.fstat(fd).st_size, MASK_BLOCK):
            data = memoryview(masked_piece(fd, MASK_BLOCK, offset, masks))
            while data:
                data = data[os.write(to, data) :]
        os.rename(copy, path.name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        os.unlink(copy, dir_fd=folder)
        raise
    finally:
        os.close(to)


def _mask_block(fd: int, offset: int, size: int, masks: Masks) -> None:
    before, data = _around(fd, offset, size, masks)
    for start, end in masks.spans(data):
        if start < before + size:
            done = start
            while done < end:
                done += os.pwrite(fd, hidden(data[done:end]), offset - before + done)


def _around(fd: int, offset: int, size: int, masks: Masks) -> tuple[int, bytes]:
    """Bytes of a file with those around them, and how many of these come before."""
    before = min(offset, masks.overlap)
    return before, os.pread(fd, before + size + masks.overlap, offset - before)
