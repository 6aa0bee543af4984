"""A damaged repository, and files that a checkout cannot simply delete."""

import os
import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from floe.model.errors import Theirs
from floe.model.work import Git
from floe.nodes.documents import DocumentFiles
from floe.nodes.git import argv
from floe.nodes.program_copies import installed
from floe.repository.task import Task
from tests.integration.gits import House, Repository, checkout, files_of, merge

Damage = Callable[[Path], object]


def emptied(name: str) -> Damage:
    return lambda git: (git / name).write_bytes(b"")


def locked(name: str) -> Damage:
    def damage(git: Path) -> None:
        (git / name).parent.mkdir(parents=True, exist_ok=True)
        (git / name).touch()

    return damage


def objects(git: Path) -> list[Path]:
    return [path for path in (git / "objects").rglob("*") if path.is_file()]


def broken(git: Path) -> None:
    for path in objects(git):
        path.chmod(0o600)
        path.write_bytes(b"x" * path.stat().st_size)


def truncated(git: Path) -> None:
    for path in objects(git):
        path.chmod(0o600)
        path.write_bytes(b"")


def without_files(git: Path) -> None:
    """Commits are there, what they hold is not."""
    for path in objects(git):
        name = path.parent.name + path.name
        kind = subprocess.run(
            ["git", "cat-file", "-t", name], cwd=git, capture_output=True, check=True
        ).stdout
        if kind != b"commit\n":
            path.unlink()


DAMAGES: dict[str, Damage] = {
    "HEAD.lock": locked("HEAD.lock"),
    "config.lock": locked("config.lock"),
    "index.lock": locked("index.lock"),
    "shallow.lock": locked("shallow.lock"),
    "packed-refs.lock": locked("packed-refs.lock"),
    "packed-refs.new": locked("packed-refs.new"),
    "ref.lock": locked("refs/heads/main.lock"),
    "remote ref.lock": locked("refs/remotes/origin/main.lock"),
    "half a packed-refs": lambda git: (git / "packed-refs").write_text("# pack-refs\n1234"),
    "empty index": emptied("index"),
    "empty HEAD": emptied("HEAD"),
    "empty config": emptied("config"),
    "empty shallow": emptied("shallow"),
    "empty ref": emptied("refs/heads/main"),
    "wrong shallow": lambda git: (git / "shallow").write_text("x\n"),
    "no shallow": lambda git: (git / "shallow").unlink(),
    "no HEAD": lambda git: (git / "HEAD").unlink(),
    "no refs": lambda git: shutil.rmtree(git / "refs"),
    "no objects": lambda git: shutil.rmtree(git / "objects"),
    "no git": lambda git: shutil.rmtree(git),
    "half a pack": lambda git: (git / "objects/pack/pack-12.pack").write_bytes(b"PACK"),
    "pack of nothing": lambda git: [
        (git / f"objects/pack/pack-{'0' * 40}.{end}").write_bytes(b"") for end in ("pack", "idx")
    ],
    "broken objects": broken,
    "truncated objects": truncated,
    "commits only": without_files,
    "index of zeros": lambda git: (git / "index").write_bytes(b"\0" * 100),
}


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
async def test_checkout_heals_a_damaged_repository(
    house: House, remote: Repository, damage: str
) -> None:
    await house.good(checkout(remote, branch="main"))
    repo = house.space / "repo"
    (repo / "a.txt").write_text("changed")
    DAMAGES[damage](repo / ".git")
    remote.commit(c_txt="c")

    await house.good(checkout(remote, branch="main"))

    assert files_of(repo) == files_of(remote.folder)


async def test_output_reports_that_a_damaged_repository_is_cloned_again(
    house: House, remote: Repository
) -> None:
    await house.good(checkout(remote, branch="main"))
    (house.space / "repo" / "a.txt").write_text("changed")
    without_files(house.space / "repo" / ".git")

    await house.good(checkout(remote, branch="main"))

    assert "may be damaged, so the repository is cloned again" in house.printed


async def test_objects_stay_while_the_remote_is_away(house: House, remote: Repository) -> None:
    await house.good(checkout(remote, branch="main"))
    git = house.space / "repo" / ".git"
    before = {path.name for path in objects(git)}
    remote.folder.rename(remote.folder.with_name("away"))

    await house.bad(checkout(remote, branch="main"))

    assert {path.name for path in objects(git)} == before


