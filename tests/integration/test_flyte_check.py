"""`floe flyte check` with the packs of a server, or of a folder that an import wrote."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from floe.cli import main
from tests.make_flyte_server import OriginalServer, original_server

FLOW: Final = """\
name: greet
steps:
  - id: first
    event: {packName: Door, name: Opend}
    context: {who: "{{ datastore('names').door }}"}
    command: {packName: Shell, name: Run}
"""


@pytest.fixture
def server() -> Iterator[OriginalServer]:
    with original_server() as made:
        made.add_pack("Door", events=[{"name": "Opened"}])
        made.add_pack("Shell", commands=[{"name": "Run", "events": ["Output"]}])
        made.items["name"] = ("application/json", "", b"{}")
        yield made


@pytest.fixture
def check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Any:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "greet.yaml").write_text(FLOW)

    def run(*words: str, status: int = 0) -> list[str]:
        with pytest.raises(SystemExit) as ended:
            main(["flyte", "check", *words, "--json"])
        out, err = capsys.readouterr()
        assert ended.value.code == status, out + err
        if not out:
            return [err]
        return [f"{one['line']}:{one['col']} {one['what']}" for one in json.loads(out)]

    return run


UNKNOWN: Final = [
    "4:35 steps[0].event.name: no pack `Door` says that it sends `Opend`",
    "5:24 steps[0].context.who: the datastore has no item `names`: its step makes no action",
]


def test_packs_and_items_of_a_server_are_looked_at(check: Any, server: OriginalServer) -> None:
    assert check("greet.yaml") == []
    assert check("greet.yaml", "--server", server.url) == UNKNOWN


def test_folder_of_an_import_has_them_too(
    check: Any, server: OriginalServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.flows["greet"] = {
        "name": "greet",
        "steps": [
            {
                "event": {"packName": "Door", "name": "Opend"},
                "command": {"packName": "Shell", "name": "Run"},
            }
        ],
    }
    with pytest.raises(SystemExit):
        main(["flyte", "import", server.url, "--into", "flyte"])
    capsys.readouterr()

    assert check("greet.yaml", "--packs", "flyte") == UNKNOWN
    assert check("greet.yaml", "--packs", "flyte/packs.json") == UNKNOWN
    [own] = check("flyte")
    assert "no pack `Door` says that it sends `Opend`" in own


def test_datastore_that_may_not_be_read_is_left_out(check: Any, server: OriginalServer) -> None:
    server.answers["/v1/datastore"] = (403, {}, b"")

    assert check("greet.yaml", "--server", server.url) == UNKNOWN[:1]


def test_findings_of_all_files_are_said_at_once(check: Any, tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows/a.json").write_text('{"name": "a", "steps": [{}]}')
    (tmp_path / "flows/b.yml").write_text("name: [")
    (tmp_path / "flows/c.yaml").write_text(FLOW)
    said = check("flows", "greet.yaml", "missing.yaml", status=1)

    assert [what.partition(" ")[2].partition(",")[0] for what in said] == [
        "steps[0]: `event` is missing",
        "steps[0]: `command` is missing",
        "not YAML: the `[` that opens here is never closed",
        "cannot be read: No such file or directory",
        "the flow `greet` is in flows/c.yaml too: the one that is posted last stays",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("greet.yaml", "--packs", "nowhere"), "nowhere is not there"),
        (("greet.yaml", "--packs", "x", "--server", "y"), "exclude each other"),
        (("empty",), "empty has no file of a flow"),
    ],
)
def test_wrong_use_is_said(check: Any, tmp_path: Path, words: Any, said: str) -> None:
    (tmp_path / "empty").mkdir()

    assert said in check(*words, status=2)[0]


def test_server_that_is_away_is_said(check: Any) -> None:
    assert "no reply from" in check("greet.yaml", "--server", "http://localhost:1", status=3)[0]
