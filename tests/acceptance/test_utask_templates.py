"""uTask's templates on a host: started by their forms, seen as runs, read again at a reload."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from floe.cli.client import Account, Client
from floe.model.errors import Conflict, Yours
from tests.acceptance.conftest import HostOf
from tests.acceptance.product import TOKEN, Host, until

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "configs/examples"
DEPLOY = """
name: deploy
description: Deploy a service
title_format: Deploy {{.input.service}}
inputs: [{name: service}, {name: size, type: number, legal_values: [1, 2]}]
resolver_inputs: [{name: reason, regex: '^[a-z ]+$'}]
steps:
  ask:
    action: {type: echo, configuration: {output: {}, error_message: not yet, error_type: client}}
"""


@pytest.fixture
def host(host_of: HostOf, tmp_path: Path) -> Host:
    """A host with the example of the documentation, beside its config."""
    shutil.copytree(EXAMPLES / "utask", tmp_path / "utask")
    (tmp_path / "utask/templates/deploy.yaml").write_text(DEPLOY)
    return host_of((EXAMPLES / "utask.yml").read_text())


def test_a_template_is_started_by_its_form_and_seen_as_a_run(host: Host) -> None:
    run = host.until_over(host.trigger("utask-greeting", who="Ada", loudly=True))

    assert (run["good"], run["label"], run["title"]) == (True, "DONE", "Greet Ada")
    nodes = {node["name"]: node for node in run["nodes"]}
    assert (nodes["when"]["label"], nodes["greet"]["label"]) == ("DONE", "LOUD")
    assert nodes["greet"]["why"] == "it was loud"
    assert nodes["greet"]["outputs"]["output"]["text"].startswith("Hello Ada, it is ")


def test_a_task_with_a_resolver_is_created_and_resolved_at_once(host: Host) -> None:
    run = blocked(host)

    shown = host.show(run)
    assert shown["values"]["input"] == {"service": "api", "size": 2}
    assert (shown["nodes"][0]["state"], shown["nodes"][0]["label"]) == ("bad", "CLIENT_ERROR")
    assert "BLOCKED_BADREQUEST" in host.api.get(f"runs/{run}/why")["text"]


@pytest.mark.parametrize(
    "values",
    [
        {"service": "api", "size": "2"},
        {"service": "api", "size": "3", "reason": "x"},
        {"service": 'a"b', "size": "2", "reason": "x"},
        {"service": "api", "size": "2", "reason": "X"},
    ],
)
def test_wrong_values_start_nothing(host: Host, values: dict[str, str]) -> None:
    with pytest.raises(Yours):
        host.trigger("utask-deploy", **values)

    assert host.api.get("runs")["runs"] == []


def test_a_second_request_with_the_same_key_starts_no_second_task(host: Host) -> None:
    first = host.trigger("utask-greeting", once="k", who="Ada")
    assert host.trigger("utask-greeting", once="k", who="Ada") == first


def blocked(host: Host) -> str:
    """A task that rests after its first pass."""
    run = host.trigger("utask-deploy", service="api", size="2", reason="we need it")
    until(lambda: host.show(run)["label"] == "BLOCKED", "a blocked task")
    return run


def test_a_person_begins_the_next_pass_of_a_blocked_task_once(host: Host) -> None:
    run = blocked(host)

    for _ in range(2):
        host.api.post(f"runs/{run}/pass", {"why": "mended"}, "k")
    until(lambda: host.show(run)["phase"] == "resting", "the end of the pass")

    assert host.show(run)["passes"] == 2


def test_a_task_that_no_longer_fits_its_changed_template_is_for_a_person(host: Host) -> None:
    run = blocked(host)
    changed = DEPLOY.replace("inputs: [", "inputs: [{name: region}, ", 1)
    (host.folder / "utask/templates/deploy.yaml").write_text(changed)
    host.api.post("hosts/h1/reload", {})

    host.api.post(f"runs/{run}/pass", {})

    until(lambda: host.show(run)["passes"] == 2, "the second pass")
    until(lambda: host.show(run)["phase"] == "resting", "its end")
    text = host.api.get(f"runs/{run}/why")["text"]
    assert "BLOCKED_TOCHECK (the template has changed" in text
    assert "Missing input 'region'" in text
    assert "A person has to check it" in host.api.get(f"runs/{run}/acts")["hint"]


def test_a_blocked_task_is_cancelled(host: Host) -> None:
    run = blocked(host)

    host.cancel(run)

    assert host.until_over(run)["label"] == "CANCELLED"


def test_a_task_that_is_not_resolved_has_no_next_pass(host: Host) -> None:
    values = {"service": "api", "size": 2}
    with closing(Client(Account(url=f"http://{host.address}/utask", token=TOKEN))) as utask:
        utask.post("task", {"template_name": "deploy", "input": values})
    (run,) = host.api.get("runs")["runs"]

    with pytest.raises(Conflict, match="has had no pass yet"):
        host.api.post(f"runs/{run['id']}/pass", {})

    assert run["label"] == "TODO"


def test_a_reload_reads_templates_again_and_keeps_what_is_bad_now(host: Host) -> None:
    for name, text in (
        ("new", DEPLOY.replace("name: deploy", "name: new")),
        ("greeting", "name: ["),
    ):
        (host.folder / f"utask/templates/{name}.yaml").write_text(text)

    host.api.post("hosts/h1/reload", {})

    shown = host.api.get("flows")
    assert [flow["id"] for flow in shown["flows"]] == [
        *("utask-deploy", "utask-new", "utask-greeting"),
    ]
    (finding,) = shown["findings"]
    assert finding["file"].endswith("greeting.yaml")
    assert "stays as it was before" in finding["hint"]
    assert host.until_over(host.trigger("utask-greeting", who="Ada"))["good"] is True
