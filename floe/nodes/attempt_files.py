"""The files of an attempt beside its output: the inputs that it reads, the outputs that it writes.

A command can reach them, so each is opened without following links.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import structlog

from floe.files import EXHAUSTED, FileFolders, open_in, size_in
from floe.model.errors import TooLarge, Yours
from floe.model.ids import NAME, Json
from floe.model.secret import Secret
from floe.model.secret_name import SecretName
from floe.nodes.base import Job
from floe.nodes.input_variables import same_variable
from floe.nodes.json_outputs import parsed, pieces_of

log = structlog.get_logger()

OUTPUTS_BYTES_MAX: Final = 1024 * 1024
OUTPUTS_MAX: Final = 1000
"""Outputs of one attempt by name: each is a variable of later commands."""
LINES_MAX: Final = 10_000
PIECES_AT_ONCE: Final = 300
"""Lines, or values of JSON, that take less than a millisecond; more are read in a thread."""
BYTES_AT_ONCE: Final = 64 * 1024
"""Bytes of a file of outputs that are read at once; a longer one is read in a thread."""

_JSON_FILE: Final = "$FLOE_OUTPUTS.json"
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


def input_path(job: Job) -> str:
    """The file that an attempt reads its inputs from: a JSON object of typed values."""
    return f"{job.output}.input"


def outputs_path(job: Job) -> str:
    """The file that an attempt may write its outputs to."""
    return f"{job.output}.outputs"


def json_path(job: Job) -> str:
    """The file of an attempt for outputs as JSON, beside that for outputs."""
    return f"{job.output}.outputs.json"


def secret_path(job: Job, name: SecretName) -> str:
    """The file with a secret for an attempt."""
    return f"{job.output}.secret.{name}"


def input_text(job: Job) -> bytes:
    """The content of the file that an attempt reads its inputs from."""
    if job.ready:
        return job.ready.stdin
    return json.dumps(job.inputs, default=dict).encode() if job.inputs else b"{}"


def write_input(job: Job, folders: FileFolders) -> None:
    """Write the file with the inputs of an attempt; create the folder of its files if missing.

    An existing file is replaced as a whole, since a command that started before a crash of the
    host may be reading it. Raises NotPlain if a command replaced a folder, OSError.
    """
    _write_attempt_file(input_path(job), input_text(job), folders)


def write_secrets(job: Job, values: Mapping[SecretName, Secret], folders: FileFolders) -> None:
    """Write the secrets that an attempt gets as files. Raises NotPlain, OSError."""
    for use in job.secrets:
        if use.file:
            data = values[use.name].reveal().encode(errors="surrogateescape")
            _write_attempt_file(secret_path(job, use.name), data, folders)


def drop_secrets(job: Job, folders: FileFolders) -> None:
    """Remove the files with secrets of an attempt that is over."""
    for use in job.secrets:
        if use.file:
            drop_file(secret_path(job, use.name), folders)


def _write_attempt_file(path: str, data: bytes, folders: FileFolders) -> None:
    folder, name = folders.enter(path, make=True), path.rpartition("/")[2]
    try:
        _create_attempt_file(folder, name, data)
    except FileExistsError:
        part = f"{name}.part"
        with suppress(FileNotFoundError):
            os.unlink(part, dir_fd=folder)
        _create_attempt_file(folder, part, data)
        os.replace(part, name, src_dir_fd=folder, dst_dir_fd=folder)


class LongOutputs(Exception):
    """The files with outputs of an attempt take long to read: read them in a thread."""


def read_outputs(
    job: Job, folders: FileFolders, *, is_apart: bool = False
) -> tuple[dict[str, Json], list[str]]:
    """The outputs that an attempt wrote, and the lines that are not outputs.

    The last line of a name wins, and JSON over all lines. Raises TooLarge above
    `OUTPUTS_BYTES_MAX` in both files, Yours for more than `OUTPUTS_MAX`, if two names would be the
    same variable or the JSON cannot be read, NotPlain for a link or anything else that is not a
    plain file, OSError. Outside of a thread (`is_apart`) it raises LongOutputs.
    """
    once = None if is_apart else BYTES_AT_ONCE
    lines = _outputs_content(outputs_path(job), OUTPUTS_BYTES_MAX, folders, once)
    shapes = _outputs_content(json_path(job), OUTPUTS_BYTES_MAX - len(lines), folders, once)
    if not is_apart and (lines.count(b"\n") > PIECES_AT_ONCE or pieces_of(shapes) > PIECES_AT_ONCE):
        raise LongOutputs
    if lines.count(b"\n") > LINES_MAX:
        raise Yours(f"FLOE_OUTPUTS has more than {LINES_MAX} lines", f"write JSON to {_JSON_FILE}")
    outputs: dict[str, Json] = {}
    strays = []
    for line in lines.decode(errors="replace").split("\n") if lines else ():
        name, equals, value = line.rstrip("\r").partition("=")
        if equals and NAME.fullmatch(name):
            outputs[name] = value
        elif line.strip():
            strays.append(line[:80])
    if shapes:
        outputs.update(parsed(shapes))
    if len(outputs) > OUTPUTS_MAX:
        what = f"FLOE_OUTPUTS has {len(outputs)} outputs; at most {OUTPUTS_MAX} are allowed"
        raise Yours(what, "put several values into one list or map, as JSON")
    if both := same_variable(outputs):
        raise Yours(f"FLOE_OUTPUTS: {both}; rename one of them")
    return outputs, strays


def _outputs_content(path: str, left: int, folders: FileFolders, once: int | None) -> bytes:
    """A file of at most `left` bytes. Raises TooLarge, and LongOutputs above `once`."""
    try:
        data = _attempt_file_content(path, (left if once is None else once) + 1, folders)
    except FileNotFoundError:
        return b""
    if once is not None and len(data) > once:
        raise LongOutputs
    if len(data) > left:
        raise TooLarge(f"FLOE_OUTPUTS holds more than {OUTPUTS_BYTES_MAX} bytes")
    return data


def take_output(job: Job, most: int) -> bytes:
    """The output of an attempt, up to so many bytes, whose file is removed. Blocks.

    Raises NotPlain, OSError.
    """
    folders, path = FileFolders(), str(job.output)
    try:
        return _attempt_file_content(path, most, folders)
    except FileNotFoundError:
        return b""
    finally:
        drop_file(path, folders)
        folders.close()


def output_size(job: Job, folders: FileFolders) -> tuple[int, str]:
    """The size of an attempt's file with its output, and what is wrong if it is no plain file.

    Raises OSError if no file can be opened at the moment.
    """
    try:
        path = str(job.output)
        return size_in(folders.enter(path), path), ""
    except FileNotFoundError:
        return 0, ""
    except OSError as error:
        if error.errno in EXHAUSTED:
            raise
        log.warning("output.unreadable", key=str(job.key), error=str(error))
        return 0, f"its output is lost: {error}"


def drop_files(job: Job, folders: FileFolders) -> None:
    """Remove the files of an attempt: the run's events have their content."""
    drop_file(input_path(job), folders)
    drop_outputs(job, folders)


