"""What is printed of the nodes that failed."""

from typing import Any, cast

from floe.cli.client import Client
from floe.cli.failure import LINE_MAX, failure_lines
from floe.model.errors import NotFound

NODE = {"id": "unit-tests", "name": "Unit Tests", "output_bytes": 90}
OTHER = {"id": "build", "name": "Build", "output_bytes": 90}


class Host:
    """A host with some last lines of every output."""

    def __init__(self, *lines: str, count: int = 0) -> None:
        self._lines, self._count = lines, count or len(lines)

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        if not self._lines:
            raise NotFound("the output is gone")
        return {"lines": [{"text": line} for line in self._lines], "count": self._count}


def said(host: Host, *failed: str, **node: Any) -> list[str]:
    run = {"id": "h1-1", "nodes": [OTHER, {**NODE, **node}], "failed": [*failed]}
    return failure_lines(cast(Client, host), run)


def test_failed_node_is_printed_with_its_last_lines() -> None:
    assert said(Host("E  assert 1 == 2", "1 failed", count=7), "unit-tests") == [
        "  output of Unit Tests, after 5 lines:",
        "    E  assert 1 == 2",
        "    1 failed",
        "  all of it: floe log h1-1 unit-tests",
    ]


def test_node_without_output_is_not_printed() -> None:
    assert said(Host("x"), "unit-tests", output_bytes=0) == []


def test_details_of_a_node_that_could_not_start_are_printed() -> None:
    why = "could not start: command not found: x\nPATH is /bin"

    assert said(Host("x"), "unit-tests", output_bytes=0, why=why) == ["    PATH is /bin"]


def test_run_without_a_failed_node_prints_none() -> None:
    assert said(Host("x")) == []


def test_output_that_cannot_be_read_names_the_command() -> None:
    assert said(Host(), "unit-tests") == ["  the output is gone: floe log h1-1 unit-tests"]


def test_line_moves_no_cursor_and_ends_its_colour() -> None:
    _, line, _ = said(Host("\x1b[31mred\x1b[2J\x07"), "unit-tests")

    assert line == "    \x1b[31mred\x1b[0m"


def test_long_line_is_cut() -> None:
    _, line, _ = said(Host("x" * 4000), "unit-tests")

    assert len(line) == len("    ") + LINE_MAX + 1


def test_failed_item_is_printed_with_its_last_lines() -> None:
    states = [{"item": 0, "state": "good"}, {"item": 1, "state": "bad", "output_bytes": 4}]
    node = {"output_bytes": 0, "items": ["eu", "us"], "item_states": states}

    assert said(Host("boom"), "unit-tests", **node) == [
        "  output of Unit Tests, item 1 (us):",
        "    boom",
        "  all of it: floe log h1-1 'unit-tests[1]'",
    ]


def test_task_whose_child_failed_names_it() -> None:
    run = {
        "id": "h1-1",
        "nodes": [{**NODE, "output_bytes": 0}],
        "failed": ["unit-tests"],
        "children": [{"run": "h1-2", "node": "unit-tests", "item": None}],
    }

    assert failure_lines(cast(Client, Host("x")), run) == ["  its child run: floe why h1-2"]
