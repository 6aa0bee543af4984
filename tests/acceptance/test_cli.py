"""The commands that talk to a host, as a person types them."""

import json
import os
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.acceptance.conftest import HostOf
from tests.acceptance.people import as_text
from tests.acceptance.product import DEADLINE_S, FLOE, TOKEN, Host, until
from tests.acceptance.warm import floe_ran
from tests.ports import free_port

pytestmark = pytest.mark.slow

CONFIG: Final = """
flows:
  - name: Hello
    ver: 1
    triggers:
      - name: Start
        type: data
        opts: {form: {title: Hello, fields: [{id: name, prompt: Who?, type: string, value: world}]}}
    tasks:
      - {name: Greet, type: exec, listen: trigger.good, opts: {shell: 'echo Hello, $FLOE_IN_NAME'}}
  - name: Fails
    ver: 1
    triggers: [{name: Start, type: data}]
    tasks:
      - {name: Break, type: exec, listen: trigger.good, opts: {shell: echo broken; exit 3}}
      - {name: Never, type: exec, listen: task.break.good, opts: {cmd: "true"}}
  - name: Ask
    ver: 1
    triggers: [{name: Start, type: data}]
    tasks:
      - name: Sign
        type: data
        listen: trigger.good
        opts: {form: {title: "May it \\e[2Jgo?", fields: [{id: tried, prompt: Tried?, type: bool}]}}
  - name: Gate
    ver: 1
    triggers: [{name: Start, type: data}]
    tasks:
      - {name: Wait, type: exec, listen: trigger.good,
         opts: {shell: 'echo begun; until test -e $HERE/open; do sleep 0.05; done; echo over'}}
"""


