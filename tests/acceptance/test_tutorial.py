"""docs/tutorial.md, step by step: its own documents on a real host, with real pushes."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.acceptance.flows import ROOT, floe, git, until_polled
from tests.acceptance.people import hosted
from tests.acceptance.product import Host, Shape, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CONFIG, FLOW_FILE, SIGN_OFF, NOTICE, ADDRESS = re.findall(
    r"^```yaml\n(.*?)^```$", (ROOT / "docs/tutorial.md").read_text(), re.DOTALL | re.MULTILINE
)
URL: Final = "git@github.com:you/app.git"
MAKEFILE: Final = "lint test release:\n\t@echo $@ is fine\n"
DONE: Final = CONFIG[CONFIG.index("      - name: Done") :]


class Repository:
    """The user's repository `app` on its server, and a clone from which the user pushes."""

    def __init__(self, folder: Path) -> None:
        self.bare, self.work = folder / "app.git", folder / "work"
        git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(self.bare))
        git(folder, "clone", "--quiet", str(self.bare), str(self.work))
        self.push("main", MAKEFILE)

    def push(self, branch: str, makefile: str) -> str:
        """Commit this Makefile and the tasks of step 6, and push it; the commit's hash."""
        git(self.work, "checkout", "--quiet", "-B", branch)
        (self.work / "Makefile").write_text(makefile)
        (self.work / "ci").mkdir(exist_ok=True)
        tasks = CONFIG[CONFIG.index("    tasks:") :]
        (self.work / "ci/floe.yml").write_text("    name: App\n" + tasks)
        git(self.work, "add", ".")
        git(self.work, "commit", "--quiet", "--allow-empty", "--message", f"change {branch}")
        git(self.work, "push", "--quiet", "--force", "origin", branch)
        return git(self.work, "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return Repository(tmp_path_factory.mktemp("repository"))


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, repository: Repository) -> Iterator[Host]:
    """The tutorial's host: step 2's flow, step 7's as `signed`, step 6's as `filed`."""
    head, _ = CONFIG.split("    tasks:\n")
    signed = CONFIG.replace(DONE, SIGN_OFF).replace(
        "    timeout: 1h\n", f"    timeout: 1h\n{NOTICE}"
    )
    filed = head + FLOW_FILE[FLOW_FILE.index("    flow-file:") :]
    flows = [CONFIG[CONFIG.index("  - name: App") :]]
    for id, text in (("signed", signed), ("filed", filed)):
        flow = text[text.index("  - name: App") :]
        flows.append(flow.replace("  - name: App", f"  - id: {id}", 1))
    config = CONFIG[: CONFIG.index("  - name: App")] + "".join(flows)
    config = config.replace("common:\n", f"common:\n{ADDRESS}")
    config = config.replace(f"{URL}/", f"file://{repository.bare}/")
    config = config.replace(f'url: "{URL}"}}', f"url: 'file://{repository.bare}', period: 1s}}")
    config = config.replace(f'url: "{URL}"', f"url: 'file://{repository.bare}'")
    assert URL not in config
    with hosted(tmp_path_factory.mktemp("tutorial"), config) as host:
        yield host


def test_documents_of_the_tutorial_have_no_mistake(host: Host, tmp_path: Path) -> None:
    shutil.copy(host.config, tmp_path / "default.yml")

    assert floe(host, "check", str(tmp_path / "default.yml"), "--json").strip() == "[]"


def test_run_by_hand_is_good(host: Host) -> None:
    shown = floe(host, "trigger", "app", "--wait")

    assert "good" in shown.splitlines()[-1]


def test_push_that_fails_is_explained_by_its_task_and_output(
    host: Host, repository: Repository
) -> None:
    until_polled(host, "app", "commits")  # the first only records the branches
    repository.push("broken", "lint:\ntest:\n\t@echo no $@ >&2; exit 1\n")

    def run() -> str | None:
        rows: list[Shape] = host.api.get("runs", flow="app", text="broken")["runs"]
        return next((row["id"] for row in rows if row["state"] == "archive"), None)

    why = floe(host, "why", until(run, "the end of the run of the push"))

    assert "Test failed: exit status 2" in why.splitlines()[0]
    assert "no test" in why


def test_released_after_the_sign_off(host: Host) -> None:
    run = host.trigger("signed")
    host.until_node(run, "sign-off", "asking")

    floe(host, "give", run, "sign-off")

    assert host.until_over(run)["good"]
    assert host.output(run, "release") == b"release is fine\n"


def test_tasks_are_read_from_the_repository(host: Host) -> None:
    run = host.trigger("filed")

    assert host.until_over(run)["good"]
    assert host.output(run, "test") == b"test is fine\n"
