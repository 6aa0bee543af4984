"""Repositories and refs with any legal name, and conflicts told by people's characters."""

import subprocess
from pathlib import Path

import pytest

from floe.model.work import Git, GitCheckout
from tests.integration.gits import House, Repository, checkout, merge

REFS = [
    "a@b",
    "a#b",
    "über/größe",
    "quo'te",
    'dou"ble',
    "dollar$HOME",
    "semi;colon",
    "pipe|amp&",
    "paren(1)",
    "percent%20",
    "a,b=c!",
    "deadbeef",
    "FETCH_HEAD",
    "HEAD",
    "main.lock.x",
    "日本",
    "x" * 200,
]


@pytest.mark.slow
@pytest.mark.parametrize("name", REFS)
async def test_branch_of_any_name_is_checked_out(
    house: House, remote: Repository, name: str
) -> None:
    remote.git("update-ref", f"refs/heads/{name}", "topic")

    outputs = await house.good(checkout(remote, branch=name))

    assert outputs["hash"] == remote.git("rev-parse", "topic")


@pytest.mark.parametrize("name", ["a@b", "über/größe", "quo'te", "deadbeef"])
async def test_branch_of_any_name_is_merged(house: House, remote: Repository, name: str) -> None:
    remote.git("update-ref", f"refs/heads/{name}", "topic")

    await house.good(merge(remote, branch="main", from_branch=name))

    assert (house.space / "repo" / "b.txt").exists()


@pytest.mark.parametrize("ref", ["refs/pull/1/head", "refs/notes/x", "HEAD"])
async def test_ref_outside_of_branches_and_tags_is_checked_out(
    house: House, remote: Repository, ref: str
) -> None:
    remote.git("update-ref", "refs/pull/1/head", "main")
    remote.git("update-ref", "refs/notes/x", "main")

    outputs = await house.good(checkout(remote, ref=ref))

    assert outputs["hash"] == remote.git("rev-parse", "main")


async def test_branch_and_tag_of_one_name_are_distinguished(
    house: House, remote: Repository
) -> None:
    remote.git("tag", "both", "topic")
    remote.git("update-ref", "refs/heads/both", "main")

    of_branch = await house.good(checkout(remote, branch="both"))
    of_tag = await house.good(checkout(remote, ref="refs/tags/both"))

    tips = [remote.git("rev-parse", name) for name in ("main", "topic")]
    assert [of_branch["hash"], of_tag["hash"]] == tips


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("my repo.git", "my repo"),
        ("größe.git", "größe"),
        ("-dash.git", "-dash"),
        (".github.git", ".github"),
        ("..git", "..git"),
        ("...git", "...git"),
        (".git.git", ".git.git"),
        ("a.git.git", "a.git"),
        ("quo'te\".git", "quo'te\""),
        ("back\\slash.git", "back\\slash"),
        ("$HOME;x.git", "$HOME;x"),
        ("line\nend.git", "line end"),
    ],
)
async def test_repository_of_any_name_is_checked_out(
    house: House, tmp_path: Path, name: str, folder: str
) -> None:
    there = Repository(tmp_path / "there" / name)
    there.commit(a_txt="a")

    outputs = await house.good(checkout(there, branch="main"))

    assert outputs["dir"] == str(house.space / folder)
    assert (house.space / folder / "a.txt").read_text() == "a"


@pytest.mark.parametrize("end", ["/", "//", "/.git", "/.git/"])
async def test_end_of_a_url_does_not_change_the_name(
    house: House, remote: Repository, end: str
) -> None:
    work = GitCheckout(git=Git(url=remote.url + end, branch="main"))

    outputs = await house.good(work)

    assert outputs["dir"] == str(house.space / "repo")


# --- conflicts


def last_lines(printed: str) -> list[str]:
    return printed.partition("files in conflict:\n")[2].splitlines()


