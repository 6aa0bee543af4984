"""Ended runs in an S3-compatible bucket: on real processes, over a real socket."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from floe.model.errors import Theirs, Yours
from tests.acceptance.people import floe, hosted
from tests.acceptance.product import Host, Shape, until
from tests.make_bucket import ACCESS_KEY, CREDENTIALS, SECRET_KEY, S3Server, an_s3_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240), pytest.mark.xdist_group("bucket")]

CONFIG = """
common:
  store-type: ec2
  keep: {runs: 0, days: 0}
  bucket: {name: ci-runs, prefix: /floe/, endpoint: $URL, copies: $COPIES}
flows:
  - name: quick
    triggers: [{name: start, type: data}]
    tasks:
      - {name: say, type: exec, listen: trigger.good, opts: {cmd: echo hello}}
      - name: try
        type: exec
        listen: task.say.good
        opts: {shell: 'echo "tried by $FLOE_RUN"; [ -e "$HERE/works" ]'}
      - {name: done, type: end, listen: task.try.good}
  - name: cut
    unheard-bad: hold
    triggers: [{name: start, type: data}]
    tasks:
      - {name: killed, type: exec, listen: trigger.good, opts: {shell: 'echo killed; kill -9 $$'}}
      - name: late
        type: exec
        listen: trigger.good
        timeout: 1s
        opts: {shell: 'echo late; sleep 60'}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with an_s3_server() as server:
        yield server


def config(server: S3Server, copies: str = "0") -> str:
    return CONFIG.replace("$URL", server.url).replace("$COPIES", copies)


@pytest.fixture
def host(server: S3Server, tmp_path: Path) -> Iterator[Host]:
    """A host that keeps no copies of what it has packed."""
    server.door.open()
    with hosted(tmp_path, config(server), CREDENTIALS) as host:
        yield host
    server.door.open()


def again(host: Host) -> None:
    host.start(env=CREDENTIALS)


def packed(host: Host) -> str:
    """A run whose outputs are in the bucket alone."""
    run = host.trigger("quick")
    host.until_over(run)
    until(lambda: not outputs(host, run), "the deletion of its outputs here")
    return run


def outputs(host: Host, run: str) -> list[Path]:
    return [*(host.root / "runs").glob(f"{run}@*/*")]


def objects(host: Host, server: S3Server, run: str) -> list[str]:
    store = host.show(run)["key"].rpartition("@")[2]
    return server.names(f"floe/{store}/{run}")


def ready(host: Host) -> Shape:
    return dict(host.api.get("readyz"))


def test_packed_run_is_shown_from_the_bucket(host: Host, server: S3Server) -> None:
    run = packed(host)

    assert len(objects(host, server, run)) == 1
    assert host.output(run, "say") == b"hello\n"
    assert host.output(run, "try") == f"tried by {run}\n".encode()
    lines = host.api.get(f"runs/{run}/nodes/say/log/lines")["lines"]
    assert [line["text"] for line in lines] == ["hello"]
    assert floe(host, "log", run, "say").stdout == "hello\n"
    assert f"tried by {run}" in floe(host, "show", run).stdout
    assert host.node(run, "try")["state"] == "bad"


def test_output_of_commands_that_were_cut_off_is_in_the_bucket(host: Host) -> None:
    run = host.trigger("cut")
    host.until_over(run)
    until(lambda: not outputs(host, run), "the deletion of its outputs here")

    assert [host.output(run, node) for node in ("killed", "late")] == [b"killed\n", b"late\n"]


def test_packed_run_is_shown_after_a_restart(host: Host) -> None:
    run = packed(host)
    before, events = host.show(run), host.events(run)
    assert host.output(run, "say") == b"hello\n"
    host.stop()

    again(host)

    after = host.show(run)
    assert {**after, "pos": ""} == {**before, "pos": ""}
    assert host.events(run) == events
    assert host.output(run, "say") == b"hello\n"


def test_bucket_that_is_away_delays_packing_alone(host: Host, server: S3Server) -> None:
    server.door.close()

    runs = [host.trigger("quick") for _ in range(3)]
    for run in runs:
        until(lambda: host.show(run)["state"] == "archive", "its end")  # noqa: B023  # at once

    until(lambda: "3 ended runs wait to be packed" in ready(host).get("why", ""), "the problem")
    assert ready(host)["ok"]
    hosts = floe(host, "hosts").stderr
    assert "cannot use its bucket s3://ci-runs/floe: it cannot be reached" in hosts
    assert host.output(runs[0], "say") == b"hello\n"

    server.door.open()
    for run in runs:
        host.until_over(run)
        assert len(objects(host, server, run)) == 1
    until(lambda: not outputs(host, runs[1]), "the deletion of the outputs here")
    assert [host.output(run, "say") for run in runs] == [b"hello\n"] * 3
    until(lambda: "why" not in ready(host), "the end of the problem")


def test_nothing_is_lost_by_a_host_that_is_killed_while_the_bucket_is_away(
    host: Host, server: S3Server
) -> None:
    server.door.close()
    run = host.trigger("quick")
    until(lambda: "1 ended run waits" in ready(host).get("why", ""), "the problem")
    host.kill()

    again(host)
    server.door.open()

    host.until_over(run)
    until(lambda: not outputs(host, run), "the deletion of its outputs here")
    assert host.output(run, "say") == b"hello\n"


