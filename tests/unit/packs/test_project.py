"""Names and folders of `floe pack new`."""

from pathlib import Path

import pytest

from floe.packs.project import WrongName, make_project, module_name


@pytest.mark.parametrize(
    ("name", "module"),
    [("greeter", "greeter"), ("My pack", "my_pack"), ("a-b  C2", "a_b_c2"), (" x ", "x")],
)
def test_name_becomes_the_name_of_a_module(name: str, module: str) -> None:
    assert module_name(name) == module


@pytest.mark.parametrize(
    "name",
    ["", " ", "2fast", "_x", "../x", "a/b", "a.b", "naïve", "x\0", "x" * 61, "a\nb;", "-x"],
)
def test_name_that_is_no_module_is_refused(name: str) -> None:
    with pytest.raises(WrongName, match="is no name of a pack"):
        module_name(name)


@pytest.mark.parametrize("name", ["class", "Match", "json", "floe", "pytest", "asyncio"])
def test_name_that_hides_another_module_is_refused(name: str) -> None:
    with pytest.raises(WrongName, match="is a name of Python, pytest or floe"):
        module_name(name)


def test_file_with_the_name_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "greeter").write_text("mine")

    with pytest.raises(FileExistsError):
        make_project("greeter", tmp_path)

    assert (tmp_path / "greeter").read_text() == "mine"
