"""The example of the product's document, on a real repository: parallel branches and a sign-off."""

from pathlib import Path

import pytest

from tests.acceptance.conftest import HostOf
from tests.acceptance.flows import example, floe, git
from tests.acceptance.product import Host, Shape

pytestmark = pytest.mark.slow

URL = "file:///tmp/floe-example.git"
WAIT = "wait: [task.echo.good, task.test.good, task.sign-off.good]"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOE_TAGS", "linux,go,couch")
    monkeypatch.setenv("PUSH_SECRET", "s3cret")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Branches `feature`, which merges into `master`, and `conflict`, which does not."""
    work = tmp_path / "work"
    git(tmp_path, "init", "--quiet", "--initial-branch=master", "work")
    commit(work, "first", common="common")
    git(work, "checkout", "--quiet", "-b", "feature")
    commit(work, "a feature", feature="new")
    git(work, "checkout", "--quiet", "-b", "conflict", "master")
    commit(work, "another way", common="another")
    git(work, "checkout", "--quiet", "master")
    commit(work, "one way", common="one", master="more")
    git(tmp_path, "clone", "--quiet", "--bare", "work", "floe-example.git")
    return tmp_path / "floe-example.git"


def commit(work: Path, message: str, **files: str) -> None:
    for name, text in files.items():
        (work / name).write_text(text + "\n")
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "--message", message)


def document(repository: Path, **fit: str) -> str:
    return example("document.yml", {URL: f"file://{repository}", **fit})


def settled(host: Host, run: str) -> list[str]:
    """What happened to nodes and run, in order: the node, or the event of the run."""
    log: list[Shape] = host.api.get(f"runs/{run}/events")["events"]
    return [
        event["node"] if event["event"] == "NodeSettled" else event["event"]
        for event in log
        if event["event"] in ("RunPended", "RunActivated", "NodeSettled", "RunEnding", "RunEnded")
    ]


def test_branches_and_a_sign_off_are_merged_to_a_good_end(
    host_of: HostOf, repository: Path
) -> None:
    host = host_of(document(repository))
    run = floe(host, "trigger", "build-project", "-d", "ref=master", "-d", "from-ref=feature")
    run = run.strip()

    host.until_node(run, "test", "good")
    host.until_node(run, "echo", "good")
    floe(host, "give", run, "sign-off", "tests_passed:=true", "to_hash=abc123")
    over = host.until_over(run)

    assert (over["state"], over["good"]) == ("archive", True)
    order = settled(host, run)
    assert order[:3] == ["RunPended", "RunActivated", "checkout"]
    assert set(order[3:7]) == {"echo", "build", "test", "sign-off"}
    assert order[7:] == ["signed", "final-task", "complete", "RunEnding", "RunEnded"]
    assert order.index("build") < order.index("test")
    assert host.output(run, "echo") == b"one argument\n"


def test_branch_is_really_merged(host_of: HostOf, repository: Path) -> None:
    host = host_of(document(repository))
    run = host.trigger("build-project", **{"ref": "master", "from-ref": "feature"})

    host.until_node(run, "checkout", "good")

    merged = Path(host.show(run)["workspace"], "src/github.com/floeit/floe-example")
    assert {path.name for path in merged.iterdir()} == {".git", "common", "feature", "master"}
    parents = git(merged, "log", "-1", "--format=%P").split()
    assert parents == [git(repository, "rev-parse", name) for name in ("master", "feature")]


def test_conflict_ends_the_run_bad_and_names_the_files(host_of: HostOf, repository: Path) -> None:
    host = host_of(document(repository))
    run = host.trigger("build-project", **{"ref": "master", "from-ref": "conflict"})

    over = host.until_over(run)

    assert (over["good"], host.node(run, "checkout")["state"]) == (False, "bad")
    assert over["why"] == "Checkout failed: exit status 1"
    assert "common" in floe(host, "log", run, "checkout").split("in conflict", 1)[1]
    assert "Checkout failed: exit status 1" in floe(host, "why", run)


def test_rejected_sign_off_ends_the_run_bad(host_of: HostOf, repository: Path) -> None:
    host = host_of(document(repository))
    run = host.trigger("build-project", **{"ref": "master", "from-ref": "feature"})

    host.until_node(run, "sign-off", "asking")
    floe(host, "give", run, "sign-off", "tests_passed:=false", "to_hash=abc123", "--reject")
    over = host.until_over(run)

    assert (over["good"], host.node(run, "sign-off")["state"]) == (False, "bad")
    assert over["why"] == "Sign Off was rejected by admin"


def test_good_event_without_listener_cuts_nothing_off(host_of: HostOf, repository: Path) -> None:
    without_echo = WAIT.replace("task.echo.good, ", "")
    host = host_of(document(repository, **{WAIT: without_echo}))
    run = host.trigger("build-project", **{"ref": "master", "from-ref": "feature"})

    host.until_node(run, "echo", "good")
    host.until_node(run, "test", "good")
    host.give(run, "sign-off", tests_passed=True, to_hash="abc123")
    over = host.until_over(run)

    assert over["good"] is True
    assert host.node(run, "final-task")["state"] == "good"


def test_run_waits_for_a_resource_and_names_who_holds_it(host_of: HostOf, repository: Path) -> None:
    host = host_of(document(repository))
    first = host.trigger("build-project", **{"ref": "master", "from-ref": "feature"})
    host.until_node(first, "sign-off", "asking")

    second = host.trigger("build-project", **{"ref": "master", "from-ref": "feature"})
    why = floe(host, "why", second)
    host.cancel(first)

    assert host.show(second)["values"]["from-ref"] == "feature"
    assert "couchbase" in why
    assert first in why
    host.until_node(second, "sign-off", "asking")


def test_host_without_the_tags_is_named_with_what_it_lacks(
    host_of: HostOf, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOE_TAGS", "linux")
    host = host_of(document(repository))

    run = host.trigger("build-project", **{"ref": "master", "from-ref": "feature"})

    why = floe(host, "why", run)
    assert host.show(run)["state"] == "pending"
    assert "couch" in why
    assert "go" in why
