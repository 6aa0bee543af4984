"""The example of the chat on real processes: two hosts, a pack at each, and a chat's API."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from typing import Any, Final
from urllib.parse import urlencode

import pytest

from tests.acceptance.cluster import Cluster, clustered
from tests.acceptance.flows import EXAMPLES
from tests.acceptance.product import TOKEN, until
from tests.make_chat import SECRET, Chat, a_chat, posted, signed
from tests.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FLOE: Final = str(Path(sys.executable).with_name("floe"))
FOLDER: Final = EXAMPLES / "chatops"
HOSTS: Final = {"h1": "", "h2": ""}


@dataclass
class Place:
    """A cluster, a chat, and where the chat reaches its pack."""

    cluster: Cluster
    chat: Chat
    port: int

    def writes(self, text: str) -> None:
        """A person writes the slash command /deploy."""
        form = {"command": "/deploy", "text": text, "channel_id": "C-ALL", "user_id": "U1"}
        body = urlencode({**form, "user_name": "ada", "trigger_id": text}).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded"}

        def is_taken() -> bool:
            try:
                at = f"http://127.0.0.1:{self.port}/commands"
                return posted(at, body, {**kind, **signed(body)})[0] == 200
            except OSError:
                return False

        until(is_taken, "the answer of the pack")

    def messages(self, count: int) -> list[Any]:
        """The messages in the chat, once there are so many."""
        until(lambda: len(self.chat.sent()) >= count, f"{count} messages")
        return self.chat.sent()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder, port = tmp_path_factory.mktemp("chatops"), free_port()
    flow = "  -\n" + indent((FOLDER / "sign-off.yml").read_text(), "    ")
    with clustered(folder / "cluster", flow, tags=HOSTS) as (cluster, _), a_chat() as chat:
        sent(cluster, "POST", "flows", "deploy.yaml", "-H", "Content-Type: application/x-yaml")
        sent(cluster, "PUT", "datastore/services", "services.json")
        chat_of = {
            "CHAT_TOKEN": "xoxb-1",
            "CHAT_API": chat.url,
            "CHAT_SIGNING_SECRET": SECRET,
            "CHAT_BIND": f"127.0.0.1:{port}",
        }
        shell = {"SHELL_CONFIG": str(FOLDER / "shell.toml")}
        with (
            running(folder, cluster, "h1", "chat", chat_of),
            running(folder, cluster, "h2", "shell", shell),
        ):
            yield Place(cluster, chat, port)


def sent(cluster: Cluster, method: str, path: str, file: str, *more: str) -> None:
    """Send a file of the example to a host, as its page says."""
    body = ("--data-binary", f"@{FOLDER / file}")
    if method == "PUT":
        body = ("-F", f"value=@{FOLDER / file};type=application/json")
    url = f"http://{cluster['h1'].address}/flyte/v1/{path}"
    token = ("-H", f"Authorization: Bearer {TOKEN}")
    subprocess.run(["curl", "-sSf", "-X", method, *token, *more, *body, url], check=True)


@contextmanager
def running(
    folder: Path, cluster: Cluster, host: str, pack: str, env: Mapping[str, str]
) -> Iterator[None]:
    """A process of a pack with a journal, at one host."""
    where = {
        **os.environ,
        "FLYTE_API": f"http://{cluster[host].address}/flyte",
        "FLYTE_JWT": TOKEN,
        "FLYTE_JOURNAL": str(folder / f"{pack}.journal"),
        "FLYTE_HEALTH_BIND": "",
    }
    with (folder / f"{pack}.log").open("wb") as log:
        process = subprocess.Popen(
            [FLOE, "pack", "run", pack], env={**where, **env}, stdout=log, stderr=log
        )
    try:
        yield
        process.terminate()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()


def test_version_is_built_signed_off_deployed_and_the_chat_is_told(place: Place) -> None:
    place.writes("web 1.4")
    [question] = place.messages(1)

    host = place.cluster["h1"]
    run = until(lambda: waiting(place), "the sign-off")
    host.give(run, "approve")
    [_, answer] = place.messages(2)
    host.until_over(run)

    assert question == {"channel": "C-WEB", "text": "Sign off web 1.4 for <@U1>"}
    assert answer["channel"] == "C-WEB"
    assert answer["text"] == "web 1.4 is deployed"
    assert answer["thread_ts"]


def waiting(place: Place) -> str:
    runs = place.cluster["h1"].api.get("runs", state="active")["runs"]
    return next((run["id"] for run in runs if run["flow"] == "sign-off"), "")


def test_version_that_cannot_be_built_is_answered_with_the_reason(place: Place) -> None:
    before = len(place.chat.sent())

    place.writes("broken 2")

    assert place.messages(before + 1)[-1] == {
        "channel": "C-ALL",
        "text": "<@U1> broken 2 is not built: no source of it\n",
    }