def test_output_that_is_only_in_a_bucket_that_is_away_is_refused_with_the_reason(
    host: Host, server: S3Server
) -> None:
    run = packed(host)
    server.door.close()

    with pytest.raises(Theirs) as refused:
        host.output(run, "say")

    assert "cannot use its bucket s3://ci-runs/floe: it cannot be reached" in refused.value.what
    assert host.node(run, "say")["state"] == "good"


def test_removed_run_leaves_the_bucket_too(host: Host, server: S3Server) -> None:
    old, new = packed(host), packed(host)
    store = host.show(old)["key"].rpartition("@")[2]

    floe(host, "prune", "--keep-runs", "1")

    until(lambda: not server.names(f"floe/{store}/{old}"), "the removal of the object")
    with pytest.raises(Yours, match="was removed at 20"):
        host.api.get(f"runs/{old}/nodes/say/log")
    assert host.output(new, "say") == b"hello\n"


def test_run_that_is_removed_while_the_bucket_is_away_leaves_it_later(
    host: Host, server: S3Server
) -> None:
    old, new = packed(host), packed(host)
    store = host.show(old)["key"].rpartition("@")[2]
    server.door.close()
    floe(host, "prune", "--keep-runs", "1")
    until(lambda: "prune.postponed" in host.log.read_text(), "the first try")
    assert [run["id"] for run in host.api.get("runs")["runs"]] == [new]
    host.kill()
    server.door.open()

    again(host)

    def is_removed() -> bool:
        floe(host, "prune")  # which also continues what was begun
        return not server.names(f"floe/{store}/{old}")

    until(is_removed, "the removal of the object")
    assert len(objects(host, server, new)) == 1


def test_run_in_the_bucket_is_run_again_from_what_failed(host: Host) -> None:
    run = packed(host)
    (host.folder / "works").touch()

    again_run = host.rerun(run, failed=True)

    assert host.until_over(again_run)["good"]
    assert host.output(again_run, "say") == b"hello\n"
    assert host.output(again_run, "try") == f"tried by {again_run}\n".encode()


def test_copies_of_the_newest_runs_stay_on_the_host(server: S3Server, tmp_path: Path) -> None:
    server.door.open()
    with hosted(tmp_path, config(server, copies="1MiB"), CREDENTIALS) as host:
        run = host.trigger("quick")
        host.until_over(run)
        server.door.close()

        assert host.output(run, "say") == b"hello\n"
        assert outputs(host, run)
    server.door.open()


def test_host_that_begins_to_use_a_bucket_keeps_showing_its_older_runs(
    server: S3Server, tmp_path: Path
) -> None:
    server.door.open()
    local = config(server).replace("store-type: ec2", "store-type: local")
    with hosted(tmp_path, local) as host:
        old = host.trigger("quick")
        host.until_over(old)
        host.stop()
        host.config.write_text(config(server))

        again(host)
        new = packed(host)

        assert (host.output(old, "say"), host.output(new, "say")) == (b"hello\n", b"hello\n")


def test_no_credential_is_in_what_a_host_shows_or_logs(host: Host, server: S3Server) -> None:
    server.door.close()
    host.trigger("quick")
    until(lambda: "archive.problem" in host.log.read_text(), "the problem")

    shown = host.log.read_text() + json.dumps(host.api.get("hosts")) + floe(host, "hosts").stdout

    assert (SECRET_KEY in shown, ACCESS_KEY in shown) == (False, False)


def test_refused_credentials_are_named(tmp_path: Path) -> None:
    with (
        an_s3_server(INITIAL_NO_AUTH_ACTION_COUNT="1") as strict,  # one: the bucket is made
        hosted(tmp_path, config(strict), CREDENTIALS) as host,
    ):
        until(lambda: "the access key is unknown" in ready(host).get("why", ""), "the problem")


def test_bucket_that_does_not_exist_is_named(server: S3Server, tmp_path: Path) -> None:
    server.door.open()
    other = config(server).replace("name: ci-runs", "name: nobody-made-it")
    with hosted(tmp_path, other, CREDENTIALS) as host:
        until(lambda: "the bucket does not exist" in ready(host).get("why", ""), "the problem")


def test_missing_credentials_are_named(server: S3Server, tmp_path: Path) -> None:
    server.door.open()
    # No instance role: the address of the metadata service leads nowhere.
    none = {"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(tmp_path)}
    with hosted(tmp_path, config(server), none) as host:
        until(lambda: "no credentials were found" in ready(host).get("why", ""), "the problem")


def test_credentials_come_from_a_profile(server: S3Server, tmp_path: Path) -> None:
    server.door.open()
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text(
        f"[ci]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n"
    )
    named = config(server).replace("copies: 0", "copies: 0, profile: ci")
    with hosted(tmp_path, named, {"HOME": str(tmp_path)}) as host:
        assert host.output(packed(host), "say") == b"hello\n"
