"""A bad world: disks that are full, stores of others, servers that lie, commands that misbehave."""

import http.server
import resource
import shutil
import socket
import sqlite3
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from floe.model.errors import Theirs
from tests.acceptance.conftest import HostOf
from tests.acceptance.people import floe, hosted
from tests.acceptance.product import DEADLINE_S, Host, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

ANY = "triggers: [{id: start, type: data}]"

ONE = f"""
common: {{grace: 0.5}}
flows:
  - id: one
    {ANY}
    tasks:
      - id: wait
        type: exec
        listen: trigger.good
        opts: {{shell: 'until [ -e "$HERE/go" ]; do sleep 0.02; done'}}
      - {{id: say, type: exec, listen: task.wait.good, opts: {{cmd: echo after}}}}
      - {{id: done, type: end, listen: task.say.good}}
"""


# --- the disk


def limit_files(host: Host, size: int) -> None:
    """Let the host's process write no file beyond a size: to it, its disk is full."""
    assert host.process is not None
    hard = resource.prlimit(host.process.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(host.process.pid, resource.RLIMIT_FSIZE, (size, hard))


def test_full_disk_refuses_what_is_new_and_loses_nothing(host_of: HostOf) -> None:
    host = host_of(ONE)
    run = host.trigger("one")
    host.until_node(run, "wait", "running")

    limit_files(host, 4096)
    refused = floe(host, "trigger", "one")
    (host.folder / "go").touch()
    until(lambda: not host.is_ready(), "that it says so")
    seen = host.show(run)["state"]
    limit_files(host, resource.RLIM_INFINITY)

    assert refused.returncode == 3
    assert "the store refused" in refused.stderr
    assert seen == "active"
    assert host.until_over(run)["good"]
    assert host.is_ready()
    assert [row["id"] for row in host.api.get("runs")["runs"]] == [run]
    assert "Traceback" not in host.log.read_text()


def test_host_that_is_killed_on_a_full_disk_goes_on_when_there_is_room(host_of: HostOf) -> None:
    host = host_of(ONE)
    run = host.trigger("one")
    host.until_node(run, "wait", "running")
    limit_files(host, 4096)
    (host.folder / "go").touch()
    until(lambda: not host.is_ready(), "that it says so")

    host.kill()
    host.start()

    assert host.until_over(run)["good"]
    assert host.output(run, "say") == b"after\n"


def test_command_that_fills_its_disk_is_bad_and_the_next_run_is_not(host_of: HostOf) -> None:
    host = host_of(
        f"""
flows:
  - id: fill
    {ANY}
    tasks:
      - id: fill
        type: exec
        listen: trigger.good
        opts: {{shell: 'ulimit -f 100; exec dd if=/dev/zero of=big bs=1M count=100'}}
  - id: fine
    {ANY}
    tasks: [{{id: say, type: exec, listen: trigger.good, opts: {{cmd: echo fine}}}}]
"""
    )

    full = host.until_over(host.trigger("fill"))

    assert full["good"] is False
    assert full["nodes"][0]["status"] == 128 + 25
    assert host.until_over(host.trigger("fine"))["good"]


BLOCKED = {
    "outputs": ("root/runs", "could not start"),
    "workspaces": ("root/spaces", "could not start"),
}


@pytest.mark.parametrize("name", BLOCKED)
def test_node_whose_files_cannot_be_made_reports_it(name: str, host_of: HostOf) -> None:
    place, expected = BLOCKED[name]
    host = host_of(ONE)
    shutil.rmtree(host.folder / place, ignore_errors=True)
    (host.folder / place).write_text("in the way")
    (host.folder / "go").touch()

    run = host.until_over(host.trigger("one"))
    (host.folder / place).unlink()

    assert run["good"] is False
    assert expected in run["why"]
    assert place in run["why"]
    assert host.until_over(host.trigger("one"))["good"]


ROOTS = {
    "below a file": ("$HERE/config.yml/root", "cannot be created|not a directory"),
    "on a device": ("/dev/null", "cannot be created|not a directory"),
    "in a place of the kernel": ("/proc/floe", "cannot be created"),
}


@pytest.mark.parametrize("name", ROOTS)
def test_root_that_cannot_be_made_is_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    host = Host(tmp_path, ONE)
    root, expected = ROOTS[name]

    started = host.launch(env={"FLOE_ROOT": root.replace("$HERE", str(tmp_path))})

    assert not started
    said = host.log.read_text()
    assert any(part in said for part in expected.split("|"))
    assert "Traceback" not in said


@pytest.mark.parametrize("name", ["a b 'c' \"d\" $HOME", "grün-日本-🦊", "long/" + "x" * 200])
def test_root_may_have_any_name(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    with hosted(folder, ONE.replace("$HERE", str(tmp_path))) as host:
        (tmp_path / "go").touch()

        run = host.trigger("one")

        assert host.until_over(run)["good"]
        assert host.output(run, "say") == b"after\n"


# --- the store


def test_second_host_on_a_root_is_refused_and_the_first_goes_on(host_of: HostOf) -> None:
    first = host_of(ONE)
    run = first.trigger("one")
    second = Host(first.folder, ONE)
    second.log = first.folder / "second.log"

    started = second.launch()
    (first.folder / "go").touch()

    assert not started
    assert first.process is not None
    assert f"is in use by process {first.process.pid}" in second.log.read_text()
    assert "Traceback" not in second.log.read_text()
    assert first.until_over(run)["good"]


def newer(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 999")
    db.close()


def not_ours(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE songs (name TEXT)")
    db.close()


def no_database(path: Path) -> None:
    path.write_bytes(b"Dear diary, " * 1000)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


STORES = {
    "newer": (newer, "was written by a newer floe"),
    "not ours": (not_ours, "is a database, but not floe's"),
    "no database": (no_database, "is not a SQLite database"),
    "a folder": (a_folder, "floe.db"),
}


@pytest.mark.parametrize("name", STORES)
def test_store_that_is_not_this_floes_is_left_as_it_is(name: str, host_of: HostOf) -> None:
    spoil, expected = STORES[name]
    host = host_of(ONE)
    host.stop()
    for extra in ("-wal", "-shm"):
        (host.root / f"floe.db{extra}").unlink(missing_ok=True)
    spoil(host.root / "floe.db")
    before = content(host.root / "floe.db")

    started = host.launch()

    assert not started
    said = host.log.read_text()
    assert expected in said
    assert "Traceback" not in said
    assert content(host.root / "floe.db") == before


def content(path: Path) -> bytes:
    """What is in a file; nothing for a folder."""
    return b"" if path.is_dir() else path.read_bytes()


# --- commands


COMMANDS = f"""
common: {{grace: 0.5}}
flows:
  - id: nowhere
    {ANY}
    tasks: [{{id: x, type: exec, listen: trigger.good, opts: {{cmd: no-such-command}}}}]
  - id: folder
    {ANY}
    tasks: [{{id: x, type: exec, listen: trigger.good, opts: {{cmd: /}}}}]
  - id: locked
    {ANY}
    tasks: [{{id: x, type: exec, listen: trigger.good, opts: {{cmd: $HERE/config.yml}}}}]
  - id: interpreter
    {ANY}
    tasks: [{{id: x, type: exec, listen: trigger.good, opts: {{cmd: $HERE/script}}}}]
  - id: neither
    {ANY}
    tasks: [{{id: x, type: exec, listen: trigger.good, opts: {{cmd: $HERE/noise}}}}]
  - id: many
    triggers:
      - {{id: start, type: data, opts: {{form: {{fields: [{{id: a, type: text}}]}}}}}}
    tasks: [{{id: x, type: exec, listen: trigger.good, opts: {{cmd: 'echo $FLOE_IN_A$FLOE_IN_A'}}}}]
  - id: vanishing
    {ANY}
    tasks:
      - {{id: x, type: exec, listen: trigger.good, opts: {{shell: 'rm -r "$FLOEWS"; echo gone'}}}}
      - {{id: y, type: exec, listen: task.x.good, opts: {{cmd: pwd}}}}
  - id: silent
    {ANY}
    tasks:
      - id: x
        type: exec
        listen: trigger.good
        opts: {{shell: 'echo before; exec >&- 2>&-; echo after; exit 7'}}
  - id: tidy
    {ANY}
    tasks:
      - id: x
        type: exec
        listen: trigger.good
        opts: {{shell: 'echo before; rm -r "$(dirname "$FLOE_OUTPUTS")"; echo after'}}
      - {{id: y, type: exec, listen: task.x.good, opts: {{cmd: echo next}}}}
  - id: endless
    {ANY}
    tasks:
      - {{id: x, type: exec, listen: trigger.good, output-max: 1MB, opts: {{cmd: 'yes'}}}}
  - id: binary
    {ANY}
    tasks:
      - id: x
        type: exec
        listen: trigger.good
        opts: {{shell: 'head -c 10000000 /dev/zero; printf "\\377\\376\\000\\n\\355\\240\\200"'}}
"""

NOT_STARTED = {
    "nowhere": "command not found: no-such-command",
    "folder": "/ is a directory",
    "locked": "/config.yml is not executable",
    "interpreter": "the interpreter named in its first line is missing",
    "neither": "neither a program nor a script",
}


@pytest.fixture(scope="module")
def commanded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host with commands of every bad kind."""
    folder = tmp_path_factory.mktemp("host")
    for name, text in {"script": b"#!/no/such/interpreter\n", "noise": bytes(range(256))}.items():
        (folder / name).write_bytes(text)
        (folder / name).chmod(0o755)
    with hosted(folder, COMMANDS) as host:
        yield host
        assert "Traceback" not in host.log.read_text()
        assert host.processes() == {}


@pytest.mark.parametrize("flow", NOT_STARTED)
def test_command_that_cannot_start_explains_why(flow: str, commanded: Host) -> None:
    done = floe(commanded, "trigger", flow, "--wait")

    assert done.returncode == 1
    assert "task.x  error  could not start: " in done.stdout
    assert NOT_STARTED[flow] in done.stdout


def test_arguments_that_are_too_long_are_an_error(commanded: Host) -> None:
    run = commanded.until_over(commanded.trigger("many", a="a" * 65_536))

    assert run["nodes"][0]["state"] == "error"
    assert "could not start" in run["why"]
    assert len(run["why"]) < 1000


def test_command_that_removes_its_workspace_ends_as_it_ends_and_the_next_explains_why(
    commanded: Host,
) -> None:
    run = commanded.until_over(commanded.trigger("vanishing"))

    assert commanded.output(run["id"], "x") == b"gone\n"
    assert [node["state"] for node in run["nodes"]] == ["good", "error"]
    assert "working directory" in run["why"]


def test_command_that_closes_its_output_ends_with_its_status(commanded: Host) -> None:
    run = commanded.until_over(commanded.trigger("silent"))

    assert run["nodes"][0]["status"] == 7
    assert commanded.output(run["id"], "x") == b"before\n"


def test_command_that_removes_its_own_records_does_not_hang_the_run(commanded: Host) -> None:
    run = commanded.until_over(commanded.trigger("tidy"))

    assert run["good"]
    assert commanded.output(run["id"], "y") == b"next\n"


def test_output_without_end_is_stopped_at_its_limit(commanded: Host) -> None:
    run = commanded.until_over(commanded.trigger("endless"))

    assert run["nodes"][0]["state"] == "error"
    assert "printed more than 1000000 bytes" in run["why"]
    output = commanded.output(run["id"], "x")
    assert output.startswith(b"y\ny\n")
    assert commanded.processes() == {}


def test_output_that_is_no_text_is_kept_byte_for_byte(commanded: Host) -> None:
    expected = b"\0" * 10_000_000 + b"\xff\xfe\0\n\xed\xa0\x80"

    run = commanded.trigger("binary")
    commanded.until_over(run)

    assert commanded.api.get(f"runs/{run}/nodes/x")["output_bytes"] == len(expected)
    with commanded.api.stream(f"runs/{run}/nodes/x/log", limit=20_000_000) as answer:
        assert answer.read() == expected


# --- servers


FILE = b"a file of some length\n" * 1000


class Liar(http.server.BaseHTTPRequestHandler):
    """A server that is asked for a file."""

    def do_GET(self) -> None:
        name = self.path.strip("/")
        if name == "etc":
            self._say(302, b"", {"Location": f"file:///{name}/passwd"})
        elif name == "round":
            self._say(302, b"", {"Location": "/round"})
        elif name == "less":
            self._say(200, FILE, {"Content-Length": str(len(FILE) + 1)})
        elif name == "slow":
            self._say(200, FILE[:10], {"Content-Length": str(len(FILE))}, wait=True)
        elif name == "much":
            self._say(200, b"", {"Content-Length": str(10**15)})
        elif name == "right":
            self._say(200, FILE, {"Content-Length": str(len(FILE))})
        else:
            self._say(404, b"", {"Content-Length": "0"})

    def _say(
        self, status: int, body: bytes, headers: dict[str, str], *, wait: bool = False
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        if wait:
            over.wait(60)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


over = threading.Event()


@pytest.fixture(scope="module")
def liar() -> Iterator[str]:
    """The address of a server that lies."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        over.set()
        server.shutdown()
        thread.join()


RIGHT = sha256(FILE).hexdigest()

FETCHES = {
    "down": ("http://127.0.0.1:1/file", "", "no connection to port 1: Connection refused"),
    "missing": ("LIAR/none", "", "the server answered 404"),
    "redirected": ("LIAR/etc", "", "file"),
    "round": ("LIAR/round", "", "more than 10 redirects"),
    "less": ("LIAR/less", "", "its reply ended early"),
    "much": ("LIAR/much", "", "larger than"),
    "mismatch": ("LIAR/right", "0" * 64, "checksum mismatch"),
}


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory, liar: str) -> Iterator[Host]:
    """A host that fetches from the liar."""
    flows = "".join(
        f"  - {{id: {name}, {ANY}, tasks: [{{id: get, type: fetch, listen: trigger.good, "
        f"timeout: {1 if name == 'slow' else 30}, "
        f"opts: {{url: '{url.replace('LIAR', liar)}', checksum: '{digest}'}}}}]}}\n"
        for name, (url, digest, _) in {
            **FETCHES,
            "slow": ("LIAR/slow", "", ""),
            "right": ("LIAR/right", RIGHT, ""),
        }.items()
    )
    with hosted(tmp_path_factory.mktemp("host"), "flows:\n" + flows) as host:
        yield host
        assert "Traceback" not in host.log.read_text()


@pytest.mark.parametrize("name", FETCHES)
def test_download_that_fails_is_bad_and_leaves_no_file(name: str, fetched: Host) -> None:
    run = fetched.until_over(fetched.trigger(name))

    assert run["nodes"][0]["state"] == "bad"
    assert FETCHES[name][2] in fetched.output(run["id"], "get").decode()
    assert left(fetched, run["workspace"]) == []


def test_download_that_is_too_slow_is_stopped_and_leaves_no_file(fetched: Host) -> None:
    run = fetched.until_over(fetched.trigger("slow"))

    assert run["nodes"][0]["state"] == "error"
    assert "not finished after 1 s" in run["why"]
    assert left(fetched, run["workspace"]) == []


def test_download_that_is_right_is_there_after_all_of_these(fetched: Host) -> None:
    run = fetched.until_over(fetched.trigger("right"))

    assert run["good"]
    assert (Path(run["workspace"]) / "right").read_bytes() == FILE


def left(host: Host, workspace: str) -> list[Path]:
    """Files in a workspace, and parts of files in the cache."""
    return [*Path(workspace).glob("**/*"), *(host.root / "cache").glob("part-*")]


def test_file_of_this_machine_is_not_fetched(tmp_path: Path) -> None:
    flow = tmp_path / "flow.yml"
    flow.write_text(
        "id: local\ntriggers: [{id: start, type: data}]\n"
        "tasks: [{id: x, type: fetch, listen: trigger.good, opts: {url: 'file:///etc/passwd'}}]\n"
    )

    told = floe(Host(tmp_path, ""), "run", str(flow))

    assert told.returncode != 0
    assert "http" in told.stdout + told.stderr
    assert "root:" not in told.stdout


# --- the host itself


def test_host_that_stops_answering_is_shown_as_such(host_of: HostOf) -> None:
    host = host_of(ONE)
    host.stop()

    done = floe(host, "runs")

    assert done.returncode == 3
    assert "is the host running?" in done.stderr
    with pytest.raises(Theirs):
        host.api.get("runs")


def test_port_of_somebody_else_is_named_and_nothing_is_started(tmp_path: Path) -> None:
    host = Host(tmp_path, ONE)
    name, _, port = host.address.partition(":")

    with socket.create_server((name, int(port))):
        status = host.spawn().wait(DEADLINE_S)

    assert status == 3
    assert "another process listens there" in host.log.read_text()
    assert "Traceback" not in host.log.read_text()
