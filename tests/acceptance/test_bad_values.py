"""Hostile values: whatever people, hooks and commands hand over stays data.

The invariant: no byte of a value is parsed as shell text, as an option, or as a path.
"""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from floe.model.errors import ValuesInvalid
from tests.acceptance.people import floe, hosted, said
from tests.acceptance.product import TOKEN, Host
from tests.integration.gits import Repository

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

CONFIG = """
flows:
  - id: say
    triggers:
      - id: start
        type: data
        opts:
          form:
            fields:
              - {id: text, type: text}
              - {id: number, type: number, required: false}
              - {id: sure, type: bool, required: false}
              - {id: place, type: choice, choices: [here, there], required: false}
    tasks:
      - {id: argument, type: exec, listen: trigger.good, opts: {cmd: 'printf %s $FLOE_IN_TEXT'}}
      - id: script
        type: exec
        listen: task.argument.good
        opts:
          shell: |
            printf %s "$FLOE_IN_TEXT"
            printf 'text=%s\\n' "$FLOE_IN_TEXT" >> "$FLOE_OUTPUTS"
      - {id: file, type: exec, listen: task.script.good, opts: {shell: 'cat "$FLOE_INPUT"'}}
      - {id: ask, type: data, listen: task.file.good, opts: FORM}
      - {id: given, type: exec, listen: task.ask.good, opts: {cmd: 'printf %s $FLOE_IN_TEXT'}}
  - id: names
    triggers:
      - id: start
        type: data
        opts:
          form:
            fields:
              [{id: cmd}, {id: env}, {id: PATH}, {id: LD_PRELOAD}, {id: FLOE_ADMIN}, {id: shell}]
    tasks:
      - {id: show, type: exec, listen: trigger.good, opts: {cmd: env}}
  - id: clone
    triggers:
      - id: start
        type: data
        opts:
          form:
            fields:
              - {id: url}
              - {id: branch, required: false}
              - {id: hash, required: false}
              - {id: ref, required: false}
              - {id: from-branch, required: false}
    tasks:
      - {id: get, type: git-checkout, listen: trigger.good}
  - id: merge
    triggers:
      - {id: start, type: data, opts: MERGE}
    tasks:
      - {id: get, type: git-merge, listen: trigger.good}
  - id: odd
    triggers: [{id: start, type: data, opts: {form: {fields: [{id: how}]}}}]
    tasks:
      - id: put
        type: exec
        listen: trigger.good
        opts:
          shell: |
            case $FLOE_IN_HOW in
              garbage) { head -c 100000 /dev/urandom; printf '\\nok=yes\\n'; } > "$FLOE_OUTPUTS" ;;
              names) printf 'a b=1\\n=2\\nPATH=/bad\\n../x=3\\nok=yes\\n' > "$FLOE_OUTPUTS" ;;
              huge) head -c 2000000 /dev/zero | tr '\\0' a > "$FLOE_OUTPUTS" ;;
              link) ln -sf /etc/passwd "$FLOE_OUTPUTS" ;;
              folder) mkdir "$FLOE_OUTPUTS" ;;
              pipe) mkfifo "$FLOE_OUTPUTS" ;;
            esac
      - {id: after, type: exec, listen: task.put.good, opts: {cmd: env}}
""".replace("FORM", "{form: {fields: [{id: text, type: text}]}}").replace(
    "MERGE", "{form: {fields: [{id: url}, {id: branch}, {id: from-branch}]}}"
)

