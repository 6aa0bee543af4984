"""What a host is told: which document it reads, when it reads it again, and what that changes."""

import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from floe.cli.client import Client
from floe.model.errors import ConfigInvalid
from tests.acceptance.conftest import HostOf
from tests.acceptance.flows import CONFIGS
from tests.acceptance.people import Web, as_json, floe, hosted, said, why
from tests.acceptance.product import FLOE, Host, until
from tests.integration.gits import Repository

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

UNTOLD = {"FLOE_CONF": "", "FLOE_ROOT": "", "FLOE_PUB_BIND": "", "FLOE_ADMIN": ""}
"""Takes back what `Host` says by its environment."""


def a_config(*names: str, common: str = "") -> str:
    """A config whose flows have these names."""
    flow = """
  - name: {}
    triggers: [{{name: start, type: data}}]
    tasks:
      - {{name: say, type: exec, listen: trigger.good, opts: {{cmd: echo hello}}}}
      - {{name: done, type: end, listen: task.say.good}}"""
    return f"common: {{{common}}}\nflows:" + "".join(flow.format(name) for name in names)


def flows(host: Host) -> list[str]:
    """The ids of a host's flows."""
    return [flow["id"] for flow in host.api.get("flows")["flows"]]


# --- which document ---


@pytest.mark.parametrize(
    ("there", "read"),
    [
        (["default.yml", "config.yml"], "default.yml"),
        (["config.yml"], "config.yml"),
        ([], str(CONFIGS / "default.yml")),
    ],
)
def test_host_that_is_given_no_config_finds_one_and_names_it(
    tmp_path: Path, there: Sequence[str], read: str
) -> None:
    host = Host(tmp_path, "")
    host.config.unlink()
    for name in there:
        (tmp_path / name).write_text(a_config(f"from {name}".replace(".yml", "")))

    try:
        host.start(env={"FLOE_CONF": ""})
        found, path = flows(host), host.api.get("hosts")["hosts"][0]["config"]["path"]
    finally:
        host.close()

    assert found[0] == (f"from-{there[0].removesuffix('.yml')}" if there else "hello")
    assert (tmp_path / path).resolve() == (tmp_path / read).resolve()
    assert path in host.log.read_text()


def test_quick_start_of_the_document_works_as_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "default.yml").write_text((CONFIGS / "default.yml").read_text())
    hosts = [Host(tmp_path, ""), Host(tmp_path, "")]
    (tmp_path / "config.yml").unlink()
    (tmp_path / "token").write_text("a-token-of-both\n")

    try:
        for name, host in zip(("h1", "h2"), hosts, strict=True):
            host.root = tmp_path / ".floe" / name
            host.api = Client(replace(host.api.at, token="a-token-of-both"))
            bind = f"-pub_bind={host.address}"
            words = ["-tags=linux,go,couch", "-admin=@token", f"-host_name={name}", bind]
            host.start((FLOE[0], *words), UNTOLD)
        runs = [host.trigger("hello") for host in hosts]
        over = [host.until_over(run) for host, run in zip(hosts, runs, strict=True)]
        tags = [host.api.get("hosts")["hosts"][0]["tags"] for host in hosts]
    finally:
        for host in hosts:
            host.close()

    assert runs == ["h1-1", "h2-1"]
    assert [run["good"] for run in over] == [True, True]
    assert tags == [["couch", "go", "linux"]] * 2


# --- reading it again ---


def by_signal(host: Host) -> None:
    """Ask for the config to be read again by SIGHUP, and wait until it was."""
    assert host.process
    lines = host.log.read_text().count
    before = lines("config.re")
    os.kill(host.process.pid, signal.SIGHUP)
    until(lambda: host.log.read_text().count("config.re") > before, "the reading")


def by_command(host: Host) -> None:
    """Ask by `floe host reload`; a bad config is an error there."""
    done = floe(host, "host", "reload")
    assert done.returncode == (0 if "h1:" in done.stdout else 2), done


def by_post(host: Host) -> None:
    """Ask by the API; a bad config is answered with what is wrong."""
    with suppress(ConfigInvalid):
        host.api.post("hosts/h1/reload", {})


class Source:
    """Where the flows of a host are read from, and how the test changes them."""

    def __init__(self, url: str, write: Callable[[str], object], name: str) -> None:
        self.url = url
        self.write = write
        self.name = name


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, Source]:
    repository = Repository(tmp_path / "repo.git")

    def committed(text: str) -> None:
        (repository.folder / "floe.yml").write_text(text)
        repository.git("add", "--all")
        repository.git("commit", "--quiet", "--allow-empty", "--message", "change")

    local = tmp_path / "local.yml"
    return {
        "path": Source(str(local), local.write_text, "local.yml"),
        "git": Source(f"{repository.url}/floe.yml", committed, "repo.git/floe.yml"),
    }


