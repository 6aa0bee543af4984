"""Commands with secrets, as real processes of a real warden."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from floe.model.secret_name import SecretName, SecretUse
from floe.model.signal import Exited, Failed, Report
from floe.model.work import Exec
from floe.nodes.base import Job
from floe.nodes.commands import Commands
from floe.nodes.preparation import CommandSettings
from floe.nodes.secrets import EnvironmentSecrets, HostSecrets
from floe.nodes.vault import Vault
from tests.make_nodes import Reports, a_job, a_key

NPM, KEY, ABSENT = SecretName("NPM_TOKEN"), SecretName("DEPLOY_KEY"), SecretName("ABSENT")


def shell(text: str) -> Exec:
    return Exec(**{"shell": text})  # type: ignore[arg-type]  # a keyword would look like subprocess's


@pytest.fixture
async def commands(tmp_path: Path) -> AsyncIterator[Commands]:
    environ = {"FLOE_SECRET_NPM_TOKEN": "npm_0123", "FLOE_SECRET_DEPLOY_KEY": "first\nsecond\n"}
    secrets = HostSecrets(Vault(tmp_path / "vault.key"), [EnvironmentSecrets(environ)])
    settings = CommandSettings(host="h1", workspace_root=tmp_path)
    commands = Commands(tmp_path, settings, secrets=secrets)
    await commands.open()
    yield commands
    await commands.shutdown()


async def run(commands: Commands, job: Job) -> Report:
    reported = Reports()
    commands.start(job, reported)
    return await reported.report()


async def test_command_gets_a_secret_as_a_variable(tmp_path: Path, commands: Commands) -> None:
    job = a_job(tmp_path, shell('test "$NPM_TOKEN" = npm_0123'), secrets=(SecretUse(name=NPM),))

    assert await run(commands, job) == Exited(status=0, outputs={})


async def test_command_gets_a_secret_as_a_file_that_only_its_user_can_read(
    tmp_path: Path, commands: Commands
) -> None:
    check = 'stat -c %a "$DEPLOY_KEY"; cat "$DEPLOY_KEY"; pwd'
    job = a_job(tmp_path, shell(check), secrets=(SecretUse(name=KEY, file=True),))

    await run(commands, job)

    assert job.output.read_text() == f"600\nfirst\nsecond\n{job.workspace}\n"


async def test_file_with_a_secret_is_gone_when_its_attempt_is_reported(
    tmp_path: Path, commands: Commands
) -> None:
    job = a_job(tmp_path, shell("true"), secrets=(SecretUse(name=KEY, file=True),))

    await run(commands, job)

    assert [*tmp_path.rglob("*.secret.*")] == []


async def test_node_without_its_secret_ends_with_the_name_of_it(
    tmp_path: Path, commands: Commands
) -> None:
    job = a_job(tmp_path, shell("true"), secrets=(SecretUse(name=ABSENT),))

    report = await run(commands, job)

    assert isinstance(report, Failed)
    assert report.why.startswith("this host has no secret ABSENT; try: ")


async def test_next_command_does_not_see_the_secret_of_the_one_before(
    tmp_path: Path, commands: Commands
) -> None:
    await run(commands, a_job(tmp_path, shell("true"), secrets=(SecretUse(name=NPM),)))
    job = a_job(tmp_path, shell('test -z "${NPM_TOKEN+set}"'), key=a_key(2))

    assert await run(commands, job) == Exited(status=0, outputs={})
