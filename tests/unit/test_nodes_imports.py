"""What is big and seldom needed is loaded on first use."""

import subprocess
import sys


def loaded_with(rooms: str, names: set[str]) -> set[str]:
    """Which modules of some are loaded with others."""
    script = f"import sys, {rooms}; print(*{names} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_git_and_aiohttp_are_loaded_on_first_use() -> None:
    rooms = "floe.nodes.commands, floe.nodes.documents, floe.nodes.fetch, floe.nodes.refs"

    assert loaded_with(rooms, {"git", "aiohttp"}) == set()


def test_what_runs_templates_of_utask_is_loaded_on_first_use() -> None:
    names = {"floe.dialects.utask.compiled", "floe.server.utask.routes", "floe.expr.gotext"}

    assert loaded_with("floe.app, floe.server.app", names) == set()