class Person:
    """Somebody at a shell who has logged in at a host."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(host.folder),
            "XDG_CONFIG_HOME": str(host.folder / "home"),
        }

    def types(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        env = self.environment | environment
        done = floe_ran(words, cwd=self.host.folder, env=env, timeout_s=DEADLINE_S)
        return as_text(done)

    def starts(self, *words: str) -> "Started":
        """Start a command that goes on for a while."""
        return Started(self, words)


class Started:
    """A command that goes on for a while; what it says goes to a file."""

    def __init__(self, person: Person, words: tuple[str, ...]) -> None:
        self._path = person.host.folder / f"{words[0]}.said"
        with self._path.open("wb") as file:
            self.process = subprocess.Popen(
                [FLOE[0], *words],
                env=person.environment,
                cwd=person.host.folder,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    def said(self) -> str:
        """What it has said so far."""
        return self._path.read_text()

    def until(self, text: str) -> None:
        """Wait until it has said something."""
        until(lambda: text in self.said(), text)

    def end(self) -> int:
        """Its exit code."""
        return self.process.wait(60)


@pytest.fixture
def ada(host_of: HostOf) -> Iterator[Person]:
    person = Person(host_of(CONFIG))
    (person.host.folder / "token").write_text(TOKEN + "\n")
    done = person.types("login", "--url", person.host.address, "--token", "@token")
    assert done.returncode == 0, done.stderr
    yield person
    (person.host.folder / "open").touch()


def test_login_keeps_what_only_its_owner_reads(ada: Person) -> None:
    kept = ada.host.folder / "home" / "floe" / "client.json"

    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert json.loads(kept.read_text())["token"] == TOKEN
    assert [path.name for path in kept.parent.iterdir()] == ["client.json"]


def test_personal_token_takes_the_place_of_the_one_it_was_made_with(ada: Person) -> None:
    done = ada.types("login", "--token", "@token", "--personal", "ada")

    assert done.returncode == 0, done.stderr
    kept = (ada.host.folder / "home" / "floe" / "client.json").read_text()
    assert TOKEN not in kept
    assert ada.types("flows").returncode == 0


def test_wrong_token_is_not_kept(ada: Person) -> None:
    done = ada.types("login", "--token", "wrong")

    assert (done.returncode, "refuses this token" in done.stderr) == (2, True)
    assert ada.types("flows").returncode == 0


def test_run_is_triggered_followed_and_looked_at(ada: Person) -> None:
    followed = ada.types("trigger", "hello", "-d", "name=Ada", "--wait")
    run = followed.stdout.split()[0]

    assert (followed.returncode, followed.stderr) == (0, "")
    assert followed.stdout.endswith(f"{run} good\n")
    assert ada.types("log", run, "task.greet").stdout == "Hello, Ada\n"
    assert "name = Ada" in ada.types("show", run).stdout
    assert run in ada.types("runs", "--good", "--flow", "hello").stdout
    assert json.loads(ada.types("runs", "--bad", "--json").stdout)["runs"] == []
    assert json.loads(ada.types("runs", "-r", "stalled", "--json").stdout)["runs"] == []
    assert "hello@1" in ada.types("flows").stdout
    assert "0/64" in ada.types("hosts").stdout


def test_bad_run_explains_why_and_where_to_look(ada: Person) -> None:
    followed = ada.types("trigger", "fails", "--wait")
    run = followed.stdout.split()[0]

    assert followed.returncode == 1
    assert "task.never  never ran: Break was not good" in ada.types("why", run).stdout
    assert f"floe log {run} break" in ada.types("show", run).stdout
    assert ada.types("watch", run).returncode == 1


def test_form_is_named_with_the_command_that_answers_it(ada: Person) -> None:
    waiting = ada.starts("trigger", "ask", "--wait")
    waiting.until("floe give ")
    run = waiting.said().split()[0]
    shown, why = ada.types("show", run), ada.types("why", run)
    wrong = ada.types("give", run, "sign", "tried=perhaps", "tired=1")
    given = ada.types("give", run, "sign", "tried=yes")
    again = ada.types("give", run, "sign", "tried=yes")

    assert f"floe give {run} sign tried=…" in waiting.said()
    assert "\x1b" not in shown.stdout + why.stdout
    assert "a person: form May it" in why.stdout
    assert wrong.returncode == 2
    assert "tired: the form has no such field; did you mean tried?" in wrong.stderr
    assert "tried: true or false is expected" in wrong.stderr
    assert (given.returncode, given.stdout) == (0, f"{run}: sign answered\n")
    assert (again.returncode, "not open any more" in again.stderr) == (2, True)
    assert waiting.end() == 0


def test_followers_outlive_a_restart_of_the_host(ada: Person) -> None:
    waiting = ada.starts("trigger", "gate", "--wait")
    waiting.until("running")
    run = waiting.said().split()[0]
    watching, reading = ada.starts("watch", run), ada.starts("log", "-f", run, "wait")
    watching.until("active")
    reading.until("begun")

    ada.host.stop()
    for follower in (waiting, watching, reading):
        follower.until("waiting for it")
    ada.host.start()
    (ada.host.folder / "open").touch()

    assert [waiting.end(), watching.end(), reading.end()] == [0, 0, 0]
    assert f"{run} good" in waiting.said()
    assert watching.said().count("RunEnded") == 1
    assert reading.said().splitlines()[0] == "begun"
    assert reading.said().splitlines()[-1] == "over"


def test_watch_as_json_is_every_fact_once_in_order(ada: Person) -> None:
    watching = ada.starts("watch", "--json")
    watching.until('"hello"')
    run = ada.types("trigger", "hello").stdout.strip()
    watching.until('"RunEnded"')
    watching.process.send_signal(signal.SIGINT)

    frames = [json.loads(line) for line in watching.said().splitlines() if line.startswith("{")]
    facts = [frame["seq"] for frame in frames if frame.get("run") == run]
    assert watching.end() == 130
    assert facts == list(range(1, len(facts) + 1))


def test_interrupted_wait_leaves_the_run_alone(ada: Person) -> None:
    waiting = ada.starts("trigger", "gate", "--wait")
    waiting.until("running")
    run = waiting.said().split()[0]

    waiting.process.send_signal(signal.SIGINT)

    assert waiting.end() == 130
    assert f"{run} continues: floe watch {run}, floe cancel {run}" in waiting.said()
    assert ada.host.show(run)["state"] == "active"
    assert ada.types("cancel", run, "--why", "enough").stdout == f"{run} is being cancelled\n"
    ada.host.until_over(run)
    assert ada.types("cancel", run).returncode == 2


def test_reload_keeps_the_flows_of_a_good_file(ada: Person) -> None:
    good = ada.host.config.read_text()
    ada.host.config.write_text(good + "bad: 1\n")
    refused = ada.types("host", "reload")
    ada.host.config.write_text(good.replace("name: Hello", "name: Hallo", 1))

    taken = ada.types("host", "reload")

    assert (refused.returncode, "has no key `bad`" in refused.stderr) == (2, True)
    assert (taken.returncode, taken.stdout) == (0, "h1: 4 flows\n")
    assert "hallo@1" in ada.types("flows").stdout


def test_reader_that_leaves_is_no_error(ada: Person) -> None:
    line = f"set -o pipefail; {FLOE[0]} runs --json -n 500 | true; echo ${{PIPESTATUS[0]}}"

    done = subprocess.run(
        ["bash", "-c", line], env=ada.environment, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() in ("0", "141")  # it may have been quicker than its reader
    assert done.stderr == ""


def test_completion_knows_runs_flows_and_nodes(ada: Person) -> None:
    run = ada.types("trigger", "hello", "--wait").stdout.split()[0]

    def completed(words: str, number: int) -> list[str]:
        request = {
            "_FLOE_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(number),
        }
        return ada.types(**request).stdout.split()

    assert completed("floe show h", 2) == [f"plain,{run}"]
    assert completed("floe trigger he", 2) == ["plain,hello"]
    assert completed(f"floe log {run} ", 3) == ["plain,greet"]


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("host --pub-bind 0.0.0.0:0", 2, "--insecure"),
        ("host --slots 0 --tags a!", 2, "-slots (or FLOE_SLOTS)"),
        ("host --conf missing.yml", 2, "missing.yml: error: cannot be read"),
        ("host --root file", 3, "cannot be created"),
        ("host --root foreign", 3, "is not a SQLite database"),
        ("-tags=a -bogus=1", 2, "no option -bogus"),
        ("-dev=perhaps", 2, "-dev (or FLOE_DEV)"),
    ],
)
def test_host_with_wrong_options_names_them(
    tmp_path: Path, line: str, code: int, said: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "floe.db").write_text("something else entirely, not a database")

    done = Person(Host(tmp_path, CONFIG)).types(*line.split())

    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_host_whose_address_or_root_is_taken_names_the_holder(ada: Person) -> None:
    address = ada.types("host", "--root", "fresh", "--pub-bind", ada.host.address)
    root = ada.types("-root=root", f"-pub_bind=127.0.0.1:{free_port()}")

    assert (address.returncode, "another process listens there" in address.stderr) == (3, True)
    assert (root.returncode, "is in use by process" in root.stderr) == (3, True)
    assert "Traceback" not in address.stderr + root.stderr


def test_token_that_a_host_made_is_named_by_its_file_and_never_shown(ada: Person) -> None:
    said = ada.host.folder / "second.said"
    with said.open("wb") as file:
        second = subprocess.Popen(
            [FLOE[0], "-host_name=h2", f"-pub_bind=127.0.0.1:{free_port()}", "-dev=false"],
            cwd=ada.host.folder,
            env=ada.environment,
            stderr=file,
        )
    try:
        until(lambda: "server.started" in said.read_text(), "its start")
        second.terminate()
        assert second.wait(60) == 0
    finally:
        second.kill()
    kept = ada.host.folder / ".floe" / "h2" / "admin-token"

    assert str(kept) in said.read_text()
    assert kept.read_text().strip() not in said.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