HOSTILE = {
    "a command": "; touch $HERE/made",
    "a substitution": "$(touch $HERE/made)",
    "backticks": "`touch $HERE/made`",
    "a pipe": "| tee $HERE/made",
    "a redirection": "> $HERE/made",
    "an escape from quotes": "\"'; touch $HERE/made; '\"",
    "a new line": "first\ntouch $HERE/made\n",
    "carriage returns": "first\r\nsecond\r",
    "an option": "--version",
    "a way out": "../../../../etc/passwd",
    "a pattern": "* ? [a-z] ~ {a,b}",
    "a variable": "$PATH ${FLOE_RUN} $FLOE_IN_TEXT",
    "another syntax": "{{ws}} {{ 7*7 }} ${{ secrets }} %s%n",
    "a path of the workspace": "./x",
    "blanks alone": "  \t ",
    "backslashes": "\\n\\$(touch $HERE/made)\\",
    "bidirectional text": "\u202egpj.exe\u2066 \ufeff",
    "codes of a terminal": "\x1b]0;title\x07\x1b[2J\x1b[31mred",
    "other alphabets": "naïve 日本語 🦊 ﷽",
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "an entry of its own": "x\nPATH=/bad\nLD_PRELOAD=/bad.so",
    "64 KiB": "a" * 65_536,
}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host whose flows print what they are given."""
    with hosted(tmp_path_factory.mktemp("host"), CONFIG) as host:
        yield host
        assert "request.failed" not in host.log.read_text()
        assert "Traceback" not in host.log.read_text()


@pytest.fixture(autouse=True)
def nothing_made(host: Host) -> Iterator[None]:
    """Where a value was run, it made a file."""
    yield
    assert not (host.folder / "made").exists()


def post(host: Host, path: str, body: bytes) -> tuple[int, Any]:
    """Status and answer of a POST of bytes as they are."""
    connection = http.client.HTTPConnection(host.address, timeout=30)
    headers = {"X-Floe-Auth": TOKEN, "Content-Type": "application/json"}
    connection.request("POST", f"/build/api/{path}", body, headers)
    answer = connection.getresponse()
    try:
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


@pytest.mark.parametrize("name", HOSTILE)
def test_value_arrives_as_it_was_given_wherever_it_goes(name: str, host: Host) -> None:
    text = HOSTILE[name].replace("$HERE", str(host.folder))

    run = host.trigger("say", text=text)
    host.until_node(run, "ask", "asking")
    host.give(run, "ask", text=text)

    assert host.until_over(run)["good"]
    assert host.output(run, "argument") == text.encode()
    assert host.output(run, "script") == text.encode()
    assert json.loads(host.output(run, "file"))["text"] == text.partition("\n")[0].rstrip("\r")
    assert host.output(run, "given") == text.encode()
    assert host.show(run)["values"] == {"text": text}


@pytest.mark.parametrize("text", ["a\0b", "x" * 65_537, "x" * 1_000_000], ids=["NUL", "64K", "1M"])
def test_value_that_no_variable_holds_is_in_the_file(text: str, host: Host) -> None:
    run = host.trigger("say", text=text)
    host.until_node(run, "ask", "asking")
    host.cancel(run)

    assert host.until_over(run)["values"] == {"text": text}
    assert host.output(run, "argument") == b"$FLOE_IN_TEXT"


def test_fields_with_powerful_names_are_inputs_like_others(host: Host) -> None:
    names = ["cmd", "env", "PATH", "LD_PRELOAD", "FLOE_ADMIN", "shell"]

    run = host.trigger("names", **{name: f"/bad/{name}" for name in names})

    assert host.until_over(run)["good"]
    seen = dict(line.split("=", 1) for line in host.output(run, "show").decode().splitlines())
    assert {name for name, value in seen.items() if value.startswith("/bad/")} == {
        f"FLOE_IN_{name.upper()}" for name in names
    }


def test_undeclared_fields_start_nothing_and_are_named(host: Host) -> None:
    before = host.api.get("runs")["runs"]
    values = {"text": "x", "cmd": "touch made", "env": "PATH=/bad", "__proto__": "x", "": "x"}

    with pytest.raises(ValuesInvalid) as caught:
        host.trigger("say", **values)

    assert caught.value.fields.keys() == {"cmd", "env", "__proto__", ""}
    assert host.api.get("runs")["runs"] == before


WRONG: dict[str, tuple[dict[str, object], str]] = {
    "none": ({}, "text: a value is required"),
    "a number for a text": ({"text": ["x"]}, "text: a text is expected"),
    "words for a number": ({"text": "x", "number": "many"}, "number: a number is expected"),
    "words for a bool": ({"text": "x", "sure": "maybe"}, "sure: true or false is expected"),
    "no choice": ({"text": "x", "place": "../there"}, "place: one of here, there is expected"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_values_are_reported_field_by_field(name: str, host: Host) -> None:
    values, told = WRONG[name]

    done = floe(host, "trigger", "say", *(f"-d{k}:={json.dumps(v)}" for k, v in values.items()))

    assert done.returncode == 2
    assert "the values do not fit the form" in done.stderr
    assert told in done.stderr


BODIES = {
    "half a character": (b'{"ref": {"id": "say"}, "form": {"values": {"text": "\\ud800"}}}', 400),
    "no UTF-8": (b'{"ref": {"id": "say"}, "form": {"values": {"text": "\xff"}}}', 400),
    "not a number": (b'{"ref": {"id": "say"}, "form": {"values": {"text": NaN}}}', 400),
    "an endless number": (b'{"ref": {"id": "say"}, "form": {"values": {"text": 1e999}}}', 400),
    "a key twice": (b'{"ref": {"id": "say", "id": "names"}}', 400),
    "a deep nest": (b'{"ref":' * 100_000, 400),
    "a deep value": (
        b'{"ref": {"id": "say"}, "form": {"values": {"text": ' + b"[" * 1000 + b"]" * 1000 + b"}}}",
        400,
    ),
    "a long number": (b'{"ref": {"id": "say", "ver": ' + b"9" * 100_000 + b"}}", 400),
    "megabytes": (
        b'{"ref": {"id": "say"}, "form": {"values": {"text": "' + b"a" * 1_100_000 + b'"}}}',
        413,
    ),
    "more megabytes": (b" " * 3_000_000, 413),
}


@pytest.mark.parametrize("name", BODIES)
def test_body_that_cannot_be_meant_starts_nothing(name: str, host: Host) -> None:
    body, status = BODIES[name]
    before = host.api.get("runs")["runs"]

    answered, problem = post(host, "push/data", body)

    assert (answered, problem["status"]) == (status, status)
    assert len(problem["detail"]) < 300
    assert host.api.get("runs")["runs"] == before


GIT = {
    "an option as branch": {"branch": "--upload-pack=touch $HERE/made"},
    "an option as url": {"url": "--upload-pack=touch $HERE/made", "branch": "main"},
    "a helper as url": {"url": "ext::sh -c touch% $HERE/made", "branch": "main"},
    "a helper in disguise": {"url": "fd::17/foo", "branch": "main"},
    "a command as branch": {"branch": "main;touch $HERE/made"},
    "a substitution as ref": {"ref": "$(touch $HERE/made)"},
    "a refspec as ref": {"ref": "+refs/heads/*:refs/heads/*"},
    "an option as hash": {"hash": "--help"},
    "an ssh option": {"url": "ssh://-oProxyCommand=touch$IFS$HERE/made/x.git", "branch": "main"},
    "an ssh option, short": {"url": "-oProxyCommand=touch:x.git", "branch": "main"},
    "a folder above": {"url": "file://$HERE/..", "branch": "main"},
    "a folder of git's own": {"url": "file://$HERE/.git", "branch": "main"},
    "nothing there": {"url": "file://$HERE/none.git", "branch": "main"},
    "nobody there": {"url": "http://127.0.0.1:1/none.git", "branch": "main"},
    "a branch that is not there": {"branch": "none"},
    "no commit at all": {},
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository with one commit."""
    made = Repository(tmp_path_factory.mktemp("git") / "repo")
    made.commit(a_txt="a")
    return made


