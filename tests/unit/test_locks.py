"""What an installation from a checkout takes: locks/, as scripts/lock writes it."""

import json
import re
import tomllib
from configparser import ConfigParser

import pytest
from packaging.requirements import Requirement

from tests.make_locks import ROOT, locked, versions

LOCKS = ["floe", "test"]
SETUP = ConfigParser(interpolation=None)
SETUP.read(ROOT / "setup.cfg")
RANGES = {
    "floe": [
        *SETUP["options"]["install_requires"].split("\n")[1:],
        *tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"],
    ],
    "test": SETUP["options.extras_require"]["test"].split("\n")[1:],
}
NPM = json.loads((ROOT / "locks/npm/package-lock.json").read_text())


@pytest.mark.parametrize(("lock", "wanted"), [("floe", "floe"), ("test", "floe"), ("test", "test")])
def test_lock_has_a_version_in_each_range(lock: str, wanted: str) -> None:
    taken = versions(lock)
    ranges = [Requirement(line) for line in RANGES[wanted]]

    assert [r for r in ranges if taken.get(r.name.lower(), "0") not in r.specifier] == []


def test_tests_run_with_the_versions_of_an_installation() -> None:
    assert versions("floe").items() <= versions("test").items()


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_one_version_with_hashes(lock: str) -> None:
    unsure = [
        str(requirement)
        for requirement, hashes in locked(lock)
        if not re.fullmatch(r"==[^,*]+", str(requirement.specifier)) or not hashes
    ]

    assert unsure == []


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_builds_nothing(lock: str) -> None:
    assert "--only-binary :all:" in (ROOT / f"locks/{lock}.txt").read_text().splitlines()


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_index(lock: str) -> None:
    assert "://" not in (ROOT / f"locks/{lock}.txt").read_text()


def test_tools_that_check_the_dashboard_are_locked_with_their_hashes() -> None:
    packages = {name: entry for name, entry in NPM["packages"].items() if name}

    assert packages
    assert [n for n, e in packages.items() if not e["integrity"].startswith("sha512-")] == []
