"""The copy of the warden that runs: whole, on its own, and the same each time."""

import subprocess
import sys
from pathlib import Path

from floe.nodes.copies import drop_earlier, installed
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


def test_copies_of_earlier_versions_are_removed_on_request(tmp_path: Path) -> None:
    program = installed(tmp_path, "repository")
    (tmp_path / "repository-0123456789ab.pyz").touch()
    (tmp_path / "repository-notes.txt").touch()

    drop_earlier(program)

    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        [program.name, "repository-notes.txt"]
    )
