"""Every example is run."""

import hmac
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from floe.cli.client import Account, Client
from tests.acceptance.conftest import HostOf
from tests.acceptance.flows import CONFIGS, EXAMPLES, floe, git
from tests.acceptance.product import TOKEN, Host, until
from tests.sshd import USER, Sshd

pytestmark = pytest.mark.slow

BUILD = """
tasks:
  - {name: Build, type: exec, listen: trigger.good, opts: {shell: 'echo built by ITS'}}
  - {name: Done, type: end, listen: task.build.good}
"""

IN_TERMINAL = (
    ("backup.yml", "task.expire"),
    ("blue-green.yml -d version=1.2.0", "task.smoke  good"),
    ("certificates.yml -d hosts=127.0.0.1", "task.verify"),
    ("cleanup.yml -d hosts=127.0.0.1", "task.clean"),
    ("conditions.yml", "not announced"),
    ("conditions.yml -d env=prod", "announced to the customers"),
    ("exec.yml", "hello, again"),
    ("fetch.yml", "unchecked.txt"),
    ("flow-file.yml --flow from-file", "tasks from the flow-file"),
    ("flow-file.yml --flow from-git", "built by git"),
    ("flow-file.yml --flow from-web", "built by web"),
    ("flow-file-tasks.yml", "tasks from the flow-file"),
    ("git.yml -d url=file://$SITE/app.git -d from-branch=feature", "Merge"),
    ("git.yml -d url=file://$SITE/app.git -d from-branch=conflict", "the branches do not merge"),
    ("git-options.yml", "ref refs/tags/v1.0"),
    ("hosts.yml", "host:nic="),
    ("http.yml -d service=shop", "the deployment has the number 1"),
    ("incident.yml -d service=shop -d severity=low", "shop (low): answers 200"),
    ("items.yml -d targets=eu,us", "deploy to us, number 1"),
    ("library-ci.yml", "tox -e py3.14-sqlite"),
    ("limits.yml", "it talked too much"),
    ("loops.yml", "0 faults"),
    ("max-runs.yml --flow build", "one at a time"),
    ("merges.yml", "task.after-both"),
    ("monorepo.yml -d changed=web", "built web"),
    ("notices.yml", "no notice of this run"),
    ("notify.yml", "sent: webhook"),
    ("sub-flows.yml --flow release -d version=1.4.2", "deploying app-1.4.2.tar to asia"),
    ("outcomes.yml", "the probe said three"),
    ("release.yml -d ask=false -d targets=eu", "released 1.4.0 to eu"),
    ("registry.yml", "npm publish tool-1.2.0.tgz"),
    ("repeat.yml", "the service answers 200"),
    ("secrets.yml", "deployed"),
    ("ssh.yml -d hosts=127.0.0.1", "127.0.0.1 has the app"),
    ("timer.yml --flow every-minute", "task.pause"),
    ("timer.yml --flow weekday-mornings", "UTC"),
    ("triggers.yml", "branch main"),
    ("bucket.yml", "kept in the bucket"),
    ("bucket-aws.yml", "kept in the bucket"),
    ("values.yml", "beta: pack-1.txt"),
    ("workspace.yml", "task.below"),
    ("default.yml --flow hello -d name=Ada", "Hello, Ada"),
    ("default.yml --flow race", "task.tortoise"),
)
ON_HOST = (
    "database.yml",
    "fleet.yml",
    "forms.yml",
    "host.yml",
    "timer.yml",
    "triggers.yml",
    "workspace.yml",
    "default.yml",
)
ELSEWHERE = (
    *("ci.yml", "ci-flow-file.yml", "ci-tasks.yml", "document.yml"),
    *(
        "calls.yml",
        "packs.yml",
        "pack-events.yml",
        "canary.yml",
        "report.yml",
        "token.yml",
        "utask.yml",
    ),
)
"""Those that have a test file of their own."""

TESTS = {path.name for path in EXAMPLES.glob("*.test.yml")}
"""They belong to other examples; a unit test runs them."""


