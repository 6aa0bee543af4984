"""Limits of the machine: a host under few open files goes on, and says what it lacks."""

import json
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.people import floe
from tests.acceptance.product import FLOE, Host

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

PRINT = """
common: {commands: 200}
flows:
  - id: limits
    triggers: [{id: start, type: data}]
    tasks:
      - {id: print, type: exec, listen: trigger.good, opts: {shell: ulimit -S -n; ulimit -H -n}}
"""

HostUnder = Callable[[str], Host]


@pytest.fixture
def host_under(tmp_path: Path) -> Iterator[HostUnder]:
    """Starts the test's host by a shell that has set limits."""
    host = Host(tmp_path, PRINT)

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

    assert (shown["commands"], shown["commands_at_once"]) == (200, (400 - 28) // 3)
    assert shown["commands_why"] == "the limit of open files (400) allows no more"
    assert "124 of 200 commands run at once: the limit of open files (400)" in said
