"""A new user's first hour, played on real processes: what `scripts/first-hour` runs.

Needs nothing but Python, git and what start.sh itself needs: a user has no more.
"""

import hashlib
import hmac
import http.client
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

ROOT: Final = Path(__file__).parents[1]
WAIT_S: Final = 60.0
KEY: Final = b"of the webhook"

MAKEFILE: Final = "lint test:\n\t@echo $@ is fine\n"
BROKEN: Final = "lint:\ntest:\n\t@echo 'AssertionError: 1 != 2'; exit 1\n"

FLOWS: Final = Path(__file__).with_suffix(".yml")
TASKS: Final = """
name: From the repository
tasks:
  - {name: Say, type: exec, listen: trigger.good, opts: {cmd: echo from the repository}}
  - {name: Done, type: end, listen: task.say.good}
"""


class Chat:
    """The team's chat, reduced to its webhook. Runs until the process ends.

    Attributes: `messages` are the bodies that it got.
    """

    def __init__(self) -> None:
        self.messages = messages = list[str]()

        class Webhook(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                messages.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
        self.url = f"http://127.0.0.1:{server.server_port}/services/secret"
        threading.Thread(target=server.serve_forever, daemon=True).start()


class Hour:
    """A user, a clone of floe in an empty folder, and a repository of the user's own."""

    def __init__(self, folder: Path) -> None:
        self.clone, self.work = folder / "floe", folder / "work"
        self.bare = folder / "app.git"
        self.port, self.chat = _free_port(), Chat()
        (folder / "home").mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "home"),
            "FLOE_PORT": str(self.port),
            "SLACK_URL": self.chat.url,
            **{name: value for name, value in os.environ.items() if name.startswith("PIP_")},
        }
        self.home = folder / "home"

    def types(self, *words: str, status: int | None = 0, cwd: Path | None = None) -> str:
        """Run a command in the clone and return what it prints. `status` None: any will do."""
        done = subprocess.run(
            words,
            cwd=cwd or self.clone,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
        )
        shown = done.stdout + done.stderr
        expect(status is None or done.returncode == status, f"{words} exits {status}", shown)
        return shown

    def floe(self, *words: str, status: int | None = 0) -> str:
        """Run floe's command line, as logged in by start.sh."""
        return self.types(str(self.clone / ".venv/bin/floe"), *words, status=status)

    def json(self, *words: str) -> Any:
        """What floe prints with `--json`."""
        return json.loads(self.floe(*words, "--json"))

    def git(self, *words: str) -> str:
        """Run git in the user's clone of the repository."""
        identity = ("-c", "user.name=ada", "-c", "user.email=ada@example.com")
        return self.types("git", *identity, *words, cwd=self.work)

    def push(self, branch: str, makefile: str) -> None:
        """Commit this Makefile to a branch and push it."""
        self.git("checkout", "--quiet", "-B", branch)
        (self.work / "Makefile").write_text(makefile)
        (self.work / "ci").mkdir(exist_ok=True)
        (self.work / "ci/floe.yml").write_text(TASKS)
        self.git("add", ".")
        self.git("commit", "--quiet", "--allow-empty", "--message", f"work on {branch}")
        self.git("push", "--quiet", "--force", "origin", branch)

    def runs(self, flow: str) -> list[Any]:
        """The rows of a flow's runs, newest first."""
        rows: list[Any] = self.json("runs", "--flow", flow)["runs"]
        return rows

    def ended(self, run: str) -> Any:
        """A run, once it has ended."""
        return until(f"the end of {run}", lambda: _if_ended(self.json("show", run)))

    def node(self, run: str, node: str) -> str:
        """The state of a node of a run."""
        nodes = self.json("show", run)["nodes"]
        return next((str(n["state"]) for n in nodes if n["id"] == node), "")

    def request(self, path: str, body: bytes, **headers: str) -> tuple[int, Any]:
        """POST to the API as curl would; the status and the reply."""
        to = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named = {"Content-Type": "application/json"} | named
        to.request("POST", f"/build/api/{path}", body, named)
        reply = to.getresponse()
        return reply.status, json.load(reply)

    def pid(self, host: str) -> int:
        """The process of one of the two hosts."""
        return int((self.clone / f".floe/{host}/host.pid").read_text().split()[0])


