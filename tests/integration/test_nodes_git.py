"""git-checkout and git-merge with real repositories."""

import pytest

from floe.model.signal import Exited
from floe.model.work import Git, GitCheckout
from tests.integration.gits import House, Repository, checkout, merge


async def test_a_branch_is_checked_out_in_the_folder_of_its_name(
    house: House, remote: Repository
) -> None:
    outputs = await house.good(checkout(remote, branch="main"))

    repo = house.space / "repo"
    assert outputs == {"hash": remote.git("rev-parse", "main"), "dir": str(repo)}
    assert (repo / "a.txt").read_text() == "2\n"
    assert (repo / ".git" / "HEAD").read_text() == "ref: refs/heads/main\n"


async def test_only_the_commit_asked_for_is_fetched(house: House, remote: Repository) -> None:
    await house.good(checkout(remote, branch="main"))

    assert (house.space / "repo" / ".git" / "shallow").exists()


async def test_a_checkout_goes_into_its_sub_dir(house: House, remote: Repository) -> None:
    await house.good(checkout(remote, branch="main", sub_dir="src/github.com/floeit"))

    assert (house.space / "src/github.com/floeit/repo/a.txt").exists()


@pytest.mark.parametrize("version", ["2", "0"], ids=["by hash", "server refuses hashes"])
async def test_a_hash_decides_before_ref_and_branch(
    house: House, remote: Repository, version: str
) -> None:
    (house.root / ".gitconfig").write_text(f"[protocol]\n\tversion = {version}\n")
    first = remote.git("rev-parse", "main~1")
    work = checkout(remote, hash=first, ref="topic", branch="main")

    outputs = await house.good(work, env=(f"HOME={house.root}",))

    assert outputs["hash"] == first


async def test_a_short_hash_is_found(house: House, remote: Repository) -> None:
    first = remote.git("rev-parse", "main~1")

    outputs = await house.good(checkout(remote, hash=first[:8]))

    assert outputs["hash"] == first


@pytest.mark.parametrize("ref", ["v1", "refs/tags/v1", "topic", "refs/heads/topic"])
async def test_a_ref_is_a_tag_a_branch_or_a_full_name(
    house: House, remote: Repository, ref: str
) -> None:
    remote.git("tag", "--annotate", "--message", "one", "v1", "topic")

    outputs = await house.good(checkout(remote, ref=ref, branch="main"))

    assert outputs["hash"] == remote.git("rev-parse", "topic")


async def test_a_ref_may_be_a_hash(house: House, remote: Repository) -> None:
    first = remote.git("rev-parse", "main~1")

    outputs = await house.good(checkout(remote, ref=first))

    assert outputs["hash"] == first


@pytest.mark.parametrize("which", [{"branch": "nope"}, {"ref": "nope"}, {"hash": "0" * 40}])
async def test_what_the_remote_does_not_have_is_bad(
    house: House, remote: Repository, which: dict[str, str]
) -> None:
    report = await house.run(checkout(remote, **which))

    assert isinstance(report, Exited)
    assert report.status != 0
    assert next(iter(which.values())) in house.printed


HOSTILE = [
    "--upload-pack=touch pwned",
    "-x",
    "+main:refs/heads/x",
    "a b",
    "$(touch pwned)",
    "..",
    "",
]


@pytest.mark.parametrize("value", HOSTILE[:-1])
@pytest.mark.parametrize("option", ["branch", "ref", "hash"])
async def test_a_hostile_name_is_refused(
    house: House, remote: Repository, option: str, value: str
) -> None:
    report = await house.run(checkout(remote, **{option: value}))

    assert isinstance(report, Exited)
    assert (report.status, list(house.space.iterdir())) == (1, [])


@pytest.mark.parametrize("url", ["ext::sh -c 'touch pwned' repo", "--upload-pack=x/repo", "-/repo"])
async def test_a_hostile_url_is_refused(house: House, url: str) -> None:
    report = await house.run(GitCheckout(git=Git(url=url, branch="main")))

    assert isinstance(report, Exited)
    assert (report.status, list(house.space.iterdir())) == (1, [])
    assert "is not allowed" in house.printed


async def test_a_folder_that_is_a_link_out_of_the_workspace_could_not_start(
    house: House, remote: Repository
) -> None:
    await house.good(checkout(remote, branch="main", sub_dir="first"))
    (house.root / "home").mkdir()
    (house.space / "repo").symlink_to(house.root / "home")

    report = await house.run(checkout(remote, branch="main"))

    assert "leads out of the workspace" in str(report)
    assert list((house.root / "home").iterdir()) == []


async def test_a_folder_with_other_things_in_it_is_not_touched(
    house: House, remote: Repository
) -> None:
    await house.good(checkout(remote, branch="main", sub_dir="first"))
    (house.space / "repo").mkdir()
    (house.space / "repo" / "mine").write_text("mine")

    report = await house.run(checkout(remote, branch="main"))

    assert isinstance(report, Exited)
    assert (report.status, "is not a git repository" in house.printed) == (1, True)
    assert (house.space / "repo" / "mine").read_text() == "mine"


async def test_the_work_tree_of_a_flows_env_is_not_touched(
    house: House, remote: Repository
) -> None:
    outside = house.root / "outside"
    outside.mkdir()
    (outside / "precious").touch()

    await house.good(checkout(remote, branch="main"), env=(f"GIT_WORK_TREE={outside}",))

    assert [path.name for path in outside.iterdir()] == ["precious"]
    assert (house.space / "repo" / "a.txt").exists()


