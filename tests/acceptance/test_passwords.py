"""Passwords in URLs on a real host: not in any answer, command's output, or line of its log."""

from collections.abc import Iterator

import pytest

from tests.acceptance.people import floe, hosted
from tests.acceptance.product import Host

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

SECRET = "s3cretpw"
AT = f"bob:{SECRET}@127.0.0.1:9"
NODES = {
    "load": f"type: fetch, opts: {{url: 'http://{AT}/f?sig={SECRET}'}}",
    "http": f"type: git-checkout, opts: {{url: 'http://{AT}/http.git'}}",
    "ssh": f"type: git-checkout, opts: {{url: 'ssh://{AT}/ssh.git'}}",
    "git": f"type: git-checkout, opts: {{url: 'git://{AT}/git.git'}}",
    "file": f"type: git-checkout, opts: {{url: 'file://{AT}/file.git'}}",
    "short": f"type: git-checkout, opts: {{url: 'bob:{SECRET}@127.0.0.1:short.git'}}",
    "own": f"type: exec, opts: {{cmd: no-such-program http://{AT}/, env: ['A=http://{AT}']}}",
}
TASKS = "\n".join(f"      - {{id: {n}, listen: trigger.good, {t}}}" for n, t in NODES.items())
CONFIG = f"""
flows:
  - id: all
    unheard-bad: hold
    env: ['http_proxy=http://{AT}']
    triggers:
      - {{id: go, type: data, opts: {{url: 'http://{AT}/x.git', branch: main}}}}
      - {{id: look, type: poll-git, opts: {{url: 'http://{AT}/x.git', period: 1}}}}
    tasks:
{TASKS}
  - {{id: url, flow-file: 'http://{AT}/x.yml', triggers: [{{id: go, type: data}}]}}
  - {{id: repo, flow-file: 'http://{AT}/x.git/x.yml', triggers: [{{id: go, type: data}}]}}
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host on which a run of each flow is over."""
    with hosted(tmp_path_factory.mktemp("passwords"), CONFIG) as host:
        for flow in ("all", "url", "repo"):
            host.until_over(host.trigger(flow))
        yield host


def shown(host: Host, *lines: str) -> dict[str, str]:
    """What commands print, with those in which the password is."""
    done = {line: floe(host, *line.split()) for line in lines}
    return {line: one.stdout + one.stderr for line, one in done.items()}


def test_no_command_prints_the_password_of_a_url(host: Host) -> None:
    runs = [run["id"] for run in host.api.get("runs")["runs"]]
    words = ("show", "why", "show --json", "why --json")
    of_runs = [f"{word} {run}" for run in runs for word in words]
    lists = ("runs", "runs --json", "flows", "flows --json", "hosts --json", "check config.yml")

    printed = shown(host, *lists, *of_runs)

    assert any("***@127.0.0.1:9" in text for text in printed.values())
    assert [line for line, text in printed.items() if SECRET in text] == []


def test_no_output_of_a_node_shows_the_password_of_its_url(host: Host) -> None:
    run = host.api.get("runs", flow="all")["runs"][0]["id"]

    outputs = {node: host.output(run, node).decode() for node in NODES}

    assert "***@127.0.0.1:9" in outputs["load"]
    assert [node for node, text in outputs.items() if SECRET in text] == []


def test_run_in_the_terminal_prints_no_password(host: Host) -> None:
    printed = shown(host, "run config.yml --flow all", "run --json config.yml --flow all")

    assert [line for line, text in printed.items() if SECRET in text] == []


def test_log_of_a_host_has_no_password(host: Host) -> None:
    assert "***@127.0.0.1:9" in (text := host.log.read_text())
    assert SECRET not in text
