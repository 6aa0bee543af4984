"""Packs that come with floe, and a project of `floe pack new`, at a real host."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.acceptance.flows import EXAMPLES
from tests.acceptance.product import until
from tests.acceptance.test_flyte import FlyteHost
from tests.acceptance.test_packs import STARTER, asked, started, states
from tests.make_chat import SECRET, a_chat, a_message, posted, signed
from tests.make_forge import TOKEN, a_forge
from tests.ports import free_port
from tests.receivers import a_mailbox

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FLOE: Final = str(Path(sys.executable).with_name("floe"))
SHELL: Final = """
[programs.restart]
run = ["sh", "-c", '[ "$1" = web ] || { echo no service "$1" >&2; exit 5; }', "restart"]
arguments = "[a-z]+"
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[FlyteHost]:
    host = FlyteHost(tmp_path)
    try:
        started(host)
        asked(host, "/v1/packs", STARTER)
        yield host
    finally:
        host.close()


def posted_flow(host: FlyteHost, file: Path) -> None:
    """Post a flow by the command line of the documentation."""
    kind = ("-H", "Content-Type: application/x-yaml", "--data-binary", f"@{file}")
    subprocess.run(["curl", "-sSf", *kind, f"{host.flyte}/v1/flows"], check=True)


@contextmanager
def running(
    host: FlyteHost, folder: Path, words: list[str], env: Mapping[str, str]
) -> Iterator[None]:
    """A process of a pack, which gets SIGTERM at the end, and must stop without a fault."""
    where = {**os.environ, "FLYTE_API": host.flyte, "FLYTE_HEALTH_BIND": "", **env}
    with (folder / f"{words[-1]}.log").open("wb") as log:
        process = subprocess.Popen(words, cwd=folder, env=where, stdout=log, stderr=log)
    try:
        yield
        process.terminate()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()


def test_new_project_passes_its_test_and_its_pack_carries_out_the_command_of_its_flow(
    host: FlyteHost, tmp_path: Path
) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    made = subprocess.run(
        [FLOE, "pack", "new", "My pack"], cwd=folder, check=True, capture_output=True, text=True
    )
    project = folder / "my_pack"
    tested = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", "-q"],
        cwd=project,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )

    posted_flow(host, project / "flow.yml")
    asked(host, "/v1/packs", {"name": "Door", "events": [{"name": "Opened"}]})
    with running(host, project, [sys.executable, "my_pack.py"], {}):
        asked(host, "/v1/packs/Door/events", {"event": "Opened", "payload": {"visitor": "Ada"}})
        until(lambda: states(host) == [("Greet", {"name": "Ada"}, "SUCCESS")], "the action")

    assert "cd my_pack && python -m pytest" in made.stdout
    assert "2 passed" in tested.stdout, tested.stdout + tested.stderr


def test_folder_that_exists_is_left_alone(tmp_path: Path) -> None:
    kept = tmp_path / "greeter"
    kept.mkdir()

    again = subprocess.run(
        [FLOE, "pack", "new", "greeter"], cwd=tmp_path, capture_output=True, text=True
    )

    assert (again.returncode, list(kept.iterdir())) == (2, [])
    assert again.stderr.startswith("floe: greeter exists already\n")


def test_each_flow_of_an_example_is_taken_by_a_host(host: FlyteHost) -> None:
    files = sorted((EXAMPLES / "packs").glob("*.yaml"))

    for file in files:
        posted_flow(host, file)

    assert len(asked(host, "/v1/flows")["flows"]) == len(files) > 1


def test_message_in_a_chat_runs_a_program_whose_end_is_answered_in_its_thread(
    host: FlyteHost, tmp_path: Path
) -> None:
    (tmp_path / "shell.toml").write_text(SHELL)
    port = free_port()
    posted_flow(host, EXAMPLES / "packs/shell.yaml")

    def write(text: str, id: str) -> None:
        body = a_message(text, id)
        until(lambda: answered(port, body), "the answer of the pack")

    with a_chat() as chat:
        slack = {
            "CHAT_TOKEN": "xoxb-1",
            "CHAT_API": chat.url,
            "CHAT_SIGNING_SECRET": SECRET,
            "CHAT_BIND": f"127.0.0.1:{port}",
        }
        with (
            running(host, tmp_path, [FLOE, "pack", "run", "chat"], slack),
            running(
                host,
                tmp_path,
                [sys.executable, "-m", "floe.packs.shipped.shell"],
                {"SHELL_CONFIG": "shell.toml"},
            ),
        ):
            write("restart web; id", "Ev1")
            write("restart web", "Ev2")
            until(lambda: len(chat.sent()) == 1, "the answer in the chat")
            write("restart mail", "Ev3")
            until(lambda: len(chat.sent()) == 2, "the second answer")

    thread = {"channel": "C1", "thread_ts": "1.5"}
    assert chat.sent() == [
        {**thread, "text": "web is restarted"},
        {**thread, "text": "mail is not restarted: no service mail\n"},
    ]


def test_push_is_built_and_its_failure_is_at_the_commit_and_in_a_mail(
    host: FlyteHost, tmp_path: Path
) -> None:
    build = '["sh", "-c", "echo no tests in $1 >&2; exit 3", "build"]'
    (tmp_path / "shell.toml").write_text(f"[programs]\nbuild = {build}\n")
    for name in ("forge", "mail"):
        posted_flow(host, EXAMPLES / f"packs/{name}.yaml")
    asked(host, "/v1/packs", {"name": "Pushes", "events": [{"name": "Pushed"}]})
    push = {"repository": "ada/web", "commit": "9049f1265b7d61be4a8904a9a27120d2064dab3b"}

    with a_forge() as forge, a_mailbox() as box:
        mail = {"MAIL_HOST": "127.0.0.1", "MAIL_PORT": str(box.port), "MAIL_TLS": "none"}
        with (
            running(host, tmp_path, [FLOE, "pack", "run", "mail"], mail),
            running(
                host,
                tmp_path,
                [FLOE, "pack", "run", "forge"],
                {"FORGE_API": forge.url, "FORGE_TOKEN": TOKEN},
            ),
            running(
                host,
                tmp_path,
                [FLOE, "pack", "run", "shell"],
                {"SHELL_CONFIG": "shell.toml", "FLYTE_JOURNAL": "shell.journal"},
            ),
        ):
            asked(host, "/v1/packs/Pushes/events", {"event": "Pushed", "payload": push})
            until(lambda: len(forge.took) == 2 and box.mails, "the end of the build")

    assert [(body["state"], body["context"]) for _, body in forge.took] == [
        ("pending", "build"),
        ("failure", "build"),
    ]
    assert forge.took[1][1]["description"] == "no tests in ada/web\n"
    assert box.mails[0]["Subject"] == "Exit code 3 on Shell"


def answered(port: int, body: bytes) -> bool:
    try:
        return posted(f"http://127.0.0.1:{port}/events", body, signed(body))[0] == 200
    except OSError:
        return False  # the pack does not listen yet
