"""uTask's action `script`: programs of a folder as real processes of a real warden."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from floe.calls.utask.calls import actions_of
from floe.calls.utask.scripts import OUTPUT_BYTES_MAX, script_fault
from floe.calls.utask.settings import UtaskCallSettings
from floe.model.call import Call
from floe.model.ids import Json
from floe.model.signal import Answered, Failed
from floe.nodes.base import Job
from floe.nodes.call_ground import CallCommands, CallGround
from floe.nodes.calls import Calls
from floe.nodes.commands import Commands
from floe.nodes.preparation import CommandSettings
from tests.make_nodes import Reports, a_job

EXIT = """#!/bin/sh
cat
echo 'out on stdout'
echo 'err on stderr' >&2
[ -z "$2" ] || printf '%s\\n' "$2"
exit "$1"
"""
ENV = """#!/bin/sh
printf '{"A":"%s","B":"%s","task":"%s","resolution":"%s","step":"%s","own":"%s"}\\n' \\
    "$A" "$B" "$UTASK_TASK_ID" "$UTASK_RESOLUTION_ID" "$UTASK_STEP_NAME" "$FLOE_ADMIN"
"""
NO_SECRETS: Mapping[str, str] = {"PATH": os.environ["PATH"]}


class Host:
    """The calls and the commands of a host with a folder of scripts."""

    def __init__(self, root: Path) -> None:
        self.root, self.scripts = root, root / "scripts"
        self.scripts.mkdir()
        self.put("exit.sh", EXIT)
        self.put("env.sh", ENV)

    def put(self, name: str, text: str, folder: Path | None = None) -> Path:
        path = (folder or self.scripts) / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    async def open(self) -> None:
        settings = CommandSettings(host="h1", workspace_root=self.root)
        self.commands = Commands(self.root, settings)
        await self.commands.open()
        ground = CallGround(
            commands=CallCommands(self.commands, NO_SECRETS),
            settings={"utask": UtaskCallSettings(scripts=self.scripts)},
        )
        self.calls = Calls(actions_of(ground), ground=ground)
        await self.calls.open()

    async def close(self) -> None:
        """Be gone, as a host that is restarted."""
        await self.calls.close()
        await self.commands.close()

    def call(self, configuration: Mapping[str, Json], **given: Json) -> Job:
        config: Json = {"configuration": configuration, "step": "one", **given}
        return a_job(self.root, Call(type="utask.script", config=config, is_kept=True))

    async def came_to(self, configuration: Mapping[str, Json], **given: Json) -> Answered:
        job, reported = self.call(configuration, **given), Reports()
        self.calls.start(job, reported)
        self.calls.recorded(job.key)
        report = await reported.report()
        self.calls.forget(job.key)
        assert isinstance(report, Answered), report
        return report


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    made = Host(tmp_path)
    await made.open()
    yield made
    await made.calls.close()
    await made.commands.shutdown()


def metadata_of(answer: Answered) -> dict[str, Any]:
    found = answer.metadata["metadata"]
    assert isinstance(found, dict)
    return {key: value for key, value in found.items() if key != "execution_time"}


async def test_last_line_that_a_script_prints_is_its_output(host: Host) -> None:
    big = '{"a": 5, "big": 12345678901234567890}'
    answer = await host.came_to({"file_path": "exit.sh", "argv": ["0", big], "stdin": "in hello"})

    assert answer.outputs == {"output": {"a": 5, "big": 12345678901234567000.0}}
    assert metadata_of(answer) == {
        "error": "",
        "exit_code": "0",
        "output": f"in helloout on stdout\nerr on stderr\n{big}\n",
        "process_state": "exit status 0",
    }


@pytest.mark.parametrize(
    ("configuration", "state", "outputs", "code"),
    [
        ({"argv": ["0", "[1]"]}, "SERVER_ERROR", {}, "0"),
        ({"argv": ["0"]}, "SERVER_ERROR", {}, "0"),
        ({"argv": ["0"], "output_mode": "disabled"}, "", {"output": {}}, "0"),
        ({"argv": ["3", "text"]}, "SERVER_ERROR", {"output": {}}, "3"),
        ({"argv": ["3", '{"a":1}']}, "SERVER_ERROR", {"output": {"a": 1}}, "3"),
        (
            {"argv": ["5"], "exit_codes_unrecoverable": ["1", "2-4"]},
            "SERVER_ERROR",
            {"output": {}},
            "5",
        ),
        (
            {"argv": ["3"], "exit_codes_unrecoverable": ["1", "2-4"]},
            "CLIENT_ERROR",
            {"output": {}},
            "3",
        ),
    ],
)
async def test_end_of_a_script_decides_the_state(
    configuration: dict[str, Json],
    state: str,
    outputs: Mapping[str, Json],
    code: str,
    host: Host,
) -> None:
    answer = await host.came_to({"file_path": "exit.sh", **configuration})

    assert (answer.kind, answer.outputs, metadata_of(answer)["exit_code"]) == (state, outputs, code)


async def test_output_stands_between_its_delimiters(host: Host) -> None:
    given: dict[str, Json] = {
        "file_path": "exit.sh",
        "argv": ["0", 'x BEGIN{"a":1}END y'],
        "output_mode": "manual-delimiters",
        "output_manual_delimiters": ["BEGIN", "END"],
    }

    assert (await host.came_to(given)).outputs == {"output": {"a": 1}}


async def test_script_has_its_variables_and_none_of_the_hosts_own(host: Host) -> None:
    given: dict[str, Json] = {
        "file_path": "env.sh",
        "environment": {"A": True, "B": 1, "FLOE_ATTEMPT": "x"},
    }

    answer = await host.came_to(given, task={"task_id": "t1", "resolution_id": "r1"})

    expected = {"A": "true", "B": "1", "task": "t1", "resolution": "r1", "step": "one", "own": ""}
    assert answer.outputs == {"output": expected}


async def test_script_that_takes_too_long_is_ended_with_all_its_processes(host: Host) -> None:
    mark = host.root / "pid"
    host.put("sleep.sh", f"#!/bin/sh\nsetsid sleep 600 & echo $! >{mark}\nsleep 600\n")

    answer = await host.came_to({"file_path": "sleep.sh", "timeout": "300ms"})

    assert (answer.kind, answer.outputs) == ("SERVER_ERROR", {"output": {}})
    assert metadata_of(answer)["exit_code"] == "-1"
    assert metadata_of(answer)["process_state"] == "signal: killed"
    assert not Path(f"/proc/{mark.read_text().strip()}").exists()


async def test_endless_output_ends_the_script(host: Host) -> None:
    host.put("yes.sh", "#!/bin/sh\nexec yes\n")

    answer = await host.came_to({"file_path": "yes.sh"})

    assert answer.kind == "SERVER_ERROR"
    assert f"printed more than {OUTPUT_BYTES_MAX} bytes" in answer.why
    assert len(metadata_of(answer)["output"]) <= OUTPUT_BYTES_MAX


async def test_output_of_a_script_leaves_no_file(host: Host) -> None:
    job = host.call({"file_path": "exit.sh", "argv": ["0"], "stdin": "secret"})

    await host.came_to({"file_path": "exit.sh", "argv": ["0"], "stdin": "secret"})
    host.commands.preparation.inputs.clear()

    assert [*job.output.parent.iterdir()] == []


@pytest.mark.parametrize(
    "path", ["../out.sh", "link.sh", "none.sh", "plain.txt", "folder", "", "a\0b", "circle"]
)
async def test_only_programs_of_the_folder_run(path: str, host: Host) -> None:
    outside = host.put("out.sh", EXIT, host.root)
    (host.scripts / "link.sh").symlink_to(outside)
    (host.scripts / "circle").symlink_to("circle")
    (host.scripts / "plain.txt").write_text("no program")
    (host.scripts / "folder").mkdir()

    answer = await host.came_to({"file_path": path, "argv": ["0"]})

    assert (answer.kind, answer.outputs) == ("CLIENT_ERROR", {})


def test_script_may_be_a_link_within_the_folder(tmp_path: Path) -> None:
    made = Host(tmp_path)
    (made.scripts / "same.sh").symlink_to("exit.sh")

    assert script_fault(made.scripts, "./same.sh") == ""
    assert script_fault(None, "same.sh")


async def begun(host: Host, text: str) -> tuple[Job, Reports, int]:
    """A script that has begun, and its process; the text is what it does then."""
    up, reported = host.root / "up", Reports()
    os.mkfifo(up)
    host.put("begun.sh", f"#!/bin/sh\necho $$ >{up}\n{text}\n")
    job = host.call({"file_path": "begun.sh"})
    host.calls.start(job, reported)
    host.calls.recorded(job.key)
    return job, reported, int(await asyncio.to_thread(up.read_text))


async def test_script_outlives_a_restart_of_its_host(host: Host) -> None:
    down, found = host.root / "down", Reports()
    os.mkfifo(down)
    said = 'echo "{\\"line\\": \\"$line\\"}"'
    job, before, _ = await begun(host, f"read line <{down}; {said}")

    await host.close()
    await host.open()
    host.calls.start(replace(job, started=True), found)
    host.commands.sweep(frozenset([job.key]))
    await asyncio.to_thread(down.write_text, "hello\n")
    report = await found.report()

    assert isinstance(report, Answered)
    assert report.outputs == {"output": {"line": "hello"}}
    assert before.reports == []


async def test_script_that_is_stopped_leaves_no_process(host: Host) -> None:
    job, reported, pid = await begun(host, "sleep 600")

    host.calls.stop(job.key)
    await reported.report()

    assert not Path(f"/proc/{pid}").exists()


async def test_call_without_its_warden_is_an_error(tmp_path: Path) -> None:
    ground = CallGround(settings={"utask": UtaskCallSettings(scripts=tmp_path)})
    job = a_job(tmp_path, Call(type="utask.script", config={"configuration": {}}))

    answer = await actions_of(ground)["utask.script"](job)

    assert not isinstance(answer, Failed)
    assert answer.kind == "SERVER_ERROR"
