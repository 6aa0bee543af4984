"""Twenty secrets on a real host: in nothing that floe wrote, answered, printed or sent."""

import io
import json
import os
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from zipfile import ZipFile

import pytest

from floe.model.errors import Yours
from tests.acceptance.cluster_watch import watching
from tests.acceptance.conftest import HostOf
from tests.acceptance.people import floe, hosted
from tests.acceptance.planted import content, traces_of
from tests.acceptance.product import FLOE, TOKEN, Host, Shape, until
from tests.make_bucket import CREDENTIALS, an_s3_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

WORDS = ("plain", "slow", "lines", "json", "url", "base64", "wrapped", "error", "outputs", "value")
PLAIN = {f"S_{word.upper()}": f"{word}-4f9d2c7e81-{n}" for n, word in enumerate(WORDS)}
ODD = {
    "S_SIGNS": "p@ss/w0rd+&='\"\\%-4f9d",
    "S_UMLAUTS": "Straße-ünïcödé-4f9d",
    "S_LINES_TWO": "first line 4f9d\nsecond/line 4f9d\n",
    "S_KEY": "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG4f9d\n-----END KEY-----\n",
    "S_BLANKS": "correct horse battery staple 4f9d",
    "S_NUMBER": "83475629384756",
    "S_PREFIX": "plain-4f9d2c7e81-0-and-more",
    "S_GIT": "gitpassword-4f9d2c7e",
    "S_NOTE": "stray-4f9d2c7e81",
    "S_STOPPED": "stopped-4f9d2c7e81",
}
SECRETS = PLAIN | ODD
PYTHON = """
import base64, json, os, urllib.parse
for name, value in os.environ.items():
    if name.startswith("S_"):
        print(value)
        print(json.dumps({"value": value}))
        print(json.dumps({"value": value}, ensure_ascii=False))
        print(json.dumps(json.dumps({"value": value})))
        print(urllib.parse.quote(value, safe=""), urllib.parse.quote_plus(value))
        for before in (b"", b"x", b"user:"):
            print(base64.b64encode(before + value.encode()).decode())
            print(base64.encodebytes(before * 20 + value.encode()).decode())
"""
ALL = ", ".join(SECRETS)
CONFIG = f"""
flows:
  - id: all
    unheard-bad: hold
    triggers: [{{id: go, type: data, opts: {{form: {{fields: [{{id: note, prompt: Note}}]}}}}}}]
    tasks:
      - id: forms
        type: exec
        listen: trigger.good
        secrets: [{ALL}]
        opts: {{shell: 'python3 "$FORMS"', env: [FORMS=$HERE/forms.py]}}
      - id: slow
        type: exec
        listen: trigger.good
        secrets: [S_SLOW, {{name: S_KEY, file: true}}]
        opts:
          shell: |
            for i in $(seq ${{#S_SLOW}}); do printf %s "${{S_SLOW:$((i-1)):1}}"; sleep 0.02; done
            echo; cat "$S_KEY"
      - id: outputs
        type: exec
        listen: trigger.good
        secrets: [S_OUTPUTS]
        opts: {{shell: 'echo "token=$S_OUTPUTS" >> "$FLOE_OUTPUTS"'}}
      - id: typed
        type: exec
        listen: trigger.good
        secrets: [S_UMLAUTS]
        opts: {{shell: 'printf "{{\\"$S_UMLAUTS\\": [1]}}" > "$FLOE_OUTPUTS.json"'}}
      - id: stray
        type: exec
        listen: trigger.good
        secrets: [S_NOTE]
        opts: {{shell: 'echo "$S_NOTE" >> "$FLOE_OUTPUTS"'}}
      - id: git
        type: exec
        listen: trigger.good
        secrets: [S_GIT]
        opts: {{shell: 'git clone "http://bob:$S_GIT@127.0.0.1:9/$S_GIT.git"'}}
      - id: start
        type: exec
        listen: trigger.good
        secrets: [S_ERROR]
        opts: {{cmd: /no/such/$S_ERROR}}
      - id: traced
        type: exec
        listen: trigger.good
        secrets: [S_SIGNS, S_LINES_TWO]
        opts: {{shell: 'set -x; : "$S_SIGNS"; echo "$S_LINES_TWO"'}}
      - id: late
        type: exec
        listen: trigger.good
        secrets: [S_STOPPED]
        timeout: 1s
        opts: {{shell: 'echo "$S_STOPPED"; sleep 60'}}
      - id: wait
        type: data
        listen: trigger.good
        opts: {{form: {{fields: [{{id: note, prompt: Note}}]}}}}
  - id: form
    triggers: [{{id: go, type: data}}]
    tasks:
      - id: ask
        type: data
        listen: trigger.good
        opts: {{form: {{fields: [{{id: token, prompt: Token, value: '{SECRETS["S_VALUE"]}'}}]}}}}
  - id: timer
    triggers: [{{id: often, type: timer, opts: {{period: 1s}}}}]
    tasks:
      - {{id: say, type: exec, listen: trigger.good, opts: {{cmd: 'echo {SECRETS["S_URL"]}'}}}}
"""


