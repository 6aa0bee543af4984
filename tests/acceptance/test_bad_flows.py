"""Bad documents: what is wrong is said with its place, and everything else goes on."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.conftest import HostOf
from tests.acceptance.people import floe, hosted, said, why
from tests.acceptance.product import Host, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

GOOD = """
  - id: good
    triggers: [{name: start, type: data}]
    tasks:
      - {name: say, type: exec, listen: trigger.good, opts: {cmd: echo hello}}
"""

BAD = {
    "an unknown key": (
        "{id: bad, taks: []}",
        "a flow has no key `taks`",
        "did you mean `tasks`?",
    ),
    "a key that is given twice": (
        "{id: bad, id: worse, flow-file: x.yml}",
        "`id` is given twice",
        "remove one",
    ),
    "an id that two nodes have": (
        "{id: bad, tasks: [{id: a, type: exec, listen: trigger.good, opts: {cmd: x}},"
        " {id: a, type: exec, listen: trigger.good, opts: {cmd: x}}]}",
        "the id `a` is used twice",
        "a different `id`",
    ),
    "a tag that nobody can emit": (
        "{id: bad, tasks: [{id: a, type: exec, listen: task.b.good, opts: {cmd: x}}]}",
        "this flow has no task `b`",
        "its nodes are a",
    ),
    "an id that is no id": ("{id: ../bad, flow-file: x.yml}", "`id` cannot be `../bad`", "id: bad"),
    "a cron expression that is none": (
        "{id: bad, flow-file: x.yml, triggers: [{id: t, type: timer, opts: {cron: '99 * * * *'}}]}",
        "`cron` cannot be `99 * * * *`",
        "mon-fri",
    ),
    "a time zone outside the zones": (
        "{id: bad, flow-file: x.yml, triggers: "
        "[{id: t, type: timer, opts: {cron: '1 * * * *', timezone: ../../etc/passwd}}]}",
        "the time zone `../../etc/passwd` is unknown",
        "Europe/London",
    ),
    "a timer that never rests": (
        "{id: bad, flow-file: x.yml, triggers: [{id: t, type: timer, opts: {period: 0}}]}",
        "`period` cannot be `0`",
        "from 1 s",
    ),
    "a timer beyond every calendar": (
        "{id: bad, flow-file: x.yml, triggers: [{id: t, type: timer, opts: {period: 1000000000}}]}",
        "`period` cannot be `1000000000`",
        "3660 days",
    ),
    "a NUL in a value": (
        '{id: bad, flow-file: "a\\0b"}',
        "a value cannot contain a NUL",
        "",
    ),
    "a tag of another program": (
        "{id: bad, flow-file: !!python/object/apply:os.system [touch $HERE/made]}",
        "python/object/apply",
        "remove it",
    ),
}

ANY = "triggers: [{name: start, type: data}]"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host with one good flow, whose config the tests spoil."""
    with hosted(tmp_path_factory.mktemp("host"), "flows:" + GOOD) as host:
        yield host


@pytest.mark.parametrize("name", BAD)
def test_bad_flow_is_explained_at_its_place_and_the_good_one_runs(
    name: str, host_of: HostOf
) -> None:
    document, what, hint = BAD[name]

    host = host_of("flows:" + GOOD + f"  - {document}\n")

    assert host.until_over(host.trigger("good"))["good"]
    findings = host.api.get("flows")["findings"]
    found = [f for f in findings if what in f["what"]]
    assert found, findings
    assert (found[0]["file"], found[0]["line"]) == (str(host.config), 6)
    assert hint in found[0]["hint"]
    assert not (host.folder / "made").exists()


ALIASES = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

