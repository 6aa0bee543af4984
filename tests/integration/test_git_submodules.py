"""Submodules and git LFS: fetched where a node asks, else named."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from floe.repository.submodules import may_follow, submodule_url
from floe.repository.task import TaskFailed
from tests.integration.gits import House, Repository, checkout, files_of, merge

ALLOW = ("-c", "protocol.file.allow=always")


@pytest.fixture
def remote(tmp_path: Path) -> Repository:
    """`repo` has the submodule `lib`, which has `deep`."""
    deep = Repository(tmp_path / "remote" / "deep.git")
    deep.commit(deep_txt="deep")
    lib = Repository(tmp_path / "remote" / "lib.git")
    lib.commit(lib_txt="lib")
    lib.git(*ALLOW, "submodule", "--quiet", "add", deep.url, "deep")
    lib.commit(more_txt="more")
    repo = Repository(tmp_path / "remote" / "repo.git")
    repo.commit(a_txt="a")
    repo.git(*ALLOW, "submodule", "--quiet", "add", "--name", "the lib", "../lib.git", "lib")
    repo.commit(b_txt="b")
    return repo


def a_tree(remote: Repository, *entries: tuple[str, str, str]) -> str:
    """A tree with these entries (mode, name, hash) in this order, however wrong it is."""
    path = remote.folder / ".git" / "tree"
    path.write_bytes(
        b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(hash) for mode, name, hash in entries)
    )
    return remote.git("hash-object", "-w", "-t", "tree", "--literally", str(path))


@pytest.mark.parametrize("wanted", ["", "true"])
async def test_submodule_behind_a_link_of_the_same_commit_touches_nothing_else(
    house: House, remote: Repository, tmp_path: Path, wanted: Any
) -> None:
    (tmp_path / "theirs" / "lib").mkdir(parents=True)
    (tmp_path / "theirs" / "lib" / "precious").write_text("1")
    target = tmp_path / "target"
    target.write_text(str(tmp_path / "theirs"))
    modules = tmp_path / "modules"
    modules.write_text(f"[submodule 'x']\n\tpath = a/lib\n\turl = {tmp_path}/remote/lib.git\n")
    lib = remote.git("rev-parse", "main:lib")
    tree = a_tree(
        remote,
        ("100644", ".gitmodules", remote.git("hash-object", "-w", str(modules))),
        ("40000", "a", a_tree(remote, ("160000", "lib", lib))),
        ("120000", "a", remote.git("hash-object", "-w", str(target))),
    )
    remote.git("update-ref", "refs/heads/odd", remote.git("commit-tree", "-m", "odd", tree))

    await house.run(checkout(remote, branch="odd", submodules=wanted))

    assert [f.name for f in (tmp_path / "theirs" / "lib").iterdir()] == ["precious"]


async def test_submodules_are_named_where_nobody_asks_for_them(
    house: House, remote: Repository
) -> None:
    await house.good(checkout(remote, branch="main"))

    assert "submodules are not fetched (submodules: true does): lib\n" in house.printed
    assert list((house.space / "repo" / "lib").iterdir()) == []


async def test_submodules_are_fetched_but_not_theirs(house: House, remote: Repository) -> None:
    await house.good(checkout(remote, branch="main", submodules="true"))

    lib = house.space / "repo" / "lib"
    assert (lib / "lib.txt").read_text() == "lib"
    assert list((lib / "deep").iterdir()) == []


async def test_submodules_are_fetched_with_theirs(house: House, remote: Repository) -> None:
    await house.good(checkout(remote, branch="main", submodules="recursive"))

    assert (house.space / "repo" / "lib" / "deep" / "deep.txt").read_text() == "deep"


async def test_merge_fetches_the_submodules_of_what_it_made(
    house: House, remote: Repository
) -> None:
    remote.branch("topic", "main~1")
    remote.commit(t_txt="t")

    await house.good(merge(remote, branch="topic", from_branch="main", submodules="true"))

    assert (house.space / "repo" / "lib" / "lib.txt").exists()


def hooked(lib: Path, out: Path) -> None:
    config(lib, "core.fsmonitor", f"touch {out}/ran; false")


def worktree(lib: Path, out: Path) -> None:
    config(lib, "core.worktree", str(out))


def linked(lib: Path, out: Path) -> None:
    shutil.rmtree(lib)
    lib.symlink_to(out)


def changed(lib: Path, out: Path) -> None:
    (lib / "lib.txt").write_text("changed")
    (lib / "left").touch()


def config(repo: Path, key: str, value: str) -> None:
    subprocess.run(["git", "config", key, value], cwd=repo, check=True)


@pytest.mark.slow
@pytest.mark.parametrize("leave", [hooked, worktree, linked, changed])
@pytest.mark.parametrize("submodules", ["", "true"])
async def test_submodule_that_a_step_changed_is_made_what_the_commit_has(
    house: House, remote: Repository, leave: Callable[[Path, Path], None], submodules: str
) -> None:
    outside = house.root / "outside"
    outside.mkdir()
    (outside / "precious").touch()
    await house.good(checkout(remote, branch="main", submodules="true"))
    lib = house.space / "repo" / "lib"
    leave(lib, outside)

    await house.good(checkout(remote, branch="main", submodules=submodules))

    files = {name for name in files_of(lib) if not name.startswith(".git")}
    assert files == ({"lib.txt", "more.txt"} if submodules else set())
    assert [path.name for path in outside.iterdir()] == ["precious"]


async def test_submodule_that_is_gone_from_the_commit_is_gone_from_the_files(
    house: House, remote: Repository
) -> None:
    await house.good(checkout(remote, branch="main", submodules="true"))
    remote.git("rm", "--quiet", "-f", "lib")
    remote.commit(c_txt="c")

    await house.good(checkout(remote, branch="main", submodules="true"))

    assert not (house.space / "repo" / "lib").exists()


async def test_submodule_with_a_program_as_its_url_is_refused(
    house: House, remote: Repository
) -> None:
    remote.git("config", "--file", ".gitmodules", "submodule.the lib.url", "ext::sh -c x")
    remote.commit(c_txt="c")

    printed = await house.bad(checkout(remote, branch="main", submodules="true"))

    assert "submodule lib: url 'ext::sh -c x' is not allowed" in printed


@pytest.mark.parametrize(
    ("main", "url", "allowed"),
    [
        ("https://h/r.git", "https://other/x.git", True),
        ("https://h/r.git", "ssh://git@h/x.git", True),
        ("https://h/r.git", "git@h:x.git", True),
        ("https://h/r.git", "file:///etc", False),
        ("https://h/r.git", "/etc", False),
        ("git@h:r.git", "FILE:///etc", False),
        ("https://h/r.git", "ext::sh -c x", False),
        ("https://h/r.git", "--upload-pack=x", False),
        ("https://h/r.git", "ftp://h/x", False),
        ("file:///a/r.git", "file:///a/x.git", True),
        ("/a/r.git", "/a/x.git", True),
    ],
)
def test_repository_sends_floe_to_files_only_where_it_is_one(
    main: str, url: str, allowed: bool
) -> None:
    assert may_follow(main, url) == allowed


@pytest.mark.parametrize(
    ("main", "url", "whole"),
    [
        ("https://h/org/r.git", "../x.git", "https://h/org/x.git"),
        ("https://h/org/r.git/", "../../o/x.git", "https://h/o/x.git"),
        ("git@h:org/r.git", "../x.git", "git@h:org/x.git"),
        ("git@h:r.git", "../x.git", "git@h:x.git"),
        ("file:///a/r.git", "./x.git", "file:///a/r.git/x.git"),
        ("https://h/r.git", "https://h/y.git", "https://h/y.git"),
    ],
)
def test_relative_url_of_a_submodule_is_relative_to_the_repository(
    main: str, url: str, whole: str
) -> None:
    assert submodule_url(url, main) == whole


def test_relative_url_that_leads_above_the_host_is_refused() -> None:
    with pytest.raises(TaskFailed, match="leads above"):
        submodule_url("../../../../x", "https://h/r.git")


# --- git LFS


@pytest.fixture
def large(tmp_path: Path) -> Repository:
    """A repository with one file in git LFS."""
    large = Repository(tmp_path / "remote" / "large.git")
    large.git("lfs", "install", "--local")
    large.git("lfs", "track", "*.bin")
    (large.folder / "big.bin").write_text("the file itself\n")
    large.commit(a_txt="a")
    return large


async def test_files_in_lfs_are_named_where_nobody_asks_for_them(
    house: House, large: Repository
) -> None:
    await house.good(checkout(large, branch="main"))

    assert "only their pointers (lfs: true does): big.bin\n" in house.printed
    assert b"git-lfs" in (house.space / "large" / "big.bin").read_bytes()


async def test_files_in_lfs_are_fetched(house: House, large: Repository) -> None:
    await house.good(checkout(large, branch="main", lfs=True))

    assert (house.space / "large" / "big.bin").read_text() == "the file itself\n"


@pytest.mark.parametrize("lfs", [True, False])
async def test_checkout_with_another_key_has_the_other_files(
    house: House, large: Repository, lfs: bool
) -> None:
    await house.good(checkout(large, branch="main", lfs=not lfs))

    await house.good(checkout(large, branch="main", lfs=lfs))

    is_pointer = b"git-lfs" in (house.space / "large" / "big.bin").read_bytes()
    assert is_pointer != lfs


async def test_file_that_the_server_of_lfs_lacks_is_bad(house: House, large: Repository) -> None:
    shutil.rmtree(large.folder / ".git" / "lfs")

    printed = await house.bad(checkout(large, branch="main", lfs=True))

    assert "big.bin" in printed


async def test_server_of_lfs_that_is_no_server_is_refused(house: House, large: Repository) -> None:
    large.git("config", "--file", ".lfsconfig", "lfs.url", "ext::sh -c x")
    large.commit(c_txt="c")

    printed = await house.bad(checkout(large, branch="main", lfs=True))

    assert ".lfsconfig: lfs.url 'ext::sh -c x' is not allowed" in printed


async def test_missing_git_lfs_is_named(house: House, large: Repository) -> None:
    bin_ = house.root / "bin"
    bin_.mkdir()
    for name in ("git", "sh"):
        found: Any = shutil.which(name)
        (bin_ / name).symlink_to(found)

    printed = await house.bad(checkout(large, branch="main", lfs=True), env=(f"PATH={bin_}",))

    assert "needs git-lfs on PATH" in printed
