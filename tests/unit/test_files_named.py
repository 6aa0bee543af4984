"""Files that people name are read whole and within bounds, or refused at once."""

import os
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from floe.cli.run import flows_to_run
from floe.cli.values import PAIR
from floe.config import Flags, load, read_local
from floe.files import NotPlain, read_named
from floe.model.errors import ConfigInvalid

ODD = ("a device", "a device that never ends", "a named pipe", "a folder", "too much", "noise")


def odd(name: str, root: Path) -> Path:
    """A path at which lies what nobody can mean."""
    match name:
        case "a device":
            return Path("/dev/null")
        case "a device that never ends":
            return Path("/dev/zero")
        case "a named pipe":
            os.mkfifo(root / "odd")
        case "a folder":
            (root / "odd").mkdir()
        case "too much":
            (root / "odd").write_bytes(b"# x\n" * 400_000)
        case _:
            (root / "odd").write_bytes(bytes(range(256)))
    return root / "odd"


def as_document(path: Path) -> None:
    read_local(str(path))


def as_flow(path: Path) -> None:
    flows_to_run(str(path))


def as_token(path: Path) -> None:
    load(Flags(admin=f"@{path}"), {}, "flows: []", "c.yml")


def as_value(path: Path) -> None:
    PAIR.convert(f"a=@{path}", None, None)


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("read", [as_document, as_flow, as_token, as_value])
def test_what_is_no_text_file_is_refused_at_once(
    tmp_path: Path, name: str, read: Callable[[Path], None]
) -> None:
    path = odd(name, tmp_path)

    with pytest.raises((ConfigInvalid, click.UsageError), match=str(path)):
        read(path)


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").symlink_to("a")

    assert read_named(tmp_path / "b", 10) == b"x"


def test_a_file_is_read_up_to_its_bound(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 10)

    assert read_named(tmp_path / "a", 10) == b"x" * 10
    with pytest.raises(NotPlain, match="is larger than 9 bytes"):
        read_named(tmp_path / "a", 9)


def test_a_pipe_that_a_shell_opened_is_read() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"from a command")
    os.close(writing)

    assert read_named(Path(f"/dev/fd/{reading}"), 100) == b"from a command"
    os.close(reading)


def test_a_value_from_a_file_is_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a\r\nb ")

    assert PAIR.convert(f"n=@{tmp_path / 'a'}", None, None) == ("n", "a\r\nb ")
