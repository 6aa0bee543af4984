"""A pack with a journal: what it makes of the actions that an earlier process of it left."""

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from floe.packs import Event, JournalRefused, Pack, PackSettings
from floe.packs.journal import Journal
from floe.packs.taken_actions import BEGUN_MAX
from floe.packs.testing import MemoryServer
from floe.packs.wire import TakenAction


def a_pack(handler: Callable[..., Any] = lambda text: text, **more: Any) -> Pack:
    pack = Pack("P")
    pack.command("Do", "Done", **more)(handler)
    return pack


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "p.journal"


def left(server: MemoryServer, path: Path, *, result: Event | None = None, **more: Any) -> str:
    """The id of an action that an earlier process took from the server, and left in its journal."""
    action = server.offer("Do", "x")
    with Pack("P").in_background(server.settings()):
        server.wait_for(lambda: server.packs, "pack")
    _, answer = server.answer("POST", "/v1/packs/P/actions/take", {}, None)
    taken = TakenAction("Do", "x", answer["links"][0]["href"])

    async def keep() -> None:
        journal = Journal(path, "P", server.url)
        await journal.took(journal.takes.begin(), taken, is_repeatable=more.get("repeat", False))
        for _ in range(more.get("repeats", 0)):
            await journal.begun_again(taken)
        if result is not None:
            await journal.ended(taken, result.body())
        journal.close()

    asyncio.run(keep())
    return action


def records(path: Path) -> list[bytes]:
    """The records of a journal but for its head."""
    return path.read_bytes().splitlines()[1:]


def test_result_that_was_not_delivered_is_sent_at_the_next_start(path: Path) -> None:
    with MemoryServer() as server:
        action = left(server, path, result=Event("Done", {"a": 1}))
        with a_pack().in_background(server.settings(journal=path)):
            assert server.result(action) == Event("Done", {"a": 1})

        with a_pack().in_background(server.settings(journal=path)):
            server.carry_out("Do", "y")

    sent = [one for one in server.requests if one.path.endswith(f"{action}/result")]
    assert len(sent) == 1


def test_command_that_was_cut_off_is_fatal_at_the_next_start(path: Path) -> None:
    with MemoryServer() as server:
        action = left(server, path)
        with a_pack().in_background(server.settings(journal=path)):
            result = server.result(action)

    assert (result.name, result.payload[:18]) == ("FATAL", "Do was interrupted")


def test_command_that_may_be_repeated_begins_again_with_its_input(path: Path) -> None:
    with MemoryServer() as server:
        action = left(server, path, repeat=True)
        pack = a_pack(if_interrupted="repeat")
        with pack.in_background(server.settings(journal=path)):
            assert server.result(action) == Event("Done", "x")


def test_command_is_not_repeated_once_its_author_forbids_it(path: Path) -> None:
    with MemoryServer() as server:
        action = left(server, path, repeat=True)
        with a_pack().in_background(server.settings(journal=path)):
            assert server.result(action).name == "FATAL"


def test_command_that_ends_its_process_each_time_is_fatal_in_the_end(path: Path) -> None:
    with MemoryServer() as server:
        action = left(server, path, repeat=True, repeats=BEGUN_MAX - 1)
        pack = a_pack(if_interrupted="repeat")
        with pack.in_background(server.settings(journal=path)):
            assert server.result(action).name == "FATAL"


def test_action_whose_take_was_not_answered_is_taken_again(path: Path) -> None:
    with MemoryServer() as server:
        server.fail("/take", 0)
        action = server.offer("Do", "x")
        with a_pack().in_background(server.settings(journal=path)):
            assert server.result(action) == Event("Done", "x")
            assert server.carry_out("Do", "y") == Event("Done", "y")


def test_take_that_is_void_gets_a_new_name(path: Path) -> None:
    with MemoryServer() as server:
        server.fail("/take", 409)
        with a_pack().in_background(server.settings(journal=path)):
            assert server.carry_out("Do", "x") == Event("Done", "x")

    names = [one.headers["Idempotency-Key"] for one in server.requests if "/take" in one.path]
    assert names[0][-2:] == "-0"
    assert names[1][-2:] == "-1"


