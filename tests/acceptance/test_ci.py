"""Continuous integration of floe itself, as configs/examples has it: what is pushed is tested.

Real git with this project's own history, a virtual environment made by pip, its own unit tests.
"""

import re
from pathlib import Path

import pytest

from tests.acceptance.conftest import HostOf
from tests.acceptance.flows import ROOT, example, floe, git, until_polled
from tests.acceptance.product import Host, Shape, until

INSTALL_S = 240.0
TESTS_S = 240.0
"""For its tests, on a machine that is busy with those of everything else."""

TESTS = "tests/unit/kernel/test_backoff.py"
"""Few, and one of them fails on `BROKEN`: what all of them find is no matter of this file."""
NEEDED = ("pytest ", "pytest-asyncio ", "pytest-timeout ", "pytest-xdist ")
"""The tools of the extra `test` that they need; the others are ten times as much to install."""
TASKS = "configs/examples/ci-tasks.yml"
BROKEN = "\n\ndef delay_ms(backoff: Backoff, failed: int, key: Key) -> int:\n    return 0\n"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class Remote:
    """A bare repository with this project's history, and somebody's clone that pushes to it."""

    def __init__(self, folder: Path, tests: str, venvs: Path) -> None:
        self.work = folder / "work"
        self.bare = folder / "floe.git"
        git(folder, "clone", "--quiet", str(ROOT), str(self.work))
        git(self.work, "checkout", "--quiet", "-B", "main")
        self.write(TASKS, self.fitted((self.work / TASKS).read_text(), tests, venvs))
        self.write("setup.cfg", self.slim((self.work / "setup.cfg").read_text()))
        git(self.work, "commit", "--quiet", "--all", "--message", "configs: test less, for a test")
        git(folder, "clone", "--quiet", "--bare", "--branch", "main", str(self.work), "floe.git")
        git(self.work, "remote", "set-url", "origin", str(self.bare))

    @staticmethod
    def fitted(tasks: str, tests: str, venvs: Path) -> str:
        """The tasks with few tests and with `venvs`; pip compiles nothing that they do not use."""
        tasks = re.sub(r"( *- )VENVS=\S+", rf"\1PIP_COMPILE=0\n\1VENVS={venvs}", tasks)
        return tasks.replace("TESTS=tests/unit", f"TESTS={tests}")

    @staticmethod
    def slim(setup: str) -> str:
        """The set-up with only those tools in the extra `test` that are needed."""
        before, start, after = setup.partition("\ntest =\n")
        tools, end, rest = after.partition("\n\n")
        kept = [line for line in tools.splitlines() if line.strip().startswith(NEEDED)]
        assert len(kept) == len(NEEDED)
        return "".join((before, start, "\n".join(kept), end, rest))

    def write(self, path: str, text: str) -> None:
        (self.work / path).write_text(text)

    def push(self, branch: str, path: str, more: str) -> str:
        """Add to a file of the latest commit of main, push that to a branch; its hash."""
        git(self.work, "checkout", "--quiet", "-B", branch, "main")
        self.write(path, (self.work / path).read_text() + more)
        git(self.work, "commit", "--quiet", "--all", "--message", f"change {path}")
        git(self.work, "push", "--quiet", "--force", "origin", branch)
        return git(self.work, "rev-parse", "HEAD")

    def delete(self, branch: str) -> None:
        git(self.work, "push", "--quiet", "--delete", "origin", branch)


class Watched:
    """A host whose flow `ci` polls a repository."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def until_polled(self) -> None:
        """Wait until it has polled the refs as they are now."""
        until_polled(self.host, "ci", "commits")

    def runs(self) -> list[Shape]:
        found: list[Shape] = self.host.api.get("runs")["runs"]
        return found

    def run_of(self, commit: str) -> str:
        """Wait for the run of a commit, which is one; its id."""

        def found() -> list[str]:
            ids = [str(run["id"]) for run in self.runs()]
            return [id for id in ids if self.host.show(id)["values"]["hash"] == commit]

        (run,) = until(found, f"a run of {commit}")
        until(lambda: self.host.show(run)["nodes"], "the reading of its flow-file")
        return run

    def until_installed(self, run: str) -> None:
        """Wait for pip, the first time."""
        states = ("good", "bad", "error")
        until(
            lambda: self.host.node(run, "environment")["state"] in states, "an install", INSTALL_S
        )
        assert self.host.node(run, "environment")["state"] == "good", self.host.output(
            run, "environment"
        ).decode()


@pytest.fixture(scope="module")
def venvs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the flow keeps its virtual environments: made once, as for its users."""
    return tmp_path_factory.mktemp("venvs")