@pytest.mark.parametrize("name", GIT)
def test_git_takes_no_value_for_anything_but_what_it_is(
    name: str, host: Host, repository: Repository
) -> None:
    here = str(host.folder)
    values = {"url": repository.url} | {k: v.replace("$HERE", here) for k, v in GIT[name].items()}

    run = host.until_over(host.trigger("clone", **values))

    assert run["good"] is False
    assert run["nodes"][0]["state"] in ("bad", "error")
    assert run["nodes"][0]["state"] == "error" or host.output(run["id"], "get")
    assert not (host.folder / "none.git").exists()


def test_git_merge_takes_no_option_for_a_branch(host: Host, repository: Repository) -> None:
    hostile = f"--upload-pack=touch {host.folder}/made"

    run = host.trigger("merge", **{"url": repository.url, "branch": "main", "from-branch": hostile})

    assert host.until_over(run)["good"] is False
    assert b"is not a ref name" in host.output(run, "get")


ODD = {
    "garbage": ("good", {"ok": "yes"}),
    "names": ("good", {"PATH": "/bad", "ok": "yes"}),
    "huge": ("error", {}),
    "link": ("good", {}),
    "folder": ("good", {}),
    "pipe": ("good", {}),
}


@pytest.mark.parametrize("how", ODD)
def test_odd_outputs_are_read_as_outputs_or_not_at_all(how: str, host: Host) -> None:
    state, outputs = ODD[how]

    run = host.until_over(host.trigger("odd", how=how))

    assert run["nodes"][0]["state"] == state
    found = run["nodes"][0].get("outputs") or {}
    assert outputs.items() <= found.items()
    assert "root" not in found
    if state == "good":
        seen = host.output(run["id"], "after").decode().splitlines()
        assert "PATH=/bad" not in seen
    else:
        assert "FLOE_OUTPUTS holds more than" in run["why"]


def test_values_of_a_command_line_may_be_files_but_only_where_it_is_typed(
    host: Host, tmp_path: Path
) -> None:
    (tmp_path / "text").write_text("from a file")

    typed = said(floe(host, "trigger", "say", f"-dtext=@{tmp_path}/text")).strip()
    status, posted = post(
        host,
        "push/data",
        json.dumps(
            {"ref": {"id": "say"}, "form": {"values": {"text": f"@{tmp_path}/text"}}}
        ).encode(),
    )

    assert host.show(typed)["values"] == {"text": "from a file"}
    assert status == 202
    assert host.show(posted["run"])["values"] == {"text": f"@{tmp_path}/text"}
