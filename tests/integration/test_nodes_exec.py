"""Commands as real processes of a real warden."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from floe.model.signal import Exited, Failed, Report, Stopped
from floe.model.template import Template, TemplatePart
from floe.model.work import Exec, Work
from floe.nodes.base import Job
from floe.nodes.commands import Commands
from floe.nodes.preparation import CommandSettings
from tests.make_nodes import DEADLINE_S, Reports, a_job, a_key
from tests.make_warden import kept

HOSTILE = "$(touch pwned) `touch pwned` ; touch pwned' \" \\ \n* $HOME ü"


@pytest.fixture
async def commands(tmp_path: Path) -> AsyncIterator[Commands]:
    settings = CommandSettings(host="h1", workspace_root=tmp_path)
    commands = Commands(tmp_path, settings)
    await commands.open()
    yield commands
    await commands.shutdown()


async def run(commands: Commands, job: Job) -> Report:
    reported = Reports()
    commands.start(job, reported)
    return await reported.report()


def shell(text: str, **others: object) -> Work:
    return Exec(shell=text, **others)  # type: ignore[arg-type] # typed where they are read


async def test_a_command_ends_with_its_status(tmp_path: Path, commands: Commands) -> None:
    job = a_job(tmp_path, shell("echo out; echo err >&2; exit 3"))

    report = await run(commands, job)

    assert report == Exited(status=3, outputs={}, output_bytes=8)
    assert job.output.read_text() == "out\nerr\n"


async def test_a_signal_is_128_and_its_number(tmp_path: Path, commands: Commands) -> None:
    report = await run(commands, a_job(tmp_path, shell("kill -KILL $$")))

    assert report == Exited(status=137, outputs={})


async def test_a_command_that_is_not_there_could_not_start(
    tmp_path: Path, commands: Commands
) -> None:
    report = await run(commands, a_job(tmp_path, Exec(argv=("no-such-command",))))

    assert isinstance(report, Failed)
    assert (report.cause, "no-such-command" in report.why) == ("start", True)


async def test_path_of_the_node_decides_where_the_command_is(
    tmp_path: Path, commands: Commands
) -> None:
    tool = tmp_path / "bin" / "mytool"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho mine\n")
    tool.chmod(0o755)
    work = Exec(argv=("mytool",), env=(f"PATH={tool.parent}:$PATH",))
    job = a_job(tmp_path, work)

    await run(commands, job)

    assert job.output.read_text() == "mine\n"


async def test_a_command_reads_its_inputs_and_gives_outputs(
    tmp_path: Path, commands: Commands
) -> None:
    work = shell('echo "who=$FLOE_IN_WHO" >> "$FLOE_OUTPUTS"; cat "$FLOE_INPUT"')
    job = a_job(tmp_path, work, inputs={"who": "ann", "ok": True})

    report = await run(commands, job)

    assert isinstance(report, Exited)
    assert report.outputs == {"who": "ann"}
    assert json.loads(job.output.read_text()) == {"who": "ann", "ok": True}


async def test_a_hostile_value_is_only_ever_text(tmp_path: Path, commands: Commands) -> None:
    work = Exec(argv=("printf", "%s", "$FLOE_IN_V"), env=("COPY=$FLOE_IN_V",))
    job = a_job(tmp_path, work, inputs={"v": HOSTILE})

    await run(commands, job)

    assert job.output.read_text() == HOSTILE
    assert list(job.workspace.iterdir()) == []


async def test_a_shell_sees_a_hostile_value_as_one_argument(
    tmp_path: Path, commands: Commands
) -> None:
    work = shell('printf "%s|" "$FLOE_IN_V" "$COPY"', env=("COPY=$FLOE_IN_V",))
    job = a_job(tmp_path, work, inputs={"v": HOSTILE})

    await run(commands, job)

    assert job.output.read_text() == f"{HOSTILE}|{HOSTILE}|"
    assert list(job.workspace.iterdir()) == []


async def test_an_environment_that_is_too_big_could_not_start(
    tmp_path: Path, commands: Commands
) -> None:
    env = tuple(f"V{n}=" + "x" * 60_000 for n in range(200))

    report = await run(commands, a_job(tmp_path, env=env))

    assert isinstance(report, Failed)
    assert report.cause == "start"


async def test_a_command_over_its_time_is_stopped(tmp_path: Path, commands: Commands) -> None:
    report = await run(commands, a_job(tmp_path, shell("sleep 60"), timeout_s=0.2))

    assert isinstance(report, Failed)
    assert (report.cause, report.why) == ("timeout", "not finished after 0.2 s")


async def test_a_stopped_command_is_reported_as_stopped(tmp_path: Path, commands: Commands) -> None:
    reported = Reports()
    job = a_job(tmp_path, shell("sleep 60"))
    commands.start(job, reported)
    await reported.until_started()

    commands.stop(job.key)

    assert await reported.report() == Stopped()


async def test_the_rest_runs_when_there_is_room(tmp_path: Path) -> None:
    settings = CommandSettings(host="h1", workspace_root=tmp_path, commands=2)
    commands = Commands(tmp_path, settings)
    await commands.open()
    reported = Reports()

    for n in range(1, 8):
        commands.start(a_job(tmp_path, key=a_key(n)), reported)
    await reported.report(7)

    assert reported.reports == [Exited(status=0, outputs={})] * 7
    await commands.shutdown()


async def test_commands_go_on_without_floe_and_are_found_again(
    tmp_path: Path, commands: Commands
) -> None:
    reported = Reports()
    work = shell("echo before; until [ -e go ]; do sleep 0.01; done; echo after; exit 5")
    job = a_job(tmp_path, work)
    commands.start(job, reported)
    await reported.until_started()
    await commands.close()

    again = await another(tmp_path)
    again.sweep(frozenset({job.key}))
    again.start(replace(job, started=True), reported)
    (job.workspace / "go").touch()

    assert await reported.report() == Exited(status=5, outputs={}, output_bytes=13)
    assert job.output.read_text() == "before\nafter\n"
    await again.shutdown()


async def test_start_of_a_command_that_is_found_again_is_reported_again(
    tmp_path: Path, commands: Commands
) -> None:
    before, found = Reports(), Reports()
    job = a_job(tmp_path, shell("sleep 600"))
    commands.start(job, before)
    await before.until_started()
    await commands.close()

    again = await another(tmp_path)
    again.start(replace(job, started=True), found)
    again.stop(job.key)

    assert await found.report() == Stopped()
    assert found.started == before.started
    await again.shutdown()


async def test_what_ended_while_floe_was_away_is_reported(
    tmp_path: Path, commands: Commands
) -> None:
    reported = Reports()
    job = a_job(tmp_path, shell("until [ -e go ]; do sleep 0.01; done; touch gone; exit 5"))
    commands.start(job, reported)
    await reported.until_started()
    await commands.close()
    (job.workspace / "go").touch()
    await until((job.workspace / "gone").exists)

    again = await another(tmp_path)
    again.start(replace(job, started=True), reported)

    assert await reported.report() == Exited(status=5, outputs={})
    await again.shutdown()


async def test_what_nobody_is_owed_is_swept(tmp_path: Path, commands: Commands) -> None:
    reported = Reports()
    for n, text in enumerate(("true", "sleep 600"), 1):
        commands.start(a_job(tmp_path, shell(text), key=a_key(n)), reported)
    await reported.until_started(2)
    await reported.report()
    await commands.close()

    again = await another(tmp_path)
    again.sweep(frozenset())

    await until(lambda: not kept(tmp_path))
    await again.shutdown()


async def another(root: Path) -> Commands:
    """The commands of a floe that was started again."""
    commands = Commands(root, CommandSettings(host="h1", workspace_root=root))
    await commands.open()
    return commands


async def until(fact: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not fact():  # noqa: ASYNC110 - a file rings no bell
            await asyncio.sleep(0.01)


async def test_value_of_a_template_is_only_ever_text(tmp_path: Path, commands: Commands) -> None:
    value = TemplatePart(path=("values", "v"), data=HOSTILE + "{{ws}} {{ values.x }} ./a $FLOE_RUN")
    work = Exec(
        argv=("printf", "%s|%s|%s", "--", Template(parts=(value,)), "{{.Names}}"),
        env=(Template(parts=(TemplatePart(text="COPY="), value)),),
    )
    copy = replace(work, argv=("bash", "-c", 'printf %s "$COPY"'))
    jobs = [a_job(tmp_path, one, key=a_key(n)) for n, one in enumerate((work, copy), 1)]

    for job in jobs:
        await run(commands, job)

    assert jobs[0].output.read_text() == f"--|{value.data}|{{{{.Names}}}}"
    assert jobs[1].output.read_text() == value.data
    assert [path for job in jobs for path in job.workspace.iterdir()] == []


async def test_outputs_as_json_keep_their_types(tmp_path: Path, commands: Commands) -> None:
    work = shell(
        """echo a=1 >> "$FLOE_OUTPUTS"; echo '{"a": [2], "b": null}' > "$FLOE_OUTPUTS.json" """
    )

    report = await run(commands, a_job(tmp_path, work))

    assert isinstance(report, Exited)
    assert report.outputs == {"a": [2], "b": None}


async def test_outputs_that_are_no_json_are_an_error(tmp_path: Path, commands: Commands) -> None:
    work = shell("""printf '{"a": NaN}' > "$FLOE_OUTPUTS.json" """)

    report = await run(commands, a_job(tmp_path, work))

    assert isinstance(report, Failed)
    assert report.why == "FLOE_OUTPUTS.json has NaN, which is no JSON"
