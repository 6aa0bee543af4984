"""However a run ends, and wherever it is: no process of it is left, and nothing of it begins."""

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from floe.model.errors import Conflict
from tests.acceptance.product import Host, Shape, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

ESCAPES = {
    "children": (2, "stay & (stay; true) & wait"),
    "background job": (2, "stay & disown; stay"),
    "setsid escapee": (2, "setsid bash -c stay & stay"),
    "ignored TERM": (1, "trap '' TERM; stay & while :; do sleep 300; done"),
    "double fork": (2, "(setsid bash -c 'setsid bash -c stay & exit' &); stay"),
    "stopped child": (
        2,
        "stay & until grep -q tail /proc/$!/comm; do :; done; kill -STOP $!; stay",
    ),
    "stopped leader": (1, "stay & kill -STOP $$"),
    "cleared environment": (2, "env -i PATH=$PATH setsid tail -f $FOREVER & stay"),
    "nohup": (2, "nohup bash -c stay >/dev/null 2>&1 & stay"),
}
"""How commands try to outlive their end, and how many of them `stay`, which never ends."""

LIMIT_S = 10
"""Enough for a busy machine to start all that is to be ended then."""


def flows() -> Iterator[str]:
    """A flow for each escape and each way of ending but those by time."""
    for number, (_, script) in enumerate(ESCAPES.values()):
        yield flow(f"cancel-{number}", script)
        yield flow(f"exit-{number}", f"({script}) & until [ -e $HERE/let-go ]; do sleep 0.02; done")


def limited_flows() -> Iterator[str]:
    """A flow for each escape and each kind of time limit."""
    for number, (_, script) in enumerate(ESCAPES.values()):
        yield flow(f"timeout-{number}", script, node=f"timeout: {LIMIT_S}")
        yield flow(f"limit-{number}", script, run=f"timeout: {LIMIT_S}")


def flow(id: str, script: str, node: str = "", run: str = "") -> str:
    return f"""
  - id: {id}
    {run}
    env: ['HERE=$HERE', 'FOREVER=$HERE/forever-{id}', 'BASH_ENV=$HERE/stay.sh']
    triggers: [{{name: start, type: data}}]
    tasks:
      - id: command
        type: exec
        listen: trigger.good
        {node}
        opts:
          shell: |
            {script}
"""


CONFIG = """
common: {grace: 0.2, commands: 1}
flows:
  - id: begins
    env: ['HERE=$HERE']
    triggers: [{name: start, type: data}]
    tasks:
      - id: command
        type: exec
        listen: trigger.good
        opts: {shell: 'echo $FLOE_RUN >> "$HERE/began"'}
  - id: fails
    env: ['HERE=$HERE']
    triggers: [{name: start, type: data}]
    tasks:
      - id: command
        type: exec
        listen: trigger.good
        retry: {max: 1, backoff: 1h}
        opts: {shell: 'echo $FLOE_RUN >> "$HERE/began"; exit 1'}
  - id: asks
    triggers: [{name: start, type: data}]
    tasks: [{id: command, type: data, listen: trigger.good}]
  - id: waits
    triggers: [{name: start, type: data}]
    tasks: [{id: command, type: timer, listen: trigger.good, opts: {period: 1h}}]
  - id: reads
    triggers: [{name: start, type: data}]
    flow-file: http://SILENT/flow.yml
  - id: fetches
    triggers: [{name: start, type: data}]
    tasks: [{id: command, type: fetch, listen: trigger.good, opts: {url: 'http://SILENT/file'}}]
  - id: nowhere
    host-tags: [of-another-host]
    triggers: [{name: start, type: data}]
    tasks: [{id: command, type: exec, listen: trigger.good, opts: {cmd: 'true'}}]
"""

STAY = """
stay() { exec tail -f "$FOREVER"; }
export -f stay
"""


