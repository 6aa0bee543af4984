"""Limits of the machine: a host with few open files goes on, and reports which limit it has met."""

import http.client
import json
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.acceptance.people import floe
from tests.acceptance.product import DEADLINE_S, FLOE, Host, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

FLOWS = """
common: {commands: 200}
flows:
  - id: limits
    triggers: [{id: start, type: data}]
    tasks:
      - {id: print, type: exec, listen: trigger.good, opts: {shell: ulimit -S -n; ulimit -H -n}}
  - id: outputs
    triggers: [{id: start, type: data}]
    tasks:
      - id: write
        type: exec
        listen: trigger.good
        opts: {shell: 'until [ -e $HERE/go ]; do sleep 0.02; done; echo n=7 >> $FLOE_OUTPUTS'}
      - {id: read, type: exec, listen: task.write.good, opts: {shell: 'echo "$FLOE_IN_N"'}}
      - {id: done, type: end, listen: task.read.good}
"""
STRANGERS = 50

HostUnder = Callable[[str], Host]


@pytest.fixture
def host_under(tmp_path: Path) -> Iterator[HostUnder]:
    """Starts the test's host by a shell that has set limits."""
    host = Host(tmp_path, FLOWS)

    def started(limits: str) -> Host:
        host.start(("bash", "-c", f'{limits}; exec "$@"', "-", *FLOE))
        return host

    yield started
    host.close()


def test_host_takes_as_many_open_files_as_it_may_have(host_under: HostUnder) -> None:
    host = host_under("ulimit -S -n 300; ulimit -H -n 2000")
    assert host.process is not None

    assert resource.prlimit(host.process.pid, resource.RLIMIT_NOFILE) == (2000, 2000)


def test_commands_have_the_limit_of_open_files_that_the_host_was_started_with(
    host_under: HostUnder,
) -> None:
    host = host_under("ulimit -S -n 300; ulimit -H -n 2000")
    run = host.trigger("limits")

    host.until_over(run)

    assert host.output(run, "print") == b"300\n2000\n"


def test_hosts_names_the_limit_that_allows_fewer_commands_than_configured(
    host_under: HostUnder,
) -> None:
    host = host_under("ulimit -n 400")

    (shown,) = json.loads(floe(host, "hosts", "--json").stdout)["hosts"]
    said = floe(host, "hosts").stderr

    assert (shown["commands"], shown["commands_at_once"]) == (200, (400 - 29) // 2)
    assert shown["commands_why"] == "the limit of open files (400) allows no more"
    assert "185 of 200 commands run at once: the limit of open files (400)" in said


# --- no open file is left


class Starved:
    """A running host that can open no file, with a connection from before."""

    def __init__(self, host: Host, stack: ExitStack) -> None:
        assert host.process is not None
        self.host = host
        self._pid, self._stack = host.process.pid, stack
        self._limits = resource.prlimit(self._pid, resource.RLIMIT_NOFILE)
        self._address = host.address.split(":")
        self._kept = http.client.HTTPConnection(host.address, timeout=DEADLINE_S)
        stack.callback(self._kept.close)
        self.readyz()
        resource.prlimit(self._pid, resource.RLIMIT_NOFILE, (3, self._limits[1]))

    def readyz(self) -> tuple[int, str]:
        """What the host answers at the connection from before."""
        self._kept.request("GET", "/build/api/readyz")
        with self._kept.getresponse() as answer:
            return answer.status, json.load(answer).get("why", "")

    def knock(self) -> None:
        """Open connections, which wait to be accepted."""
        for _ in range(STRANGERS):
            stranger = socket.create_connection((self._address[0], int(self._address[1])))
            self._stack.enter_context(stranger)

    def feed(self) -> None:
        """Let it open files again."""
        resource.prlimit(self._pid, resource.RLIMIT_NOFILE, self._limits)

    def logged(self, event: str) -> int:
        """How many lines of its log have an event."""
        return self.host.log.read_text().count(f'"event": "{event}"')


@pytest.fixture
def starved(host_under: HostUnder) -> Iterator[Starved]:
    host = host_under("true")
    host.trigger("outputs")
    host.until_node("h1-1", "write", "running")
    with ExitStack() as stack:
        yield Starved(host, stack)


def test_host_without_open_files_is_not_ready_and_names_them(starved: Starved) -> None:
    until(lambda: starved.readyz()[0] == 503, "that it is not ready")

    assert starved.readyz() == (503, "has 0 of 3 open files left")


def test_connections_without_open_files_cost_one_line_in_the_log(starved: Starved) -> None:
    starved.knock()
    until(lambda: starved.readyz()[0] == 503, "a few seconds of it")

    assert (starved.logged("server.cannot_accept"), starved.logged("asyncio")) == (1, 0)
    assert "Traceback" not in starved.host.log.read_text()


def test_host_accepts_again_by_itself_when_there_are_open_files(starved: Starved) -> None:
    starved.knock()
    until(lambda: starved.logged("server.cannot_accept"), "that it cannot accept")

    starved.feed()

    until(starved.host.is_ready, "that it is ready")


def test_outputs_of_a_command_that_ended_without_open_files_are_read_later(
    starved: Starved,
) -> None:
    (starved.host.folder / "go").touch()
    until(lambda: not starved.host.processes(), "the end of the command")
    until(lambda: starved.readyz()[0] == 503, "that the host has heard of it")

    starved.feed()

    assert starved.host.until_over("h1-1")["good"]
    assert starved.host.output("h1-1", "read") == b"7\n"