class Unexpected(Exception):
    """A step did not go as a user expects."""


def expect(fact: object, what: str, shown: object = "") -> None:
    """Raise Unexpected unless something is so."""
    if not fact:
        raise Unexpected(f"expected: {what}\n{shown}")


def until(what: str, fact: Callable[[], Any]) -> Any:
    """Wait until something is so and return it. Raises Unexpected after a minute."""
    deadline = time.monotonic() + WAIT_S
    while not (found := fact()):
        expect(time.monotonic() < deadline, f"{what} within {WAIT_S:g} s")
        time.sleep(0.1)
    return found


def _show(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _if_ended(run: Any) -> Any:
    return run if run["state"] == "archive" else None


def _processes(clone: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            if str(clone) in (process / "cmdline").read_text(errors="replace"):
                found.append(process.name)
    return found


def _free_port() -> int:
    while True:
        with socket.create_server(("127.0.0.1", 0)) as first:
            port: int = first.getsockname()[1]
            try:
                with socket.create_server(("127.0.0.1", port + 10)):
                    return port
            except OSError:
                continue


# --- the steps, in order; the docstring is what is printed ---


def start(hour: Hour) -> None:
    """start.sh, and the first green run"""
    shown = hour.types("./start.sh")
    expect("Dashboard" in shown, "start.sh prints the address of the dashboard", shown)
    expect("good" in hour.floe("trigger", "hello", "--wait"), "hello is good")


def own_flows(hour: Hour) -> None:
    """flows of one's own: default.yml, floe check, restart"""
    hour.types("git", "init", "--quiet", "--bare", "-b", "main", str(hour.bare), cwd=hour.home)
    hour.types("git", "clone", "--quiet", str(hour.bare), str(hour.work), cwd=hour.home)
    hour.push("main", MAKEFILE)
    (hour.home / "secret").write_bytes(KEY)
    text = (
        FLOWS.read_text()
        .replace("$REPOSITORY", f"file://{hour.bare}")
        .replace("$HOME", str(hour.home))
    )
    (hour.clone / "default.yml").write_text(text + "  - {nmae: X}\n")
    refused = hour.floe("check", "default.yml", status=1)
    expect("did you mean" in refused or "`name`" in refused, "the typo is explained", refused)
    (hour.clone / "default.yml").write_text(text)
    hour.floe("check", "default.yml")
    hour.types("./start.sh", "restart")
    flows = hour.floe("flows")
    expect("app-ci" in flows and "deploy" in flows, "the flows are known", flows)


def integration(hour: Hour) -> None:
    """continuous integration: three branches, their names in the list, one failure explained"""

    def due() -> str:
        flow = next(f for f in hour.json("flows")["flows"] if f["id"] == "app-ci")
        return str(flow["triggers"][0]["next_due"])

    for _ in range(2):  # the first poll only records the branches
        before = due()
        until("a poll", lambda before=before: due() != before)  # type: ignore[misc]  # mypy has no type for a default of a lambda
    for branch, makefile in (("feature-a", MAKEFILE), ("feature-b", MAKEFILE), ("bad", BROKEN)):
        hour.push(branch, makefile)
    until("three runs", lambda: len(hour.runs("app-ci")) == 3)
    until("their ends", lambda: all(r["state"] == "archive" for r in hour.runs("app-ci")))
    listed = hour.floe("runs", "--flow", "app-ci")
    expect(all(b in listed for b in ("feature-a", "feature-b", "bad")), "branches in list", listed)
    [bad] = [row for row in hour.runs("app-ci") if row["result"] != "good"]
    why = hour.floe("why", bad["id"])
    expect("Unit Tests failed: exit status 2" in why, "what failed", why)
    expect("AssertionError: 1 != 2" in why, "the last lines of its output", why)


def notice(hour: Hour) -> None:
    """the team's chat hears of the failure, with its last lines"""
    [message] = until("the notice", lambda: hour.chat.messages)
    expect("Unit Tests failed" in message, "it names what failed", message)
    expect("AssertionError" in message, "it has the last lines", message)
    expect("feature-" not in message, "good runs send none", message)


def again(hour: Hour) -> None:
    """a re-run of what failed, with what will run shown before"""
    [bad] = [row["id"] for row in hour.runs("app-ci") if row["result"] != "good"]
    plan = hour.floe("rerun", bad, "--failed", "--dry-run")
    expect("unit-tests" in plan or "Unit Tests" in plan, "the plan names the node", plan)
    shown = hour.floe("rerun", bad, "--failed", "--wait", status=1)
    expect("Unit Tests failed" in shown, "the re-run fails again, and says so", shown)


def retries(hour: Hour) -> None:
    """a retry that waits says until when; cancel is no failure"""
    run = hour.floe("trigger", "flaky").split()[0]
    until("the retry", lambda: "retry 1 of 3 at" in hour.floe("why", run))
    hour.floe("cancel", run, "--why", "enough")
    ended = hour.ended(run)
    expect(ended["result"] == "cancelled", "the result is cancelled", ended["result"])


def deploy(hour: Hour) -> None:
    """a form, a sign-off, a resource that a second deployment waits for"""
    refused = hour.floe("trigger", "deploy", "-d", "version=1", "-d", "target=mars", status=2)
    expect("staging" in refused, "the choices are named", refused)
    first = hour.floe(
        "trigger", "deploy", "-d", "version=1.4.2", "-d", "target=production"
    ).split()[0]
    until("the sign-off", lambda: hour.node(first, "approval") == "asking")
    listed = hour.floe("runs", "--flow", "deploy")
    expect("Deploy 1.4.2 to production" in listed, "the run has a title", listed)
    second = hour.floe("trigger", "deploy", "-d", "version=1.4.3").split()[0]
    until("who waits", lambda: first in hour.floe("why", second))
    hour.floe("give", first, "approval")
    expect(hour.ended(first)["good"], "the first is good")
    printed = hour.floe("log", first, "roll-out")
    expect(printed == "app-1.4.2.tgz to production\n", "outputs reach later tasks", printed)
    until("the turn of the second", lambda: hour.node(second, "approval") == "asking")
    hour.floe("give", second, "approval", "--reject")
    expect(hour.ended(second)["result"] == "rejected", "the second is rejected")


def flow_file(hour: Hour) -> None:
    """tasks that are kept in the repository"""
    shown = hour.floe("trigger", "filed", "-d", "branch=main", "--wait")
    expect("good" in shown, "the run is good", shown)


def tags(hour: Hour) -> None:
    """a run that no host can take says why; a host that drains takes none"""
    run = hour.floe("trigger", "needs-a-gpu").split()[0]
    until("the reason", lambda: "gpu" in hour.floe("why", run))
    hour.floe("cancel", run)
    hour.floe("host", "drain", "h2")
    ids = [hour.floe("trigger", "quick").split()[0] for _ in range(4)]
    hosts = {hour.ended(id)["host"] for id in ids}
    hour.floe("host", "drain", "h2", "--off")
    expect(hosts == {"h1"}, "all runs on h1", hosts)


def api(hour: Hour) -> None:
    """the API by hand: a key that starts one run, an error that helps"""
    token = (hour.clone / ".floe/h1/admin-token").read_text().strip()
    bearer = {"Authorization": f"Bearer {token}"}
    body = json.dumps({"ref": {"id": "quick"}, "form": {"values": {}}}).encode()
    keyed = {"Idempotency_Key": "one", **bearer}
    ids = {hour.request("push/data", body, **keyed)[1]["run"] for _ in range(2)}
    expect(len(ids) == 1, "one run for one key", ids)
    status, problem = hour.request("push/data", b'{"ref": {"id": "quik"}}', **bearer)
    expect(status == 404 and problem.get("hint"), "404 with a hint", problem)


def webhook(hour: Hour) -> None:
    """GitHub's webhook: one run for one delivery, of what was pushed; none for a wrong signature"""
    pushed = hour.git("rev-parse", "feature-a").strip()

    def deliver(id: str, ref: str, signed: str = "") -> tuple[int, Any]:
        push = {
            "ref": f"refs/heads/{ref}",
            "after": pushed,
            "repository": {"clone_url": "http://x/"},
        }
        body = urlencode({"payload": json.dumps(push)}).encode()
        signed = signed or hmac.new(KEY, body, hashlib.sha256).hexdigest()
        return hour.request(
            "push/hook/push",
            body,
            Content_Type="application/x-www-form-urlencoded",
            X_Hub_Signature_256=f"sha256={signed}",
            X_GitHub_Delivery=id,
            X_GitHub_Event="push",
        )

    runs = {deliver("d1", "feature-a")[1]["run"] for _ in range(2)}
    expect(len(runs) == 1, "one run for one delivery", runs)
    [run] = runs
    expect(hour.ended(run)["good"], "the run is good")
    printed = hour.floe("log", run, "say").split()
    expect(printed == [pushed, "feature-a"], "what was pushed is built", printed)
    status, passed_over = deliver("d2", "main")
    expect(status == 200 and "main" in passed_over["why"], "other branches start none", passed_over)
    expect(deliver("d3", "feature-a", "0" * 64)[0] == 401, "a wrong signature is refused")


def nightly(hour: Hour) -> None:
    """a nightly job, tried by hand"""
    shown = hour.floe("trigger", "nightly", "--wait")
    expect("good" in shown, "the run is good", shown)


def prune(hour: Hour) -> None:
    """old runs are removed, shown before, and say so afterwards"""
    rows = hour.runs("quick")
    planned = hour.floe("prune", "--flow", "quick", "--keep-runs", "1", "--dry-run")
    expect(rows[-1]["id"] in planned, "the plan names the oldest", planned)
    hour.floe("prune", "--flow", "quick", "--keep-runs", "1")
    expect("was removed" in hour.floe("show", rows[-1]["id"], status=2), "the oldest says so")
    until("one row of each host", lambda: len(hour.runs("quick")) <= 2)


def terminal(hour: Hour) -> None:
    """a flow in the terminal, without a host"""
    shown = hour.floe("run", "default.yml", "--flow", "deploy", "-d", "version=1", status=2)
    expect("no terminal to ask on" in shown, "a form without a terminal is named", shown)
    shown = hour.floe("run", "configs/default.yml", "--flow", "hello")
    expect("Hello, world" in shown, "its output is printed", shown)


def killed(hour: Hour) -> None:
    """kill -9 of both hosts while a command runs: nothing is lost"""
    run = hour.floe("trigger", "long").split()[0]
    until("its command", lambda: hour.node(run, "count") == "running")
    for host in ("h1", "h2"):
        os.kill(hour.pid(host), signal.SIGKILL)
    until(
        "the end of the hosts", lambda: "not run" in hour.types("./start.sh", "status", status=None)
    )
    hour.types("./start.sh")
    expect(hour.ended(run)["good"], "the run is good")
    expect(hour.floe("log", run, "count").split() == [*"12345678"], "its output is whole")


def stop(hour: Hour) -> None:
    """stop leaves no process behind"""
    hour.types("./start.sh", "stop")
    until("the end of the wardens", lambda: not _processes(hour.clone))


STEPS: Final = (
    start,
    own_flows,
    integration,
    notice,
    again,
    retries,
    deploy,
    flow_file,
    tags,
    api,
    webhook,
    nightly,
    prune,
    terminal,
    killed,
    stop,
)


@contextmanager
def _folder(*, keep: bool) -> Iterator[Path]:
    if keep:
        yield Path(tempfile.mkdtemp(prefix="first-hour-"))
    else:
        with tempfile.TemporaryDirectory(prefix="first-hour-") as made:
            yield Path(made)


def main(arguments: list[str]) -> int:
    """Play every step; 0 if all went as a user expects."""
    keep = arguments == ["--keep"]
    if arguments and not keep:
        _show("floe: scripts/first-hour takes --keep only")
        return 2
    failed = 0
    with _folder(keep=keep) as folder:
        hour = Hour(folder)
        subprocess.run(["git", "clone", "--quiet", ROOT, hour.clone], check=True)
        for step in STEPS[:-1] if keep else STEPS:
            began = time.monotonic()
            try:
                step(hour)
                mark = "ok  "
            except Unexpected as error:
                mark, failed = "FAIL", failed + 1
                _show(str(error))
            except Exception:
                mark, failed = "FAIL", failed + 1
                _show(traceback.format_exc())
            _show(f"{mark} {time.monotonic() - began:5.1f} s  {step.__doc__}")
            if failed and step in (start, own_flows):
                break
        if keep:
            _show(f"\nIt is all in {folder}; stop it with: {hour.clone}/start.sh stop")
        elif failed:
            hour.types("./start.sh", "stop", status=None)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