SPOILT = {
    "no YAML": (b"flows: [\n  {id: a", "is not closed"),
    "an alias bomb": (ALIASES.encode() + b"flows: *i\n", "more than 50000 keys and values"),
    "a deep nest": (b"flows: " + b"[" * 100_000, "nested deeper than 40 levels"),
    "a huge file": (b"flows:\n" + b"# nothing\n" * 1_000_000, "larger than 1048576 bytes"),
    "a binary file": (bytes(range(256)) * 100, "NUL|not UTF-8"),
    "two documents": (b"flows: []\n---\nflows: []\n", "a second document begins here"),
    "a list": (b"- flows\n", "map of keys and values"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_reload_of_what_is_no_config_keeps_the_flows_and_shows_why(
    name: str, running: Host
) -> None:
    right = running.config.read_bytes()
    running.config.write_bytes(SPOILT[name][0])

    told = floe(running, "host", "reload")
    shown = running.api.get("flows")
    running.config.write_bytes(right)
    back = floe(running, "host", "reload")

    parts = SPOILT[name][1].split("|")
    assert told.returncode == 2
    assert any(part in told.stderr for part in parts), told.stderr
    assert [flow["id"] for flow in shown["flows"]] == ["good"]
    assert any(part in finding["what"] for part in parts for finding in shown["findings"])
    assert "1 flow" in said(back)
    assert running.api.get("flows")["findings"] == []


@pytest.mark.parametrize("name", SPOILT)
def test_host_does_not_start_on_what_is_no_config_and_makes_nothing(
    name: str, tmp_path: Path
) -> None:
    host = Host(tmp_path, "")
    host.config.write_bytes(SPOILT[name][0])

    started = host.launch()

    assert not started
    assert host.process is not None
    assert host.process.poll() == 2
    assert "Traceback" not in host.log.read_text()
    assert any(part in host.log.read_text() for part in SPOILT[name][1].split("|"))
    assert not host.root.exists()


class Locked(http.server.BaseHTTPRequestHandler):
    """A git server that asks who is there."""

    def do_GET(self) -> None:
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def locked() -> Iterator[str]:
    """The address of a git server that asks for a password."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Locked) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


FLOW_FILES = {
    "missing": ("$HERE/missing.yml", "does not exist"),
    "folder": ("$HERE", "is not a file"),
    "device": ("/dev/zero", "is not a file"),
    "huge": ("$HERE/huge.yml", "larger than 1048576 bytes"),
    "binary": ("$HERE/binary.yml", "is not UTF-8"),
    "broken": ("$HERE/broken.yml", "broken.yml:1:8: error: not YAML: "),
    "another": ("$HERE/another.yml", "other-id"),
    "down": ("http://127.0.0.1:1/flow.yml", "http://127.0.0.1:1/flow.yml"),
    "refused": ("LOCKED/flow.yml", "the server answered 401"),
    "locked-git": ("LOCKED/org/repo.git/flow.yml", "asks for a password"),
    "no-git": ("file://$HERE/none.git/flow.yml", "none.git"),
    "option": ("--upload-pack=touch $HERE/made.git/flow.yml", "does not exist"),
    "command": ("ext::sh -c touch% $HERE/made.git/flow.yml", "does not exist"),
}


@pytest.fixture(scope="module")
def whys(tmp_path_factory: pytest.TempPathFactory, locked: str) -> dict[str, str]:
    """Why the runs of flows with bad flow-files ended, and of a good one that ran beside them."""
    folder = tmp_path_factory.mktemp("flow-files")
    (folder / "huge.yml").write_bytes(b"# nothing\n" * 1_000_000)
    (folder / "binary.yml").write_bytes(bytes(range(128, 256)))
    (folder / "broken.yml").write_bytes(b"tasks: [")
    (folder / "another.yml").write_text("{id: other-id, tasks: []}")
    flows = "".join(
        f"  - {{id: {name}, flow-file: '{place.replace('LOCKED', locked)}', {ANY}}}\n"
        for name, (place, _) in FLOW_FILES.items()
    )
    with hosted(folder, "flows:" + GOOD + flows) as host:
        known = [flow["id"] for flow in host.api.get("flows")["flows"]]
        started = {name: host.trigger(name) for name in known}
        over = {name: host.until_over(run) for name, run in started.items()}
        assert host.is_up()
        return {name: run["why"] for name, run in over.items() if not run["good"]}


@pytest.mark.parametrize("name", FLOW_FILES)
def test_run_of_a_bad_flow_file_ends_bad_and_explains_why(name: str, whys: dict[str, str]) -> None:
    assert FLOW_FILES[name][1] in whys[name]
    assert "[Errno" not in whys[name]


def test_good_flow_runs_beside_bad_flow_files(whys: dict[str, str]) -> None:
    assert "good" not in whys


def test_thousand_flows_are_one_host(host_of: HostOf) -> None:
    flows = "".join(
        f"  - {{id: f{i}, {ANY}, tasks: "
        f"[{{id: a, type: exec, listen: trigger.good, opts: {{cmd: 'true'}}}}]}}\n"
        for i in range(1000)
    )

    host = host_of("flows:\n" + flows)

    assert len(host.api.get("flows")["flows"]) == 1000
    assert host.until_over(host.trigger("f999"))["good"]


def test_flow_of_thousands_of_nodes_runs(host_of: HostOf) -> None:
    nodes = "".join(
        f"      - {{id: n{i}, type: exec, listen: trigger.good, opts: {{cmd: 'true'}}}}\n"
        for i in range(1000)
    )

    host = host_of(f"flows:\n  - id: wide\n    {ANY}\n    tasks:\n{nodes}")
    run = host.trigger("wide")

    assert until(lambda: host.api.get("runs")["runs"][0]["state"] == "archive", "its end")
    assert host.show(run)["good"]


def test_ten_thousand_nodes_are_refused_by_size(tmp_path: Path) -> None:
    nodes = "".join(
        f"  - {{id: n{i}, type: exec, listen: trigger.good, opts: {{cmd: 'true'}}}}\n"
        for i in range(10_000)
    )
    host = Host(tmp_path, f"id: wide\n{ANY}\ntasks:\n{nodes}")

    told = floe(host, "check", str(host.config))

    assert told.returncode == 1
    assert "more than 50000 keys and values" in told.stdout


def test_run_that_waits_for_a_flow_file_reports_it(host_of: HostOf) -> None:
    host = host_of(f"flows:\n  - {{id: far, flow-file: $HERE/missing.yml, {ANY}}}\n")

    run = host.trigger("far")

    assert "flow-file" in why(host, run)
