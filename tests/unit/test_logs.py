"""What a log may tell."""

import errno
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from floe import logs
from floe.model.finding import Finding


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    logs.set_up(stream=stream)
    yield stream
    structlog.reset_defaults()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://ada:pw@host/r.git", "https://***@host/r.git"),
        ("https://ghp_1@host/r.git", "https://***@host/r.git"),
        ("ssh://git:pw@host/r.git", "ssh://git:***@host/r.git"),
        ("ssh://git@host/r.git", "ssh://git@host/r.git"),
        ("git@host:r.git", "git@host:r.git"),
        ("https://host/a@b?c=d@e", "https://host/a@b?c=d@e"),
        ("https://host?c=d@e", "https://host?c=d@e"),
    ],
)
def test_credentials_in_a_url_are_not_reported(stream: io.StringIO, text: str, shown: str) -> None:
    structlog.get_logger().info("tried", where=f"cannot read {text}: no")

    assert json.loads(stream.getvalue())["where"] == f"cannot read {shown}: no"


def test_credentials_in_a_traceback_are_not_reported(stream: io.StringIO) -> None:
    structlog.get_logger().error("failed", exc_info=ValueError("https://ada:pw@host"))

    assert "ValueError: https://***@host" in json.loads(stream.getvalue())["exception"]


def test_fields_named_like_a_secret_are_not_reported(stream: io.StringIO) -> None:
    structlog.get_logger().info("made", admin="t", api_token="t", kept_in="here")

    told = json.loads(stream.getvalue())
    assert (told["admin"], told["api_token"], told["kept_in"]) == ("***", "***", "here")


def test_a_terminal_gets_a_traceback_without_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    logs.set_up(stream=stream)
    structlog.get_logger().error("failed", exc_info=ValueError("https://ada:pw@host"))
    structlog.reset_defaults()

    assert "https://***@host" in stream.getvalue()


class Full(io.StringIO):
    """A log on a disk that may be full."""

    is_full = True

    def write(self, text: str) -> int:
        if self.is_full:
            raise OSError(errno.ENOSPC, "no space left on device")
        return super().write(text)


def test_a_full_disk_costs_lines_and_nothing_else() -> None:
    stream = Full()
    logs.set_up(stream=stream)

    structlog.get_logger().info("lost")
    stream.is_full = False
    structlog.get_logger().info("kept")

    structlog.reset_defaults()
    assert json.loads(stream.getvalue())["event"] == "kept"


def a_finding(**changes: Any) -> Finding:
    return Finding(**{"file": "f.yml", "line": 3, "col": 5, "what": "no key `shel`", **changes})


def findings_of(stream: io.StringIO) -> list[str]:
    return [json.loads(line)["finding"] for line in stream.getvalue().splitlines()]


def test_finding_is_one_line_with_its_hint_beside_it(stream: io.StringIO) -> None:
    logs.FindingLog().write([a_finding(hint="did you mean `shell`?")])

    line = json.loads(stream.getvalue())
    assert line["finding"] == "f.yml:3:5: error: no key `shel`"
    assert line["hint"] == "did you mean `shell`?"


def test_finding_that_stays_is_written_once(stream: io.StringIO) -> None:
    found = logs.FindingLog()

    found.write([a_finding()])
    found.write([a_finding(), a_finding(line=9)])

    assert findings_of(stream) == [
        "f.yml:3:5: error: no key `shel`",
        "f.yml:9:5: error: no key `shel`",
    ]


def test_finding_that_was_mended_is_written_when_it_comes_back(stream: io.StringIO) -> None:
    found = logs.FindingLog()

    for findings in ([a_finding()], [], [a_finding()]):
        found.write(findings)

    assert len(findings_of(stream)) == 2


LINES = ["\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"]


@pytest.mark.parametrize("end", LINES)
def test_value_of_several_lines_is_one_line_of_json(stream: io.StringIO, end: str) -> None:
    structlog.get_logger().info("told", what=f"a{end}b")

    assert len(stream.getvalue().splitlines()) == 1
    assert json.loads(stream.getvalue())["what"] == f"a{end}b"


@pytest.mark.parametrize("trick", [*LINES, "\x1b[2J", "\x9b2J", "\u202e", "\x1b]0;title\x07"])
def test_value_in_a_terminal_is_one_line_that_it_does_not_obey(
    monkeypatch: pytest.MonkeyPatch, trick: str
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    logs.set_up(stream=stream)
    structlog.get_logger().info("told", what=f"a{trick}b", more=[f"c{trick}"])
    structlog.reset_defaults()

    text = stream.getvalue().removesuffix("\n")
    assert len(text.splitlines()) == 1
    assert trick not in text
