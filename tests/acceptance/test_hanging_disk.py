"""A file system that stops answering: only what needs it waits, and it continues by itself."""

from pathlib import Path

import pytest

from floe.model.errors import Theirs
from tests.acceptance.hanging_disk import on_hanging_disk
from tests.acceptance.product import Host, until
from tests.make_warden import is_alive, pids_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

ANY = "triggers: [{id: start, type: data}]"

PRINTS = "echo $$ > $HERE/pid; until [ -e $HERE/go ]; do sleep 0.05; done; seq 100000"
"""The number of the process, and much output once a file exists: more than a pipe holds."""

CONFIG = f"""
common: {{grace: 0.5}}
flows:
  - id: far
    reuse-space: true
    {ANY}
    tasks: [{{id: a, type: exec, listen: trigger.good, opts: {{cmd: echo far}}}}]
  - id: linked
    {ANY}
    tasks:
      - {{id: link, type: exec, listen: trigger.good, opts: {{cmd: ln -s $HERE/disk there}}}}
      - {{id: a, type: exec, listen: task.link.good, opts: {{cmd: there/tool}}}}
  - id: near
    {ANY}
    tasks: [{{id: a, type: exec, listen: trigger.good, opts: {{cmd: echo near}}}}]
  - id: prints
    {ANY}
    tasks: [{{id: a, type: exec, listen: trigger.good, opts: {{shell: "{PRINTS}"}}}}]
  - id: filed
    flow-file: $HERE/disk/flow.yml
    {ANY}
"""

FLOW_FILE = "tasks: [{id: a, type: exec, listen: trigger.good, opts: {cmd: echo filed}}]\n"
RUNS = 6
"""More runs than a file system has threads."""


def why_ready(host: Host) -> str:
    """The sentence beside `ok`; empty for none."""
    return str(host.api.get("readyz").get("why", ""))


def why(host: Host, run: str) -> str:
    """Why a run waits."""
    return str(host.api.get(f"runs/{run}/why")["text"])


def pid_of(folder: Path) -> int:
    """The process of a `prints` that runs."""
    until(lambda: pids_in(folder / "pid"), "that it runs")
    return pids_in(folder / "pid")[0]


def test_runs_whose_workspace_hangs_wait_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "root/spaces").mkdir(parents=True, mode=0o700)
    (tmp_path / "root/spaces/.floe-spaces").touch()
    with on_hanging_disk(tmp_path, CONFIG, "root/spaces/far") as (host, disk):
        before = host.until_over(host.trigger("far"))

        disk.stop()
        far = [host.trigger("far") for _ in range(RUNS)]
        near = [host.until_over(host.trigger("near"))["good"] for _ in range(RUNS)]
        hangs = f"waits for the file system at {disk.place}, which has not answered since"
        until(lambda: hangs in why_ready(host), "that the host names it")
        until(lambda: hangs in why(host, far[0]), "why a run waits")
        problems = host.api.get("hosts")["hosts"][0]["problems"]
        host.cancel(far.pop())
        disk.go_on()

        assert before["good"]
        assert near == [True] * RUNS
        assert [problem for problem in problems if hangs in problem]
        assert [host.until_over(run)["good"] for run in far] == [True] * len(far)
        until(lambda: why_ready(host) == "", "that it is over")
        assert "Traceback" not in host.log.read_text()


def test_program_behind_a_link_that_hangs_stops_no_other_command(tmp_path: Path) -> None:
    with on_hanging_disk(tmp_path, CONFIG, "disk") as (host, disk):
        (tmp_path / "source/tool").write_text("#!/bin/sh\necho tool\n")
        (tmp_path / "source/tool").chmod(0o755)

        disk.stop()
        run = host.trigger("linked")
        until(lambda: f"the file system at {disk.place}" in why(host, run), "why it waits")
        near = host.until_over(host.trigger("near"))
        disk.go_on()

        assert near["good"]
        assert host.until_over(run)["good"]
        assert host.output(run, "a") == b"tool\n"


def test_run_waits_for_a_flow_file_that_hangs(tmp_path: Path) -> None:
    with on_hanging_disk(tmp_path, CONFIG, "disk") as (host, disk):
        (tmp_path / "source/flow.yml").write_text(FLOW_FILE)

        disk.stop()
        runs = [host.trigger("filed") for _ in range(RUNS)]
        until(lambda: f"the file system at {disk.place}" in why(host, runs[0]), "why it waits")
        near = host.until_over(host.trigger("near"))
        output = host.output(near["id"], "a")
        disk.go_on()

        assert near["good"]
        assert output == b"near\n"
        assert [host.until_over(run)["good"] for run in runs] == [True] * RUNS


def test_output_that_hangs_is_refused_and_everything_else_answers(tmp_path: Path) -> None:
    with on_hanging_disk(tmp_path, CONFIG, "root/runs") as (host, disk):
        run = host.until_over(host.trigger("near"))["id"]

        disk.stop()
        with pytest.raises(Theirs, match="which has not answered since"):
            host.output(run, "a")
        listed = [row["id"] for row in host.api.get("runs")["runs"]]
        waiting = until(lambda: not host.is_ready(), "that it takes no run")
        disk.go_on()

        assert (listed, waiting) == ([run], True)
        until(lambda: host.is_ready() and why_ready(host) == "", "that it is over")
        assert host.output(run, "a") == b"near\n"
        assert host.until_over(host.trigger("near"))["good"]


def test_command_whose_output_hangs_can_be_stopped(tmp_path: Path) -> None:
    with on_hanging_disk(tmp_path, CONFIG, "root/runs") as (host, disk):
        run = host.trigger("prints")
        pid = pid_of(tmp_path)

        disk.stop()
        (tmp_path / "go").touch()
        hangs = f"waits for the file system at {disk.place}, which has not answered since"
        until(lambda: hangs in why(host, run), "why it waits")
        until(lambda: hangs in why_ready(host), "that the host names it")
        host.cancel(run)
        until(lambda: not is_alive(pid), "that the command is stopped")
        disk.go_on()

        assert host.until_over(run)["phase"] == "packed"
        until(lambda: host.is_ready() and why_ready(host) == "", "that it is over")
        again = host.until_over(host.trigger("prints"))["id"]
        assert host.output(again, "a").decode() == "".join(f"{n}\n" for n in range(1, 100_001))


def test_root_that_hangs_is_named_and_continues(tmp_path: Path) -> None:
    with on_hanging_disk(tmp_path, CONFIG, "root") as (host, disk):
        before = host.until_over(host.trigger("near"))

        disk.stop()
        until(lambda: not host.is_ready(), "that it takes no run")
        problems = host.api.get("hosts")["hosts"][0]["problems"]
        disk.go_on()

        assert before["good"]
        assert [p for p in problems if "waits for the file system of its root" in p]
        until(lambda: host.is_ready() and why_ready(host) == "", "that it is over")
        assert host.until_over(host.trigger("near"))["good"]
