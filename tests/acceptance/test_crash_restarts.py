"""Death of host and warden while commands run: what is known afterwards, and what is left."""

import http.client
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from floe.model.errors import NotFound, Theirs
from tests.acceptance.conftest import HostOf
from tests.acceptance.product import DEADLINE_S, Host, until
from tests.make_warden import is_alive, warden_pid

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

CONFIG = """
common: {grace: 0.3}
flows:
  - name: work
    env: ['HERE=$HERE']
    triggers: [{name: start, type: data}]
    tasks:
      - name: slow
        type: exec
        listen: trigger.good
        on-lost: ON-LOST
        use-status: true
        opts:
          shell: |
            for pid in $(cat "$HERE/pids" 2>/dev/null); do
              [ -e "/proc/$pid/exe" ] && { echo "$pid is still there"; exit 9; }
            done
            setsid sleep 300 & echo $! >> "$HERE/pids"
            echo $$ >> "$HERE/pids"
            echo "$FLOE_ATTEMPT" >> "$HERE/starts"
            echo before
            until [ -e "$HERE/go" ]; do sleep 0.02; done
            echo after
            exit 42
      - {name: noticed, type: exec, listen: task.slow.42, opts: {cmd: echo noticed}}
      - {name: done, type: end, listen: task.noticed.good}
  - name: limited
    triggers: [{name: start, type: data}]
    tasks:
      - {name: long, type: exec, listen: trigger.good, timeout: LIMIT, opts: {cmd: sleep 300}}
  - name: short
    timeout: LIMIT
    triggers: [{name: start, type: data}]
    tasks:
      - {name: long, type: exec, listen: trigger.good, opts: {cmd: sleep 300}}
  - name: asking
    triggers: [{name: start, type: data}]
    tasks:
      - name: ask
        type: data
        listen: trigger.good
        opts: {form: {fields: [{id: answer}]}}
      - {name: done, type: end, listen: task.ask.good}
"""
LIMIT_S = 4
"""Enough for a busy host to be seen running a command, and to be ended, before the time is up."""

FAIL = CONFIG.replace("LIMIT", str(LIMIT_S)).replace("ON-LOST", "fail")
RETRY = FAIL.replace("on-lost: fail", "on-lost: retry")

ends_of_a_host = pytest.mark.parametrize("end", [Host.kill, Host.stop])
End = Callable[[Host], None]


def started(host: Host, flow: str = "work", node: str = "slow") -> str:
    """A run whose command runs."""
    run = host.trigger(flow)
    host.until_node(run, node, "running")
    if flow == "work":
        until(lambda: host.output(run, "slow") == b"before\n", "the command's first line")
    return run


def let_go(host: Host) -> None:
    """Let the command go on to its end."""
    (host.folder / "go").touch()


def starts(host: Host) -> list[str]:
    """The attempts that began, as their commands wrote it down: `node.visit.attempt`."""
    lines = (host.folder / "starts").read_text().splitlines()
    return [".".join(line.rsplit(".", 3)[1:]) for line in lines]


def pids(host: Host) -> list[int]:
    """The processes of all attempts."""
    return [int(pid) for pid in (host.folder / "pids").read_text().split()]


def check_ended_as_if_nothing_had_been(host: Host, run: str) -> None:
    """The run of `work` is over, and good, by its one attempt."""
    over = host.until_over(run)

    assert over["good"], over["why"]
    assert host.node(run, "slow")["status"] == 42
    assert host.output(run, "slow") == b"before\nafter\n"
    assert host.output(run, "noticed") == b"noticed\n"
    assert starts(host) == ["slow.1.1"]
    assert host.processes() == {}
    host.stop()
    host.stored()


@ends_of_a_host
def test_command_runs_on_while_its_host_is_started_again(host_of: HostOf, end: End) -> None:
    host = host_of(FAIL)
    run = started(host)

    end(host)
    host.start()
    let_go(host)

    check_ended_as_if_nothing_had_been(host, run)


@ends_of_a_host
def test_exit_code_is_known_of_a_command_that_ended_without_a_host(
    host_of: HostOf, end: End
) -> None:
    host = host_of(FAIL)
    run = started(host)

    end(host)
    let_go(host)
    until(lambda: not host.processes(), "the command's end")
    host.start()

    check_ended_as_if_nothing_had_been(host, run)


@ends_of_a_host
def test_time_limit_of_a_command_needs_no_host(host_of: HostOf, end: End) -> None:
    host = host_of(FAIL)
    run = started(host, "limited", "long")

    end(host)
    until(lambda: not host.processes(), "the command's end")
    host.start()

    assert host.until_over(run)["why"].startswith("long failed: timed out")
    assert f"not finished after {LIMIT_S} s" in host.node(run, "long")["why"]


@ends_of_a_host
def test_run_whose_time_was_up_while_no_host_was_there_ends(host_of: HostOf, end: End) -> None:
    host = host_of(FAIL)
    run = started(host, "short", "long")
    up_at = time.time() + LIMIT_S

    end(host)
    until(lambda: time.time() > up_at, "the end of the run's time")
    host.start()

    assert not host.until_over(run)["good"]
    assert host.node(run, "long")["state"] == "stopped"
    assert host.processes() == {}


