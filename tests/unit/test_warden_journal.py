"""The journal of a warden: what is known after a crash, on a full disk, and of an earlier floe."""

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from floe.warden.journal import REWRITE_BYTES, AttemptJournal
from floe.warden.message_lines import message_line
from floe.warden.order import OrderRefused

HEAD = {"boot": "b", "mark": "m"}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield fd
    os.close(fd)


@pytest.fixture
def journal(folder: int) -> Iterator[AttemptJournal]:
    journal = AttemptJournal(folder, HEAD)
    yield journal
    journal.close()


def read_again(folder: int) -> dict[str, list[bytes]]:
    """What the next warden knows, after a crash of this one."""
    journal = AttemptJournal(folder, HEAD)
    journal.close()
    return {key: journal.messages(key) for key in journal}


def fill_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)


def test_messages_are_known_after_a_crash(journal: AttemptJournal, folder: int) -> None:
    journal.begin("k", 1.0, 7)
    journal.add("k", message_line("spawned", "k", pid=7))
    journal.add("k", message_line("exited", "k", status=0))

    assert read_again(folder) == {"k": journal.messages("k")}


def test_a_start_is_known_with_its_limits_after_a_crash(
    journal: AttemptJournal, folder: int
) -> None:
    journal.begin("k", 1.5, 7)

    again = AttemptJournal(folder, HEAD)
    again.close()

    assert again.head("k") == {"begin": "k", **HEAD, "grace_s": 1.5, "stamp": 7}


def test_what_was_taken_is_unknown_after_the_next_write(
    journal: AttemptJournal, folder: int
) -> None:
    journal.begin("k1", 1.0, 7)
    journal.drop("k1")
    journal.begin("k2", 1.0, 8)

    assert read_again(folder) == {"k2": []}


def test_what_was_taken_is_unknown_after_a_flush(journal: AttemptJournal, folder: int) -> None:
    journal.begin("k", 1.0, 7)
    journal.drop("k")
    journal.flush()

    assert read_again(folder) == {}


def test_a_key_that_was_taken_may_begin_again(journal: AttemptJournal, folder: int) -> None:
    journal.begin("k", 1.0, 7)
    journal.add("k", message_line("exited", "k", status=0))
    journal.drop("k")
    journal.begin("k", 1.0, 8)

    assert read_again(folder) == {"k": []}


def test_a_torn_record_is_overwritten(tmp_path: Path, folder: int) -> None:
    torn = b'{"begin": "k", "boot": "' + b"x" * 500
    (tmp_path / "journal").write_bytes(json.dumps({"begin": "j"}).encode() + b"\n" + torn)
    journal = AttemptJournal(folder, HEAD)

    journal.begin("l", 1.0, 7)
    journal.close()

    assert set(read_again(folder)) == {"j", "l"}
    assert b"xxx" not in (tmp_path / "journal").read_bytes()


def test_a_journal_does_not_grow_with_what_was_taken(
    journal: AttemptJournal, tmp_path: Path, folder: int
) -> None:
    journal.begin("stays", 1.0, 7)
    while journal._end < REWRITE_BYTES:
        journal.begin("k", 1.0, 8)
        journal.drop("k")

    journal.begin("last", 1.0, 9)

    assert set(read_again(folder)) == {"stays", "last"}
    assert (tmp_path / "journal").stat().st_size < REWRITE_BYTES / 2
    assert not (tmp_path / "journal.next").exists()


def test_a_journal_that_cannot_be_replaced_is_continued(
    journal: AttemptJournal, tmp_path: Path, folder: int
) -> None:
    while journal._end < REWRITE_BYTES:
        journal.begin("k", 1.0, 8)
        journal.drop("k")
    (tmp_path / "journal.next").mkdir()

    journal.begin("last", 1.0, 9)

    assert set(read_again(folder)) == {"last"}


def test_a_full_disk_refuses_a_start(
    journal: AttemptJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_disk(monkeypatch)

    with pytest.raises(OrderRefused, match="journal of attempts: No space left") as refused:
        journal.begin("k", 1.0, 7)

    assert refused.value.number == errno.ENOSPC
    assert "k" not in journal


def test_every_attempt_that_began_has_room_for_its_end_on_a_full_disk(
    journal: AttemptJournal, monkeypatch: pytest.MonkeyPatch, folder: int
) -> None:
    for n in range(100):
        journal.begin(f"k{n}", 1.0, n)
    size = journal._size
    fill_disk(monkeypatch)

    for n in range(100):
        journal.add(f"k{n}", message_line("spawned", f"k{n}", pid=n, ticks=n))
        journal.add(f"k{n}", message_line("exited", f"k{n}", status=0, why="output-limit"))

    assert journal._end <= size
    assert all(len(messages) == 2 for messages in read_again(folder).values())


def earlier_file(tmp_path: Path, key: str, *lines: bytes) -> Path:
    (tmp_path / "attempt").mkdir(exist_ok=True)
    path = tmp_path / "attempt" / key
    head = json.dumps({**HEAD, "grace_s": 1.0, "stamp": 7}).encode() + b"\n"
    path.write_bytes(b"".join((head, *lines)))
    return path


def test_a_file_of_an_earlier_floe_becomes_a_part_of_the_journal(
    tmp_path: Path, folder: int
) -> None:
    spawned = message_line("spawned", "k", pid=7)
    path = earlier_file(tmp_path, "k", spawned)

    journal = AttemptJournal(folder, HEAD)
    journal.close()

    assert not path.exists()
    assert journal.head("k")["stamp"] == 7
    assert read_again(folder) == {"k": [spawned]}


def test_a_file_of_an_earlier_floe_stays_until_taken_on_a_full_disk(
    tmp_path: Path, folder: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = earlier_file(tmp_path, "k", message_line("lost", "k"))
    fill_disk(monkeypatch)
    journal = AttemptJournal(folder, HEAD)
    assert path.exists()
    assert len(journal.messages("k")) == 1

    journal.drop("k")

    assert not path.exists()


def test_a_file_that_was_taken_over_before_a_crash_is_removed(tmp_path: Path, folder: int) -> None:
    earlier_file(tmp_path, "k", message_line("spawned", "k", pid=7))
    AttemptJournal(folder, HEAD).close()
    path = earlier_file(tmp_path, "k", message_line("spawned", "k", pid=7))

    known = read_again(folder)

    assert len(known["k"]) == 1
    assert not path.exists()
