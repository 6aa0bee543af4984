"""The environment of a command, and the two files beside its output.

No shell parses anything here: values from people are passed on unchanged.
"""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final

import structlog

from floe.expr.command import entry_faults
from floe.expr.substitute import expand_vars
from floe.files import EXHAUSTED, Folders, open_in, size_in
from floe.model.errors import TooLarge, Yours
from floe.model.refs import NAME, Json
from floe.nodes.base import Job

log = structlog.get_logger()

PROXY_NAMES: Final = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")
_PLAIN: Final = ("PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR", "SSH_AUTH_SOCK")
PASSED_NAMES: Final = frozenset((*_PLAIN, *PROXY_NAMES, *(name.upper() for name in PROXY_NAMES)))
VALUE_BYTES_MAX: Final = 64 * 1024
"""Longer values are only in the file `FLOE_INPUT`."""
VALUES_BYTES_MAX: Final = 1024 * 1024
"""For all inputs in variables together: Linux takes 2 MiB of arguments and environment."""
OUTPUTS_BYTES_MAX: Final = 1024 * 1024
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


def inherited(environ: Mapping[str, str], pass_env: Iterable[str] = ()) -> dict[str, str]:
    """The part of the host's own environment that commands see.

    Names that begin with `FLOE_` never pass, whatever `pass_env` says, since tokens have such
    names.
    """
    names = PASSED_NAMES.union(pass_env)
    passed = {
        name: value
        for name, value in environ.items()
        if (name in names or name.startswith("LC_")) and not name.startswith("FLOE_")
    }
    passed.setdefault("PATH", os.defpath)
    return passed


def environment(
    base: Mapping[str, str], job: Job, host: str, entries: Iterable[str]
) -> dict[str, str]:
    """The environment of one attempt: `base`, floe's own names, then `entries` in order.

    Raises Yours if an entry puts a value into a variable that programs read code from. An
    entry sees the entries before it. Entries cannot change floe's own names, because the
    warden finds the processes of an attempt by `FLOE_ATTEMPT`.
    """
    own = {
        **input_variables(job.inputs),
        "FLOEWS": str(job.workspace),
        "FLOE_RUN": str(job.key.run),
        "FLOE_NODE": job.node,
        "FLOE_HOST": host,
        "FLOE_ATTEMPT": str(job.key),
        "FLOE_INPUT": input_path(job),
        "FLOE_OUTPUTS": outputs_path(job),
        "FLOE_FENCE": ",".join(f"{tag}={fence}" for tag, fence in job.fences.items()),
    }
    env = {**base, **own}
    given = tuple(entries)
    for fault in entry_faults(given, escapes=job.has_escapes):
        raise Yours(fault.what, fault.hint)
    for entry in given:
        name, _, value = entry.partition("=")
        env[name] = expand_vars(value, env, escapes=job.has_escapes)
    env.update(own)
    return env


def input_variables(inputs: Mapping[str, Json]) -> dict[str, str]:
    """The inputs that fit into variables, as `FLOE_IN_<NAME>`: text unchanged, the rest as JSON.

    Raises Yours if two of them would be the same variable.
    """
    if both := same_variable(inputs):
        raise Yours(f"the inputs {both}", "rename one of them where it comes from")
    found = {}
    room = VALUES_BYTES_MAX
    for name, value in inputs.items():
        if not NAME.fullmatch(name):
            continue
        text = value if isinstance(value, str) else json.dumps(value, default=dict)
        size = _bytes_of(text)
        if "\0" not in text and size <= min(VALUE_BYTES_MAX, room):
            found[_variable(name)] = text
            room -= size
    return found


def same_variable(names: Iterable[str]) -> str:
    """Which two names would be the same variable, as a part of a sentence; empty for none."""
    seen: dict[str, str] = {}
    for name in filter(NAME.fullmatch, names):
        other = seen.setdefault(_variable(name), name)
        if other != name:
            return f"`{other}` and `{name}` would both be {_variable(name)}"
    return ""


