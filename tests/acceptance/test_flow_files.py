"""Tasks that are read when a run begins: from a path, the web and git, and never twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.people import Web, floe, hosted, said, why
from tests.acceptance.product import Host, until
from tests.integration.gits import Repository

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

CONFIG = """
flows:
  - {name: local, triggers: [{name: start, type: data}], flow-file: files/local.yml}
  - {name: waits, triggers: [{name: start, type: data}], flow-file: files/waits.yml}
  - {name: picky, triggers: [{name: start, type: data}], flow-file: files/picky.yml}
  - {name: web, triggers: [{name: start, type: data}], flow-file: $WEB/web.yml}
  - {name: other-id, triggers: [{name: start, type: data}], flow-file: files/other-id.yml}
  - {name: other-ver, triggers: [{name: start, type: data}], flow-file: files/other-ver.yml}
  - {name: broken, triggers: [{name: start, type: data}], flow-file: files/broken.yml}
  - {name: gone, triggers: [{name: start, type: data}], flow-file: files/gone.yml}
  - {name: down, triggers: [{name: start, type: data}], flow-file: $WEB/down.yml}
  - {name: no-repo, triggers: [{name: start, type: data}], flow-file: 'file://$HERE/no.git/a.yml'}
  - name: by-url
    triggers: &triggers
      - name: start
        type: data
        opts:
          branch: release
          form:
            fields:
              - {id: hash, required: false}
              - {id: ref, required: false}
              - {id: branch, required: false}
      - {name: bare, type: data}
    flow-file: file://$HERE/bare.git/ci/flow.yml
  - name: by-scp
    triggers: *triggers
    flow-file: git@git.example.org:bare.git/ci/flow.yml
"""

SSH = """#!/bin/sh
# A server on this machine: what ssh is asked to run there is run here.
for command; do :; done
cd "$HERE" && exec sh -c "$command"
"""


def a_file(text: str, head: str = "") -> str:
    """A flow-file whose one command says something."""
    return f"""{head}
tasks:
  - {{name: say, type: exec, listen: trigger.good, opts: {{cmd: echo {text}}}}}
  - {{name: done, type: end, listen: task.say.good}}
"""


def waiting_file(text: str, here: Path) -> str:
    """A flow-file whose second command says something, once there is a file `go`."""
    return f"""
env: [SAID={text}, 'HERE={here}']
tasks:
  - name: hold
    type: exec
    listen: trigger.good
    opts: {{shell: 'until [ -e "$HERE/go" ]; do sleep 0.02; done'}}
  - {{name: say, type: exec, listen: task.hold.good, opts: {{shell: echo {text} $SAID}}}}
  - {{name: done, type: end, listen: task.say.good}}