class Site:
    """The examples, with a repository and a web server of this machine in place of theirs."""

    def __init__(self, folder: Path, web: str, sshd: Sshd) -> None:
        self.folder = folder
        self.secrets = {
            "FLOE_SECRET_NPM_TOKEN": "npm_0123456789",
            "FLOE_SECRET_DEPLOY_KEY": sshd.key.read_text(),
        }
        self.flows = folder / "examples"
        self.flows.mkdir()
        here = {
            "/srv/git/app.git": str(folder / "app.git"),
            "/tmp/floe-options.git": str(folder / "floe-options.git"),
            "/tmp/floe-host": str(folder / "host"),
            "http://127.0.0.1:8099": web,
            "https://example.com": web,
            "user: deploy": f"user: {USER}",
            "port: 2222": f"port: {sshd.port}",
            "/home/ci/.ssh/deploy": str(sshd.key),
            "/etc/floe/known_hosts": str(sshd.known),
            "/srv/app": str(folder),
            "host: db1": "host: 127.0.0.1",
            "pg_dump ": "echo dump of ",
            "openssl x509": "echo openssl x509",
            "npm ": "echo npm ",
            "cmd: npm,": "cmd: echo,",
            "period: 30s": "period: 1s",
            "period: 1m ": "period: 1s ",
        }
        for path in (*EXAMPLES.glob("*.yml"), CONFIGS / "default.yml"):
            text = path.read_text()
            for written, local in here.items():
                text = text.replace(written, local)
            (self.flows / path.name).write_text(text)

    def text(self, name: str) -> str:
        return (self.flows / name).read_text()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    make_app(folder)
    make_options(folder)
    served = folder / "web"
    (served / "flows").mkdir(parents=True)
    (served / "hello.txt").write_text("hello\n")
    (served / "live.json").write_text('{"colour": "blue"}')
    (served / "flows/build.yml").write_text(BUILD.replace("ITS", "web"))
    (folder / "logs").mkdir()
    (folder / "migrate").write_text("#!/bin/sh\necho migrated $1 to $2\n")
    (folder / "migrate").chmod(0o755)
    sshd = Sshd(folder / "ssh")
    sshd.start()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(served))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Site(folder, f"http://127.0.0.1:{server.server_port}", sshd)
        server.shutdown()
        thread.join()
    sshd.stop()


