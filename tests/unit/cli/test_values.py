"""`k=v` on a command line."""

from pathlib import Path
from typing import Any

import click
import pytest

from floe.cli.values import PAIR


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("a=b", ("a", "b")),
        ("a=", ("a", "")),
        ("a=b=c", ("a", "b=c")),
        ("a=$(rm -rf /)", ("a", "$(rm -rf /)")),
        ("n:=3", ("n", 3)),
        ("n:=[1, null]", ("n", [1, None])),
    ],
)
def test_pair_is_a_name_and_a_value(text: str, pair: tuple[str, Any]) -> None:
    assert PAIR.convert(text, None, None) == pair


def test_value_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("two\nlines\n")

    assert PAIR.convert(f"a=@{tmp_path}/notes", None, None) == ("a", "two\nlines\n")


@pytest.mark.parametrize(
    "text", ["a", "=b", "", "a:=", "a:={", "a:=" + "[" * 100_000, "a=@/no/such/file"]
)
def test_what_is_no_pair_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        PAIR.convert(text, None, None)
