"""What is big and seldom needed is loaded on first use."""

import subprocess
import sys


def test_git_and_aiohttp_are_loaded_on_first_use() -> None:
    rooms = "floe.nodes.commands, floe.nodes.documents, floe.nodes.fetch, floe.nodes.refs"
    script = f"import sys, {rooms}; print(*{{'git', 'aiohttp'}} & set(sys.modules))"

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout == "\n"