def check_reloading(host: Host, source: Source, ask: Callable[[Host], None]) -> None:
    """A good document brings its flows; a bad one changes nothing, and is shown till mended."""
    assert flows(host) == ["one"]

    source.write(a_config("one", "two"))
    ask(host)
    assert flows(host) == ["one", "two"]

    source.write(a_config("three").replace("listen", "lisen"))
    ask(host)
    assert flows(host) == ["one", "two"]
    for command in ("hosts", "flows"):
        shown = floe(host, command).stderr
        assert f"{source.name}" in shown
        assert "lisen" in shown

    source.write(a_config("four"))
    ask(host)
    assert flows(host) == ["four"]
    assert floe(host, "hosts").stderr == ""


@pytest.mark.parametrize(
    ("kind", "ask"), [("path", by_signal), ("path", by_command), ("git", by_post)]
)
def test_config_is_read_again(
    host_of: HostOf, sources: dict[str, Source], kind: str, ask: Callable[[Host], None]
) -> None:
    source = sources[kind]
    source.write(a_config("one"))
    host = host_of(f"common: {{config-path: '{source.url}'}}")

    check_reloading(host, source, ask)


def test_config_on_the_web_is_read_again(host_of: HostOf) -> None:
    with Web().serving() as web:

        def put(text: str) -> None:
            web.files["/floe.yml"] = text.encode()

        put(a_config("one"))
        host = host_of(f"common: {{config-path: {web.url}/floe.yml}}")

        check_reloading(host, Source(f"{web.url}/floe.yml", put, "floe.yml"), by_command)


def test_config_without_a_config_path_is_read_again(host_of: HostOf) -> None:
    host = host_of(a_config("one"))

    check_reloading(host, Source("", host.config.write_text, "config.yml"), by_signal)


def test_reload_refuses_a_common_that_the_next_start_would_refuse(host_of: HostOf) -> None:
    host = host_of(a_config("one"))
    host.config.write_text(a_config("one", "two", common="slots: many"))

    refused = floe(host, "host", "reload")

    assert refused.returncode == 2
    assert "`slots` takes" in refused.stderr
    assert flows(host) == ["one"]


@pytest.mark.parametrize("kind", ["path", "web", "git"])
def test_config_that_cannot_be_read_is_shown(host_of: HostOf, kind: str) -> None:
    with Web().serving() as web:
        urls = {"path": "$HERE/no.yml", "web": f"{web.url}/no", "git": "file://$HERE/no.git/a.yml"}
        host = host_of(f"common: {{config-path: '{urls[kind]}'}}")

        shown = floe(host, "hosts").stderr

        assert Path(urls[kind].replace("/a.yml", "")).name in shown
        assert flows(host) == []


def test_config_that_went_away_keeps_the_flows_and_is_shown(host_of: HostOf) -> None:
    with Web().serving() as web:
        web.files["/floe.yml"] = a_config("one").encode()
        host = host_of(f"common: {{config-path: {web.url}/floe.yml}}")
        del web.files["/floe.yml"]

        refused = floe(host, "host", "reload")

        assert refused.returncode != 0
        assert "503" in refused.stderr
        assert flows(host) == ["one"]
        assert "503" in floe(host, "hosts").stderr
        web.files["/floe.yml"] = a_config("one").encode()
        said(floe(host, "host", "reload"))
        assert floe(host, "hosts").stderr == ""


def test_run_goes_on_with_its_flow_when_the_config_has_it_no_more(host_of: HostOf) -> None:
    text = a_config("one").replace("cmd: echo hello", "shell: 'until [ -e $HERE/go ]; do :; done'")
    host = host_of(text)
    run = host.trigger("one")
    host.until_node(run, "say", "running")

    host.config.write_text(a_config("two"))
    by_command(host)
    (host.folder / "go").touch()

    assert host.until_over(run)["good"]
    assert flows(host) == ["two"]


# --- where things are kept ---


def test_store_and_workspaces_are_where_the_config_puts_them(tmp_path: Path) -> None:
    common = f"store-root: {tmp_path}/kept, workspace-root: {tmp_path}/work"
    host = Host(tmp_path, a_config("one", common=common))
    host.root = tmp_path / ".floe" / "h1"

    try:
        host.start(env={"FLOE_ROOT": ""})
        run = host.trigger("one")
        over = host.until_over(run)
    finally:
        host.close()

    assert over["good"]
    assert Path(over["workspace"]).is_relative_to(tmp_path / "work" / "spaces" / "one")
    assert Path(over["workspace"]).is_dir()
    assert [path.name for path in (tmp_path / "kept").glob("*.db")]
    assert not list(host.root.glob("*.db"))


def test_store_in_memory_writes_no_file(host_of: HostOf) -> None:
    host = host_of(a_config("one", common="store-type: memory"))

    run = host.trigger("one")

    assert host.until_over(run)["good"]
    assert not list(host.root.glob("**/*.db"))


