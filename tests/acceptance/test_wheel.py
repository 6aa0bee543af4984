"""floe as a wheel installs it: in a fresh environment, away from any checkout."""

import json
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOT_SOURCE = shutil.ignore_patterns(".*", "*.egg-info", "__pycache__", "tests")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with floe from its wheel, and this one's libraries behind it."""
    folder = tmp_path_factory.mktemp("wheel")
    # Built from a copy: the build leaves folders in its source that later builds would mix in.
    source = shutil.copytree(ROOT, folder / "source", symlinks=True, ignore=NOT_SOURCE)
    build = ["build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source)]
    subprocess.run([sys.executable, "-m", *build], check=True, capture_output=True)

    venv = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    (wheel,) = folder.glob("floe-*.whl")
    install = ["--python", str(venv / "bin/python"), "install", "--no-deps", "--no-index"]
    subprocess.run(
        [sys.executable, "-m", "pip", *install, str(wheel)], check=True, capture_output=True
    )
    (site,) = (venv / "lib").glob("python*/site-packages")
    # A path named in a .pth is searched last and the .pth files there are not read: this checkout,
    # installed in place, stays out of sight.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    return venv


def files_under(folder: Path) -> Iterator[str]:
    """Yield the files of a tree, links followed, without what Python left there."""
    for path in folder.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield str(path.relative_to(folder))


def found_by(venv: Path, package: str, cwd: Path) -> Path:
    """Ask the installed floe where the files of a package are."""
    ask = f"import importlib.resources as r, json; print(json.dumps(str(r.files({package!r}))))"
    answer = subprocess.run(
        [venv / "bin/python", "-c", ask], cwd=cwd, check=True, capture_output=True, text=True
    )
    return Path(json.loads(answer.stdout))


@pytest.mark.parametrize(
    ("package", "folder"),
    [("floe", "floe"), ("floe.webapp", "webapp"), ("floe.configs", "configs")],
)
def test_wheel_carries_every_file(
    installed: Path, tmp_path: Path, package: str, folder: str
) -> None:
    there = found_by(installed, package, tmp_path)

    assert there.is_relative_to(installed)
    assert set(files_under(ROOT / folder)) <= set(files_under(there))


def test_command_shows_its_version(installed: Path, tmp_path: Path) -> None:
    answer = subprocess.run(
        [installed / "bin/floe", "--version"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )

    assert version("floe") in answer.stdout


def test_packaged_config_is_valid(installed: Path, tmp_path: Path) -> None:
    default = found_by(installed, "floe.configs", tmp_path) / "default.yml"

    checked = subprocess.run(
        [installed / "bin/floe", "check", default], cwd=tmp_path, capture_output=True, text=True
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr
