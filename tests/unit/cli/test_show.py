"""The rows of `floe show`: nodes, their items, and how long each took."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from floe.cli import show

RUN = {
    "id": "h1-1",
    "flow": "ci",
    "ver": 1,
    "state": "archive",
    "phase": "ended",
    "good": True,
    "result": "good",
    "why": "",
    "host": "h1",
    "by": "ada",
    "trigger": "go",
    "pended_at": "2026-11-29T10:00:00.000Z",
    "started_at": "2026-11-29T10:00:00.000Z",
    "ended_at": "2026-11-29T10:01:00.000Z",
    "values": {},
    "forms": [],
    "failed": [],
    "ran": 1,
    "skipped": 0,
}
NODE = {"id": "test", "ref": "task.test", "name": "Test", "state": "good"}


class Client:
    """A host with one run; each output has 2,000 bytes."""

    def __init__(self, run: dict[str, Any]) -> None:
        self._run = run

    def get(self, path: str, **_: object) -> dict[str, Any]:
        return {"notices": []} if path.endswith("/notices") else self._run

    @contextmanager
    def stream(self, *_: str, **__: object) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(headers={"X-Floe-Size": "2000"}, read=lambda: b"x")


def rows(monkeypatch: pytest.MonkeyPatch, *nodes: dict[str, Any], **run: Any) -> list[str]:
    """The table and what is below it, without its head."""
    shape = {**RUN, "nodes": [{**NODE, **node} for node in nodes], **run}
    monkeypatch.setattr(show, "connected", lambda: Client(shape))
    done = CliRunner().invoke(show.command, ["h1-1"])
    assert done.exit_code == 0, done.output
    return done.stdout.partition("NODE ")[2].splitlines()[1:]


def words(line: str) -> list[str]:
    return line.split()


ITEMS = {
    "state": "bad",
    "items": ["eu", "us", "asia"],
    "item_states": [{"item": 0, "state": "good"}, {"item": 1, "state": "bad", "status": 3}],
}


def test_items_are_counted_by_their_state(monkeypatch: pytest.MonkeyPatch) -> None:
    head, *_ = rows(monkeypatch, ITEMS)

    assert head.endswith("3 items: 1 bad, 1 good, 1 not begun")


def test_output_of_items_is_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    states = [{"item": at, "state": "good", "output_bytes": 400 * at} for at in (0, 1, 2)]

    [row] = rows(monkeypatch, {"items": ["a", "b", "c"], "item_states": states})

    assert words(row)[:4] == ["task.test", "good", "1.2", "kB"]


def test_item_that_failed_is_named_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    _, *items = rows(monkeypatch, ITEMS)

    assert [words(line) for line in items] == [["[1]", "us", "bad", "exit", "status", "3"]]


def test_further_items_that_failed_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    states = [{"item": item, "state": "bad"} for item in range(25)]
    many = {"items": [str(item) for item in range(25)], "item_states": states}

    *_, last = rows(monkeypatch, many)

    assert words(last) == ["and", "15", "more", "floe", "show", "h1-1", "--json"]


def test_child_run_of_an_item_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    child = {"node": "test", "item": 1, "run": "h2-5"}

    *_, item = rows(monkeypatch, ITEMS, children=[child])

    assert item.endswith("child h2-5; exit status 3")


def test_child_that_the_reason_names_is_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    child = {"node": "test", "item": None, "run": "h2-5"}
    why = "h2-5 ended bad: Boom failed"

    [row] = rows(monkeypatch, {"state": "bad", "why": why}, children=[child])

    assert row.count("h2-5") == 1


def attempt(number: int, started_at: str) -> dict[str, Any]:
    return {"attempt": number, "started_at": f"2026-11-29T10:00:{started_at}Z"}


REPEATED = {
    "attempt": 3,
    "started_at": "2026-11-29T10:00:20Z",
    "ended_at": "2026-11-29T10:00:21Z",
    "attempts": [attempt(1, "00"), attempt(2, "10"), attempt(3, "20")],
}


def test_node_took_all_its_attempts_and_the_waits_between(monkeypatch: pytest.MonkeyPatch) -> None:
    [row] = rows(monkeypatch, REPEATED)

    assert words(row) == ["task.test", "good", "#3", "21", "s"]


def test_node_whose_first_attempts_are_not_listed_took_since_it_entered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listed = {"attempts": REPEATED["attempts"][1:], "entered_at": "2026-11-29T09:59:51Z"}  # type: ignore[index]

    [row] = rows(monkeypatch, {**REPEATED, **listed})

    assert words(row)[-2:] == ["30", "s"]


def test_output_of_a_running_command_is_what_it_has_printed_so_far(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [row] = rows(monkeypatch, {"state": "running", "output_bytes": 0})

    assert words(row)[-2:] == ["2.0", "kB"]


def test_reason_of_the_attempt_before_is_not_that_of_a_running_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [row] = rows(monkeypatch, {"state": "running", "attempt": 2, "why": "refused"})

    assert "refused" not in row


def test_counts_of_a_run_with_skipped_nodes_are_those_of_its_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nodes = [{**NODE, "state": state} for state in ("good", "skipped", "never")]
    monkeypatch.setattr(
        show, "connected", lambda: Client({**RUN, "nodes": nodes, "ran": 1, "skipped": 1})
    )

    head = CliRunner().invoke(show.command, ["h1-1"]).stdout.splitlines()[0]

    assert head.endswith("good  1 ran, 1 skipped, 1 never ran")


def test_state_has_the_name_of_its_dialect(monkeypatch: pytest.MonkeyPatch) -> None:
    line = rows(monkeypatch, {"label": "LOUD", "why": "it was loud"})[0]

    assert line.endswith("LOUD; it was loud")


def test_node_of_a_judged_run_has_its_name_before_it_has_a_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line = rows(monkeypatch, {"state": "waiting"}, label="RUNNING")[0]

    assert line.startswith("task.test Test")
