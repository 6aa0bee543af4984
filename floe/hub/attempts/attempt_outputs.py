"""The outputs of attempts: their files, their limits, and the digests that an archive keeps."""

import errno
import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

from floe.expr.masking import NO_MASKS, Masks
from floe.files import EXHAUSTED, opened
from floe.kernel.items import attempts_of
from floe.masked_files import masked_piece
from floe.model.codec import to_text
from floe.model.ids import Key
from floe.model.nouns import dataclass, replace
from floe.model.run import Run
from floe.model.signal import Answered, Exited, Failed, Reported, Started
from floe.model.visible import visible

log = structlog.get_logger()

DIGEST_BLOCK: Final = 1024 * 1024
"""Bytes read at once."""

LAST_BYTES_MAX: Final = 4096
"""Bytes from which the last lines of an output are taken."""

LAST_LINES_MAX: Final = 20

_SEQUENCE: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
"""Codes for a terminal: colours, cursor, titles."""

GRACE_S: Final = 10.0
OUTPUT_MAX: Final = 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSettings:
    """The folder of outputs, and the host's defaults for attempts."""

    root: Path
    """Output goes to `<root>/runs/<run key>/<node>.<visit>.<attempt>.log`."""
    grace_s: float = GRACE_S
    """Seconds between TERM and KILL, unless the node sets them."""
    output_max: int = OUTPUT_MAX
    """Bytes that an attempt may print, unless the node sets them; 0 for no limit."""
    commands: int = 0
    """Attempts that may run at once; reported to people."""

    def output_path(self, key: Key) -> Path:
        """The file with an attempt's output; it may not exist."""
        return self.root / f"runs/{key.run.key}/{key.name}.log"

    def outputs_of(self, run: Run) -> list[tuple[Path, int]]:
        """The files with the outputs of a run's finished attempts, and their sizes in bytes."""
        return [
            (self.output_path(key), attempt.output_bytes)
            for key, attempt in attempts_of(run)
            if attempt.output_bytes
        ]


def digests_of(outputs: Sequence[tuple[Path, int]]) -> dict[str, str] | None:
    """The digests of attempts' outputs by their names; None while no file can be opened."""
    digests: dict[str, str] = {}
    for path, size in outputs:
        try:
            with opened(path) as fd:
                digest = _digest(fd, size)
        except OSError as error:
            if error.errno in EXHAUSTED:
                return None
            log.warning("output.unreadable", path=str(path), error=str(error))
            continue
        digests[path.name.removesuffix(".log")] = f"sha256:{digest}"
    return digests


def _digest(fd: int, size: int) -> str:
    """The digest of the bytes that were there at the attempt's end.

    Processes that a command left behind may still write to the file.
    """
    digest = hashlib.sha256()
    while size:
        data = os.read(fd, min(size, DIGEST_BLOCK))
        if not data:
            raise OSError(errno.EIO, "it has become shorter")
        digest.update(data)
        size -= len(data)
    return digest.hexdigest()


def last_lines(path: Path, masks: Masks = NO_MASKS) -> tuple[str, ...]:
    """The last lines of an attempt's output, plain and without secrets. Raises OSError."""
    with opened(path) as fd:
        size = os.fstat(fd).st_size
        data = masked_piece(fd, LAST_BYTES_MAX, max(0, size - LAST_BYTES_MAX), masks)
    lines = _SEQUENCE.sub("", data.decode(errors="replace")).splitlines()
    if size > LAST_BYTES_MAX:
        lines = lines[1:]  # the first is cut
    return tuple(visible(line, keep="\t") for line in lines if line.strip())[-LAST_LINES_MAX:]


def storable(signal: Started | Reported) -> Started | Reported:
    """The report itself, or an error where no store could hold its values."""
    report = signal.report if isinstance(signal, Reported) else None
    if not isinstance(signal, Reported) or not isinstance(report, Exited | Answered):
        return signal
    values = list(filter(None, _values_of(report)))
    if not values:
        return signal
    try:
        to_text(values).encode()
    except ValueError as error:
        why = f"its outputs cannot be stored: {error}"
        failed = Failed(cause="error", why=why, output_bytes=report.output_bytes)
        return replace(signal, report=failed)
    return signal


def _values_of(report: Exited | Answered) -> tuple[object, ...]:
    """What a report adds to logs, as JSON."""
    if isinstance(report, Exited):
        return (report.outputs,)
    opened = (
        (one.key, one.opening.title, one.opening.by, one.opening.verdict, one.opening.values)
        for one in report.opens
    )
    return (report.outputs, report.metadata, report.kind, report.why, *opened)
