"""The copy of the warden that runs: whole, on its own, and the same each time."""

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from floe.nodes.program_copies import drop_earlier, installed, is_current
from floe.nodes.warden_link import WardenAddress


def test_the_copy_is_the_same_each_time(tmp_path: Path) -> None:
    for root in ("a", "b"):
        (tmp_path / root / "warden").mkdir(parents=True)

    copies = [WardenAddress(tmp_path / root, print).install() for root in ("a", "b")]

    assert copies[0].read_bytes() == copies[1].read_bytes()


def test_the_copy_runs_without_what_is_installed(tmp_path: Path) -> None:
    (tmp_path / "warden").mkdir()
    copy = WardenAddress(tmp_path, print).install()

    run = subprocess.run(
        [sys.executable, "-I", "-S", copy, tmp_path / "gone"], capture_output=True, text=True
    )

    assert (run.returncode, run.stderr) == (
        1,
        f"[Errno 2] No such file or directory: '{tmp_path}/gone/log'",
    )


def test_the_copy_is_the_same_whether_its_modules_were_compiled_before(tmp_path: Path) -> None:
    code = (
        "import hashlib; from floe.nodes.program_copies import archive;"
        "print(hashlib.sha256(archive('warden')).hexdigest())"
    )
    fresh = {
        "PYTHONPYCACHEPREFIX": str(tmp_path),
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONHASHSEED": "1",
    }

    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | fresh | changed,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for changed in ({}, {}, {"PYTHONHASHSEED": "2"})
    }

    assert len(digests) == 1


def test_each_module_of_a_copy_is_there_as_source_and_as_bytecode(tmp_path: Path) -> None:
    names = zipfile.ZipFile(installed(tmp_path, "warden")).namelist()

    modules = {name for name in names if name.endswith(".py")} - {"floe/__init__.py"}
    assert {name for name in names if name.endswith(".pyc")} == {f"{name}c" for name in modules}


@pytest.mark.parametrize(("magic", "suffix"), [(None, ".pyc"), (b"\0\0\r\n", ".py")])
def test_a_copy_runs_from_bytecode_unless_that_is_of_a_different_python(
    tmp_path: Path, magic: bytes | None, suffix: str
) -> None:
    (tmp_path / "old").mkdir()
    copy = tmp_path / "copy.pyz"
    with (
        zipfile.ZipFile(installed(tmp_path / "old", "warden")) as kept,
        zipfile.ZipFile(copy, "w") as changed,
    ):
        for name in kept.namelist():
            data = kept.read(name)
            if magic and name.endswith(".pyc"):
                data = magic + data[len(magic) :]
            changed.writestr(name, data)
    code = (
        f"import sys; sys.path.insert(0, {str(copy)!r});"
        "import floe.warden.daemon as module; print(module.__file__)"
    )

    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )

    assert run.stdout == f"{copy}/floe/warden/daemon{suffix}\n"


def test_copies_of_earlier_versions_are_removed_on_request(tmp_path: Path) -> None:
    program = installed(tmp_path, "repository")
    (tmp_path / "repository-0123456789ab.pyz").touch()
    (tmp_path / "repository-notes.txt").touch()

    drop_earlier(program)

    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        [program.name, "repository-notes.txt"]
    )


def test_current_copy_is_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = installed(tmp_path, "repository")
    monkeypatch.delattr("floe.nodes.program_copies.archive")  # nothing is compiled again

    assert installed(tmp_path, "repository") == program


@pytest.mark.parametrize("at", [0.01, 0.5, 0.99])
def test_damaged_copy_is_replaced(tmp_path: Path, at: float) -> None:
    (tmp_path / "warden").mkdir()
    address = WardenAddress(tmp_path, print)
    program = address.install()
    whole = program.read_bytes()
    place = int(len(whole) * at)
    program.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])

    assert address.install().read_bytes() == whole


def test_copy_with_other_sources_or_an_additional_module_is_not_current(tmp_path: Path) -> None:
    program = installed(tmp_path, "repository")
    changed = io.BytesIO()
    with zipfile.ZipFile(program) as kept, zipfile.ZipFile(changed, "w") as packed:
        for name in kept.namelist():
            more = b"# more\n" if name == "__main__.py" else b""
            packed.writestr(name, kept.read(name) + more)
    larger = tmp_path / "larger"
    larger.write_bytes(program.read_bytes())
    with zipfile.ZipFile(larger, "a") as packed:
        packed.writestr("floe/more.py", b"")

    assert is_current("repository", program.read_bytes())
    assert not is_current("repository", changed.getvalue())
    assert not is_current("repository", larger.read_bytes())
