"""Loops and repetitions on a real host: what people see of them, also after a restart."""

import pytest

from tests.acceptance.conftest import HostOf
from tests.acceptance.product import Host, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

CONFIG = """
common: {grace: 0.2}
flows:
  - name: repeated
    triggers: [{name: start, type: data}]
    tasks:
      - name: healthy
        type: exec
        listen: trigger.good
        repeat: {until: outputs.ready == 'yes', every: 0.3, max: 1000}
        opts:
          shell: |
            echo "this is ${FLOE_ATTEMPT##*.}"
            if [ -e WS/ready ]; then echo ready=yes; else echo ready=no; fi >> "$FLOE_OUTPUTS"
      - {name: done, type: end, listen: task.healthy.good}
  - name: slow
    triggers: [{name: start, type: data}]
    tasks:
      - name: healthy
        type: exec
        listen: trigger.good
        repeat: {until: status == 0, every: 1h, max: 3}
        opts: {cmd: 'false'}
  - name: looped
    triggers: [{name: start, type: data}]
    tasks:
      - name: test
        type: exec
        listen: [trigger.good, task.sign-off.good]
        loop: {max: 3}
        opts:
          shell: |
            echo "this is $FLOE_ATTEMPT"
            test -e signed; found=$?; touch signed; exit $found
      - {name: sign-off, type: data, listen: task.test.bad}
      - {name: done, type: end, listen: task.test.good}
"""


def config_in(folder: object) -> str:
    """The config, with a file in this folder to wait for."""
    return CONFIG.replace("WS", str(folder))


@pytest.fixture
def host(host_of: HostOf, tmp_path: object) -> Host:
    return host_of(config_in(tmp_path))


def why(host: Host, run: str) -> str:
    return str(host.api.get(f"runs/{run}/why")["text"])


def test_host_that_restarts_between_repetitions_goes_on_with_the_next(host: Host) -> None:
    run = host.trigger("repeated")
    until(lambda: host.node(run, "healthy").get("attempt", 0) > 2, "a third attempt")

    host.stop()
    (host.folder / "ready").touch()
    host.start()
    shown = host.until_over(run)

    node = host.node(run, "healthy")
    assert (shown["good"], node["outputs"]) == (True, {"ready": "yes"})
    assert [one["attempt"] for one in node["attempts"]] == [*range(1, node["attempt"] + 1)]
    assert host.output(run, "healthy", 2) == b"this is 2\n"


def test_why_names_the_attempt_and_its_condition(host: Host) -> None:
    run = host.trigger("slow")

    host.until_node(run, "healthy", "retrying")

    assert "task.healthy: attempt 2 of 3 at 20" in why(host, run)
    assert why(host, run).endswith(", until status == 0 (the last: exit status 1)")


def test_run_that_waits_for_a_repetition_is_cancelled_at_once(host: Host) -> None:
    run = host.trigger("slow")
    host.until_node(run, "healthy", "retrying")

    host.cancel(run)

    assert host.until_over(run)["result"] == "cancelled"


def test_host_that_restarts_in_a_round_goes_on_with_it(host: Host) -> None:
    run = host.trigger("looped")
    host.until_node(run, "sign-off", "asking")

    host.stop()
    host.start()
    host.give(run, "sign-off")
    shown = host.until_over(run)

    node = host.node(run, "test")
    assert (shown["good"], node["visit"], node["state"]) == (True, 2, "good")
    assert [(one["visit"], one["state"]) for one in node["visits"]] == [(1, "bad")]


def test_output_of_each_visit_stays(host: Host) -> None:
    run = host.trigger("looped")
    host.until_node(run, "sign-off", "asking")
    host.give(run, "sign-off")
    host.until_over(run)

    printed = []
    for visit in (1, 2):
        with host.api.stream(f"runs/{run}/nodes/test/log", visit=visit) as answer:
            printed.append(answer.read())
    assert [text.partition(b".test.")[2] for text in printed] == [b"1.1\n", b"2.1\n"]


def test_graph_of_a_flow_tells_its_loops_and_repetitions(host: Host) -> None:
    flows = {flow: host.api.get(f"flows/{flow}")["graph"]["nodes"] for flow in ("slow", "looped")}

    repeated = next(node for node in flows["slow"] if node["id"] == "healthy")
    head = next(node for node in flows["looped"] if node["id"] == "test")
    assert repeated["repeat"] == {"until": "status == 0", "every_s": 3600.0, "max": 3}
    assert head["loop_max"] == 3
