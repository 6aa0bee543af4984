"""A parent on one host and its child on a different one, as users see both."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.cluster import Cluster, Member, clustered
from tests.acceptance.people import floe, said, why
from tests.acceptance.product import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TAGS = {"h1": "linux,east", "h2": "linux,mid", "h3": "linux,west"}

FLOWS = """
  - name: release
    host-tags: [mid]
    triggers: [{name: start, type: data}]
    tasks:
      - {name: deploy, type: flow, listen: trigger.good, opts: {flow: install}}
      - name: publish
        type: exec
        listen: task.deploy.good
        opts: {shell: 'echo "$FLOE_IN_PLACE"'}
      - {name: done, type: end, listen: task.publish.good}

  - name: again
    host-tags: [mid]
    on-host-lost: restart
    triggers: [{name: start, type: data}]
    tasks:
      - {name: deploy, type: flow, listen: trigger.good, opts: {flow: install}}
      - {name: done, type: end, listen: task.deploy.good}

  - name: train
    host-tags: [mid]
    triggers: [{name: start, type: data}]
    tasks:
      - name: ride
        type: flow
        listen: trigger.good
        foreach: "['eu', 'us']"
        opts: {flow: ship, values: {place: '{{ item }}'}}

  - name: ship
    host-tags: [east]
    triggers: [{name: start, type: data, opts: {form: {fields: [{id: place, prompt: Where?}]}}}]
    tasks:
      - {name: pack, type: exec, listen: trigger.good, opts: {shell: 'echo pack >> "$HERE/done"'}}
      - name: send
        type: flow
        listen: task.pack.good
        opts: {flow: check, values: {place: '{{ values.place }}'}}

  - name: check
    host-tags: [west]
    triggers: [{name: start, type: data, opts: {form: {fields: [{id: place, prompt: Where?}]}}}]
    tasks:
      - {name: copy, type: exec, listen: trigger.good, opts: {shell: 'echo copy >> "$HERE/done"'}}
      - name: verify
        type: exec
        listen: task.copy.good
        opts: {shell: '[ "$FLOE_IN_PLACE" = us ] || [ -e "$HERE/ok" ]'}

  - name: patch
    host-tags: [mid]
    triggers: [{name: start, type: data}]
    tasks:
      - name: each
        type: flow
        listen: trigger.good
        foreach: hosts('linux')
        opts: {flow: update, host: '{{ item }}'}
      - name: report
        type: exec
        listen: task.each.good
        opts: {shell: 'echo "$FLOE_IN_PLACE"'}
      - {name: done, type: end, listen: task.report.good}

  - name: update
    triggers: [{name: start, type: data}]
    outputs: {place: '{{ task.run.outputs.host }}'}
    tasks:
      - name: run
        type: exec
        listen: trigger.good
        opts: {shell: 'echo "host=$FLOE_HOST" >> "$FLOE_OUTPUTS"'}
      - {name: done, type: end, listen: task.run.good}

  - name: install
    host-tags: [west]
    triggers: [{name: start, type: data}]
    outputs: {place: 'installed on {{ task.copy.outputs.host }}'}
    tasks:
      - name: copy
        type: exec
        listen: trigger.good
        opts:
          shell: |
            echo "host=$FLOE_HOST" >> "$FLOE_OUTPUTS"
            until [ -e "$HERE/go" ]; do sleep 0.02; done
      - {name: done, type: end, listen: task.copy.good}
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("children") / "all"
    with clustered(folder, FLOWS, TAGS, keeper="h1") as (cluster, _):
        yield cluster
        (cluster.folder / "go").touch()


@pytest.fixture
def parent(cluster: Cluster) -> Iterator[str]:
    """A run that h1 adopted and h2 runs; it waits for its child."""
    (cluster.folder / "go").unlink(missing_ok=True)
    run = cluster["h1"].trigger("release")
    cluster["h1"].until_node(run, "deploy", "running")
    yield run
    (cluster.folder / "go").touch()
    cluster["h1"].until_over(run)


@pytest.fixture
def child(cluster: Cluster, parent: str) -> str:
    """The child of that run; its command runs on h3 until the file `go` is there."""
    [child] = cluster["h1"].show(parent)["children"]
    run = str(child["run"])
    cluster["h1"].until_node(run, "copy", "running")
    return run


def test_child_runs_on_a_different_host_and_its_outputs_come_back(
    cluster: Cluster, parent: str, child: str
) -> None:
    (cluster.folder / "go").touch()

    h1 = cluster["h1"]
    over = h1.until_over(parent)

    assert (over["good"], over["host"], h1.show(child)["host"]) == (True, "h2", "h3")
    assert h1.output(parent, "publish") == b"installed on h3\n"


def test_parent_whose_host_was_killed_ends_once_by_the_end_of_its_child(
    cluster: Cluster, parent: str, child: str
) -> None:
    h1, h2 = cluster["h1"], cluster["h2"]
    h2.kill()
    (cluster.folder / "go").touch()
    cluster["h3"].until_node(child, "copy", "good")

    cluster.start("h2")

    assert h1.until_over(parent)["good"] is True
    events = h1.events(parent)
    counts = {name: events.count(name) for name in ("RunActivated", "ChildPended", "RunEnded")}
    assert counts == {"RunActivated": 1, "ChildPended": 1, "RunEnded": 1}
    assert [one["run"] for one in h1.show(parent)["children"]] == [child]


