"""What holds for every test. Fixtures live with the tests that use them."""

import ast
import functools
import os
import signal
import sys
from collections import Counter
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[1]

# A shell starts a background command with SIGINT ignored, and programs inherit that: those that a
# test interrupts would go on.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Tests start hosts and commands a thousand times. Where the environment forbids Python to keep
# compiled modules, each of these processes compiles floe again: a third of the cost of its start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# The suite draws the same examples each time, so that no change is red for what a different one
# did. `--hypothesis-profile random` draws new ones.
with suppress(ModuleNotFoundError):  # the flow `ci` runs some tests where there is none
    from hypothesis import settings

    settings.register_profile("random")
    settings.register_profile("suite", derandomize=True)
    settings.load_profile("suite")

KINDS = {"clustered": "clusters", "browser": "browser"}
"""The modules that load a machine most, by a name that they import."""

AT_ONCE = 2
"""How many clusters of real hosts there are at a time, and how many browsers."""


class Groups(LoadScopeScheduling):
    """Gives a worker a whole group of acceptance tests, or a single test of any other kind."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid) or nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Groups:
    """Schedule by `Groups`: the mark `xdist_group` has no effect with pytest 9.2."""
    return Groups(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the groups that take minutes first, then the other acceptance tests, then all others.

    Leave out tests of recorded files that a given folder lacks; of our own, none is missing.
    """
    if os.environ.get("FLOE_RECORDED"):
        missing = [item for item in items if item.get_closest_marker("missing")]
        config.hook.pytest_deselected(items=missing)
        items[:] = [item for item in items if item not in missing]

    def place(item: pytest.Item) -> tuple[bool, bool, str]:
        group = group_of(item.nodeid)
        is_long = group.startswith(tuple(KINDS.values()))
        return not group, not is_long, group if is_long else ""

    items.sort(key=place)


def group_of(nodeid: str) -> str:
    """The group of an acceptance test, whose tests run in a row; empty for all other tests.

    A module is a group, since its tests share hosts. All modules with clusters are `AT_ONCE`
    groups, and so are those with browsers.
    """
    file = nodeid.partition("::")[0]
    return _group_in(file) if file.startswith("tests/acceptance/") else ""


@functools.cache
def _group_in(file: str) -> str:
    if not (kind := _kind_of(file)):
        return file
    files = [f"tests/acceptance/{path.name}" for path in (ROOT / file).parent.glob("test_*.py")]
    alike = sorted(other for other in files if _kind_of(other) == kind)
    return f"{kind} {alike.index(file) % AT_ONCE}"


@functools.cache
def _kind_of(file: str) -> str:
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    names = {alias.name for node in imports for alias in node.names}
    return next((kind for name, kind in KINDS.items() if name in names), "")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail what is skipped: a test that did not run has shown nothing."""
    report = yield
    fail_if_skipped(report)
    if mark := item.get_closest_marker("recorded"):
        report.user_properties.append(("recorded", mark.args[0]))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Count the recorded cases that passed, by file."""
    passed, total = Counter[str](), Counter[str]()
    for outcome in ("passed", "failed", "error"):
        for report in terminalreporter.stats.get(outcome, ()):
            for key, name in getattr(report, "user_properties", ()):
                if key == "recorded" and (report.when == "call" or outcome != "passed"):
                    total[name] += 1
                    passed[name] += outcome == "passed"
    if total:
        terminalreporter.section("recorded results of other programs")
    for name in sorted(total):
        terminalreporter.line(f"{name}: {passed[name]:,} of {total[name]:,}")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Fail a module that skips itself, for the same reason."""
    report = yield
    fail_if_skipped(report)
    return report


def fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure that names the place and the reason; an expected failure stays."""
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which no test here may be: {report.longrepr}"
