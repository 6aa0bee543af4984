"""The report of a command, from the warden's last message and the command's files."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, assert_never

import structlog

from floe.files import EXHAUSTED, FileFolders
from floe.model.errors import FloeError
from floe.model.ids import Json
from floe.model.signal import Exited, Failed, Report, Stopped
from floe.model.template import data_of
from floe.model.work import Exec
from floe.nodes import warden
from floe.nodes.attempt_files import LongOutputs, output_size, read_outputs
from floe.nodes.base import Job
from floe.warden.unstartable import CR, CR_HINT, head_of

log = structlog.get_logger()

SWITCH_S: Final = 0.0005
"""After this time a thread that reads outputs lets the loop run."""
_SWITCH_S: Final = sys.getswitchinterval()


def report_of(
    ended: warden.CommandExited | warden.CommandLost,
    job: Job,
    folders: FileFolders,
    *,
    is_apart: bool = False,
) -> Report | None:
    """The report of an attempt. Damaged files never hide that the attempt ended.

    None if the host has no open file left to read them: ask again later. Raises LongOutputs unless
    it is called in a thread (`is_apart`).
    """
    try:
        if isinstance(ended, warden.CommandLost):
            return _lost(job, folders)
        return _report(job, ended, folders, is_apart=is_apart)
    except LongOutputs:
        raise
    except Exception as error:  # the executor's border: a defect must not hang the run
        if isinstance(error, OSError) and error.errno in EXHAUSTED:
            return None
        log.exception("attempt.report_failed", key=str(job.key))
        return Failed(cause="error", why=f"{type(error).__name__}: {error}")


def reported_apart(
    ended: warden.CommandExited | warden.CommandLost, job: Job, folders: FileFolders
) -> Report | None:
    """A report made in a thread. Much Python reads long outputs: meanwhile the loop gets its turn
    every `SWITCH_S`, and not only after Python's own 5 ms."""
    sys.setswitchinterval(SWITCH_S)
    try:
        return report_of(ended, job, folders, is_apart=True)
    finally:
        sys.setswitchinterval(_SWITCH_S)


def _report(
    job: Job, ended: warden.CommandExited, folders: FileFolders, *, is_apart: bool
) -> Report:
    size, found = output_size(job, folders)
    match ended.why:
        case "exited":
            return _exited(job, ended.status, size, found, folders, is_apart=is_apart)
        case "timeout":
            why = f"not finished after {job.timeout_s:g} s"
            return Failed(cause="timeout", why=_joined(why, found), output_bytes=size)
        case "output-limit":
            why = f"printed more than {job.output_max} bytes"
            return Failed(cause="output-limit", why=_joined(why, found), output_bytes=size)
        case "stopped":
            return Stopped(output_bytes=size)
        case _:
            assert_never(ended.why)


def _lost(job: Job, folders: FileFolders) -> Report:
    why = "its warden died, so its exit status is unknown"
    return Failed(cause="lost", why=why, output_bytes=output_size(job, folders)[0])


def _exited(
    job: Job, status: int, size: int, found: str, folders: FileFolders, *, is_apart: bool
) -> Report:
    outputs: dict[str, Json] = {}
    strays: list[str] = []
    try:
        outputs, strays = read_outputs(job, folders, is_apart=is_apart)
    except FloeError as error:
        return Failed(cause="error", why=_joined(str(error), found), output_bytes=size)
    except OSError as error:
        if error.errno in EXHAUSTED:
            raise
        log.warning("outputs.unreadable", key=str(job.key), error=str(error))
        found = _joined(found, f"its outputs are lost: {error}")
    if strays:  # never written into the output, which holds only the command's own text
        log.warning("outputs.ignored", key=str(job.key), lines=strays[:10])
        found = _joined(found, _ignored(strays))
    if status and isinstance(job.work, Exec):
        found = _joined(found, _line_ends(job, job.work))
    return Exited(status=status, outputs=outputs, output_bytes=size, note=found)


def _ignored(strays: list[str]) -> str:
    """A note about ignored lines in FLOE_OUTPUTS; most come from a value of several lines."""
    count = "a line" if len(strays) == 1 else f"{len(strays)} lines"
    what = f"{count} in FLOE_OUTPUTS ignored, not name=value: `{strays[0][:40]}`"
    return f"{what}; a value is one line: write longer ones as JSON to $FLOE_OUTPUTS.json"


def files_of(job: Job, word: warden.CommandExited | warden.CommandLost) -> list[Path]:
    """The files that a report opens beside those of the attempt: the script that failed."""
    if isinstance(word, warden.CommandLost) or not word.status or not isinstance(job.work, Exec):
        return []
    return [path for _, path in _scripts(job, job.work)]


def _scripts(job: Job, work: Exec) -> Iterator[tuple[str, Path]]:
    """The arguments that may be the name of a script, and their paths."""
    for argument in map(data_of, work.argv[:2]):
        path = job.workspace / work.sub_dir / argument
        if "/" in argument or path.suffix:
            yield argument, path


def _line_ends(job: Job, work: Exec) -> str:
    """A note if the failed command is a script with Windows line ends; else empty."""
    for argument, path in _scripts(job, work):
        head = head_of(str(path))
        if head.partition(b"\n")[0].endswith(b"\r"):
            name = argument.removeprefix(f"{job.workspace}/")
            return f"{name}: {CR}; {CR_HINT.format(name)}"
    return ""


def _joined(*parts: str) -> str:
    return "; ".join(filter(None, parts))
