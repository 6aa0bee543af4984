"""Whatever a step left in a repository, the next checkout gives the files of its commit.

Each state is one that git itself would honour: it would write elsewhere, leave files out, change
them, or run a program.
"""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.gits import House, Repository, checkout, files_of, merge

State = Callable[[Path, Path], object]
"""Changes a checkout, given a folder outside of the workspace."""


def git(repo: Path, *args: str) -> None:
    subprocess.run(["git", *args], cwd=repo, check=True, capture_output=True)


def config(*setting: str) -> State:
    """Set a key; `{out}` in its value is the folder outside."""

    def leave(repo: Path, out: Path) -> None:
        key, value = (part.replace("{out}", str(out)) for part in setting)
        git(repo, "config", key, value)

    return leave


def program(key: str) -> State:
    """Set a key to a program that leaves a trace outside."""
    return config(key, "touch {out}/ran; false")


def text(name: str, content: str) -> State:
    def leave(repo: Path, out: Path) -> None:
        path = repo / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content.replace("{out}", str(out)))

    return leave


def linked(name: str) -> State:
    """Put a link to the folder outside in the place of something."""

    def leave(repo: Path, out: Path) -> None:
        path = repo / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        path.symlink_to(out)

    return leave


def moved(name: str) -> State:
    """Move something outside and leave a link to it."""

    def leave(repo: Path, out: Path) -> None:
        shutil.move(repo / name, out / "moved")
        (repo / name).symlink_to(out / "moved")

    return leave


def both(*states: State) -> State:
    def leave(repo: Path, out: Path) -> None:
        for state in states:
            state(repo, out)

    return leave


def command(*args: str) -> State:
    return lambda repo, _: git(repo, *args)


def gitfile(repo: Path, out: Path) -> None:
    shutil.move(repo / ".git", out / "moved")
    (repo / ".git").write_text(f"gitdir: {out}/moved\n")


def converted(repo: Path, _: Path) -> None:
    """Files with other line ends that the index calls unchanged."""
    git(repo, "config", "core.autocrlf", "true")
    (repo / "a.txt").unlink()
    git(repo, "checkout", "a.txt")


def smudged(repo: Path, _: Path) -> None:
    (repo / ".git/info").mkdir(exist_ok=True)
    (repo / ".git/info/attributes").write_text("*.txt filter=up\n")
    git(repo, "config", "filter.up.smudge", "tr a-z A-Z")
    git(repo, "config", "filter.up.clean", "tr A-Z a-z")
    (repo / "dir/b.txt").unlink()
    git(repo, "checkout", "dir/b.txt")


def replaced(repo: Path, _: Path) -> None:
    blob = subprocess.run(
        ["git", "hash-object", "-w", "--stdin"], cwd=repo, input=b"x", capture_output=True
    )
    git(repo, "replace", "HEAD:a.txt", blob.stdout.decode().strip())


def hard_linked(repo: Path, out: Path) -> None:
    (repo / "a.txt").unlink()
    (repo / "a.txt").hardlink_to(out / "precious")


def pipe(name: str) -> State:
    def leave(repo: Path, _: Path) -> None:
        (repo / name).unlink(missing_ok=True)
        os.mkfifo(repo / name)

    return leave


