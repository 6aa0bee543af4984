"""What right documents come to."""

from pathlib import Path

import pytest

from floe.dialects.floe.dialect import FloeDialect
from floe.dialects.floe.names import id_from_name, name_from_id
from floe.model.codec import encode
from floe.model.flow import Backoff, Flow, Foreach, MaxRuns, Node, Retry, Trigger
from floe.model.form import Field, Form
from floe.model.template import Template, TemplatePart
from floe.model.work import Ask, Exec, Fetch, Git, GitCheckout, GitMerge, Wait
from tests.recorded import files

COMPAT = Path(__file__).parents[3] / "data" / "floe"
DIALECT = FloeDialect()


def flow_of(text: str) -> Flow:
    compiled = DIALECT.flows(text, "f.yml")
    assert compiled.errors == ()
    (flow,) = compiled.flows
    return flow


def task(lines: str) -> Node:
    """The node of one task that hears the trigger."""
    flow = flow_of(f"id: f\ntasks:\n- {{id: t, listen: trigger.good, {lines}}}\n")
    return flow.nodes[0]


def test_foreach_takes_a_list_or_an_expression() -> None:
    listed = task("type: exec, opts: {cmd: a}, foreach: [eu, 3, true, 0.5, [a], {b: c}]")
    judged = task("type: exec, opts: {cmd: a}, foreach: values.x, parallel: 2, on-item-bad: stop")

    assert listed.foreach == Foreach(values=("eu", 3, True, 0.5, ("a",), {"b": "c"}))
    assert judged.foreach == Foreach(expression="values.x", parallel=2, on_item_bad="stop")


def test_matrix_is_the_list_of_its_combinations() -> None:
    lists = "py: ['3.12', '3.13'], db: [a, b]"
    node = task(
        f"type: exec, opts: {{cmd: a}}, matrix: {{{lists}, exclude: [{{py: '3.12', db: b}}], "
        "include: [{py: '3.14', os: mac}]}"
    )

    assert node.foreach == Foreach(
        values=(
            {"py": "3.12", "db": "a"},
            {"py": "3.13", "db": "a"},
            {"py": "3.13", "db": "b"},
            {"py": "3.14", "os": "mac"},
        )
    )


def trigger(lines: str) -> Trigger:
    end = "tasks: [{id: e, type: end, listen: trigger.good}]"
    flow = flow_of(f"id: f\ntriggers:\n- {{id: t, {lines}}}\n{end}\n")
    return flow.triggers[0]


def field(lines: str) -> Field:
    return trigger(f"type: data, opts: {{form: {{fields: [{{{lines}}}]}}}}").form.fields[0]


@pytest.mark.parametrize(
    ("file", "ids", "warnings"),
    [
        ("config.yml", ["build-project", "danmux"], 1),
        ("dev-config.yml", ["floe"], 0),
        ("dev-floe.yml", ["floe"], 0),
        ("floe.yml", ["danmux"], 1),
    ],
)
def test_files_of_the_original_load_as_they_are(file: str, ids: list[str], warnings: int) -> None:
    compiled = DIALECT.flows((COMPAT / file).read_text(), file)

    assert [flow.id for flow in compiled.flows] == ids
    assert [finding.level for finding in compiled.findings] == ["warning"] * warnings


@pytest.mark.parametrize("path", files("floe/*.yml"))
def test_file_of_the_original_has_no_mistake(path: Path) -> None:
    assert DIALECT.flows(path.read_text("utf-8"), path.name).errors == ()


def test_original_config_means_what_it_meant() -> None:
    compiled = DIALECT.flows((COMPAT / "config.yml").read_text(), "config.yml")

    build = compiled.flows[0]
    assert build.name == "Build Project"
    assert build.resource_tags == ("couchbase", "nic")
    assert [(t.id, t.type) for t in build.triggers] == [("push", "push"), ("start", "data")]
    assert [n.ref for n in build.nodes] == [
        "task.checkout",
        "task.echo",
        "task.build",
        "task.test",
        "task.sign-off",
        "merge.signed",
        "task.final-task",
        "task.complete",
    ]
    assert build.by_id[build.nodes[1].id].work == Exec(argv=("echo", "dan is a goon"))
    assert build.nodes[5].needs == (
        ("task.echo.good",),
        ("task.test.good",),
        ("task.sign-off.good",),
    )