@ends_of_a_host
def test_open_form_is_answered_after_a_restart(host_of: HostOf, end: End) -> None:
    host = host_of(FAIL)
    run = host.trigger("asking")
    host.until_node(run, "ask", "asking")

    end(host)
    host.start()
    host.give(run, "ask", answer="yes")

    assert host.until_over(run)["good"]
    assert host.node(run, "ask")["outputs"] == {"answer": "yes"}


def test_attempt_is_lost_with_its_warden(host_of: HostOf) -> None:
    host = host_of(FAIL)
    run = started(host)

    host.kill_warden()
    over = host.until_over(run)

    slow = host.node(run, "slow")
    assert not over["good"]
    assert (slow["tag"], slow["status"]) == ("task.slow.error", None)
    assert "its warden died" in slow["why"]
    assert not any(is_alive(pid) for pid in pids(host))
    assert starts(host) == ["slow.1.1"]


def test_lost_attempt_is_tried_again_when_nothing_of_it_is_left(host_of: HostOf) -> None:
    host = host_of(RETRY)
    run = started(host)

    host.kill_warden()
    until(lambda: starts(host) == ["slow.1.1", "slow.1.2"], "the next attempt")
    let_go(host)
    over = host.until_over(run)

    assert over["good"], over["why"]
    assert host.output(run, "slow", 1) == b"before\n"
    assert host.output(run, "slow", 2) == b"before\nafter\n"
    assert not any(is_alive(pid) for pid in pids(host))


@pytest.mark.parametrize("config", [FAIL, RETRY], ids=["fail", "retry"])
def test_host_and_warden_die_at_once(host_of: HostOf, config: str) -> None:
    host = host_of(config)
    run = started(host)
    assert host.process is not None

    os.kill(warden_pid(host.root), signal.SIGKILL)
    host.kill()
    let_go(host)
    host.start()
    over = host.until_over(run)

    assert over["good"] == (config == RETRY), over["why"]
    assert starts(host) == ["slow.1.1", "slow.1.2"][: 1 + (config == RETRY)]
    assert not any(is_alive(pid) for pid in pids(host))
    host.stop()
    host.stored()


def test_idle_warden_that_was_killed_is_replaced(host_of: HostOf) -> None:
    host = host_of(FAIL)
    let_go(host)

    host.kill_warden()
    run = host.trigger("work")

    assert host.until_over(run)["good"]


def readiness(host: Host) -> tuple[int, Any]:
    """What a host says of itself to whoever asks."""
    with closing(http.client.HTTPConnection(host.address, timeout=DEADLINE_S)) as connection:
        connection.request("GET", "/build/api/readyz")
        answer = connection.getresponse()
        return answer.status, json.load(answer)


def test_host_that_cannot_start_commands_is_not_ready_until_it_can(host_of: HostOf) -> None:
    host = host_of(FAIL)
    let_go(host)
    place, pid = host.root / "warden", warden_pid(host.root)
    place.rename(host.root / "away")
    place.write_text("in the way of the next one")

    os.kill(pid, signal.SIGKILL)
    until(lambda: not host.is_ready(), "that it says so")
    status, said = readiness(host)
    run = host.trigger("work")
    place.unlink()
    (host.root / "away").rename(place)

    assert (status, said["ok"]) == (503, False)
    assert "commands cannot be started" in said["why"]
    assert host.until_over(run)["good"]
    assert host.is_ready()


WITH_A_BUG = """
import sys
from floe.cli import main
from floe.hub.loop import Loop

async def take(loop, words, take=Loop._take):
    if any(type(said.input).__name__ == "Cancel" for said in words):
        raise RuntimeError("what nobody thought of")
    await take(loop, words)

Loop._take = take
sys.argv = ["floe", "host"]
main()
"""


def test_host_with_a_bug_reports_it_in_one_line_and_ends_and_its_commands_go_on(
    host_of: HostOf,
) -> None:
    host = host_of(FAIL)
    host.stop()
    host.start((sys.executable, "-c", WITH_A_BUG))
    run = started(host)
    assert host.process is not None
    before = len(host.log.read_text())

    with pytest.raises(Theirs):
        host.cancel(run)
    status = host.process.wait(DEADLINE_S)
    lines = [json.loads(line) for line in host.log.read_text()[before:].splitlines()]
    host.start()
    let_go(host)

    (failed,) = [line for line in lines if line["level"] == "error"]
    assert (status, failed["event"]) == (1, "host.failed")
    assert "what nobody thought of" in failed["error"]
    assert "Traceback" in failed["exception"]
    check_ended_as_if_nothing_had_been(host, run)


@ends_of_a_host
def test_host_that_keeps_runs_in_memory_reports_it_and_leaves_nothing_behind(
    host_of: HostOf, end: End
) -> None:
    host = host_of(FAIL.replace("common: {", "common: {store-type: memory, "))
    run = started(host)

    end(host)
    host.start()
    until(lambda: not host.processes(), "the end of a command whose run is forgotten")

    with pytest.raises(NotFound):
        host.show(run)
    assert "store.in_memory" in host.log.read_text()