def drop_outputs(job: Job, folders: FileFolders) -> None:
    """Remove the files that an attempt may have written."""
    drop_file(outputs_path(job), folders)
    drop_file(json_path(job), folders)


def drop_file(path: str, folders: FileFolders) -> None:
    """Remove a file of an attempt, if it exists."""
    try:
        folder = folders.enter(path)
    except FileNotFoundError:
        return
    except OSError as error:  # a command replaced the folder
        log.warning("attempt.file_not_deleted", file=path, error=str(error))
        return
    _drop_attempt_file(folder, path.rpartition("/")[2])


def _drop_attempt_file(folder: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        pass
    except OSError as error:  # a command replaced it by a folder
        log.warning("attempt.file_not_deleted", file=name, error=str(error))


def _create_attempt_file(folder: int, name: str, data: bytes) -> None:
    """A new file. Raises FileExistsError, OSError."""
    fd = os.open(name, _NEW, 0o600, dir_fd=folder)
    try:
        while data:
            data = data[os.write(fd, data) :]
    finally:
        os.close(fd)


def _attempt_file_content(path: str, size: int, folders: FileFolders) -> bytes:
    fd = open_in(folders.enter(path), path)
    try:
        return _read(fd, size)
    finally:
        os.close(fd)


def _read(fd: int, size: int) -> bytes:
    """Up to `size` bytes of a file."""
    parts = []
    while size > 0 and (part := os.read(fd, size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