def _variable(name: str) -> str:
    return "FLOE_IN_" + name.upper().replace("-", "_")


def input_path(job: Job) -> str:
    """The file that an attempt reads its inputs from: a JSON object of typed values."""
    return f"{job.output}.input"


def outputs_path(job: Job) -> str:
    """The file that an attempt may write its outputs to."""
    return f"{job.output}.outputs"


def input_text(job: Job) -> bytes:
    """The content of that file."""
    return json.dumps(job.inputs, default=dict).encode() if job.inputs else b"{}"


def write_input(job: Job, folders: Folders) -> None:
    """Write the inputs, and create the folder of the output if it is missing.

    An existing file is replaced as a whole, since a command that started before a crash of the
    host may be reading it. Raises NotPlain if a command replaced a folder, OSError.
    """
    path = input_path(job)
    data = input_text(job)
    folder, name = folders.enter(path, make=True), path.rpartition("/")[2]
    try:
        _create(folder, name, data)
    except FileExistsError:
        part = f"{name}.part"
        with suppress(FileNotFoundError):
            os.unlink(part, dir_fd=folder)
        _create(folder, part, data)
        os.replace(part, name, src_dir_fd=folder, dst_dir_fd=folder)


def read_outputs(job: Job, folders: Folders) -> tuple[dict[str, str], list[str]]:
    """The outputs that an attempt wrote, and the lines that are not outputs.

    The last line of a name wins. Raises TooLarge above `OUTPUTS_BYTES_MAX`, Yours if two names
    would be the same variable, NotPlain for a link or anything else that is not a plain file,
    OSError.
    """
    try:
        data = _content(outputs_path(job), OUTPUTS_BYTES_MAX + 1, folders)
    except FileNotFoundError:
        return {}, []
    if len(data) > OUTPUTS_BYTES_MAX:
        raise TooLarge(f"FLOE_OUTPUTS holds more than {OUTPUTS_BYTES_MAX} bytes")
    outputs, strays = {}, []
    for line in data.decode(errors="replace").split("\n"):
        name, equals, value = line.rstrip("\r").partition("=")
        if equals and NAME.fullmatch(name):
            outputs[name] = value
        elif line.strip():
            strays.append(line[:80])
    if both := same_variable(outputs):
        raise Yours(f"FLOE_OUTPUTS: {both}; rename one of them")
    return outputs, strays


def measured(job: Job, folders: Folders) -> tuple[int, str]:
    """The size of the output in bytes, and what is wrong if it is not a plain file.

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


def drop_files(job: Job, folders: Folders) -> None:
    """Remove both files: the run's events have their content."""
    drop_file(input_path(job), folders)
    drop_outputs(job, folders)


def drop_outputs(job: Job, folders: Folders) -> None:
    """Remove the file that an attempt may have written."""
    drop_file(outputs_path(job), folders)


def drop_file(path: str, folders: Folders) -> None:
    """Remove a file of an attempt, if it exists."""
    try:
        folder = folders.enter(path)
    except FileNotFoundError:
        return
    except OSError as error:  # a command replaced the folder
        log.warning("attempt.file_not_deleted", file=path, error=str(error))
        return
    _drop(folder, path.rpartition("/")[2])


def _drop(folder: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        pass
    except OSError as error:  # a command replaced it by a folder
        log.warning("attempt.file_not_deleted", file=name, error=str(error))


def _create(folder: int, name: str, data: bytes) -> None:
    """A new file. Raises FileExistsError, OSError."""
    fd = os.open(name, _NEW, 0o600, dir_fd=folder)
    try:
        while data:
            data = data[os.write(fd, data) :]
    finally:
        os.close(fd)


def _content(path: str, size: int, folders: Folders) -> bytes:
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


def _bytes_of(text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError:  # half a surrogate pair: valid in JSON, not in an environment
        return VALUE_BYTES_MAX + 1