GIVEN = {f"FLOE_SECRET_{name}": value for name, value in SECRETS.items()}
"""The environment of a host that has them."""


traces = partial(traces_of, SECRETS)
"""The names of these secrets that are in a text, in any form."""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host on which a run with all secrets is over but for its form."""
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "forms.py").write_text(PYTHON)
    host = Host(folder, CONFIG)
    try:
        host.start(env=GIVEN)
        run = host.trigger("all", note="nothing")
        for node in NODES:
            until(partial(is_over, host, run, node), f"the end of {node}")
        yield host
    finally:
        host.close()


def is_over(host: Host, run: str, node: str) -> bool:
    return host.node(run, node)["state"] in OVER


OVER = ("good", "bad", "error")
NODES = ("forms", "slow", "outputs", "typed", "stray", "git", "start", "traced", "late")
RUN = "h1-1"


def test_output_values_with_a_secret_are_an_error_of_the_node(host: Host) -> None:
    nodes = {name: host.node(RUN, name) for name in ("outputs", "typed")}

    assert {name: node["state"] for name, node in nodes.items()} == dict.fromkeys(nodes, "error")
    assert "token contains the secret S_OUTPUTS" in nodes["outputs"]["why"]


def test_nodes_that_printed_secrets_did_their_work(host: Host) -> None:
    states = {name: host.node(RUN, name)["state"] for name in ("forms", "slow", "traced", "stray")}

    assert states == dict.fromkeys(states, "good")
    assert b"*" * 20 in host.output(RUN, "forms")


@pytest.mark.parametrize("node", NODES)
def test_output_shows_no_secret(host: Host, node: str) -> None:
    assert traces(host.output(RUN, node)) == []


def test_no_file_of_floe_has_a_secret(host: Host) -> None:
    files = [path for path in host.root.rglob("*") if path.is_file()]
    floes = [path for path in files if "spaces" not in path.parts]

    found = {str(path): traces(content(path)) for path in floes}

    assert {path: names for path, names in found.items() if names} == {}
    assert any(path.suffix == ".log" for path in floes)


def test_no_answer_has_a_secret(host: Host) -> None:
    paths = ["runs", f"runs/{RUN}", f"runs/{RUN}/events", f"runs/{RUN}/why", "flows", "flows/all"]
    paths += [f"runs/{RUN}/nodes/{node}" for node in NODES]
    paths += [f"runs/{RUN}/nodes/{node}/log/lines" for node in NODES]
    paths += ["hosts", "pends", "flows/form", "flows/timer"]

    answers = {path: json.dumps(host.api.get(path), ensure_ascii=False) for path in paths}

    found = {path: traces(text.encode()) for path, text in answers.items()}
    assert {path: names for path, names in found.items() if names} == {}


def test_flow_with_a_secret_starts_no_run(host: Host) -> None:
    with pytest.raises(Yours, match="the flow form contains the value of the secret S_VALUE"):
        host.trigger("form")

    until(lambda: "the flow timer contains" in host.log.read_text(), "the refused tick")
    assert host.api.get("runs", flow="timer")["runs"] == []


def test_value_with_a_secret_is_refused(host: Host) -> None:
    with pytest.raises(Yours, match="the value note contains the secret S_JSON"):
        host.trigger("all", note=f"it is {SECRETS['S_JSON']}")
    with pytest.raises(Yours, match="the value note contains the secret S_JSON"):
        host.give(RUN, "wait", note=SECRETS["S_JSON"])


def test_no_search_in_an_output_finds_a_secret(host: Host) -> None:
    found = host.api.get(f"runs/{RUN}/nodes/forms/log/find", text=SECRETS["S_PLAIN"])

    assert found["found"] == []


def test_no_line_of_the_log_has_a_secret(host: Host) -> None:
    assert traces(host.log.read_bytes()) == []


def test_no_command_prints_a_secret(host: Host) -> None:
    commands = (
        f"show {RUN}",
        f"why {RUN}",
        f"log {RUN} forms",
        "runs --json",
        f"show --json {RUN}",
    )

    printed = {line: floe(host, *line.split()) for line in commands}

    assert [
        one for one, done in printed.items() if traces((done.stdout + done.stderr).encode())
    ] == []


def test_file_with_a_secret_is_gone(host: Host) -> None:
    assert [*host.root.rglob("*.secret.*")] == []


def is_end(frame: Shape, node: str, size: int) -> bool:
    """Whether a frame has the end of a node's output."""
    return (frame["type"], frame.get("node")) == ("output", node) and frame["end"] >= size


