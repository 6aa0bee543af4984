"""The rules of the house that no linter knows; scripts/check runs those that one does."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from scripts.circles import circles, imports

ROOT = Path(__file__).parents[2]
FLOE = ROOT / "floe"
MODULES = sorted(FLOE.rglob("*.py"))
SCRIPTS = sorted(p for p in (ROOT / "webapp").rglob("*.?s") if "vendor" not in p.parts)
PAGES = sorted((ROOT / "docs").glob("*.md"))
COMMANDS = [
    "start.sh",
    ".ci/run",
    "scripts/venv",
    "scripts/dev",
    "scripts/lock",
    "scripts/check",
    "scripts/test",
    "scripts/bench",
    "scripts/api-types",
    "scripts/commits",
    "scripts/guess",
    "scripts/first-hour",
    "scripts/circles",
]

# A file has second thoughts at 300 lines and a reason at 400: this is where the reason is given.
LINES_MAX = 400
# The formatter leaves the texts of html`...` and comments as they are; this holds them as well.
COLUMNS_MAX = 120
LONG_FOR_A_REASON = {
    "floe/dialects/floe/vocabulary.py": "one table: each key with type, default and text",
    "floe/expr/programs.py": "one table: each program that reads code, with its options",
}


# Files that import one another in a circle, for types or in functions, can only be read together.
CIRCLE_MAX = 3

# A task outside `floe.tasks` and `asyncio.TaskGroup` may end unnoticed: here is why it does not.
BARE_TASK = re.compile(r"asyncio\.(?:create_task|ensure_future|gather)\(|_loop\(\)\.create_task\(")
BARE_TASKS = {
    "floe/cli/run.py": "the terminal's view of a run: awaited before the command ends",
    "floe/nodes/in_process.py": "an attempt: its end settles it, whatever it is",
    "floe/nodes/warden.py": "a KeptTask, which begins again",
    "floe/peers/http.py": "a part of a connection: its error is logged, and it connects again",
    "floe/server/fan_out.py": "awaited by the request that asks several hosts",
}

# Rooms whose files have no second thoughts left, and the reason of the one that is longer.
SHORT_ROOMS = ("feed", "hub", "server", "shapes")
SHORT_LINES_MAX = 300
TABLES = {
    "floe/server/routes.py": "one table: the routes of the API",
    "floe/server/schemas.py": "one table: the schema of each body and answer of the API",
}

# Rooms where each module that does something has a file of tests of its name. Whole flows test the
# kernel by design: these of its modules are tested by the scenarios whose names begin so.
TESTED_ROOMS = ("feed", "host", "hub", "kernel", "shapes")
TESTED_BY_SCENARIOS = {
    "kernel/approval.py": "form-approvers",
    "kernel/attempt_end.py": "retry",
    "kernel/callbacks.py": "callback",
    "kernel/children_again.py": "child-rerun",
    "kernel/coming_tags.py": "skip-",
    "kernel/decide.py": "",
    "kernel/judged/awaited.py": "judged-",
    "kernel/judged/fold.py": "judged-",
    "kernel/judged/lane.py": "judged-",
    "kernel/judged/node_fold.py": "judged-",
    "kernel/judged/owed.py": "judged-",
    "kernel/judged/part.py": "judged-",
    "kernel/judged/people_fold.py": "judged-people-",
    "kernel/judged/prune.py": "judged-",
    "kernel/judged/rest.py": "judged-",
    "kernel/judged/signals.py": "judged-",
    "kernel/judged/states.py": "judged-",
    "kernel/judged/verdicts.py": "judged-",
    "kernel/loops.py": "loop",
    "kernel/node_changes.py": "",
    "kernel/node_skips.py": "skip-",
    "kernel/offers.py": "offer",
    "kernel/outside_work.py": "offer",
    "kernel/rerun.py": "rerun-",
    "kernel/rest.py": "at-rest-",
    "kernel/result.py": "result",
    "kernel/run_changes.py": "",
    "kernel/run_step.py": "",
    "kernel/taken.py": "rerun-",
}

# Everything that a checkout has at its top, so that no file gets there by mistake.
FILES = ".gitignore CHANGELOG.md README.md biome.jsonc pyproject.toml ruff.toml setup.cfg start.sh"
FOLDERS = ".ci configs docs floe locks scripts tests webapp"

HUB_LINES_MAX = 250
HUB_FILES_MAX = 15


def imported(module: Path) -> Iterator[str]:
    """Yield the top-level packages that a module imports, inside functions too."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def test_no_file_is_longer_than_it_should_be_without_a_reason() -> None:
    long = {
        str(module.relative_to(ROOT))
        for module in MODULES
        if len(module.read_text().splitlines()) > LINES_MAX
    }

    assert long == set(LONG_FOR_A_REASON)