def test_take_that_is_repeated_says_so(path: Path) -> None:
    with MemoryServer() as server:
        server.fail("/take", 503)
        with a_pack().in_background(server.settings(journal=path)):
            assert server.carry_out("Do", "x") == Event("Done", "x")

    takes = [one.headers for one in server.requests if "/take" in one.path]
    assert takes[0]["Idempotency-Key"] == takes[1]["Idempotency-Key"]
    assert [one.get("Idempotency-Repeat") for one in takes[:2]] == [None, "1"]


def test_pack_without_a_journal_does_not_name_its_takes() -> None:
    with MemoryServer() as server, a_pack().in_background(server.settings()):
        server.carry_out("Do", "x")

    assert not [one for one in server.requests if "Idempotency-Key" in one.headers]


def test_command_that_outlasts_the_time_of_grace_is_kept_as_fatal_until_it_is_delivered(
    path: Path,
) -> None:
    begun = threading.Event()

    async def hang() -> None:
        begun.set()
        await asyncio.Event().wait()

    with MemoryServer() as server:
        with a_pack(hang).in_background(server.settings(journal=path, grace_s=0)):
            action = server.offer("Do")
            begun.wait(30)
            server.fail("/result", 503)
        kept = records(path)
        with a_pack().in_background(server.settings(journal=path)):
            result = server.result(action)

    assert len(kept) == 2
    assert result == Event("FATAL", "the pack stopped before Do ended")


def test_command_that_may_be_repeated_begins_again_after_a_stop(path: Path) -> None:
    begun = threading.Event()

    async def hang() -> None:
        begun.set()
        await asyncio.Event().wait()

    with MemoryServer() as server:
        pack = a_pack(hang, if_interrupted="repeat")
        with pack.in_background(server.settings(journal=path, grace_s=0)):
            action = server.offer("Do", "x")
            begun.wait(30)
        with a_pack(if_interrupted="repeat").in_background(server.settings(journal=path)):
            assert server.result(action) == Event("Done", "x")


def test_no_handler_begins_before_its_action_is_on_the_disk(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []

    def handler(text: str) -> None:
        seen.append(text.encode() in path.read_bytes())

    with MemoryServer() as server:
        pack = a_pack(handler, if_interrupted="repeat")
        with pack.in_background(server.settings(journal=path)):
            server.carry_out("Do", "a text")

    assert seen == [True]


def test_pack_takes_no_action_while_its_disk_is_full_and_goes_on_when_it_is_not(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, full = os.pwrite, threading.Event()
    refused = threading.Event()

    def write(file: int, text: bytes, at: int) -> int:
        if full.is_set():
            refused.set()
            raise OSError(28, "No space left on device")
        return real(file, text, at)

    with MemoryServer() as server, a_pack().in_background(server.settings(journal=path)):
        server.carry_out("Do", "before")
        monkeypatch.setattr(os, "pwrite", write)
        full.set()
        actions = [server.offer("Do", "x") for _ in range(20)]
        refused.wait(30)
        taken = [one for one in server.requests if "/take" in one.path and one.status == 200]
        full.clear()
        results = [server.result(action) for action in actions]

    assert len(taken) <= 1 + PackSettings("http://h").at_once
    assert results == [Event("Done", "x")] * 20


def test_result_is_sent_although_the_journal_cannot_keep_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(28, "No space left on device")

    def handler() -> None:
        monkeypatch.setattr(os, "pwrite", refuse)

    with MemoryServer() as server, a_pack(handler).in_background(server.settings(journal=path)):
        assert server.carry_out("Do") == Event("Done", None)


def test_second_process_with_the_same_journal_does_not_start(path: Path) -> None:
    with MemoryServer() as server, a_pack().in_background(server.settings(journal=path)):
        server.wait_for(lambda: server.packs, "pack")

        with (
            pytest.raises(JournalRefused, match="a different process has it"),
            a_pack().in_background(server.settings(journal=path)),
        ):
            pass


def test_pack_without_a_journal_warns_once(caplog: pytest.LogCaptureFixture) -> None:
    with MemoryServer() as server, a_pack().in_background(server.settings()):
        server.carry_out("Do", "x")

    assert [one.message for one in caplog.records].count(
        "without a journal, kill -9 loses what is taken: set FLYTE_JOURNAL to a file"
    ) == 1


def test_choice_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="if_interrupted of Do is fatal or repeat, not again"):
        a_pack(if_interrupted="again")