def folder_for(escapes: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what these flows need."""
    folder = tmp_path_factory.mktemp("cancel")
    (folder / "stay.sh").write_text(STAY)
    for id in re.findall("FOREVER=.HERE/(forever-[a-z0-9-]+)", escapes):
        (folder / id).touch()
    return folder


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """One host for all tests of this file; it carries out one command at a time."""
    escapes = "".join(flows())
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        folder = folder_for(escapes, tmp_path_factory)
        host = Host(folder, CONFIG.replace("SILENT", address) + escapes)
        try:
            host.start()
            yield host
        finally:
            host.close()


def watching(host: Host, flow: str = "") -> set[int]:
    """What stays, of one flow or of all, whatever its environment is: by the file it watches."""
    file = f"{host.folder}/forever-{flow}" + ("\0" if flow else "")
    found = set()
    # A longer pattern would look into a process that may be gone by then.
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if file.encode() in (process / "cmdline").read_bytes():
                found.add(int(process.name))
    return found


def check_nothing_is_left(host: Host, run: str) -> Shape:
    """The run is over and so are its processes; the run."""
    over = host.until_over(run)

    assert host.processes() == {}
    assert watching(host) == set()
    return over


def begun(host: Host, ending: str, escape: str) -> str:
    """A run whose command has started all that it leaves behind."""
    number, (count, _) = list(ESCAPES).index(escape), ESCAPES[escape]
    run = host.trigger(f"{ending}-{number}")
    until(lambda: len(watching(host)) == count, f"{count} processes of {escape}")
    return run


@pytest.mark.parametrize("escape", ESCAPES)
def test_cancel_leaves_no_process(host: Host, escape: str) -> None:
    run = begun(host, "cancel", escape)

    host.cancel(run)

    assert "cancelled" in check_nothing_is_left(host, run)["why"]
    assert host.node(run, "command")["state"] == "stopped"


Over = dict[str, tuple[Shape, set[int]]]
"""By flow: its run as it ended, and what was left of it."""


@pytest.fixture(scope="module")
def over(tmp_path_factory: pytest.TempPathFactory) -> Over:
    """Runs of all that is ended by time, at once: one by one they would take a while."""
    escapes = "".join(limited_flows())
    config = f"common: {{grace: 0.2, commands: {2 * len(ESCAPES)}}}\nflows:{escapes}"
    host = Host(folder_for(escapes, tmp_path_factory), config)
    counts = [count for count, _ in ESCAPES.values()]
    staying = {f"{end}-{n}": c for end in ("timeout", "limit") for n, c in enumerate(counts)}
    try:
        host.start()
        runs = {flow: host.trigger(flow) for flow in staying}
        for flow, count in staying.items():
            until(lambda: len(watching(host, flow)) == count, f"{count} processes of {flow}")  # noqa: B023 - called here and now
        ended = {flow: host.until_over(run) for flow, run in runs.items()}
        found = {flow: (run, watching(host, flow)) for flow, run in ended.items()}
        assert host.processes() == {}
        return found
    finally:
        host.close()


@pytest.mark.parametrize("escape", ESCAPES)
def test_timeout_of_a_node_leaves_no_process(over: Over, escape: str) -> None:
    run, left = over[f"timeout-{list(ESCAPES).index(escape)}"]

    assert left == set()
    assert run["nodes"][0]["tag"] == "task.command.error"


@pytest.mark.parametrize("escape", ESCAPES)
def test_time_limit_of_a_run_leaves_no_process(over: Over, escape: str) -> None:
    run, left = over[f"limit-{list(ESCAPES).index(escape)}"]

    assert left == set()
    assert run["nodes"][0]["state"] == "stopped"


@pytest.mark.parametrize("escape", [name for name in ESCAPES if name != "stopped leader"])
def test_command_that_ends_leaves_no_process(host: Host, escape: str) -> None:
    let_go = host.folder / "let-go"
    run = begun(host, "exit", escape)

    let_go.touch()
    over = check_nothing_is_left(host, run)
    let_go.unlink()

    assert over["good"], over["why"]
    assert host.node(run, "command")["status"] == 0


@pytest.mark.parametrize(
    ("flow", "state"),
    [
        ("fails", "retrying"),
        ("asks", "asking"),
        ("fetches", "running"),
    ],
)
def test_run_that_waits_is_cancelled(host: Host, flow: str, state: str) -> None:
    run = host.trigger(flow)
    host.until_node(run, "command", state)

    host.cancel(run)

    check_nothing_is_left(host, run)
    assert host.node(run, "command")["state"] == "stopped"
    assert "RetryDue" not in host.events(run)


def test_timer_task_is_cancelled(host: Host) -> None:
    run = host.trigger("waits")
    until(lambda: "NodeEntered" in host.events(run), "the timer")

    host.cancel(run)

    check_nothing_is_left(host, run)


@pytest.mark.parametrize(("flow", "phase"), [("reads", "reading"), ("nowhere", "pending")])
def test_run_that_never_began_is_cancelled(host: Host, flow: str, phase: str) -> None:
    run = host.trigger(flow)
    assert host.show(run)["phase"] == phase

    host.cancel(run)

    check_nothing_is_left(host, run)
    assert "NodeEntered" not in host.events(run)


def test_command_in_the_queue_is_cancelled_and_never_starts(host: Host) -> None:
    first = begun(host, "cancel", "children")
    second = host.trigger("begins")
    host.until_node(second, "command", "queued")

    host.cancel(second)
    host.until_over(second)
    host.cancel(first)
    check_nothing_is_left(host, first)
    third = host.trigger("begins")
    host.until_over(third)

    assert (host.folder / "began").read_text().split()[-1] == third
    assert second not in (host.folder / "began").read_text().split()


def test_open_form_of_a_cancelled_run_takes_no_answer(host: Host) -> None:
    run = host.trigger("asks")
    host.until_node(run, "command", "asking")

    host.cancel(run)

    with pytest.raises(Conflict, match="not open any more"):
        host.give(run, "command")


def test_second_cancel_reports_the_first(host: Host) -> None:
    run = begun(host, "cancel", "ignored TERM")

    host.cancel(run, "once")
    host.cancel(run, "once")
    with pytest.raises(Conflict):
        host.cancel(run, "twice")

    check_nothing_is_left(host, run)
    with pytest.raises(Conflict):
        host.cancel(run)
    assert host.events(run).count("CancelAsked") == 1


@pytest.mark.parametrize("end", [Host.kill, Host.stop])
def test_cancel_goes_on_when_the_host_is_started_again(
    host: Host, end: Callable[[Host], None]
) -> None:
    run = begun(host, "cancel", "ignored TERM")

    host.cancel(run)
    end(host)
    host.start()

    assert "cancelled" in check_nothing_is_left(host, run)["why"]
    assert host.node(run, "command")["state"] == "stopped"
