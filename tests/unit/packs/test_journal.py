"""The journal of a pack: what it still knows after its process ended at any point."""

import asyncio
import json
import os
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from floe.packs.events import Event
from floe.packs.journal import REWRITE_BYTES, Journal
from floe.packs.journal_file import JournalFile, JournalRefused
from floe.packs.wire import TakenAction

SERVER = "http://h/flyte"
RESULT = Event("Done", "x").body()


def an_action(number: int = 1, input: Any = None) -> TakenAction:
    return TakenAction("Do", input, f"{SERVER}/v1/packs/P/actions/{number}/result")


def opened(path: Path, *, pack: str = "P", server: str = SERVER) -> Journal:
    return Journal(path, pack, server)


def kept(path: Path, *acts: Callable[[Journal], Awaitable[Any]]) -> Journal:
    """The journal of the next process, after one that did this and was killed."""

    async def work() -> None:
        journal = opened(path)
        for act in acts:
            await act(journal)
        journal.close()  # as the kernel does for a process that is killed

    asyncio.run(work())
    return opened(path)


def took(number: int = 1, **more: Any) -> Callable[[Journal], Awaitable[None]]:
    action = an_action(number, more.get("input"))
    repeatable = "input" in more
    return lambda journal: journal.took(journal.takes.begin(), action, is_repeatable=repeatable)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "p.journal"


def test_action_that_was_taken_is_left(path: Path) -> None:
    [left] = kept(path, took()).left()

    assert (left.action, left.result, left.is_repeatable) == (an_action(), None, False)


def test_input_is_kept_of_a_command_that_may_be_repeated_alone(path: Path) -> None:
    journal = kept(path, took(1, input={"a": 1}), took(2))

    assert [left.action.input for left in journal.left()] == [{"a": 1}, None]


def test_result_is_left_until_it_is_delivered(path: Path) -> None:
    journal = kept(path, took(), lambda one: one.ended(an_action(), RESULT))
    [left] = journal.left()
    journal.close()

    assert left.result == RESULT
    assert kept(path, lambda one: one.delivered(left.action)).left() == []


def test_each_start_of_a_command_is_counted(path: Path) -> None:
    journal = kept(path, took(1, input=1))
    for _ in range(2):
        [left] = journal.left()
        journal.close()
        journal = kept(path, lambda one, left=left: one.begun_again(left.action))  # type: ignore[misc]

    assert journal.left()[0].repeats == 2


def test_takes_that_are_not_on_the_disk_are_repeated_by_their_names(path: Path) -> None:
    names: list[str] = []

    async def take_without_a_record(journal: Journal) -> None:
        names.extend(journal.take_name(journal.takes.begin()) for _ in range(2))

    journal = kept(path, took(1), took(2), take_without_a_record)

    assert [journal.take_name(journal.takes.begin()) for _ in range(2)] == names


@pytest.mark.parametrize("torn", [b'{"took": "http://h', b"\x00" * 40, b"[1]\n", b"\xff\n"])
def test_torn_line_counts_as_not_written(path: Path, torn: bytes) -> None:
    kept(path, took()).close()
    with path.open("ab") as file:
        file.write(torn)

    journal = opened(path)

    assert [left.action.result for left in journal.left()] == [an_action().result]
    assert [line[:9] for line in path.read_bytes().splitlines()] == [b'{"journal', b'{"took": ']


def test_journal_cut_at_any_byte_has_all_that_was_written_before(path: Path) -> None:
    kept(path, took(1, input="é" * 20), lambda one: one.ended(an_action(), RESULT)).close()
    whole = path.read_bytes()
    head, first, _ = (len(line) for line in whole.splitlines(keepends=True))

    for size in sorted({*range(head, len(whole), 9), head + first, len(whole)}):
        path.write_bytes(whole[:size])
        journal = opened(path)
        journal.close()
        has = [left.result for left in journal.left()]
        assert has == ([] if size < head + first else [None if size < len(whole) else RESULT])


def test_second_process_is_refused_in_words(path: Path) -> None:
    first = opened(path)

    with pytest.raises(JournalRefused, match=r"p\.journal: a different process has it"):
        opened(path)
    first.close()
    opened(path).close()