async def test_merge_that_is_lost_is_not_replaced_by_less(house: House, remote: Repository) -> None:
    await house.good(merge(remote, branch="main", from_branch="topic"))
    shutil.rmtree(house.space / "repo" / ".git")
    remote.branch("other", "main~1")
    remote.commit(d_txt="d")

    printed = await house.bad(merge(remote, branch="main", from_branch="other"))

    assert "made here by this run before, is gone" in printed


@pytest.mark.parametrize("damage", ["broken objects", "no HEAD", "wrong shallow", "no objects"])
async def test_cache_of_flow_files_heals(tmp_path: Path, remote: Repository, damage: str) -> None:
    documents = DocumentFiles(tmp_path / "root")
    await documents.read(f"{remote.url}/a.txt", git=Git(branch="main"))
    (cache,) = (path for path in (tmp_path / "root" / "documents").iterdir() if path.is_dir())
    (cache / "shallow").touch()
    DAMAGES[damage](cache)

    document = await documents.read(f"{remote.url}/a.txt", git=Git(branch="main"))

    assert document.text == "2\n"


@pytest.mark.parametrize("names", [("release", "release/1.0"), ("release/1.0", "release")])
@pytest.mark.parametrize("kind", ["branch", "tag"])
async def test_ref_becomes_a_folder_and_back(
    house: House, remote: Repository, tmp_path: Path, names: tuple[str, str], kind: str
) -> None:
    documents = DocumentFiles(tmp_path / "root")
    first, second = names
    which: dict[str, Any] = {"branch" if kind == "branch" else "ref": second}
    before: dict[str, Any] = dict.fromkeys(which, first)
    remote.git(kind, first, "main")
    given = await house.good(checkout(remote, **before))
    await house.good(merge(remote, branch="main", from_branch=first))
    await documents.read(f"{remote.url}/a.txt", git=Git(**before))
    remote.git(kind, "--delete", *(["--force"] if kind == "branch" else []), first)
    remote.git(kind, second, "main")

    again = await house.good(checkout(remote, **which))
    await house.good(merge(remote, branch="main", from_branch=second))
    document = await documents.read(f"{remote.url}/a.txt", git=Git(**which))

    assert (again["hash"], document.text) == (given["hash"], "2\n")


POWERLESS = (
    "setpriv",
    "--bounding-set=-dac_override,-dac_read_search,-fowner",
    "--inh-caps=-all",
)
"""Takes from root, as whom the tests run, what no other user may do."""


async def test_file_of_another_user_is_named_with_its_owner(
    house: House, remote: Repository, tmp_path: Path
) -> None:
    where = tmp_path / "spaces" / "repo"
    task = Task(
        operation="checkout",
        where=str(where),
        state=str(tmp_path / "spaces" / ".x"),
        kind="branch",
        value="main",
        url=remote.url,
    )
    program = installed(tmp_path, "repository")
    env = {"PATH": os.environ["PATH"], "FLOE_OUTPUTS": str(tmp_path / "outputs")}
    env |= {"FLOE_HOST": "h1", "FLOE_ATTEMPT": "h1-1.1.a.1.1"}
    run = partial(
        subprocess.run, [*POWERLESS, *argv(program, task)], env=env, capture_output=True, text=True
    )
    run(check=True)
    (where / "target").mkdir()
    (where / "target" / "left").touch()
    for path in (where / "target" / "left", where / "target"):
        os.chown(path, 65534, 65534)

    done = run(check=False)

    left = where / "target"
    said = f"root, the user of h1, cannot delete {left}: it is owned by nobody"
    assert (done.returncode, said in done.stderr) == (1, True)


async def test_program_of_git_nodes_is_not_pulled_away_by_an_upgrade(
    house: House, remote: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("floe.nodes.program_copies.files", lambda name: Path("/nonexistent"))

    await house.good(checkout(remote, branch="main"))

    assert (house.space / "repo" / "a.txt").exists()


async def test_copy_for_flow_files_is_made_before_an_upgrade(
    tmp_path: Path, remote: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = DocumentFiles(tmp_path / "root")
    await documents.read(f"{remote.url}/a.txt", git=Git(branch="main"))
    monkeypatch.setattr("floe.nodes.program_copies.files", lambda name: Path("/nonexistent"))

    document = await documents.read(f"{remote.url}/a.txt", git=Git(ref="main"))

    assert document.text == "2\n"


async def test_password_in_the_error_of_a_flow_file_is_hidden(tmp_path: Path) -> None:
    documents = DocumentFiles(tmp_path / "root")

    with pytest.raises(Theirs) as caught:
        await documents.read("http://ann:secret@127.0.0.1:1/r.git/a.yml", git=Git(branch="main"))

    assert "secret" not in str(caught.value)