def a_socket(repo: Path, _: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        folder = os.open(repo, os.O_PATH)
        sock.bind(f"/proc/self/fd/{folder}/left")
        os.close(folder)


def hidden(flag: str) -> State:
    """A changed file that the index calls unchanged."""

    def leave(repo: Path, _: Path) -> None:
        git(repo, "update-index", flag, "a.txt")
        (repo / "a.txt").write_text("changed")

    return leave


def nested(repo: Path, _: Path) -> None:
    inner = Repository(repo / "dir" / "inner")
    inner.commit(x_txt="x")


STATES: dict[str, State] = {
    "core.worktree": config("core.worktree", "{out}"),
    "core.bare": config("core.bare", "true"),
    "core.hooksPath": both(
        text("../hooks/post-checkout", "#!/bin/sh\ntouch {out}/ran\n"),
        lambda repo, _: (repo / "../hooks/post-checkout").resolve().chmod(0o755),
        lambda repo, _: git(repo, "config", "core.hooksPath", str(repo.parent / "hooks")),
    ),
    "core.fsmonitor": program("core.fsmonitor"),
    "core.sshCommand": program("core.sshCommand"),
    "core.editor": program("core.editor"),
    "credential.helper": config("credential.helper", "!touch {out}/ran"),
    "uploadpack": program("remote.origin.uploadpack"),
    "url.insteadOf": config("url.file:///nowhere.insteadOf", "file://"),
    "remote.pushurl": config("remote.origin.mirror", "true"),
    "remote.fetch": config("remote.origin.fetch", "+refs/heads/*:refs/heads/*"),
    "remote.proxy": config("remote.origin.vcs", "ext"),
    "partial clone": both(
        config("extensions.partialClone", "origin"), config("remote.origin.promisor", "true")
    ),
    "unknown extension": both(
        config("core.repositoryFormatVersion", "1"), config("extensions.madeUp", "true")
    ),
    "future format": config("core.repositoryFormatVersion", "99"),
    "include": both(
        text("../more", "[core]\n\tworktree = {out}\n"),
        lambda repo, _: git(repo, "config", "include.path", str(repo.parent / "more")),
    ),
    "worktree config": both(
        config("extensions.worktreeConfig", "true"),
        text(".git/config.worktree", "[core]\n\tworktree = {out}\n"),
    ),
    "config that is none": text(".git/config", "[[["),
    "config that is a folder": both(
        lambda repo, _: (repo / ".git/config").unlink(), text(".git/config/x", "")
    ),
    "config that is a pipe": pipe(".git/config"),
    "HEAD that is a pipe": pipe(".git/HEAD"),
    "HEAD that is a folder": both(
        lambda repo, _: (repo / ".git/HEAD").unlink(), text(".git/HEAD/x", "")
    ),
    "core.symlinks": config("core.symlinks", "false"),
    "core.fileMode": both(
        config("core.fileMode", "false"), lambda repo, _: (repo / "run").chmod(0o644)
    ),
    "core.ignoreCase": config("core.ignoreCase", "true"),
    "core.sparseCheckout": both(
        config("core.sparseCheckout", "true"),
        text(".git/info/sparse-checkout", "/dir/\n"),
        command("read-tree", "-mu", "HEAD"),
    ),
    "sparse-checkout": command("sparse-checkout", "set", "dir"),
    "assume-unchanged": hidden("--assume-unchanged"),
    "skip-worktree": hidden("--skip-worktree"),
    "split index": both(command("update-index", "--split-index"), hidden("--assume-unchanged")),
    "line ends": converted,
    "filter": smudged,
    "attributes file": both(
        text("../attributes", "* text eol=crlf\n"),
        lambda repo, _: git(repo, "config", "core.attributesFile", str(repo.parent / "attributes")),
        both(
            lambda repo, _: (repo / "a.txt").unlink(),
            lambda repo, _: git(repo, "checkout", "a.txt"),
        ),
    ),
    "attributes beside": both(
        text(".gitattributes", "* text eol=crlf\n"), lambda repo, _: (repo / "a.txt").unlink()
    ),
    "attributes that are ignored": both(
        text("dir/.gitignore", ".git*\n"),
        text("dir/.gitattributes", "* text eol=crlf\n"),
        lambda repo, _: (repo / "dir/b.txt").unlink(),
    ),
    "exclude": both(text(".git/info/exclude", "*\n"), text("dir/left", "x")),
    "excludes file": both(
        text("../ignore", "*\n"),
        lambda repo, _: git(repo, "config", "core.excludesFile", str(repo.parent / "ignore")),
        text("left", "x"),
    ),
    "ignores that nobody wrote": both(text(".gitignore", "*\n"), text("dir/left", "x")),
    "ignores in a folder of its own": both(
        text("new/.gitignore", "*.o\n"), text("new/a.o", "x"), text("new/b", "x")
    ),
    "replace refs": replaced,
    "grafts": both(
        text(".git/info/x", ""), text(".git/info/grafts", "0" * 40 + "\n"), text("left", "x")
    ),
    "alternates": text(".git/objects/info/alternates", "/nowhere\n"),
    "alternates with the objects": both(
        lambda repo, out: shutil.copytree(repo / ".git/objects", out / "moved"),
        lambda repo, out: shutil.rmtree(repo / ".git/objects"),
        lambda repo, out: (repo / ".git/objects/info").mkdir(parents=True),
        lambda repo, out: (repo / ".git/objects/info/alternates").write_text(f"{out}/moved\n"),
    ),
    "commondir": text(".git/commondir", "{out}\n"),
    "git file": gitfile,
    "git link": moved(".git"),
    "objects link": moved(".git/objects"),
    "refs link": linked(".git/refs"),
    "remote refs link": both(
        text(".git/refs/remotes/origin/x", ""), linked(".git/refs/remotes/origin")
    ),
    "logs link": both(text(".git/logs/x", ""), linked(".git/logs")),
    "fetch head link": both(
        lambda repo, out: (repo / ".git/FETCH_HEAD").unlink(missing_ok=True),
        lambda repo, out: (repo / ".git/FETCH_HEAD").symlink_to(out / "precious"),
    ),
    "folder link": linked("dir"),
    "file link": both(
        lambda repo, out: (repo / "a.txt").unlink(),
        lambda repo, out: (repo / "a.txt").symlink_to(out / "precious"),
    ),
    "hard link": hard_linked,
    "file in place of a folder": both(
        lambda repo, _: shutil.rmtree(repo / "dir"), lambda repo, _: (repo / "dir").write_text("x")
    ),
    "folder in place of a file": both(
        lambda repo, _: (repo / "a.txt").unlink(), text("a.txt/x/y", "x")
    ),
    "pipe in place of a file": pipe("a.txt"),
    "pipe in place of ignores": pipe(".gitignore"),
    "pipe in place of attributes": pipe("dir/.gitattributes"),
    "socket": a_socket,
    "nested repository": nested,
    "work tree": lambda repo, out: git(repo, "worktree", "add", str(out / "tree"), "HEAD"),
    "merge under way": text(".git/MERGE_HEAD", "x"),
    "rebase under way": text(".git/rebase-merge/done", "x"),
    "branch checked out": command("checkout", "-qb", "own"),
    "empty commit": command(
        *("-c", "user.name=a", "-c", "user.email=a", "commit", "-q", "--allow-empty", "-m", "x")
    ),
    "orphan": command("checkout", "-q", "--orphan", "lone"),
    "file with no rights": lambda repo, _: (repo / "a.txt").chmod(0),
    "read-only folder": lambda repo, _: (repo / "dir").chmod(0o500),
}
SAME = (
    "line ends",
    "filter",
    "skip-worktree",
    "core.sparseCheckout",
    "attributes that are ignored",
)
"""States that are tried with the commit that is there already, too."""
MADE = {"moved", "tree"}
"""What a state itself makes outside."""


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("mine")
    return outside


@pytest.fixture
def remote(tmp_path: Path) -> Repository:
    remote = Repository(tmp_path / "remote" / "repo.git")
    (remote.folder / "dir").mkdir()
    (remote.folder / "dir" / "b.txt").write_text("bb\n")
    (remote.folder / "link").symlink_to("a.txt")
    (remote.folder / "run").write_text("#!/bin/sh\n")
    (remote.folder / "run").chmod(0o755)
    remote.commit(a_txt="aa\n")
    remote.branch("topic")
    remote.commit(t_txt="tt\n")
    remote.git("checkout", "--quiet", "main")
    return remote


@pytest.mark.slow
@pytest.mark.parametrize(
    ("state", "moves"),
    [*((state, True) for state in STATES), *((state, False) for state in SAME)],
)
async def test_checkout_after_a_step_gives_the_files_of_the_commit_and_touches_nothing_else(
    house: House, remote: Repository, outside: Path, state: str, moves: bool
) -> None:
    await house.good(checkout(remote, branch="main"))
    repo = house.space / "repo"
    STATES[state](repo, outside)
    if moves:
        remote.commit(c_txt="cc\n")

    outputs = await house.good(checkout(remote, branch="main"))

    assert outputs["hash"] == remote.git("rev-parse", "main")
    assert files_of(repo) == files_of(remote.folder)
    assert os.access(repo / "run", os.X_OK)
    left = {path.name for path in outside.iterdir()} - MADE
    assert (left, (outside / "precious").read_text()) == ({"precious"}, "mine")


@pytest.mark.slow
@pytest.mark.parametrize(
    "state",
    ["core.worktree", "core.fsmonitor", "skip-worktree", "filter", "folder link", "git link"],
)
async def test_merge_after_a_step_gives_the_files_of_the_commit_and_touches_nothing_else(
    house: House, remote: Repository, outside: Path, state: str
) -> None:
    await house.good(checkout(remote, branch="main"))
    STATES[state](house.space / "repo", outside)

    await house.good(merge(remote, branch="main", from_branch="topic"))

    remote.git("merge", "--quiet", "topic")
    assert files_of(house.space / "repo") == files_of(remote.folder)
    assert {path.name for path in outside.iterdir()} - MADE == {"precious"}


async def test_files_that_no_step_changed_are_not_written_again(
    house: House, remote: Repository
) -> None:
    await house.good(checkout(remote, branch="main"))
    repo = house.space / "repo"
    before = (repo / "a.txt").stat().st_mtime_ns
    git(repo, "add", "--all")
    remote.commit(c_txt="cc\n")

    await house.good(checkout(remote, branch="main"))

    assert (repo / "a.txt").stat().st_mtime_ns == before


async def test_attributes_of_the_next_commit_count_for_files_that_it_does_not_change(
    house: House, remote: Repository
) -> None:
    await house.good(checkout(remote, branch="main"))
    remote.commit(_gitattributes="*.txt text eol=crlf\n")

    await house.good(checkout(remote, branch="main"))

    assert (house.space / "repo" / "a.txt").read_bytes() == b"aa\r\n"


async def test_settings_of_the_user_that_change_files_do_not_count(
    house: House, remote: Repository
) -> None:
    (house.root / ".gitconfig").write_text("[core]\n\tautocrlf = true\n")

    await house.good(checkout(remote, branch="main"), env=(f"HOME={house.root}",))

    assert (house.space / "repo" / "a.txt").read_bytes() == b"aa\n"


async def test_settings_of_the_user_that_describe_how_to_reach_a_server_count(
    house: House, remote: Repository
) -> None:
    (house.root / ".gitconfig").write_text("[include]\n\tpath = more\n")
    (house.root / "more").write_text(f'[url "{remote.url}"]\n\tinsteadOf = "short:a b/repo"\n')
    short = checkout(remote, branch="main")
    work = type(short)(git=type(short.git)(url="short:a b/repo", branch="main"))

    outputs = await house.good(work, env=(f"HOME={house.root}",))

    assert outputs["hash"] == remote.git("rev-parse", "main")


async def test_only_what_is_new_is_fetched_into_a_reused_folder(
    house: House, remote: Repository
) -> None:
    (remote.folder / "big").write_bytes(os.urandom(1 << 20))
    remote.commit(x_txt="x")
    await house.good(checkout(remote, branch="main"))
    objects = house.space / "repo" / ".git" / "objects"
    remote.commit(x_txt="y")

    await house.good(checkout(remote, branch="main"))

    sizes = [path.stat().st_size for path in objects.rglob("*") if path.is_file()]
    assert sum(size > 1 << 19 for size in sizes) == 1