def test_no_frame_of_the_feed_has_a_secret(host: Host) -> None:
    with watching(host) as feed:
        run = host.trigger("all", note="nothing")
        for node in NODES:
            feed.watch(run, node)
        for node in NODES:
            until(partial(is_over, host, run, node), f"the end of {node}")
        for node in PRINTED:
            size = len(host.output(run, node))
            feed.until(partial(is_end, node=node, size=size), f"the end of the output of {node}")
        feed.until_event(run, "NodeSettled")

    outputs = {
        node: "".join(f["text"] for f in feed.frames if is_end(f, node, 0)) for node in NODES
    }
    assert {node: traces(text.encode()) for node, text in outputs.items()} == {
        node: [] for node in NODES
    }
    assert traces(json.dumps(feed.frames, ensure_ascii=False).encode()) == []
    assert "*" * 20 in outputs["forms"]


PRINTED = ("forms", "slow", "git", "traced")
"""Nodes with an output."""

BUCKET = """
common:
  store-type: ec2
  bucket: {name: ci-runs, endpoint: $URL}
"""


def test_no_object_in_a_bucket_has_a_secret(tmp_path: Path) -> None:
    (tmp_path / "forms.py").write_text(PYTHON)
    with an_s3_server() as server:
        config = BUCKET.replace("$URL", server.url) + CONFIG
        with hosted(tmp_path, config, {**GIVEN, **CREDENTIALS}) as host:
            run = host.trigger("all", note="nothing")
            until(lambda: host.node(run, "wait")["state"] == "asking", "its form")
            host.give(run, "wait", note="nothing")
            host.until_over(run)
            until(server.names, "its object in the bucket")
        objects = [bytes(server.store().get(name).bytes()) for name in server.names()]

    packed = [ZipFile(io.BytesIO(one)) for one in objects]
    files = {name: archive.read(name) for archive in packed for name in archive.namelist()}
    assert {name: traces(data) for name, data in files.items()} == {name: [] for name in files}
    assert b"*" * 20 in files["outputs/forms.1.1.log"]
    assert "log.jsonl" in files