@pytest.mark.parametrize(
    ("name", "id_"),
    [("a b.2", "a-b-2"), ("Sign Off", "sign-off"), (" .-x-. ", "x"), ("A  b", "a--b")],
)
def test_an_id_comes_from_the_name(name: str, id_: str) -> None:
    assert id_from_name(name) == id_


def test_a_name_comes_from_the_id() -> None:
    assert name_from_id("a-b") == "a b"


def test_a_given_id_is_trimmed_and_lowered() -> None:
    assert flow_of("id: --A-b..\nflow-file: x.yml").id == "a-b"


def test_an_empty_value_is_not_given() -> None:
    flow = flow_of("id: f\nenv:\nname:\nver:\nflow-file: x.yml\n")

    assert (flow.env, flow.name, flow.ver) == ((), "f", 1)


def test_a_flow_takes_all_its_keys() -> None:
    flow = flow_of(
        "{id: f, name: F, ver: 2, reuse-space: on, host-tags: [linux], resource-tags: ['host:nic'],"
        " env: [A=1, B=], timeout: 2h, on-host-lost: restart, unheard-bad: hold,"
        " strict-shell: no, flow-file: x.yml}"
    )

    assert flow == Flow(
        id=flow.id,
        name="F",
        ver=2,
        reuse_space=True,
        host_tags=("linux",),
        resource_tags=("host:nic",),
        env=("A=1", "B="),
        timeout_s=7200,
        on_host_lost="restart",
        unheard_bad="hold",
        strict_shell=False,
        has_escapes=True,
        inherits=True,
        flow_file="x.yml",
        origin="f.yml",
    )


def test_limit_of_runs_is_a_number_or_a_map() -> None:
    short = flow_of("{id: f, flow-file: x.yml, max-runs: 2}").max_runs
    long = flow_of(
        "{id: f, flow-file: x.yml,"
        " max-runs: {limit: 1, per: '{{ values.branch }}', when-full: cancel-older}}"
    ).max_runs

    assert short == MaxRuns(limit=2)
    assert long == MaxRuns(
        limit=1,
        per=Template(parts=(TemplatePart(path=("values", "branch")),)),
        when_full="cancel-older",
    )


def test_paths_in_texts_compile_to_what_they_always_did() -> None:
    """Runs name their flow by its digest, so a template without expressions never changes."""
    flow = flow_of(
        """
name: Release
run-name: "Release {{ values.version }} {{ '{{' }} {{ task.build.outputs['a b'][0] }}"
max-runs: {limit: 1, per: "{{ values.version }}-{{ run.trigger }}"}
on-end: [{webhook: $A, text: "{{ run.link }}{{.Names}}"}]
triggers:
  - {name: start, type: data, opts: {form: {title: x, fields: [{id: version, prompt: Which?}]}}}
tasks:
  - {name: Build, type: exec, listen: trigger.good, opts: {cmd: make}}
  - name: Ask
    type: data
    listen: task.build.good
    opts: {form: {text: "Go {{ values.version }} {{ task.build.status }}?"}}
"""
    )

    assert flow.run_name is not None
    assert encode(flow.run_name) == {
        "parts": [
            {"text": "Release "},
            {"path": ["values", "version"]},
            {"text": " {{ "},
            {"path": ["task", "build", "outputs", "a b", 0]},
        ]
    }
    assert flow.max_runs is not None
    assert encode(flow.max_runs)["per"] == {
        "parts": [{"path": ["values", "version"]}, {"text": "-"}, {"path": ["run", "trigger"]}]
    }
    assert encode(flow.on_end[0])["text"] == {
        "parts": [{"path": ["run", "link"]}, {"text": "{{.Names}}"}]
    }
    assert encode(flow.nodes[1])["work"]["form"]["text"] == {
        "parts": [
            {"text": "Go "},
            {"path": ["values", "version"]},
            {"text": " "},
            {"path": ["task", "build", "status"]},
            {"text": "?"},
        ]
    }


