"""Plugins of uTask's actions: files of a folder, entry points, and what is wrong in them."""

import re
import textwrap
from pathlib import Path

import pytest

from floe.calls.utask.builtins import builtins
from floe.calls.utask.plugins import OWN, faults_of, read_plugins, run_init
from floe.calls.utask.settings import UtaskCallSettings
from floe.config.utask import UtaskSettings
from floe.config.utask_folders import folders_of, read_folders
from floe.model.ids import Json
from floe.nodes.call_ground import CallGround
from tests.make_utask_calls import came_to

DOCS = Path(__file__).parents[3] / "docs" / "utask.md"

NAMED = """
from floe.calls.utask.action import CameTo, UtaskActionType
ACTIONS = [UtaskActionType(name="{}", run=lambda call: CameTo(output=call.step))]
"""


def put(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(textwrap.dedent(text))
    return path


async def test_plugin_of_the_documentation_runs(tmp_path: Path) -> None:
    [code] = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    put(tmp_path, "lookup.py", code)
    ground = CallGround(settings={"utask": UtaskCallSettings(plugins=tmp_path)})

    good = await came_to("lookup", {"name": "127.0.0.1"}, ground)
    bad = await came_to("lookup", {}, ground)

    assert good.outputs == {"output": {"address": "127.0.0.1"}}
    assert good.metadata == {"tags": {"address": "127.0.0.1"}}
    assert (bad.kind, bad.why) == ("CLIENT_ERROR", "`name` is missing")
    [lookup] = read_plugins(tmp_path).actions
    assert faults_of(lookup.check, {}) == ["`name` is missing"]


async def test_plugin_may_be_a_coroutine(tmp_path: Path) -> None:
    text = """
        import asyncio
        from floe.calls.utask.action import CameTo, UtaskActionType

        async def run(call):
            await asyncio.sleep(0)
            return CameTo(output=call.try_count)

        ACTIONS = (UtaskActionType(name="slow", run=run),)
    """
    put(tmp_path, "slow.py", text)
    ground = CallGround(settings={"utask": UtaskCallSettings(plugins=tmp_path)})

    answer = await came_to("slow", {}, ground, try_count=3)

    assert answer.outputs == {"output": 3}


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("def (", 1, "SyntaxError"),
        ("\nimport nothing_of_this_name", 2, "ModuleNotFoundError"),
        ("\n\nraise SystemExit(1)", 3, "SystemExit"),
        ("ACTION = 1", 0, "has no list `ACTIONS`"),
        ("ACTIONS = []", 0, "has no list `ACTIONS`"),
        ("ACTIONS = ['x']", 0, "`ACTIONS` has a str"),
        (NAMED.format("a b"), 0, "'a b' cannot be the name of an action"),
        (NAMED.format("echo"), 0, "there is an action echo already"),
        (
            "from floe.calls.utask.action import UtaskActionType\n"
            "ACTIONS = [UtaskActionType(name='x', run=5)]",
            0,
            "`run`, `check` and `resources` of x are functions",
        ),
    ],
)
def test_plugin_with_a_mistake_leaves_the_others(
    text: str, line: int, what: str, tmp_path: Path
) -> None:
    bad = put(tmp_path, "bad.py", text)
    put(tmp_path, "good.py", NAMED.format("good"))

    plugins = read_plugins(tmp_path)

    [finding] = plugins.findings
    assert [one.name for one in plugins.actions] == ["good"]
    assert (finding.file, finding.line) == (str(bad), line)
    assert what in finding.what


def test_only_python_files_that_are_not_hidden_are_plugins(tmp_path: Path) -> None:
    for name in ("_part.py", ".hidden.py", "text.txt"):
        put(tmp_path, name, "raise ValueError")

    assert read_plugins(tmp_path) == ((), ())
    assert read_plugins(tmp_path / "none") == ((), ())
    assert read_plugins(None) == ((), ())


def test_package_brings_actions_by_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "a_package_of_actions.py", NAMED.format("packed") + "ONE = ACTIONS[0]\n")
    info = tmp_path / "a_package-1.dist-info"
    info.mkdir()
    put(info, "METADATA", "Name: a-package\nVersion: 1\n")
    lines = (
        "[floe.utask.actions]",
        "broken = a_package_of_actions:NOTHING",
        "one = a_package_of_actions:ONE",
    )
    put(info, "entry_points.txt", "\n".join(lines))
    monkeypatch.syspath_prepend(tmp_path)

    plugins = read_plugins(tmp_path / "none")

    assert [one.name for one in plugins.actions] == ["packed"]
    [finding] = plugins.findings
    assert "floe.utask.actions: broken" in finding.file


def test_no_plugin_may_have_the_name_of_an_own_action() -> None:
    own = builtins(UtaskCallSettings(), CallGround())

    assert sorted(OWN) == sorted(one.name for one in own)


def test_template_may_name_the_action_of_a_plugin(tmp_path: Path) -> None:
    plugins, templates = tmp_path / "plugins", tmp_path / "templates"
    plugins.mkdir()
    templates.mkdir()
    text = NAMED.replace("run=", "check=lambda given: given.get('faults', ()), run=")
    put(plugins, "mine.py", text.format("mine"))
    put(plugins, "bad.py", "def (")
    for name, given in (("good", "{}"), ("bad", "{faults: [no good]}")):
        step = f"steps: {{a: {{description: a, action: {{type: mine, configuration: {given}}}}}}}"
        put(
            templates,
            f"{name}.yaml",
            f"name: {name}\ndescription: abc\ntitle_format: abc\n{step}\n",
        )
    settings = UtaskSettings(templates=(templates,), plugins=plugins)

    catalog = read_folders(folders_of(settings))

    assert [*catalog.templates] == ["good"]
    first, second = catalog.findings
    assert (first.file, first.line) == (str(plugins / "bad.py"), 1)
    assert (Path(second.file).name, "no good" in second.what) == ("bad.yaml", True)


def test_defect_of_a_check_is_a_fault() -> None:
    def check(configuration: object) -> list[str]:
        raise KeyError("x")

    assert faults_of(check, {}) == ["its check fails: KeyError: 'x'"]


def test_init_files_change_the_items_in_the_order_of_their_names(tmp_path: Path) -> None:
    put(tmp_path, "b.py", "def init(items):\n    items['all'] = items['all'] + ['b']\n")
    put(tmp_path, "a.py", "def init(items):\n    items['all'] = ['a']\n")
    items: dict[str, Json] = {"kept": 1}

    assert run_init(tmp_path, items) == ()
    assert items == {"kept": 1, "all": ["a", "b"]}


def test_init_file_with_a_mistake_leaves_the_others(tmp_path: Path) -> None:
    put(tmp_path, "a.py", "def init(items):\n    raise ValueError('no')\n")
    put(tmp_path, "b.py", "other = 1\n")
    put(tmp_path, "c.py", "def init(\n")
    put(tmp_path, "d.py", "def init(items):\n    items['d'] = 1\n")
    items: dict[str, Json] = {}

    findings = run_init(tmp_path, items)

    places = [(Path(one.file).name, one.line) for one in findings]
    assert places == [("a.py", 2), ("b.py", 0), ("c.py", 1)]
    assert items == {"d": 1}
