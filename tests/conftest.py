"""What holds for every test. Fixtures live with the tests that use them."""

import signal
from collections.abc import Generator
from pathlib import Path

import pytest

ACCEPTANCE = Path(__file__).parent / "acceptance"

# A shell starts a background command with SIGINT ignored, and programs inherit that: those that a
# test interrupts would go on.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

LONGEST = ("clusters", "browser")
"""The groups that take minutes. They start first, and so end before the rest does."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put acceptance tests in groups and first; all other tests go wherever a worker is free.

    A worker runs a group in a row. Its tests share hosts, and the two groups that load a machine
    most never meet themselves: there is one cluster of real hosts at a time, and one browser.
    """
    place = {item: len(LONGEST) + 1 for item in items}
    for item in items:
        if item.path.is_relative_to(ACCEPTANCE):
            group = group_of(item)
            item.add_marker(pytest.mark.xdist_group(group))
            place[item] = [*LONGEST, group].index(group)
    items.sort(key=place.__getitem__)


def group_of(item: pytest.Item) -> str:
    """The group of an acceptance test: by what its module imports, else its module."""
    module = item.getparent(pytest.Module)
    assert module is not None
    imported = vars(module.obj)
    if "clustered" in imported:
        return "clusters"
    return "browser" if "browser" in imported else item.path.stem


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail what is skipped: a test that did not run has shown nothing."""
    report = yield
    fail_if_skipped(report)
    return report


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