def test_the_top_of_the_project_holds_nothing_by_mistake() -> None:
    kept = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)

    assert {path.partition("/")[0] for path in kept.stdout.splitlines()} == {
        *FILES.split(),
        *FOLDERS.split(),
    }


def test_no_line_of_the_dashboard_is_wider_than_a_screen() -> None:
    wide = [
        f"{script.relative_to(ROOT)}:{number}"
        for script in SCRIPTS
        for number, line in enumerate(script.read_text().splitlines(), 1)
        if len(line) > COLUMNS_MAX
    ]

    assert wide == []


def test_no_file_of_a_short_room_is_longer_without_a_reason() -> None:
    modules = [module for room in SHORT_ROOMS for module in (FLOE / room).rglob("*.py")]
    long = {
        str(module.relative_to(ROOT))
        for module in modules
        if len(module.read_text().splitlines()) > SHORT_LINES_MAX
    }

    assert long == set(TABLES)


def test_hub_stays_small() -> None:
    modules = sorted((FLOE / "hub").glob("*.py"))
    [hub] = [
        node
        for node in ast.walk(ast.parse((FLOE / "hub/hub.py").read_text()))
        if isinstance(node, ast.ClassDef) and node.name == "Hub"
    ]

    assert (hub.end_lineno or 0) - hub.lineno < HUB_LINES_MAX
    assert len(modules) <= HUB_FILES_MAX


def test_every_task_is_owned_by_one_that_reports_its_error() -> None:
    bare = {str(m.relative_to(ROOT)) for m in MODULES if BARE_TASK.search(m.read_text())}

    assert bare == BARE_TASKS.keys()


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{p.name}" for p in PAGES)])
def test_what_a_page_links_to_is_there(page: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / page).read_text())

    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []


def gone(tests: Iterable[tuple[str, str]]) -> list[str]:
    """Of tests by file and name, those that are not there."""
    return [
        f"{file}::{test}"
        for file, test in tests
        if not (ROOT / "tests" / file).is_file()
        or f"def {test}(" not in (ROOT / "tests" / file).read_text()
    ]


def test_each_fault_names_a_test_that_is_there() -> None:
    rows = re.findall(r"\| `([\w/]+\.py)::(\w+)` \|", (ROOT / "docs/reliability.md").read_text())

    assert (len(rows) > 100, gone(rows)) == (True, [])


def test_each_step_of_an_addition_names_a_test_that_is_there() -> None:
    steps = re.findall(r"`([\w/]+\.py)::(\w+)`", (ROOT / "docs/contributing.md").read_text())

    assert (len(steps) > 5, gone(steps)) == (True, [])


def test_the_readme_leads_to_every_page() -> None:
    readme = (ROOT / "README.md").read_text()

    assert [page.name for page in PAGES if f"(docs/{page.name})" not in readme] == []


def test_no_page_and_no_config_teaches_a_token_on_a_command_line() -> None:
    files = [ROOT / "README.md", ROOT / "start.sh", *PAGES, *(ROOT / "configs").rglob("*.*")]
    shown = re.compile(r"-(?:admin|cluster[-_]token|token)[= ](?=[\w'])(?!TOKEN)")

    assert [str(file) for file in files if shown.search(file.read_text())] == []


def test_every_directory_of_modules_is_a_package() -> None:
    bare = {module.parent for module in MODULES if not (module.parent / "__init__.py").is_file()}

    assert not bare


def test_circles_of_imports_are_small() -> None:
    """`scripts/circles` prints them, with the imports that make them."""
    large = [sorted(circle) for circle in circles(imports()) if len(circle) > CIRCLE_MAX]

    assert large == []


