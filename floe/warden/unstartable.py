"""Explains why a program could not be started."""

# Single system calls: Path is slower.
# ruff: noqa: PTH110, PTH112

import errno
import os
import stat
from collections.abc import Mapping, Sequence
from typing import Final

HEAD_BYTES: Final = 512
ONE_TEXT_MAX: Final = 128 * 1024 - 1
"""The longest argument or variable in bytes (Linux: MAX_ARG_STRLEN without its NUL)."""

_MACHINES: Final = {
    3: "x86 (32 bit)",
    8: "MIPS",
    20: "PowerPC",
    21: "PowerPC (64 bit)",
    22: "s390",
    40: "ARM (32 bit)",
    62: "x86-64",
    183: "ARM64",
    243: "RISC-V",
    258: "LoongArch",
}
_FOREIGN: Final = {
    b"MZ": "a program for Windows",
    b"\xcf\xfa\xed\xfe": "a program for macOS",
    b"\xce\xfa\xed\xfe": "a program for macOS",
    b"\xca\xfe\xba\xbe": "a program for macOS, or a Java class",
    b"PK": "an archive, such as a jar",
    b"\x1f\x8b": "a compressed file",
    b"!<arch>": "a library",
}
CR: Final = "its first line ends in CR: the file has Windows line ends (CRLF)"
CR_HINT: Final = r"try: sed -i 's/\r$//' {}, or `* text eol=lf` in .gitattributes"


def why_not(
    path: str, argv: Sequence[str], env: Mapping[str, str], error: OSError | ValueError
) -> str:
    """Why a command is unstartable, as a sentence, and what to try if anything helps."""
    if isinstance(error, ValueError):
        return f"arguments or environment: {error}"
    match error.errno:
        case errno.ENOENT if os.path.exists(path):
            return _no_interpreter(path, head_of(path))
        case errno.ENOENT:
            return f"command not found: {path}"
        case errno.ENOEXEC:
            return f"{path} {_not_a_program(path, head_of(path))}"
        case errno.EACCES if os.path.isdir(path):
            return f"{path} is a directory"
        case errno.EACCES if os.access(path, os.X_OK):
            return (
                f"permission denied: {path}, or the interpreter that its first line names, is on "
                "a file system mounted with noexec, or this user may not run it"
            )
        case errno.EACCES:
            return f"permission denied: {path} is not executable; try: chmod +x {path}"
        case errno.ENOTDIR:
            return f"{path}: a part of the path is a file, not a folder"
        case errno.ETXTBSY:
            return f"a different process is still writing {path}"
        case errno.E2BIG:
            return _too_long(argv, env)
        case errno.EAGAIN:
            return "no process can be started: the limit on processes is reached"
        case _:
            return f"{path}: {error.strerror}"


def head_of(path: str) -> bytes:
    """The first bytes of an unstartable file; empty if it cannot be read. Never blocks."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError:
        return b""
    try:
        return os.read(fd, HEAD_BYTES) if stat.S_ISREG(os.fstat(fd).st_mode) else b""
    except OSError:
        return b""
    finally:
        os.close(fd)


def ends_in_cr(head: bytes) -> bool:
    """Whether a script is unstartable since its first line ends in CR."""
    return head.startswith(b"#!") and head.partition(b"\n")[0].endswith(b"\r")


def _no_interpreter(path: str, head: bytes) -> str:
    if ends_in_cr(head):
        return f"{path}: {CR}; {CR_HINT.format(path)}"
    words = head[2:].partition(b"\n")[0].split() if head.startswith(b"#!") else []
    if words:
        name = words[0].decode(errors="replace")
        return f"{path}: the interpreter named in its first line is missing: {name}"
    if head.startswith(b"\x7fELF"):
        return (
            f"{path}: its loader is missing: it was built for a different system (musl or glibc?)"
        )
    return f"{path}: its interpreter is missing"


def _not_a_program(path: str, head: bytes) -> str:
    if not head:
        return "is empty"
    if head.startswith(b"\x7fELF") and len(head) >= 20:
        order = "big" if head[5] == 2 else "little"
        machine = int.from_bytes(head[18:20], "big" if order == "big" else "little")
        name = _MACHINES.get(machine, f"machine {machine}")
        return f"is a program for {name}, and this machine is {os.uname().machine}"
    for start, name in _FOREIGN.items():
        if head.startswith(start):
            return f"is {name}"
    if head.startswith(b"\xef\xbb\xbf#!"):
        return "begins with a byte order mark, before its `#!`; try: save it as UTF-8 without BOM"
    if head.startswith(b"#!"):
        return "names no interpreter after the `#!` in its first line"
    if head.lstrip().startswith(b"#!"):
        return "does not have its `#!` at the very beginning of its first line"
    hint = f"try: #!/bin/sh as its first line, or `bash {path}`"
    return f"is neither a program nor a script with #! in its first line; {hint}"


def _too_long(argv: Sequence[str], env: Mapping[str, str]) -> str:
    variables = [f"{name}={value}" for name, value in env.items()]
    hint = "try: write it to a file, and pass the file's name"
    for what, texts in (("an argument", argv), ("a variable", variables)):
        size, text = max(((len(os.fsencode(t)), t) for t in texts), default=(0, ""))
        if size > ONE_TEXT_MAX:
            name = f" ({text.partition('=')[0]})" if texts is variables else ""
            return f"{what}{name} has {size} bytes, but Linux takes at most {ONE_TEXT_MAX}; {hint}"
    size = sum(len(os.fsencode(text)) + 9 for text in (*argv, *variables))
    limit = os.sysconf("SC_ARG_MAX")
    return (
        f"arguments and environment have {size} bytes, but this host takes at most {limit}; {hint}"
    )