"""


class Place:
    """The host, and what its flow-files are read from."""

    def __init__(self, host: Host, web: Web, work: Repository, commits: dict[str, str]) -> None:
        self.host = host
        self.web = web
        self.work = work
        self.commits = commits
        self.files = host.folder / "conf" / "files"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("files")
    work = Repository(folder / "work")
    (work.folder / "ci").mkdir()
    commits = {}
    for branch, tag in (("main", "v1"), ("main", ""), ("release", "v2"), ("release", "")):
        work.git("checkout", "--quiet", "-B", branch)
        text = f"{branch} {tag or 'tip'}"
        (work.folder / "ci" / "flow.yml").write_text(a_file(text))
        commits[text] = work.commit(a_txt=text)
        if tag:
            work.git("tag", tag)
    work.git("checkout", "--quiet", "main")
    work.git("clone", "--quiet", "--bare", ".", str(folder / "bare.git"))
    ssh = folder / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text(SSH.replace("$HERE", str(folder)))
    ssh.chmod(0o755)
    conf = folder / "conf" / "config.yml"
    (conf.parent / "files").mkdir(parents=True)
    with Web().serving() as web:
        conf.write_text(CONFIG.replace("$HERE", str(folder)).replace("$WEB", web.url))
        env = {"FLOE_CONF": str(conf), "PATH": f"{ssh.parent}:/usr/local/bin:/usr/bin:/bin"}
        with hosted(folder, CONFIG, env) as host:
            yield Place(host, web, work, commits)


def test_relative_path_begins_at_the_config(place: Place) -> None:
    (place.files / "local.yml").write_text(a_file("from the file", "name: Named Here"))

    run = place.host.trigger("local")

    assert place.host.until_over(run)["good"]
    assert place.host.output(run, "say") == b"from the file\n"


def test_edit_changes_the_next_run_and_none_that_exists(place: Place) -> None:
    host, file = place.host, place.files / "waits.yml"
    file.write_text(waiting_file("old", host.folder))
    first = host.trigger("waits")
    host.until_node(first, "hold", "running")

    file.write_text(waiting_file("new", host.folder))
    second = host.trigger("waits")
    host.until_node(second, "hold", "running")
    file.write_text("broken: [")
    (host.folder / "go").touch()

    assert host.until_over(first)["good"], host.show(first)["why"]
    assert host.until_over(second)["good"], host.show(second)["why"]
    assert host.output(first, "say") == b"old old\n"
    assert host.output(second, "say") == b"new new\n"


def test_run_reports_that_its_flow_file_is_being_read(place: Place) -> None:
    host, web = place.host, place.web
    web.files["/web.yml"] = a_file("from the web").encode()
    web.open.clear()

    run = host.trigger("web")
    until(lambda: "/web.yml" in web.asked, "the question")
    meanwhile = (host.show(run)["state"], why(host, run), said(floe(host, "why", run)))
    web.open.set()
    over = host.until_over(run)

    assert meanwhile[:2] == ("pending", "reading flow-file")
    assert "reading flow-file" in meanwhile[2]
    assert over["good"], over["why"]
    assert host.output(run, "say") == b"from the web\n"


NAMED = [
    ({"hash": "main v1", "ref": "v2", "branch": "main"}, "main v1"),
    ({"ref": "v2", "branch": "main"}, "release v2"),
    ({"ref": "refs/tags/v1"}, "main v1"),
    ({"branch": "main"}, "main tip"),
    ({}, "release tip"),
]


@pytest.mark.parametrize("flow", ["by-url", "by-scp"])
@pytest.mark.parametrize(("named", "text"), NAMED)
def test_commit_is_the_one_that_the_trigger_names(
    place: Place, flow: str, named: dict[str, str], text: str
) -> None:
    values = {k: place.commits[v] if k == "hash" else v for k, v in named.items()}

    run = place.host.trigger(flow, **values)

    over = place.host.until_over(run)
    assert over["good"], over["why"]
    assert place.host.output(run, "say").decode().strip() == text


@pytest.mark.parametrize("flow", ["by-url", "by-scp"])
def test_commit_that_nobody_names_is_the_tip_of_the_default_branch(place: Place, flow: str) -> None:
    run = said(floe(place.host, "trigger", flow, "--trigger", "bare")).strip()

    assert place.host.until_over(run)["good"]
    assert place.host.output(run, "say") == b"main tip\n"


def test_run_ends_bad_with_the_cause_after_three_tries(place: Place) -> None:
    host = place.host

    started = {flow: host.trigger(flow) for flow in ("gone", "down", "no-repo")}
    over = {flow: host.until_over(run) for flow, run in started.items()}

    assert [run["good"] for run in over.values()] == [False, False, False]
    assert "files/gone.yml" in over["gone"]["why"]
    assert "503" in over["down"]["why"]
    assert "no.git" in over["no-repo"]["why"]
    assert all("after 3 tries" in over[flow]["why"] for flow in ("down", "no-repo"))
    assert place.web.asked.count("/down.yml") == 3


@pytest.mark.parametrize(
    ("flow", "text", "why"),
    [
        ("other-id", a_file("x", "id: somebody"), "a different flow, `somebody`"),
        ("other-ver", a_file("x", "ver: 7"), "a different version, 7"),
        ("broken", "tasks:\n  - name: [", "broken.yml:2:"),
        ("broken", a_file("x", "host-tag: [linux]"), "`host-tags`"),
    ],
)
def test_flow_file_that_is_wrong_ends_its_run_at_once(
    place: Place, flow: str, text: str, why: str
) -> None:
    (place.files / f"{flow}.yml").write_text(text)

    run = place.host.trigger(flow)
    over = place.host.until_over(run)

    assert not over["good"]
    assert why in over["why"]


def test_triggers_in_a_flow_file_count_for_nothing(place: Place) -> None:
    (place.files / "local.yml").write_text(a_file("x", "triggers: [{name: t, type: nothing}]"))

    run = place.host.trigger("local")

    assert place.host.until_over(run)["good"]


def test_run_is_placed_by_the_tags_of_its_flow_file(place: Place) -> None:
    (place.files / "picky.yml").write_text(a_file("x", "host-tags: [arm64]"))

    run = place.host.trigger("picky")
    until(lambda: "arm64" in why(place.host, run), "the tags")
    place.host.cancel(run)

    assert place.host.until_over(run)["state"] == "archive"


def test_run_that_was_being_read_when_its_host_died_goes_on(place: Place) -> None:
    host, web = place.host, place.web
    web.files["/web.yml"] = a_file("again").encode()
    asked = len(web.asked)
    web.open.clear()
    run = host.trigger("web")
    until(lambda: len(web.asked) > asked, "the question")

    host.kill()
    web.open.set()
    host.start(env={"FLOE_CONF": str(host.folder / "conf" / "config.yml")})

    assert host.until_over(run)["good"]
    assert host.output(run, "say") == b"again\n"


def test_url_that_needs_a_relative_flow_file_finds_it_beside_itself(tmp_path: Path) -> None:
    with Web().serving() as web:
        flow = "{name: a, triggers: [{name: start, type: data}], flow-file: b/flow.yml}"
        web.files["/conf/floe.yml"] = f"flows: [{flow}]".encode()
        web.files["/conf/b/flow.yml"] = a_file("beside it").encode()
        with hosted(tmp_path, f"common: {{config-path: {web.url}/conf/floe.yml}}") as host:
            run = host.trigger("a")

            assert host.until_over(run)["good"]
            assert host.output(run, "say") == b"beside it\n"