@pytest.fixture
def remote(tmp_path: Path, venvs: Path) -> Remote:
    return Remote(tmp_path, TESTS, venvs)


@pytest.fixture
def watched(
    request: pytest.FixtureRequest, host_of: HostOf, remote: Remote, venvs: Path
) -> Watched:
    """A host that has seen what was pushed before it was there."""
    name = getattr(request, "param", "ci.yml")
    fit = {"file:///srv/git/floe.git": f"file://{remote.bare}", "period: 10s": "period: 1s"}
    text = Remote.fitted(example(name, fit), TESTS, venvs)
    watched = Watched(host_of(text))
    watched.until_polled()
    return watched


IN_BOTH_FORMS = pytest.mark.parametrize("watched", ["ci.yml", "ci-flow-file.yml"], indirect=True)


@IN_BOTH_FORMS
def test_pushed_commit_is_tested_signed_off_and_archived_good(
    watched: Watched, remote: Remote
) -> None:
    host = watched.host
    commit = remote.push("main", "README.md", "\nOne line more.\n")

    run = watched.run_of(commit)
    host.until_node(run, "sign-off", "asking")
    watched.until_installed(run)
    host.until_node(run, "unit-tests", "good", TESTS_S)
    waits = floe(host, "why", run)
    floe(host, "give", run, "sign-off", "remark=fine")
    over = host.until_over(run)

    assert "sign-off" in waits
    assert (over["state"], over["good"]) == ("archive", True)
    assert over["values"]["branch"] == "main"
    assert commit[:7] in host.output(run, "checkout").decode()
    assert " passed" in host.output(run, "unit-tests").decode()
    assert [run["id"] for run in watched.runs()] == [run]


@IN_BOTH_FORMS
def test_commit_that_breaks_a_test_ends_the_run_bad_and_is_named(
    watched: Watched, remote: Remote
) -> None:
    host = watched.host
    commit = remote.push("main", "floe/kernel/backoff.py", BROKEN)

    run = watched.run_of(commit)
    watched.until_installed(run)
    over = host.until_over(run, TESTS_S)

    assert (over["state"], over["good"]) == ("archive", False)
    assert over["why"] == "Unit Tests failed: exit status 1"
    assert host.node(run, "unit-tests")["status"] == 1
    assert host.node(run, "sign-off")["state"] == "stopped"
    assert "tests/unit/kernel/test_backoff.py" in floe(host, "log", run, "unit-tests")
    assert "Unit Tests failed: exit status 1" in floe(host, "why", run)
    assert "task.unit-tests" in floe(host, "show", run)


def test_deleted_branch_starts_nothing(watched: Watched, remote: Remote) -> None:
    commit = remote.push("topic", "README.md", "\nA topic.\n")
    run = watched.run_of(commit)

    remote.delete("topic")
    watched.until_polled()

    assert [run["id"] for run in watched.runs()] == [run]


def test_branch_that_is_left_out_starts_nothing(watched: Watched, remote: Remote) -> None:
    remote.push("wip/later", "README.md", "\nNot ready.\n")

    watched.until_polled()

    assert watched.runs() == []


def test_restart_starts_nothing_twice_and_misses_nothing(watched: Watched, remote: Remote) -> None:
    host = watched.host
    before = watched.run_of(remote.push("main", "README.md", "\nBefore.\n"))
    host.stop()
    commit = remote.push("other", "README.md", "\nMeanwhile.\n")
    host.start()
    meanwhile = watched.run_of(commit)
    host.kill()
    host.start()

    watched.until_polled()

    assert {run["id"] for run in watched.runs()} == {before, meanwhile}
