"""Parses a hub's request for a command, looks up the program and starts it."""

# Single system calls: Path is slower.
# ruff: noqa: PTH112, PTH113, PTH120

import errno
import os
import stat
from collections.abc import Iterable, Sequence
from math import inf
from typing import Any, Final, NamedTuple

from floe.warden.outputs import open_output
from floe.warden.unstartable import why_not

SECONDS_MAX: Final = 10.0**9
SHORT: Final = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)
"""Errors of a system that temporarily has no room for one more process or open file."""
NOT_PLAIN: Final = "not a plain file; a command has replaced it"


class OrderRefused(Exception):
    """A request that cannot be met, with the reason."""

    def __init__(self, why: str, number: int | None = None) -> None:
        """`number`: the errno if one of floe's own files, or any process, could not be created."""
        super().__init__(why)
        self.number = number or 0


class Order(NamedTuple):
    """A command to start, as the hub requested it."""

    argv: list[str]
    env: dict[str, str]
    cwd: str
    output: str
    timeout_s: float
    grace_s: float
    output_max: int
    apart: bool
    """The file system of the output may hang."""


def parse(message: dict[str, Any]) -> Order:
    """Read an order: a spawn request. Raises OrderRefused."""
    argv, env = message.get("argv"), message.get("env")
    cwd, output = message.get("cwd"), message.get("output")
    if not (isinstance(argv, list) and argv and _are_texts(argv) and argv[0]):
        raise OrderRefused("argv must be a list of texts, the first one not empty")
    if not (isinstance(env, dict) and _are_texts(env.values())):
        raise OrderRefused("env must map names to texts")
    if not (isinstance(cwd, str) and cwd.startswith("/")):
        raise OrderRefused("cwd must be an absolute path")
    if not (isinstance(output, str) and output.startswith("/")):
        raise OrderRefused("output must be an absolute path")
    timeout_s = message.get("timeout_s")
    return Order(
        argv=argv,
        env=env,
        cwd=cwd,
        output=output,
        timeout_s=inf if timeout_s is None else _number(timeout_s, "timeout_s"),
        grace_s=_number(message.get("grace_s"), "grace_s"),
        output_max=int(_number(message.get("output_max"), "output_max", most=2**62)),
        apart=message.get("apart") is True,
    )


def _are_texts(values: Iterable[object]) -> bool:
    return {*map(type, values)} <= {str}


def _number(value: object, name: str, most: float = SECONDS_MAX) -> float:
    # Written so that NaN is refused.
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most:
        return value
    raise OrderRefused(f"{name} must be a number from 0 to {most:g}")


def find(name: str, env: dict[str, str]) -> str:
    """Find the command of an order as a shell does, from the working directory."""
    if "/" in name:
        return name
    path = env.get("PATH", os.defpath)
    candidates = [f"{folder or '.'}/{name}" for folder in path.split(":")]
    for candidate in candidates:
        if os.access(candidate, os.X_OK) and not os.path.isdir(candidate):
            return candidate
    for candidate in filter(os.path.isfile, candidates):
        raise OrderRefused(f"permission denied: {candidate} is not executable")
    hint = f"; try: ./{name}, which is in the working directory" if os.path.isfile(name) else ""
    hint = hint or ("; with `args`, `cmd` is one program's name" if " " in name else "")
    raise OrderRefused(f"command not found: {name}{hint}\nPATH is {path}")


class Launched(NamedTuple):
    """A running command that an order launched."""

    pid: int
    size: int
    """The size of the file for its output in bytes; 0 if there is none yet."""
    pipe: int
    """The pipe with its output."""


def launch(order: Order, env: dict[str, str], null: int, reset: Sequence[int]) -> Launched:
    """Start the command of an order. Raises OrderRefused."""
    try:
        os.chdir(order.cwd)
    except OSError as error:
        raise OrderRefused(f"working directory {order.cwd}: {error.strerror}") from error
    except ValueError as error:
        raise OrderRefused(f"working directory: {error}") from error
    try:
        try:
            path = find(order.argv[0], order.env)
        except ValueError as error:
            raise OrderRefused(f"command: {error}") from error
        size = size_of(order.output)
        pid, pipe = _spawned(path, order.argv, env, null, reset)
        return Launched(pid, size, pipe)
    finally:
        os.chdir("/")


def _spawned(
    path: str, argv: list[str], env: dict[str, str], null: int, reset: Sequence[int]
) -> tuple[int, int]:
    """The pid and the pipe with the output."""
    try:
        pipe, output = os.pipe2(os.O_CLOEXEC)
    except OSError as error:
        raise OrderRefused(f"output: {error.strerror}", error.errno) from error
    try:
        # In its own session, and with only these three descriptors; all others close on exec.
        pid = os.posix_spawn(
            path,
            argv,
            env,
            file_actions=(
                (os.POSIX_SPAWN_DUP2, null, 0),
                (os.POSIX_SPAWN_DUP2, output, 1),
                (os.POSIX_SPAWN_DUP2, output, 2),
            ),
            setsid=True,
            setsigdef=reset,
        )
    except (OSError, ValueError) as error:
        os.close(pipe)
        number = error.errno if isinstance(error, OSError) and error.errno in SHORT else 0
        raise OrderRefused(why_not(path, argv, env, error), number) from error
    finally:
        os.close(output)
    os.set_blocking(pipe, False)
    return pid, pipe


def size_of(output: str) -> int:
    """The bytes in the file for the output of an order; 0 without it."""
    try:
        found = os.lstat(output)
        if not stat.S_ISREG(found.st_mode):  # a command put it there
            raise OrderRefused(f"output file {output}: {NOT_PLAIN}")
    except FileNotFoundError:
        _check_folder(output)
        return 0
    except OSError as error:
        raise OrderRefused(f"output file {output}: {error.strerror}", error.errno) from error
    except ValueError as error:
        raise OrderRefused(f"output file: {error}") from error
    return found.st_size


def _check_folder(output: str) -> None:
    if not os.access(os.path.dirname(output), os.W_OK | os.X_OK):
        try:
            os.close(open_output(output))
        except OSError as error:
            raise OrderRefused(f"output file {output}: {error.strerror}", error.errno) from error
