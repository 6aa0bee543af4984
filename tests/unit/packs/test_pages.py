"""The code of the pages about packs runs as pasted; a process of a pack ends as it should."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from floe.packs import Event
from floe.packs.testing import MemoryServer

pytestmark = pytest.mark.slow

ROOT: Final = Path(__file__).parents[3]
BLOCK: Final = re.compile(r"```python\n(.*?)```", re.DOTALL)
[GREETER] = BLOCK.findall((ROOT / "README.md").read_text())
DOOR, TEST = BLOCK.findall((ROOT / "docs/packs.md").read_text())

READS: Final = """
import sys
from floe.packs import Pack
pack = Pack("Reader")
@pack.command("Read", "Line")
def read() -> str:
    return sys.stdin.readline()
pack.run()
"""


def environment(url: str = "") -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "FLYTE_API": url}


def has_taken(server: MemoryServer) -> bool:
    return any(one.path.endswith("/take") and one.status == 200 for one in server.requests)


def test_program_with_an_event_sends_it() -> None:
    with MemoryServer() as server:
        subprocess.run([sys.executable, "-c", DOOR], env=environment(server.url), check=True)

    assert server.events == [Event("Opened", {"visitor": "Ada"})]


def test_test_of_the_page_passes(tmp_path: Path) -> None:
    guarded = GREETER.replace("pack.run()", 'if __name__ == "__main__":\n    pack.run()')
    (tmp_path / "greeter.py").write_text(guarded)
    (tmp_path / "test_greeter.py").write_text(TEST)

    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tmp_path],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
    )

    assert "1 passed" in tested.stdout, tested.stdout


def test_process_that_is_told_to_stop_delivers_its_open_command() -> None:
    with (
        MemoryServer() as server,
        subprocess.Popen(
            [sys.executable, "-c", READS],
            env=environment(server.url),
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        action = server.offer("Read")
        server.wait_for(lambda: has_taken(server), "take")
        process.terminate()
        process.communicate("a line\n", timeout=30)

    assert (server.result(action, 0), process.returncode) == (Event("Line", "a line\n"), 0)


def test_program_without_the_address_of_a_server_names_the_variable() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", GREETER], env=environment(), capture_output=True, text=True
    )

    assert ended.stderr.splitlines()[-1] == "ValueError: set FLYTE_API to the URL of the server"
