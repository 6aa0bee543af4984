"""uTask's action `ssh` with a real sshd: results, errors, hops, keys with a passphrase."""

import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from floe.calls.utask.calls import actions_of
from floe.model.call import Call
from floe.model.ids import Json
from floe.model.signal import Answered
from floe.nodes.call_ground import CallCommands, CallGround
from floe.nodes.command_environment import inherited
from floe.nodes.commands import Commands
from floe.nodes.preparation import CommandSettings
from tests.make_nodes import a_job
from tests.ports import free_port
from tests.sshd import USER, Sshd

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    sshd = Sshd(tmp_path_factory.mktemp("sshd") / "ssh")
    sshd.start()
    yield sshd
    sshd.stop()


@pytest.fixture
async def commands(tmp_path: Path) -> AsyncIterator[Commands]:
    commands = Commands(tmp_path, CommandSettings(host="h1", workspace_root=tmp_path))
    await commands.open()
    yield commands
    await commands.shutdown()


async def came_to(commands: Commands, root: Path, sshd: Sshd, **given: Json) -> Answered:
    configuration: dict[str, Json] = {
        "user": USER,
        "target": f"127.0.0.1:{sshd.port}",
        "ssh_key": sshd.key.read_text(),
        **given,
    }
    config: Json = {"configuration": configuration, "step": "one"}
    job = a_job(root, Call(type="utask.ssh", config=config, is_kept=True))
    ground = CallGround(commands=CallCommands(commands, inherited({"PATH": "/usr/bin:/bin"})))
    answer = await actions_of(ground)["utask.ssh"](job)
    assert isinstance(answer, Answered), answer
    return answer


async def test_results_are_what_the_shell_has_at_the_end(
    commands: Commands, tmp_path: Path, sshd: Sshd
) -> None:
    script = "foo='a \"b\"\nc'; echo printed"
    result: Json = {"foo": "$foo", "sum": "$((1 + 2))"}

    answer = await came_to(commands, tmp_path, sshd, script=script, result=result)

    assert answer.outputs == {"output": {"foo": "a b\nc", "sum": "3"}}
    metadata = answer.metadata["metadata"]
    assert isinstance(metadata, dict)
    assert metadata["exit_code"] == "0"
    assert str(metadata["output"]).startswith("printed\n")


@pytest.mark.parametrize(
    ("codes", "state"), [([], "SERVER_ERROR"), (["3"], "CLIENT_ERROR"), (["4-9"], "SERVER_ERROR")]
)
async def test_status_of_the_script_decides_the_state(
    codes: list[Json], state: str, commands: Commands, tmp_path: Path, sshd: Sshd
) -> None:
    given: dict[str, Json] = {
        "script": "a=1; exit 3",
        "result": {"a": "$a"},
        "exit_codes_unrecoverable": codes,
    }

    answer = await came_to(commands, tmp_path, sshd, **given)

    assert (answer.kind, answer.outputs) == (state, {"output": {"a": "1"}})


async def test_hop_gets_the_rest_of_the_way_and_the_script(
    commands: Commands, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bastion = Sshd(tmp_path_factory.mktemp("bastion") / "ssh")
    shown = bastion.folder / "shown.sh"
    shown.write_text(
        '#!/bin/sh\nprintf \'{"way":"%s","script":"%s"}\\n\' "$SSH_ORIGINAL_COMMAND" "$(cat)"\n'
    )
    shown.chmod(0o755)
    bastion.start(f"ForceCommand {shown}")
    given: dict[str, Json] = {
        "target": "far.test",
        "hops": [f"127.0.0.1:{bastion.port}", "second.test"],
        "script": "echo here",
    }

    answer = await came_to(commands, tmp_path, bastion, **given)
    bastion.stop()

    expected = {"way": "second.test -- far.test", "script": "echo here"}
    assert answer.outputs == {"output": expected}


async def test_key_in_pem_may_have_a_passphrase(
    commands: Commands, tmp_path: Path, sshd: Sshd
) -> None:
    key = tmp_path / "key"
    argv = ["ssh-keygen", "-q", "-t", "rsa", "-m", "PEM", "-N", "four words", "-f", str(key)]
    subprocess.run(argv, check=True)
    with (sshd.folder / "authorized").open("a") as authorized:
        authorized.write(key.with_suffix(".pub").read_text())
    given: dict[str, Json] = {
        "ssh_key": key.read_text(),
        "script": "a=1",
        "result": {"a": "$a"},
    }

    wrong = await came_to(commands, tmp_path, sshd, **given, ssh_key_passphrase="no")
    right = await came_to(commands, tmp_path, sshd, **given, ssh_key_passphrase="four words")

    assert (wrong.kind, right.outputs) == ("CLIENT_ERROR", {"output": {"a": "1"}})


@pytest.mark.parametrize(
    "given",
    [
        {"ssh_key": ""},
        {"ssh_key": "no key"},
        {"user": ""},
        {"target": "-oProxyCommand=x"},
        {"target": "host:99999"},
        {"target": ""},
        {"hops": ["h"] * 11},
        {"script": "a\0b"},
        {"script": "x" * 200_000},
        {"result": {'a"b': "1"}},
    ],
)
async def test_configuration_that_cannot_work_blocks_the_step(
    given: dict[str, Json], commands: Commands, tmp_path: Path, sshd: Sshd
) -> None:
    answer = await came_to(commands, tmp_path, sshd, **{"script": "true", **given})

    assert (answer.kind, answer.outputs) == ("CLIENT_ERROR", {})


async def test_host_that_is_away_is_tried_again(
    commands: Commands, tmp_path: Path, sshd: Sshd
) -> None:
    target = f"127.0.0.1:{free_port()}"

    answer = await came_to(commands, tmp_path, sshd, script="true", target=target)

    assert (answer.kind, answer.outputs) == ("SERVER_ERROR", {})
    assert "no connection to 127.0.0.1" in answer.why


async def test_script_that_takes_too_long_is_ended(
    commands: Commands, tmp_path: Path, sshd: Sshd
) -> None:
    answer = await came_to(commands, tmp_path, sshd, script="sleep 600", timeout="500ms")

    assert answer.kind == "SERVER_ERROR"
    assert answer.why == "ssh session has not terminated before timeout"
