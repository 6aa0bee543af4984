"""Tests of the temporary root of a `floe run`."""

import socket
from pathlib import Path

import pytest

from floe.warden import passing


class NoWarden:
    """A warden that serves nothing."""

    def __init__(self, *_: object) -> None:
        """Take what a warden takes."""

    def serve(self) -> None:
        """End at once."""


@pytest.fixture(autouse=True)
def no_warden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passing, "Warden", NoWarden)


def test_root_that_is_being_made_is_not_removed_by_the_warden_of_a_different_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "floe-run-1"

    def sweep(*_: str) -> None:
        passing.sweep_roots(str(tmp_path), "floe-run-2", "passing")

    monkeypatch.setattr(passing, "become_daemon", sweep)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        passing.make_warden(str(root), f"{root}/warden/v1", theirs, "passing")
    sweep()

    assert (root / "passing").exists()


def test_root_whose_run_and_warden_are_gone_is_removed(tmp_path: Path) -> None:
    root = tmp_path / "floe-run-1"
    (root / "warden/v1").mkdir(parents=True)
    root.chmod(0o700)
    (root / "passing").touch()

    passing.sweep_roots(str(tmp_path), "floe-run-2", "passing")

    assert not root.exists()
