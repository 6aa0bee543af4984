"""Runs that a person starts again, on a real host with real commands."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.people import floe
from tests.acceptance.product import Host

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

CONFIG = """
flows:
  - name: ci
    triggers: [{name: start, type: data, opts: {form: {fields: [{id: fixed, type: bool}]}}}]
    tasks:
      - name: build
        type: exec
        listen: trigger.good
        opts: {shell: 'echo "$FLOE_RUN" > built; echo "url=of-$FLOE_RUN" >> "$FLOE_OUTPUTS"'}
      - name: test
        type: exec
        listen: task.build.good
        opts: {shell: 'echo "$FLOE_IN_URL" "$(cat built)"; [ "$FLOE_IN_FIXED" = true ]'}
      - {name: done, type: end, listen: task.test.good}
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    host = Host(tmp_path_factory.mktemp("reruns"), CONFIG)
    host.start()
    yield host
    host.close()


@pytest.fixture
def failed(host: Host) -> str:
    """A run whose test failed after a good build."""
    run = host.trigger("ci", fixed=False)
    host.until_over(run)
    return run


def test_failed_node_runs_again_in_the_workspace_of_the_earlier_run(
    host: Host, failed: str
) -> None:
    again = host.rerun(failed, failed=True, values={"fixed": True})

    assert host.until_over(again)["good"]
    assert host.output(again, "test").decode() == f"of-{failed} {failed}\n"
    assert not Path(host.show(failed)["workspace"]).exists()


def test_whole_run_starts_again_with_its_values(host: Host, failed: str) -> None:
    again = host.rerun(failed)

    assert not host.until_over(again)["good"]
    assert host.show(again)["values"] == {"fixed": False}
    assert host.output(again, "test").decode() == f"of-{again} {again}\n"


def test_second_re_run_starts_with_an_empty_workspace_and_its_plan_reports_it(
    host: Host, failed: str
) -> None:
    first = host.rerun(failed, failed=True)
    host.until_over(first)

    plan = host.api.get(f"runs/{failed}/rerun", failed="true")
    again = host.rerun(failed, failed="true")
    host.until_over(again)

    assert plan["workspace"] == {
        "host": None,
        "why_empty": f"it was moved to {first}",
    }
    assert b"No such file" in host.output(again, "test")
    assert host.show(failed)["moved_to"] == first


def test_a_dry_run_refuses_values_that_the_re_run_would_refuse(host: Host, failed: str) -> None:
    refused = floe(host, "rerun", failed, "--dry-run", "-d", "fixed=perhaps")

    assert refused.returncode == 2
    assert "fixed: true or false is expected" in refused.stderr


def test_a_dry_run_with_values_shows_the_plan_and_starts_nothing(host: Host, failed: str) -> None:
    shown = floe(host, "rerun", failed, "--dry-run", "-d", "fixed=true")

    assert "runs again: task.build, task.test" in shown.stdout
    assert host.api.get("runs")["runs"][0]["id"] == failed