def test_cancel_of_the_parent_cancels_its_child_on_the_other_host(
    cluster: Cluster, parent: str, child: str
) -> None:
    h1 = cluster["h1"]

    said(floe(h1, "cancel", parent))

    over = h1.until_over(parent)
    assert (over["result"], over["why"]) == ("cancelled", "cancelled by admin")
    below = h1.until_over(child)
    assert below["why"] == f"cancelled by its parent {parent}: cancelled by admin"
    assert cluster["h3"].processes() == {}


def test_why_of_the_parent_names_its_child_and_the_host_of_it(
    cluster: Cluster, parent: str, child: str
) -> None:
    text = f"waits for task.deploy: its child {child}, active on h3"

    for host in cluster.hosts.values():
        until(lambda host=host: why(host, parent) == text, f"{text}, according to {host.id}")  # type: ignore[misc]  # mypy has no type for a default of a lambda


@pytest.fixture
def failed(cluster: Cluster) -> Iterator[str]:
    """A run of h2 with two children at h1, of which one failed since its own child at h3 did."""
    done, ok = cluster.folder / "done", cluster.folder / "ok"
    run = cluster["h1"].trigger("train")
    over = cluster["h1"].until_over(run)
    assert (over["good"], over["host"]) == (False, "h2")
    done.write_text("")
    ok.touch()
    yield run
    ok.unlink()


def test_failed_children_at_other_hosts_start_again_where_they_failed(
    cluster: Cluster, failed: str
) -> None:
    h1 = cluster["h1"]
    eu, us = (one["run"] for one in h1.show(failed)["children"])
    [below] = [one["run"] for one in h1.show(eu)["children"]]

    done = floe(h1, "rerun", failed, "--failed", "--wait")

    again = said(done).split()[0]
    assert f"  {eu} of task.ride[0]: starts again; taken over: task.pack\n" in done.stderr
    assert f"  {below} of task.send: starts again; taken over: task.copy\n" in done.stderr
    assert us not in done.stderr
    assert h1.show(again)["good"] is True
    [child] = [one["run"] for one in h1.show(again)["children"]]
    assert h1.show(child)["rerun_of"] == eu
    assert (cluster.folder / "done").read_text() == ""


def test_failed_child_of_a_host_that_is_away_is_replaced_by_a_new_one(
    cluster: Cluster, failed: str
) -> None:
    h1, h3 = cluster["h1"], cluster["h3"]
    [below, _] = [h1.show(one["run"])["children"][0]["run"] for one in h1.show(failed)["children"]]
    h3.stop()

    done = floe(h1, "rerun", failed, "--failed")

    again = said(done).split()[0]
    assert f"  {below} of task.send: a new child starts instead, since h3 is away" in done.stderr
    until(lambda: h1.show(again)["children"], f"the child of {again}")
    [child] = [one["run"] for one in h1.show(again)["children"]]
    text = f"nothing of {below} is taken over: h3 is away"
    until(lambda: text in why(h1, child), text)
    cluster.start("h3")
    assert h1.until_over(again)["good"] is True
    assert (cluster.folder / "done").read_text() == "copy\n"


def test_parent_of_a_forgotten_host_starts_again_after_its_child(tmp_path: Path) -> None:
    tags = {**TAGS, "h4": "linux"}
    with clustered(tmp_path / "lost", FLOWS, tags, keeper="h1") as (cluster, _):
        h1, h2, h3, h4 = cluster.hosts.values()
        parent = h1.trigger("again")
        h1.until_node(parent, "deploy", "running")
        [child] = [one["run"] for one in h1.show(parent)["children"]]
        until(lambda: active(h1).get(child) == "h3", f"{child} on the list of h1")
        h3.freeze()  # it cannot cancel the child
        h2.kill()
        h2.end_warden()

        said(floe(h1, "host", "forget", "h2", "--force"))

        text = f"waits for the end of {child}, a child of its lost start, active on h3"
        until(lambda: why(h1, parent) == text, text)
        h3.thaw()
        h4.stop()
        h4.options["FLOE_TAGS"] = "linux,mid"
        h4.start()
        until(lambda: active(h1).get(parent) == "h4", f"{parent} on h4")
        assert h1.show(child)["why"] == f"cancelled by its parent {parent}: lost with host h2"
        (cluster.folder / "go").touch()
        assert h1.until_over(parent)["good"] is True


def active(host: Member) -> dict[str, str]:
    """The hosts of all active runs, as a host lists them."""
    return {row["id"]: row["host"] for row in host.api.get("runs", state="active")["runs"]}


def test_fleet_is_patched_host_by_host(cluster: Cluster) -> None:
    h1 = cluster["h1"]

    run = h1.trigger("patch")

    assert h1.until_over(run)["good"] is True
    assert h1.output(run, "report") == b'["h1", "h2", "h3"]\n'