def test_flow_file_replaces_the_limit_of_runs() -> None:
    base = flow_of("{id: f, flow-file: x.yml, max-runs: 2}")
    tasks = "tasks: [{name: a, type: exec, listen: trigger.good, opts: {cmd: ls}}]"

    (kept,) = DIALECT.flow_file(tasks, "x.yml", base).flows
    (replaced,) = DIALECT.flow_file(f"{tasks}\nmax-runs: 3", "x.yml", base).flows

    assert kept.max_runs == MaxRuns(limit=2)
    assert replaced.max_runs == MaxRuns(limit=3)


def test_shows_where_a_flow_names_its_flow_file() -> None:
    compiled = DIALECT.flows("flows:\n- id: f\n  flow-file: x.yml\n", "c.yml")

    assert compiled.flow_file_at == {("f", 1): (3, 14)}


def test_a_broken_flow_leaves_the_others() -> None:
    compiled = DIALECT.flows("flows:\n- {id: a}\n- {id: b, flow-file: x.yml}\n", "c.yml")

    assert [flow.id for flow in compiled.flows] == ["b"]
    assert [finding.line for finding in compiled.errors] == [2]


@pytest.mark.parametrize("bad", ["id: y, id: z", "id: y, name: !z z", 'id: y, name: "\\0"'])
def test_what_is_wrong_with_the_yaml_of_a_flow_leaves_the_others(bad: str) -> None:
    good = "id: x, tasks: [{name: a, type: exec, listen: trigger.good, opts: {cmd: b}}]"

    compiled = FloeDialect().flows(f"flows: [{{{bad}, flow-file: f}}, {{{good}}}]", "x.yml")

    assert [flow.id for flow in compiled.flows] == ["x"]
    assert compiled.errors


@pytest.mark.parametrize("bad", ["common: {}, common: {}", "common: {slots: 1, slots: 2}"])
def test_what_is_wrong_with_the_yaml_around_the_flows_leaves_none(bad: str) -> None:
    compiled = FloeDialect().flows(f"{{{bad}, flows: [{{id: x, flow-file: f}}]}}", "x.yml")

    assert compiled.flows == ()


def test_a_task_takes_all_its_keys() -> None:
    node = task(
        "name: T, type: exec, class: task, good: [0, 3], use-status: true, timeout: 90s,"
        " retry: {max: 3, backoff: {first: 2s, factor: 3, max: 1m}}, on-lost: retry,"
        " output-max: 1.5MB, grace: 0, opts: {cmd: ls}"
    )

    assert node == Node(
        id=node.id,
        cls="task",
        type="exec",
        name="T",
        work=Exec(argv=("ls",)),
        heard=node.heard,
        good=(0, 3),
        use_status=True,
        timeout_s=90,
        retry=Retry(max=3, backoff=Backoff(first_s=2, factor=3, max_s=60)),
        on_lost="retry",
        output_max=1_500_000,
        grace_s=0,
    )
    assert node.heard == {"trigger.good"}


def test_one_duration_is_always_the_same_wait() -> None:
    node = task("type: exec, retry: {max: 1, backoff: 5}, opts: {cmd: ls}")

    assert node.retry == Retry(max=1, backoff=Backoff(first_s=5, factor=1, max_s=5))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5", 5), ("0.5", 0.5), ("90s", 90), ("10m", 600), ("2h", 7200), ("1d", 86400)],
)
def test_durations_are_seconds_or_have_a_unit(text: str, seconds: float) -> None:
    assert task(f"type: exec, timeout: {text}, opts: {{cmd: ls}}").timeout_s == seconds


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), ("7B", 7), ("10kB", 10_000), ("10MB", 10**7), ("1GiB", 1 << 30)]
)
def test_sizes_are_bytes_or_have_a_unit(text: str, size: int) -> None:
    assert task(f"type: exec, output-max: {text}, opts: {{cmd: ls}}").output_max == size


