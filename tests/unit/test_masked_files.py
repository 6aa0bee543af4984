"""Files are read without secrets, at any offset, and masked once permanently."""

import errno
import os
from pathlib import Path

import pytest

from floe import masked_files as module
from floe.expr.masking import Masks
from floe.files import opened
from floe.masked_files import AtEnd, mask_file, masked_piece
from floe.model.secret import Secret
from floe.model.secret_name import SecretName

MASKS = Masks([(SecretName("NPM_TOKEN"), Secret("npm_0123456789"))])
TEXT = b"a line\nnpm_0123456789\nbnBtXzAxMjM0NTY3ODk=\nthe end npm_01"
MASKED = MASKS.masked(TEXT)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "out.log"
    made.write_bytes(TEXT)
    return made


def piece(path: Path, size: int, offset: int, at_end: AtEnd = "as-is") -> bytes:
    with opened(path) as fd:
        return masked_piece(fd, size, offset, MASKS, at_end)


@pytest.mark.parametrize("size", [1, 3, 7, 64])
def test_pieces_of_any_size_make_the_masked_whole(path: Path, size: int) -> None:
    read = b"".join(piece(path, size, offset) for offset in range(0, len(TEXT), size))

    assert read == MASKED
    assert b"0123" not in read


def test_beginning_of_a_secret_at_the_end_is_left_out_while_more_may_follow(path: Path) -> None:
    assert piece(path, 100, len(TEXT) - 10, "left-out") == b"end "


def test_beginning_of_a_secret_at_the_end_is_masked_in_a_range(path: Path) -> None:
    assert piece(path, 100, len(TEXT) - 10, "masked") == b"end ******"


def test_file_that_has_its_end_is_shown_to_it(path: Path) -> None:
    assert piece(path, 100, len(TEXT) - 10) == b"end npm_01"


def test_reader_that_follows_gets_no_part_of_a_secret_written_byte_by_byte(tmp_path: Path) -> None:
    path, read = tmp_path / "out.log", b""
    for size in range(len(TEXT) + 1):
        path.write_bytes(TEXT[:size])
        read += piece(path, 100, len(read), "left-out")
    read += piece(path, 100, len(read))

    assert read == MASKED


@pytest.mark.parametrize("block", [1, 5, 16, 1024])
def test_file_is_masked_permanently(
    path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(module, "MASK_BLOCK", block)

    mask_file(path, len(TEXT), MASKS)

    assert path.read_bytes() == MASKED


def test_file_is_masked_again_without_a_change(path: Path) -> None:
    mask_file(path, len(TEXT), MASKS)
    once = path.read_bytes()

    mask_file(path, len(TEXT), MASKS)

    assert path.read_bytes() == once


class Interrupted(BaseException):
    """The process ends here."""


def test_reader_gets_no_part_of_a_secret_while_its_file_is_masked(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[bytes] = []
    write, pwrite = os.write, os.pwrite

    def write_half(fd: int, data: bytes) -> int:
        done = write(fd, data[: len(data) // 2])
        read.append(piece(path, len(TEXT), 0))
        return done + write(fd, data[len(data) // 2 :])

    def pwrite_half(fd: int, data: bytes, at: int) -> int:
        done = pwrite(fd, data[: len(data) // 2], at)
        read.append(piece(path, len(TEXT), 0))
        return done + pwrite(fd, data[len(data) // 2 :], at + done)

    monkeypatch.setattr(os, "write", write_half)
    monkeypatch.setattr(os, "pwrite", pwrite_half)

    mask_file(path, len(TEXT), MASKS)

    assert {*read} == {MASKED}


def test_file_whose_masking_was_interrupted_is_masked_at_the_next_try(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, pwrite = os.write, os.pwrite

    def write_half(fd: int, data: bytes) -> int:
        write(fd, data[: len(data) // 2])
        raise Interrupted

    def pwrite_half(fd: int, data: bytes, at: int) -> int:
        pwrite(fd, data[: len(data) // 2], at)
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write_half)
        patch.setattr(os, "pwrite", pwrite_half)
        with pytest.raises(Interrupted):
            mask_file(path, len(TEXT), MASKS)

    mask_file(path, len(TEXT), MASKS)

    assert path.read_bytes() == MASKED
    assert [*path.parent.iterdir()] == [path]


def test_file_is_masked_where_there_is_no_room_for_a_copy(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)

    mask_file(path, len(TEXT), MASKS)

    assert path.read_bytes() == MASKED
    assert [*path.parent.iterdir()] == [path]


def test_masked_file_can_be_read_by_its_owner_alone(path: Path) -> None:
    path.chmod(0o600)

    mask_file(path, len(TEXT), MASKS)

    assert path.stat().st_mode & 0o777 == 0o600


def test_file_without_a_secret_stays_the_same_file(path: Path) -> None:
    path.write_bytes(b"nothing to hide")
    before = path.stat().st_ino

    mask_file(path, 15, MASKS)

    assert path.stat().st_ino == before


def test_output_after_the_end_is_kept_and_masked(path: Path) -> None:
    mask_file(path, TEXT.index(b"bnBt"), MASKS)

    assert path.read_bytes() == MASKED
