"""Outputs of attempts whose secrets are masked: as they are read, and once in the file itself.

A mask is as long as what it hides, so offsets and sizes do not change. A part of a file is searched
together with the bytes around it, so that no reader gets the half of a secret that its part has.
"""

import os
from pathlib import Path
from typing import Final, Literal

from floe.expr.masking import Masks, hidden
from floe.files import opened

AtEnd = Literal["as-is", "masked", "left-out"]
"""What becomes of bytes at the end of a file that may be the beginning of a secret, while more may
follow. A file that has its end has them as they are."""

MASK_BLOCK: Final = 256 * 1024
"""Bytes that are masked at once."""


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

    Raises FileNotFoundError, NotPlain, OSError.
    """
    with opened(path, os.O_RDWR) as fd:
        for offset in range(0, size, MASK_BLOCK):
            _mask_block(fd, offset, min(MASK_BLOCK, size - offset), masks)


def _mask_block(fd: int, offset: int, size: int, masks: Masks) -> None:
    before = min(offset, masks.overlap)
    data = os.pread(fd, before + size + masks.overlap, offset - before)
    for start, end in masks.spans(data):
        if start < before + size:
            done = start
            while done < end:
                done += os.pwrite(fd, hidden(data[done:end]), offset - before + done)