VAULTED = """
flows:
  - id: use
    triggers: [{id: go, type: data}]
    tasks:
      - id: print
        type: exec
        listen: trigger.good
        secrets: [NPM_TOKEN]
        opts: {shell: 'echo "token: $NPM_TOKEN"; test "$NPM_TOKEN" = "$(cat $HERE/expected)"'}
"""


def given(host: Host, *words: str, value: str = "") -> tuple[int, str]:
    """The exit code and the text of a command that reads a value from standard input."""
    env = {**os.environ, "FLOE_URL": host.api.at.url, "FLOE_TOKEN": TOKEN}
    ran = subprocess.run([FLOE[0], *words], input=value, env=env, capture_output=True, text=True)
    return ran.returncode, ran.stdout + ran.stderr


def test_secret_of_the_vault_is_used_masked_and_kept_over_a_restart(host_of: HostOf) -> None:
    host = host_of(VAULTED)
    value = "vault-4f9d2c7e81"
    (host.folder / "expected").write_text(value)
    waits = host.trigger("use")
    why = host.api.get(f"runs/{waits}/why")["text"]
    is_set = given(host, "secret", "set", "NPM_TOKEN", value=f"{value}\n")
    first = host.until_over(waits)
    host.kill()
    host.start()
    second = host.until_over(host.trigger("use"))
    listed = floe(host, "secret", "list")
    is_removed = given(host, "secret", "rm", "NPM_TOKEN")
    after = host.trigger("use")

    assert (is_set, is_removed[0]) == ((0, "h1: NPM_TOKEN is set\n"), 0)
    assert (first["good"], second["good"]) == (True, True)
    assert "h1 has no secret NPM_TOKEN" in why
    assert host.show(after)["state"] == "pending"
    assert "vault" in listed.stdout
    files = [p for p in host.root.rglob("*") if p.is_file()]
    assert [p for p in files if value.encode() in content(p)] == []
    assert value not in host.log.read_text() + listed.stdout + listed.stderr
    assert host.output(second["id"], "print") == b"token: " + b"*" * len(value) + b"\n"


LATE = """
flows:
  - id: use
    triggers: [{id: go, type: data}]
    tasks:
      - id: print
        type: exec
        listen: trigger.good
        secrets: [NPM_TOKEN]
        opts: {shell: 'until [ -e $HERE/go ]; do sleep 0.05; done; echo "token: $NPM_TOKEN"'}
"""


@pytest.mark.parametrize("change", [["set", "NPM_TOKEN"], ["rm", "NPM_TOKEN"]])
def test_value_that_a_command_still_has_is_masked_after_a_restart(
    host_of: HostOf, change: list[str]
) -> None:
    host, old = host_of(LATE), "vault-4f9d2c7e81"
    assert given(host, "secret", "set", "NPM_TOKEN", value=old)[0] == 0
    run = host.trigger("use")
    host.until_node(run, "print", "running")

    changed = given(host, "secret", *change, value="a newer value")
    host.kill()
    host.start()
    (host.folder / "go").touch()
    over = host.until_over(run)

    assert (changed[0], over["good"]) == (0, True)
    assert host.output(run, "print") == b"token: " + b"*" * len(old) + b"\n"
    assert [p for p in host.root.rglob("*") if p.is_file() and old.encode() in content(p)] == []
    assert "secret.old_values_dropped" not in host.log.read_text()
    host.kill()
    host.start()
    until(lambda: "secret.old_values_dropped" in host.log.read_text(), "the end of the old value")


def test_short_value_is_refused_by_the_host(host_of: HostOf) -> None:
    host = host_of(VAULTED)

    status, printed = given(host, "secret", "set", "NPM_TOKEN", value="12345")

    assert (status, "fewer than 6 characters" in printed) == (2, True)