def test_api_is_where_the_config_puts_it(tmp_path: Path) -> None:
    host = Host(tmp_path, a_config("one", common="base-url: /ci/api"))
    host.api = Client(replace(host.api.at, url=f"http://{host.address}/ci/api"))

    try:
        host.start()
        done = floe(host, "trigger", "one", "--wait")
    finally:
        host.close()

    assert done.returncode == 0, done.stdout + done.stderr


# --- what commands get ---

ENV = """
common: {pass-env: [SEEN, FLOE_ADMIN]}
flows:
  - name: look
    triggers: [{name: start, type: data}]
    tasks: [{name: env, type: exec, listen: trigger.good, opts: {cmd: env}}]
"""


def test_commands_see_what_is_passed_on_and_no_token(tmp_path: Path) -> None:
    with hosted(tmp_path, ENV, {"SEEN": "yes", "HIDDEN": "no", "LC_ALL": "C.UTF-8"}) as host:
        run = host.trigger("look")
        host.until_over(run)

        env = dict(line.split("=", 1) for line in host.output(run, "env").decode().splitlines())

    assert (env["SEEN"], env["LC_ALL"], env["FLOE_HOST"]) == ("yes", "C.UTF-8", "h1")
    assert not {"HIDDEN", "FLOE_ADMIN", "FLOE_TOKEN"} & set(env)


LIMITS = """
common: {commands: 1, grace: 0.3, output-max: 100kB}
flows:
  - name: queued
    triggers: [{name: start, type: data, opts: {form: {fields: [{id: go}]}}}]
    tasks:
      - name: work
        type: exec
        listen: trigger.good
        opts: {shell: 'until [ -e "$HERE/$FLOE_IN_GO" ]; do sleep 0.02; done'}
    env: ['HERE=$HERE']
  - name: stubborn
    triggers: [{name: start, type: data}]
    tasks:
      - name: work
        type: exec
        listen: trigger.good
        opts: {shell: 'trap "" TERM; echo ready; while :; do sleep 0.1; done'}
  - name: patient
    triggers: [{name: start, type: data}]
    tasks:
      - name: work
        type: exec
        listen: trigger.good
        grace: 60
        opts: {shell: 'trap "sleep 1; echo cleaned up; exit" TERM; echo ready; sleep 60 & wait'}
  - name: chatty
    triggers: [{name: start, type: data}]
    tasks: [{name: work, type: exec, listen: trigger.good, opts: {cmd: 'yes'}}]
  - name: talkative
    triggers: [{name: start, type: data}]
    tasks:
      - {name: work, type: exec, listen: trigger.good, output-max: 1MB, opts: {cmd: seq 1 50000}}
"""


def test_command_waits_for_a_place_and_why_reports_it(host_of: HostOf) -> None:
    host = host_of(LIMITS)
    first = host.trigger("queued", go="first")
    host.until_node(first, "work", "running")
    second = host.trigger("queued", go="second")

    until(lambda: "a place among the commands of h1" in why(host, second), "the queue")
    (shown,) = as_json(floe(host, "hosts", "--json"))["hosts"]
    queued = host.node(second, "work")["state"]
    (host.folder / "first").touch()
    host.until_node(second, "work", "running")
    (host.folder / "second").touch()

    assert (shown["commands"], shown["running"], shown["waiting"]) == (1, 1, 1)
    assert queued == "queued"
    assert host.until_over(first)["good"]
    assert host.until_over(second)["good"]


def cancelled(host: Host, flow: str) -> tuple[str, float]:
    """A run that was cancelled when its command was ready, and how long it took to end, in s."""
    run = host.trigger(flow)
    until(lambda: host.output(run, "work") == b"ready\n", "the command")
    begun = time.monotonic()
    host.cancel(run)
    host.until_over(run)
    return run, time.monotonic() - begun


def test_grace_of_the_host_is_for_commands_that_name_none(host_of: HostOf) -> None:
    host = host_of(LIMITS)

    _, stubborn_s = cancelled(host, "stubborn")
    patient, _ = cancelled(host, "patient")

    assert 0.3 <= stubborn_s < 9  # the default is 10 s
    assert host.output(patient, "work").endswith(b"cleaned up\n")


def test_output_limit_of_the_host_is_for_commands_that_name_none(host_of: HostOf) -> None:
    host = host_of(LIMITS)

    chatty, talkative = host.trigger("chatty"), host.trigger("talkative")

    assert "output limit" in host.until_over(chatty)["why"]
    assert host.until_over(talkative)["good"]
    assert len(host.output(talkative, "work")) > 100_000


def test_run_waits_for_a_slot_and_why_reports_it(host_of: HostOf) -> None:
    host = host_of(LIMITS.replace("commands: 1", "slots: 1"))
    first = host.trigger("queued", go="first")
    host.until_node(first, "work", "running")
    second = host.trigger("queued", go="second")

    waiting = why(host, second)
    (host.folder / "second").touch()
    (host.folder / "first").touch()

    assert "h1 has no free slot (1 of 1 runs)" in waiting
    assert host.until_over(second)["good"]
    assert host.show(first)["ended_at"] <= host.show(second)["started_at"]