class Silent(SimpleHTTPRequestHandler):
    """A web server that logs nothing; it answers JSON with a number, and a form with its text."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        is_json = self.headers["Content-Type"] == "application/json"
        reply = b'{"number": 1}' if is_json and json.loads(body) else body
        self.send_response(201)
        self.send_header("Content-Type", "application/json" if is_json else "text/plain")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    do_PUT = do_POST

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def make_app(folder: Path) -> None:
    """A repository with a flow-file, a branch that merges and one that does not."""
    work = folder / "app"
    git(folder, "init", "--quiet", "--initial-branch=main", "app")
    write(work, ".floe/build.yml", BUILD.replace("ITS", "git"))
    for branch, file in (("feature", "feature"), ("conflict", "app"), ("main", "app")):
        git(work, "checkout", "--quiet", "-B", branch, "main")
        write(work, file, f"from {branch}\n")
    git(folder, "clone", "--quiet", "--bare", "app", "app.git")
    git(work, "remote", "add", "origin", str(folder / "app.git"))


def write(work: Path, name: str, text: str) -> None:
    """Write a file and commit it."""
    (work / name).parent.mkdir(exist_ok=True)
    (work / name).write_text(text)
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "--message", f"write {name}")


def make_options(folder: Path) -> None:
    """The repository that git-options.yml says how to make."""
    work = folder / "floe-options"
    git(folder, "init", "--quiet", "--initial-branch=master", "floe-options")
    git(work, "commit", "--quiet", "--allow-empty", "--message", "first")
    git(work, "tag", "v1.0")
    git(work, "branch", "feature")
    git(folder, "clone", "--quiet", "--bare", "floe-options", "floe-options.git")


@pytest.mark.parametrize(("command", "said"), IN_TERMINAL)
def test_example_ends_good_in_the_terminal(site: Site, command: str, said: str) -> None:
    program = Path(sys.executable).with_name("floe")
    args = command.replace("$SITE", str(site.folder)).split()

    ran = subprocess.run(
        [program, "run", *args],
        cwd=site.flows,
        env={**os.environ, **site.secrets},
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )

    assert ran.returncode == 0, ran.stdout.decode() + ran.stderr.decode()
    assert said in ran.stdout.decode()


def test_form_asked_for_in_no_terminal_ends_the_run(site: Site) -> None:
    program = Path(sys.executable).with_name("floe")

    ran = subprocess.run(
        [program, "run", site.flows / "forms.yml"], stdin=subprocess.DEVNULL, capture_output=True
    )

    assert ran.returncode == 2
    assert b"task.approve asks" in ran.stderr


@pytest.mark.parametrize(
    ("answer", "node", "said"),
    [
        (["courier=mail"], "deliver", b"3 large for Ada by mail"),
        (["--reject"], "refuse", b"not today"),
    ],
    ids=["approved", "rejected"],
)
def test_form_is_answered(
    site: Site, host_of: HostOf, answer: list[str], node: str, said: bytes
) -> None:
    host = host_of(site.text("forms.yml"))
    run = floe(host, "trigger", "forms", "-d", "size=large", "-d", "pieces=3").strip()
    host.until_node(run, "approve", "asking")

    floe(host, "give", run, "approve", *answer)

    assert host.until_over(run)["good"] is True
    assert said in host.output(run, node)


def test_fleet_is_patched_one_machine_after_the_other_once_the_canary_looks_good(
    site: Site, host_of: HostOf
) -> None:
    host = host_of(site.text("fleet.yml"))
    run = floe(host, "trigger", "fleet", "-d", "machines=a,b").strip()
    host.until_node(run, "looks-good", "asking")

    floe(host, "give", run, "looks-good", "note=fine")

    assert host.until_over(run)["good"] is True
    assert floe(host, "log", run, "patch[1]") == "patch b\n"


def test_database_is_migrated_after_backup_and_sign_off(site: Site, host_of: HostOf) -> None:
    host = host_of(site.text("database.yml"))
    run = floe(host, "trigger", "database-migration").strip()
    host.until_node(run, "sign-off", "asking")

    floe(host, "give", run, "sign-off", "reason=release")

    assert host.until_over(run)["good"] is True
    assert host.output(run, "migrate") == b"migrated orders to 42\n"


def test_logs_of_a_machine_are_packed_when_they_are_old(site: Site, host_of: HostOf) -> None:
    logs = site.folder / "logs"
    for name, age_days in (("old.log", 3), ("older.log.gz", 31), ("new.log", 0)):
        (logs / name).write_text("x\n")
        at = time.time() - (age_days + 1) * 86400
        os.utime(logs / name, (at, at))
    host = host_of(site.text("cleanup.yml"))

    run = floe(host, "trigger", "cleanup", "-d", "hosts=127.0.0.1").strip()

    over = host.until_over(run)
    assert over["good"] is True, over["why"]
    assert sorted(path.name for path in logs.iterdir()) == ["new.log", "old.log.gz"]


def test_form_that_nobody_answers_expires(site: Site, host_of: HostOf) -> None:
    host = host_of(site.text("forms.yml").replace("timeout: 1h", "timeout: 1s"))

    run = host.trigger("forms")

    assert host.until_over(run)["good"] is True
    assert host.output(run, "expire") == b"nobody answered\n"


def test_release_is_shipped_after_its_sign_off(site: Site, host_of: HostOf) -> None:
    host = host_of(site.text("default.yml"))
    run = floe(host, "trigger", "release", "-d", "version=7.1", "-d", "target=production").strip()
    host.until_node(run, "sign-off", "asking")

    floe(host, "give", run, "sign-off", "tested=yes")

    assert host.until_over(run)["good"] is True
    assert host.output(run, "ship") == b"version 7.1 is on its way to production\n"


def test_reused_workspace_keeps_what_runs_left(site: Site, host_of: HostOf) -> None:
    host = host_of(site.text("workspace.yml"))

    for count in (b"1\n", b"2\n"):
        run = host.trigger("workspace")

        over = host.until_over(run)
        assert over["good"] is True, over["why"]
        assert host.output(run, "count") == count


def test_timer_starts_runs_by_itself(site: Site, host_of: HostOf) -> None:
    host = host_of(site.text("timer.yml"))

    run = run_by(host, "trigger:tick")

    assert host.show(run)["values"]["branch"] == "main"
    assert host.until_over(run)["good"] is True


def test_every_trigger_checks_out_its_commit(
    site: Site, host_of: HostOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUSH_SECRET", "s3cret")
    host = host_of(site.text("triggers.yml"))
    until(lambda: has_looked(host), "the first look at the repository")

    push(host, "triggers/pushed", "s3cret", {"ref": "refs/heads/main"})
    git(site.folder / "app", "push", "--quiet", "--force", "origin", "main:refs/heads/polled")

    pushed = host.until_over(run_by(host, "trigger:pushed"))
    polled = host.until_over(run_by(host, "trigger:commits"))
    assert (pushed["good"], polled["good"]) == (True, True)
    assert polled["values"]["branch"] == "polled"
    (nightly,) = (t for t in triggers(host) if t["id"] == "nightly")
    assert nightly["next_due"].endswith("T02:00:00.000Z")


def test_host_keeps_its_things_in_the_configured_folders(
    site: Site, host_of: HostOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("flow-file.yml", "flow-file-tasks.yml"):
        shutil.copy(site.flows / name, tmp_path / name)
    (tmp_path / "secrets").mkdir()
    text = site.text("host.yml").replace("/run/secrets", str(tmp_path / "secrets"))
    host = Host(tmp_path, text)
    host.api = Client(Account(url=f"http://{host.address}/floe/api", token=TOKEN))
    monkeypatch.setenv("JAVA_HOME", "/opt/java")
    monkeypatch.setenv("FLOE_HOST_NAME", "h1")
    try:
        host.start(env={"FLOE_ROOT": ""})
        run = host.trigger("from-file")
        over = host.until_over(run)
    finally:
        host.root = tmp_path / ".floe/h1"
        host.close()

    assert over["good"] is True
    assert Path(over["workspace"]).is_relative_to(site.folder / "host/work")
    assert (site.folder / "host/store/floe.db").exists()


def run_by(host: Host, by: str) -> str:
    """Wait for a run that somebody started; its id."""

    def found() -> str | None:
        runs = host.api.get("runs")["runs"]
        return next((str(run["id"]) for run in runs if run["by"] == by), None)

    return until(found, f"a run by {by}")


def triggers(host: Host) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = host.api.get("flows/triggers")["triggers"]
    return found


def has_looked(host: Host) -> bool:
    """Whether the poll is due later than it was at first."""
    before = triggers(host)
    return until(lambda: triggers(host) != before, "a look at the repository")


def push(host: Host, path: str, secret: str, body: object) -> None:
    """Deliver a webhook as a forge does."""
    data = json.dumps(body).encode()
    signature = hmac.digest(secret.encode(), data, "sha256").hex()
    headers = {"X-Hub-Signature-256": f"sha256={signature}", "X-GitHub-Delivery": "d-1"}
    url = f"http://{host.address}/build/api/push/{path}"
    with urllib.request.urlopen(urllib.request.Request(url, data, headers)) as answer:
        assert answer.status == 202


def test_every_example_is_run() -> None:
    run = {command.split()[0] for command, _ in IN_TERMINAL} | {*ON_HOST, *ELSEWHERE}

    assert run == {*{p.name for p in EXAMPLES.glob("*.yml")} - TESTS, "default.yml"}
