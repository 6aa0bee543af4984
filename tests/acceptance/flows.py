"""The example flows, made to fit the place where a test runs them, and what they need there."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.acceptance.product import DEADLINE_S, TOKEN, Host, until
from tests.acceptance.warm import floe_ran

ROOT: Final = Path(__file__).parents[2]
CONFIGS: Final = ROOT / "configs"
EXAMPLES: Final = CONFIGS / "examples"

AUTHOR: Final = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in {
        "NAME": "floe",
        "EMAIL": "floe@example.com",
        "DATE": "2026-01-01T00:00Z",
    }.items()
}
"""Who commits, and when: the same hashes every time."""


def example(name: str, fit: Mapping[str, str]) -> str:
    """An example's text, with something in place of what is not here. Fails for what it has not."""
    text = (EXAMPLES / name).read_text()
    for written, here in fit.items():
        assert written in text, f"{name} has no {written}"
        text = text.replace(written, here)
    return text


def floe(host: Host, *args: str, status: int = 0) -> str:
    """What the command line says when asked about a host, its exit status as expected."""
    env = {**os.environ, "FLOE_URL": f"http://{host.address}", "FLOE_TOKEN": TOKEN}
    done = floe_ran(args, cwd=Path.cwd(), env=env, timeout_s=DEADLINE_S)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout.decode()


def git(folder: Path, *args: str) -> str:
    """What git says in a folder, always the same to the same question."""
    done = subprocess.run(
        ["git", *args],
        cwd=folder,
        env={**os.environ, **AUTHOR},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def until_polled(host: Host, flow: str, trigger: str) -> None:
    """Wait until a trigger has polled the refs as they are now: a poll may be in progress."""

    def due() -> str:
        triggers = host.api.get(f"flows/{flow}")["triggers"]
        return next(str(t["next_due"]) for t in triggers if t["id"] == trigger)

    for _ in range(2):
        before = due()
        until(lambda before=before: due() != before, f"a poll of {flow}")  # type: ignore[misc]  # mypy has no type for a default of a lambda