@pytest.mark.parametrize(
    ("opts", "work"),
    [
        ("cmd: 'go test ./...'", Exec(argv=("go", "test", "./..."))),
        ("cmd: \"say 'a b' $X\"", Exec(argv=("say", "a b", "$X"))),
        ("cmd: ls, args: ['-l', 'a b']", Exec(argv=("ls", "-l", "a b"))),
        ("cmd: ls, args: []", Exec(argv=("ls",))),
        ("shell: 'echo \"a\" | cat'", Exec(shell='echo "a" | cat')),  # noqa: S604 - a field
        ("shell: echo, args: ['\"a', 'b\"']", Exec(shell='echo "a b"')),  # noqa: S604 - a field
        ("cmd: ls, sub-dir: ./a, env: [A=b c]", Exec(argv=("ls",), sub_dir="./a", env=("A=b c",))),
        ("cmd: ls, sub-dir: '{{ws}}/a/../b'", Exec(argv=("ls",), sub_dir="{{ws}}/a/../b")),
    ],
)
def test_exec_reads(opts: str, work: Exec) -> None:
    assert task(f"type: exec, opts: {{{opts}}}").work == work


@pytest.mark.parametrize(
    ("checksum", "algo", "digits"),
    [("AB" * 32, "sha256", "ab" * 32), ("'" + "ab" * 20 + "  a.tgz'", "sha1", "ab" * 20)],
)
def test_fetch_takes_a_checksum_as_tools_print_it(checksum: str, algo: str, digits: str) -> None:
    work = task(
        f"type: fetch, opts: {{url: 'http://x/y', checksum: {checksum}, checksum-algo: {algo}}}"
    ).work

    assert isinstance(work, Fetch)
    assert work.checksum == digits


def test_git_tasks_read_which_commit() -> None:
    opts = "{url: u, branch: b, hash: ABCDEF1, ref: r, from-ref: f, sub-dir: s, git-key: k}"
    git = Git(
        url="u", branch="b", hash="abcdef1", ref="r", from_branch="f", sub_dir="s", key_file="k"
    )

    assert task(f"type: git-checkout, opts: {opts}").work == GitCheckout(git=git)
    assert task(f"type: git-merge, opts: {opts}").work == GitMerge(git=git)


@pytest.mark.parametrize(
    ("lines", "on_lost"),
    [
        ("type: exec, opts: {cmd: ls}", "fail"),
        ("type: git-merge", "fail"),
        ("type: git-checkout", "retry"),
        ("type: fetch, opts: {url: 'http://x/y'}", "retry"),
        ("type: git-checkout, on-lost: fail", "fail"),
    ],
)
def test_what_may_be_repeated_is_when_it_is_lost(lines: str, on_lost: str) -> None:
    assert task(lines).on_lost == on_lost


def test_timer_and_data_tasks_read_their_opts() -> None:
    assert task("type: timer, opts: {period: 2m}").work == Wait(period_s=120)
    assert task("type: data").work == Ask(form=Form(title="t"))


