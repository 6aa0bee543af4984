"""What the warden says of a program that cannot be started."""

import errno
import os
from pathlib import Path

import pytest

from floe.warden.unstartable import ONE_TEXT_MAX, why_not


def said(path: Path | str, number: int, argv: tuple[str, ...] = (), **env: str) -> str:
    return why_not(str(path), argv, env, OSError(number, os.strerror(number)))


def elf(machine: int) -> bytes:
    return b"\x7fELF\x02\x01" + bytes(12) + machine.to_bytes(2, "little") + bytes(44)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"#!/bin/bash\r\nls\r\n", "its first line ends in CR: the file has Windows line ends"),
        (b"#!/bin/bash \r\nls", "try: sed -i 's/"),
        (b"#! /no/such/sh -e\nls", "named in its first line is missing: /no/such/sh"),
        (elf(62), "its loader is missing"),
    ],
)
def test_a_script_whose_interpreter_is_not_found_names_the_cause(
    tmp_path: Path, head: bytes, words: str
) -> None:
    (tmp_path / "a.sh").write_bytes(head)

    assert words in said(tmp_path / "a.sh", errno.ENOENT)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"", "is empty"),
        (elf(183), "is a program for ARM64, and this machine is"),
        (elf(999), "is a program for machine 999"),
        (b"MZ\x90\x00", "is a program for Windows"),
        (b"\xcf\xfa\xed\xfe\x07", "is a program for macOS"),
        (b"\xef\xbb\xbf#!/bin/sh\n", "begins with a byte order mark"),
        (b"\n#!/bin/sh\n", "does not have its `#!` at the very beginning"),
        (b"#!\n", "names no interpreter"),
        (b"echo hi\n", "neither a program nor a script with #!"),
    ],
)
def test_a_file_that_is_no_program_names_what_it_is(
    tmp_path: Path, head: bytes, words: str
) -> None:
    (tmp_path / "a").write_bytes(head)

    assert words in said(tmp_path / "a", errno.ENOEXEC)


def test_a_folder_and_a_file_without_its_execute_bit_are_distinguished(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")

    assert said(tmp_path, errno.EACCES) == f"{tmp_path} is a directory"
    assert said(tmp_path / "a", errno.EACCES).endswith(f"try: chmod +x {tmp_path / 'a'}")


def test_a_program_that_may_be_executed_and_is_refused_names_its_file_system(
    tmp_path: Path,
) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "a").chmod(0o755)

    assert "noexec" in said(tmp_path / "a", errno.EACCES)


@pytest.mark.parametrize(
    ("argv", "env", "words"),
    [
        (("a", "x" * (ONE_TEXT_MAX + 1)), {}, f"an argument has {ONE_TEXT_MAX + 1} bytes"),
        (("a",), {"BIG": "x" * ONE_TEXT_MAX}, "a variable (BIG) has"),
        (("a", *["x" * 100_000] * 40), {}, "arguments and environment have"),
    ],
)
def test_texts_above_the_limit_are_named_with_the_limit(
    argv: tuple[str, ...], env: dict[str, str], words: str
) -> None:
    found = said("/bin/true", errno.E2BIG, argv, **env)

    assert words in found
    assert "write it to a file" in found


def test_a_pipe_in_the_place_of_a_program_does_not_hold_up_the_warden(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a")

    assert said(tmp_path / "a", errno.ENOENT).endswith("its interpreter is missing")