async def test_hooks_of_a_checkout_do_not_run(house: House, remote: Repository) -> None:
    await house.good(checkout(remote, branch="main"))
    hook = house.space / "repo" / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {house.root}/pwned\n")
    hook.chmod(0o755)

    await house.good(checkout(remote, branch="topic"))

    assert not (house.root / "pwned").exists()


async def test_a_reused_checkout_is_reset_and_cleaned_but_keeps_what_is_ignored(
    house: House, remote: Repository
) -> None:
    remote.commit(_gitignore="cache\n")
    single = house.space.with_name("single")
    again = {"reuse_space": True, "workspace": single}
    await house.good(checkout(remote, branch="main"), 1, **again)
    (single / "repo" / "a.txt").write_text("changed")
    (single / "repo" / "left").touch()
    (single / "repo" / "cache").touch()
    tip = remote.commit(a_txt="3\n")

    outputs = await house.good(checkout(remote, branch="main"), 2, **again)

    files = {path.name for path in (single / "repo").iterdir()}
    assert (outputs["hash"], files) == (tip, {".git", ".gitignore", "a.txt", "cache"})
    assert (single / "repo" / "a.txt").read_text() == "3\n"


async def test_an_attempt_that_was_killed_half_way_is_done_again(
    house: House, remote: Repository
) -> None:
    await house.good(checkout(remote, branch="main"))
    git = house.space / "repo" / ".git"
    (git / "index.lock").touch()
    (git / "shallow.lock").touch()

    outputs = await house.good(checkout(remote, branch="topic"))

    assert outputs["hash"] == remote.git("rev-parse", "topic")


async def test_a_merge_has_both_parents_and_a_fixed_author(
    house: House, remote: Repository
) -> None:
    outputs = await house.good(merge(remote, branch="main", from_branch="topic"))

    there = Repository.__new__(Repository)
    there.folder = house.space / "repo"
    parents = there.git("log", "-1", "--format=%P %an <%ae> %cn").split(maxsplit=2)
    tips = [remote.git("rev-parse", name) for name in ("main", "topic")]
    assert parents == [*tips, "floe <floe@h1> floe"]
    assert outputs["hash"] == there.git("rev-parse", "HEAD")
    assert (there.folder / "b.txt").exists()


async def test_a_merge_builds_on_the_checkout_of_its_run(house: House, remote: Repository) -> None:
    await house.good(checkout(remote, branch="main"))
    before = remote.git("rev-parse", "main")
    remote.commit(c_txt="later\n")

    await house.good(merge(remote, branch="main", from_branch="topic"))

    there = house.space / "repo"
    assert not (there / "c.txt").exists()
    assert (there / "b.txt").exists()
    assert before in (there / ".git" / "ORIG_HEAD").read_text()


async def test_two_merges_of_a_run_add_up(house: House, remote: Repository) -> None:
    remote.branch("other", "main~1")
    remote.commit(d_txt="other\n")

    await house.good(merge(remote, branch="main", from_branch="topic"))
    await house.good(merge(remote, branch="main", from_branch="other"))

    files = {path.name for path in (house.space / "repo").glob("*.txt")}
    assert files == {"a.txt", "b.txt", "d.txt"}


async def test_a_merge_takes_the_hash_that_the_checkout_gave(
    house: House, remote: Repository
) -> None:
    given = await house.good(checkout(remote, branch="main"))
    merged = await house.good(merge(remote, hash=str(given["hash"]), from_branch="topic"))

    again = await house.good(merge(remote, hash=str(merged["hash"]), from_branch="topic"))

    assert again["hash"] == merged["hash"]


async def test_a_merge_in_a_reused_workspace_begins_anew(house: House, remote: Repository) -> None:
    single = {"reuse_space": True, "workspace": house.space.with_name("single")}
    await house.good(merge(remote, branch="main", from_branch="topic"), 1, **single)
    remote.branch("other", "main~1")
    remote.commit(d_txt="other\n")

    await house.good(merge(remote, branch="main", from_branch="other"), 2, **single)

    files = {path.name for path in (house.space.with_name("single") / "repo").glob("*.txt")}
    assert files == {"a.txt", "d.txt"}


async def test_a_conflict_is_bad_and_names_the_files(house: House, remote: Repository) -> None:
    remote.branch("rival", "main~1")
    remote.commit(a_txt="rival\n")

    report = await house.run(merge(remote, branch="main", from_branch="rival"))

    assert isinstance(report, Exited)
    assert report.status == 1
    assert house.printed.endswith("files in conflict:\na.txt\n")


async def test_a_merge_can_be_tried_again_after_a_conflict(
    house: House, remote: Repository
) -> None:
    remote.branch("rival", "main~1")
    remote.commit(a_txt="rival\n")
    await house.run(merge(remote, branch="main", from_branch="rival"))

    outputs = await house.good(merge(remote, branch="main", from_branch="topic"))

    assert outputs["hash"] != remote.git("rev-parse", "main")


@pytest.mark.parametrize("value", ["-x", "+main:refs/heads/x", "$(touch pwned)"])
async def test_a_hostile_from_branch_is_refused(
    house: House, remote: Repository, value: str
) -> None:
    report = await house.run(merge(remote, branch="main", from_branch=value))

    assert isinstance(report, Exited)
    assert (report.status, list(house.space.iterdir())) == (1, [])


async def test_a_password_in_a_url_is_not_printed(house: House) -> None:
    await house.run(GitCheckout(git=Git(url="http://ann:secret@127.0.0.1:1/r.git", branch="main")))

    assert "127.0.0.1" in house.printed
    assert "secret" not in house.printed