def test_a_merge_of_all_needs_each_and_of_any_one() -> None:
    text = (
        "id: f\ntasks:\n"
        "- {id: a, type: exec, listen: trigger.good, opts: {cmd: ls}}\n"
        "- {id: b, type: exec, listen: trigger.good, opts: {cmd: ls}}\n"
        "- {id: m, class: merge, wait: [task.a.good, task.b.good]}\n"
        "- {id: n, class: merge, type: any, wait: [task.a.bad, task.b.bad]}\n"
    )
    _, _, m, n = flow_of(text).nodes

    assert (m.type, m.needs) == ("all", (("task.a.good",), ("task.b.good",)))
    assert (n.type, n.needs) == ("any", (("task.a.bad", "task.b.bad"),))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("id: a-b", Field(id="a-b", prompt="a-b")),
        (
            "id: a, type: text, value: x, prompt: A?",
            Field(id="a", prompt="A?", type="text", value="x"),
        ),
        ("id: a, type: bool, value: no", Field(id="a", prompt="a", type="bool", value=False)),
        ("id: a, type: number, value: 2", Field(id="a", prompt="a", type="number", value=2)),
        ("id: a, type: number, value: 2.5", Field(id="a", prompt="a", type="number", value=2.5)),
        (
            "id: a, type: choice, choices: [x, y], value: y, required: off",
            Field(id="a", prompt="a", type="choice", choices=("x", "y"), value="y", required=False),
        ),
    ],
)
def test_fields_read(lines: str, expected: Field) -> None:
    assert field(lines) == expected


def test_triggers_read_their_opts() -> None:
    timer = trigger(
        "type: timer, opts: {cron: '30 6 * * mon-fri', timezone: Europe/London, url: u}"
    )
    poll = trigger(
        "type: poll-git, opts: {url: u, period: 30, refs: 'refs/tags/*', exclude-refs: x.*}"
    )
    push = trigger("type: git-push, opts: {secret: $KEY, branch: main}")

    assert (timer.cron, timer.timezone, timer.git.url) == ("30 6 * * mon-fri", "Europe/London", "u")
    assert (poll.git.url, poll.period_s, poll.refs) == ("u", 30, "refs/tags/*")
    assert poll.exclude_refs == "x.*"
    assert (push.type, push.secret, push.git.branch) == ("push", "$KEY", "main")


BASE = "id: f\nver: 2\nname: F\nenv: [A=1]\ntriggers: [{id: s, type: data}]\nflow-file: x.yml\n"
END = "tasks: [{id: e, type: end, listen: trigger.good}]\n"


def test_a_flow_file_goes_over_its_flow() -> None:
    base = flow_of(BASE)

    compiled = DIALECT.flow_file(f"name: G\nhost-tags: [x]\ntimeout: 5\n{END}", "x.yml", base)

    assert compiled.findings == ()
    (flow,) = compiled.flows
    assert (flow.id, flow.ver, flow.name, flow.env) == ("f", 2, "G", ("A=1",))
    assert (flow.host_tags, flow.timeout_s, flow.triggers) == (("x",), 5, base.triggers)
    assert ([n.id for n in flow.nodes], flow.flow_file, flow.origin) == (["e"], "", "x.yml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"id: g\n{END}", "x.yml:1:5: error: this file is for a different flow, `g`"),
        (f"ver: 3\n{END}", "x.yml:1:6: error: this file is for a different version, 3"),
        (
            f"{END}flow-file: y.yml\n",
            "x.yml:2:12: error: a flow-file cannot name a flow-file itself",
        ),
        ("env: [A=1]\n", "x.yml:1:1: error: a flow-file needs `tasks`"),
        (
            f"flows: [{{id: f, {END.strip()}}}]",
            "x.yml:1:1: error: this is a host config, not a flow-file",
        ),
        (f"colour: red\n{END}", "x.yml:1:1: error: a flow has no key `colour`"),
        (
            "tasks: [{id: s, type: end, listen: trigger.good}]",
            "x.yml:1:9: error: the id `s` is used twice, first by a trigger",
        ),
        ("", "x.yml: error: the document is empty"),
    ],
)
def test_a_flow_file_cannot_be(text: str, said: str) -> None:
    compiled = DIALECT.flow_file(text, "x.yml", flow_of(BASE))

    assert compiled.flows == ()
    assert [str(finding).partition("\n")[0] for finding in compiled.findings] == [said]


def test_triggers_in_a_flow_file_count_for_nothing() -> None:
    base = flow_of(BASE)

    compiled = DIALECT.flow_file(f"triggers: [{{id: t, type: data}}]\n{END}", "x.yml", base)

    assert [finding.level for finding in compiled.findings] == ["warning"]
    assert compiled.flows[0].triggers == base.triggers