def test_circle_is_each_module_that_leads_back_to_itself() -> None:
    graph = {
        "a": frozenset({"b"}),
        "b": frozenset({"c"}),
        "c": frozenset({"a"}),
        "d": frozenset("a"),
    }

    assert circles(graph) == [frozenset({"a", "b", "c"})]


@pytest.mark.parametrize(
    ("room", "library"),
    [("warden", set()), ("packs", set()), ("repository", set()), ("ssh", {"asyncssh"})],
)
def test_program_on_its_own_needs_the_standard_library_alone_or_one_more(
    room: str, library: set[str]
) -> None:
    needed = {name for module in (FLOE / room).rglob("*.py") for name in imported(module)}

    assert needed <= sys.stdlib_module_names | {"floe"} | library  # of floe only itself: setup.cfg


def test_dataclasses_are_those_of_the_model() -> None:
    """`floe/model/nouns.py` says which classes are real ones: `@dataclasses.dataclass`. Commands
    load no model, and the copied programs and packs none of floe."""
    plain = re.compile(r"^from dataclasses import .*\bdataclass\b", re.MULTILINE)
    apart = [FLOE / room for room in ("cli", "packs", "warden", "repository", "ssh")]

    found = [m for m in MODULES if plain.search(m.read_text()) and not {*apart} & {*m.parents}]

    assert found == []


def test_what_floe_imports_is_what_it_requires() -> None:
    imports = {name for module in MODULES for name in imported(module)}
    third_party = imports - sys.stdlib_module_names - {"floe"}
    distributions = packages_distributions()
    needed = {distributions[name][0].lower() for name in third_party}

    declared = {
        requirement.name.lower()
        for requirement in map(Requirement, requires("floe") or [])
        if requirement.marker is None or "test" not in str(requirement.marker)
    }

    assert needed <= declared


@pytest.mark.parametrize("command", COMMANDS)
def test_command_explains_itself_from_anywhere(command: str, tmp_path: Path) -> None:
    shown = subprocess.run(
        [ROOT / command, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert shown.stdout.startswith("Usage: ")


def test_server_asks_the_hub_only_for_acts_and_reads() -> None:
    deep = re.compile(r"hub(?:\]|\b)\.(?!reads\.\w+\b(?!\.))\w+\.\w+|hub\.reads\.\w+\.\w+")
    found = {
        f"{module.name}:{node.lineno}: {text}"
        for module in (FLOE / "server").glob("*.py")
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Attribute)
        and deep.search(text := ast.unparse(node).replace("request.app[HUB]", "hub"))
    }

    assert found == set()


def test_failed_test_is_never_tried_again_where_a_change_is_judged() -> None:
    refused = subprocess.run(
        [ROOT / "scripts/test", "--busy"],
        env={**os.environ, "CI": "true"},
        capture_output=True,
        text=True,
    )

    assert refused.returncode == 2
    assert "CI" in refused.stderr


def test_class_has_a_name_of_its_own() -> None:
    """A reader who meets the name elsewhere takes it for the same thing."""
    modules: dict[str, list[str]] = {}
    for module in MODULES:
        for node in ast.parse(module.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                modules.setdefault(node.name, []).append(str(module.relative_to(FLOE)))

    assert {name: found for name, found in modules.items() if len(found) > 1} == {}


def does_something(module: Path) -> bool:
    """Whether a module has a function with more than its text; a port has none."""
    return any(
        not isinstance(line, ast.Expr) or not isinstance(line.value, ast.Constant)
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for line in node.body
    )


def test_module_has_a_file_of_tests_of_its_name() -> None:
    modules = [module for room in TESTED_ROOMS for module in sorted((FLOE / room).rglob("*.py"))]
    lacking = {
        str(module.relative_to(FLOE))
        for module in modules
        if does_something(module)
        and not (
            ROOT / "tests/unit" / module.relative_to(FLOE).parent / f"test_{module.name}"
        ).is_file()
    }

    assert lacking == set(TESTED_BY_SCENARIOS)


@pytest.mark.parametrize("module", TESTED_BY_SCENARIOS)
def test_module_of_the_kernel_that_scenarios_test_has_some(module: str) -> None:
    scenarios = ROOT / "tests/scenarios"

    assert list(scenarios.glob(f"{TESTED_BY_SCENARIOS[module]}*.txt")) != []