def test_file_that_is_locked_before_a_new_one_takes_its_place_is_not_used(path: Path) -> None:
    first = JournalFile(path)
    first.rewrite(b"new\n")

    with pytest.raises(BlockingIOError):
        JournalFile(path)


@pytest.mark.parametrize("changed", [{"pack": "Q"}, {"server": "http://other"}])
def test_open_actions_of_a_different_pack_or_server_are_not_delivered(
    path: Path, changed: dict[str, str]
) -> None:
    kept(path, took()).close()
    before = path.read_bytes()

    with pytest.raises(JournalRefused, match="1 open actions of the pack P at http://h/flyte"):
        opened(path, **changed)
    assert path.read_bytes() == before


def test_journal_without_open_actions_is_used_by_any_pack(path: Path) -> None:
    kept(path, took(), lambda one: one.delivered(an_action())).close()

    opened(path, pack="Q", server="http://other").close()

    assert json.loads(path.read_bytes())["pack"] == "Q"


@pytest.mark.parametrize(
    "text", [b"dear diary\n", b'{"a": 1}\n', b'{"journal": 1}\n', b'{"journal": 2}\n', b"\0\0\0"]
)
def test_file_that_is_no_journal_is_left_as_it_is(path: Path, text: bytes) -> None:
    path.write_bytes(text)

    with pytest.raises(JournalRefused, match=r"no journal of a pack|a later floe"):
        opened(path)
    assert path.read_bytes() == text


def test_place_that_has_no_room_for_a_file_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for name, reason in (("", "Is a directory"), ("fifo", "no file"), ("no/x", "No such file")):
        with pytest.raises(JournalRefused, match=reason):
            opened(tmp_path / name)


def test_journal_is_for_its_owner_alone(path: Path) -> None:
    opened(path).close()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_link_to_a_journal_stays_a_link(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(path)

    opened(link).close()

    assert link.is_symlink()
    assert path.read_bytes().startswith(b'{"journal"')


async def test_journal_of_many_actions_stays_small(path: Path) -> None:
    journal, most = opened(path), 0
    for number in range(60):
        action = an_action(number, "x" * 20_000)
        await journal.took(journal.takes.begin(), action, is_repeatable=True)
        await journal.ended(action, RESULT)
        await journal.delivered(action)
        most = max(most, path.stat().st_size)
    journal.close()
    again = opened(path)

    assert most < 2 * REWRITE_BYTES
    assert (again.left(), again.takes.begin()) == ([], 60)


async def test_many_tasks_write_at_the_same_time(path: Path) -> None:
    journal = opened(path)

    async def act(number: int) -> None:
        action = an_action(number)
        await journal.took(journal.takes.begin(), action, is_repeatable=False)
        await journal.ended(action, RESULT)

    async with asyncio.TaskGroup() as tasks:
        for number in range(50):
            tasks.create_task(act(number))
    journal.close()

    assert [left.result for left in opened(path).left()] == [RESULT] * 50


async def test_journal_that_could_not_be_written_is_written_whole_when_it_can(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = opened(path)
    await journal.took(journal.takes.begin(), an_action(1), is_repeatable=False)
    real, is_full = os.pwrite, True

    def half(file: int, text: bytes, at: int) -> int:
        if not is_full:
            return real(file, text, at)
        real(file, text[: len(text) // 2], at)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", half)
    for _ in range(2):
        with pytest.raises(OSError, match="No space"):
            await journal.took(1, an_action(2), is_repeatable=False)
    with pytest.raises(OSError, match="No space"):
        await journal.mend()
    is_full = False
    await journal.mend()
    journal.close()

    assert [left.action.result[-8:] for left in opened(path).left()] == ["1/result", "2/result"]
    assert len(path.read_bytes().splitlines()) == 3


async def test_pack_starts_on_a_full_disk_with_what_it_has_to_deliver(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = opened(path)
    await journal.took(journal.takes.begin(), an_action(), is_repeatable=False)
    journal.close()

    def refuse(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", refuse)
    journal = opened(path)

    assert len(journal.left()) == 1
    with pytest.raises(OSError, match="No space"):
        await journal.mend()