def commit_bytes(remote: Repository, name: str, data: bytes) -> None:
    (remote.folder / name).write_bytes(data)
    remote.git("add", "--all")
    remote.git("commit", "--quiet", "--message", "bytes")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("größe 表.txt", "größe 表.txt"),
        ('quo"te.txt', 'quo"te.txt'),
        ("tab\there.txt", "tab\\there.txt"),
        ("line\nend.txt", "line\\nend.txt"),
        ("right\u202eleft.txt", "right\\u202eleft.txt"),
        (b"latin\xe9.txt".decode(errors="surrogateescape"), "latin\\xe9.txt"),
    ],
)
async def test_file_in_conflict_has_its_name_in_the_error(
    house: House, remote: Repository, name: str, told: str
) -> None:
    remote.git("checkout", "--quiet", "-B", "rival", "main")
    commit_bytes(remote, name, b"rival\n")
    remote.git("checkout", "--quiet", "main")
    commit_bytes(remote, name, b"main\n")

    printed = await house.bad(merge(remote, branch="main", from_branch="rival"))

    assert last_lines(printed) == [f"{told} (new in both)"]


async def test_conflict_shows_what_is_more_than_a_change_in_both(
    house: House, remote: Repository
) -> None:
    for name in ("gone", "kept", "bin", "text"):
        commit_bytes(remote, name, b"\0base" if name == "bin" else b"base\n" * 9)
    remote.branch("rival")
    remote.git("rm", "--quiet", "gone")
    for name in ("kept", "bin", "text"):
        commit_bytes(remote, name, b"\0rival" if name == "bin" else b"rival\n")
    remote.git("checkout", "--quiet", "main")
    remote.git("rm", "--quiet", "kept")
    for name in ("gone", "bin", "text"):
        commit_bytes(remote, name, b"\0main" if name == "bin" else b"main\n")

    printed = await house.bad(merge(remote, branch="main", from_branch="rival"))

    assert last_lines(printed) == [
        "bin (binary)",
        "gone (changed in main, deleted in rival)",
        "kept (deleted in main, changed in rival)",
        "text",
    ]


async def test_file_that_is_renamed_in_both_is_reported_by_its_names(
    house: House, remote: Repository
) -> None:
    commit_bytes(remote, "old", b"same\n" * 9)
    remote.branch("rival")
    remote.git("mv", "old", "theirs")
    remote.git("commit", "--quiet", "--message", "theirs")
    remote.git("checkout", "--quiet", "main")
    remote.git("mv", "old", "ours")
    remote.git("commit", "--quiet", "--message", "ours")

    printed = await house.bad(merge(remote, branch="main", from_branch="rival"))

    assert last_lines(printed) == [
        "old (renamed in both, to different names)",
        "ours (a new name in main)",
        "theirs (a new name in rival)",
    ]


async def test_unrelated_histories_are_reported_as_such(house: House, remote: Repository) -> None:
    remote.git("checkout", "--quiet", "--orphan", "lone")
    remote.commit(z_txt="z")

    printed = await house.bad(merge(remote, branch="main", from_branch="lone"))

    assert "unrelated histories" in printed
    assert "conflict" not in printed


async def test_merge_is_not_disturbed_by_what_a_step_changed(
    house: House, remote: Repository
) -> None:
    await house.good(checkout(remote, branch="main"))
    repo = house.space / "repo"
    (repo / "b.txt").write_text("in the way")
    (repo / "a.txt").write_text("changed")

    await house.good(merge(remote, branch="main", from_branch="topic"))

    assert (repo / "b.txt").read_text() == "topic\n"
    assert (repo / "a.txt").read_text() == "2\n"


async def test_merge_keeps_a_commit_that_a_step_made(house: House, remote: Repository) -> None:
    await house.good(checkout(remote, branch="main"))
    there = Repository.__new__(Repository)
    there.folder = house.space / "repo"
    own = there.commit(own_txt="own")

    await house.good(merge(remote, branch="main", from_branch="topic"))

    ancestors = subprocess.run(
        ["git", "rev-list", "HEAD"], cwd=there.folder, capture_output=True, text=True, check=True
    )
    assert own in ancestors.stdout.split()
