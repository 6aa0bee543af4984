"""Documents and refs from real files, servers and repositories."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from floe.model.errors import NotFound, Theirs, World
from floe.model.work import Git
from floe.nodes.documents import DOCUMENT_BYTES_MAX, DocumentFiles
from floe.nodes.refs import RemoteRefs
from tests.integration.gits import Repository
from tests.tcp import serving


@pytest.fixture
def documents(tmp_path: Path) -> DocumentFiles:
    return DocumentFiles(tmp_path / "root")


@pytest.fixture
def remote(tmp_path: Path) -> Repository:
    remote = Repository(tmp_path / "remote" / "repo.git")
    (remote.folder / "ci").mkdir()
    (remote.folder / "ci" / "flow.yml").write_text("first")
    remote.commit(a_yml="a")
    (remote.folder / "ci" / "flow.yml").write_text("second")
    remote.commit(a_yml="b")
    return remote


@pytest.fixture
async def server() -> AsyncIterator[str]:
    """A site with a document, and a repository that wants a password."""

    async def answer(request: web.Request) -> web.Response:
        if ".git" in request.path:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        bodies = {"/x/a.yml": b"a: 1", "/big": b"x" * (DOCUMENT_BYTES_MAX + 1), "/bin": b"\xff"}
        if request.path == "/lost":
            return web.Response(status=302, headers={"Location": "http://[/x"})
        if request.path == "/broken":
            return web.Response(status=500)
        if request.path not in bodies:
            raise web.HTTPNotFound
        return web.Response(body=bodies[request.path])

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def silent() -> AsyncIterator[str]:
    """A server that takes connections and never answers."""

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with serving(hold) as url:
        yield url


async def test_a_local_document_is_read(tmp_path: Path, documents: DocumentFiles) -> None:
    (tmp_path / "a.yml").write_text("a: ü")

    document = await documents.read(str(tmp_path / "a.yml"))

    assert (document.text, document.origin) == ("a: ü", str(tmp_path / "a.yml"))
    assert document.pinned == document.origin


async def test_a_relative_path_is_relative_to_the_document_that_names_it(
    tmp_path: Path, documents: DocumentFiles
) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "a.yml").write_text("a")

    document = await documents.read("flows/a.yml", relative_to=str(tmp_path / "default.yml"))

    assert document.text == "a"


async def test_a_missing_file_is_not_found(tmp_path: Path, documents: DocumentFiles) -> None:
    with pytest.raises(NotFound, match="does not exist"):
        await documents.read(str(tmp_path / "none.yml"))


async def test_a_local_document_has_a_limit(tmp_path: Path, documents: DocumentFiles) -> None:
    (tmp_path / "big").write_bytes(b"x" * (DOCUMENT_BYTES_MAX + 1))

    with pytest.raises(World, match="is larger than"):
        await documents.read(str(tmp_path / "big"))


async def test_bytes_that_are_no_text_are_refused(tmp_path: Path, documents: DocumentFiles) -> None:
    (tmp_path / "bin").write_bytes(b"\xff\xfe")

    with pytest.raises(World, match="is not UTF-8"):
        await documents.read(str(tmp_path / "bin"))


async def test_what_is_not_a_file_is_not_read(tmp_path: Path, documents: DocumentFiles) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(World, match="is not a file"):
        await documents.read(str(tmp_path / "pipe"))
    with pytest.raises(World, match="is not a file"):
        await documents.read(str(tmp_path))


async def test_a_url_is_read_and_relative_names_follow_it(
    documents: DocumentFiles, server: str
) -> None:
    document = await documents.read("a.yml", relative_to=f"{server}/x/default.yml")

    assert (document.text, document.origin) == ("a: 1", f"{server}/x/a.yml")


@pytest.mark.parametrize(
    ("path", "error", "said"),
    [
        ("/none", NotFound, "answered 404"),
        ("/broken", Theirs, "answered 500"),
        ("/big", Theirs, "is larger than"),
        ("/bin", Theirs, "is not UTF-8"),
    ],
)
async def test_a_url_that_gives_no_document_explains_why(
    documents: DocumentFiles, server: str, path: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        await documents.read(server + path)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("~nobody-here/a.yml", "no user nobody-here"),
        ("http://a..b/a.yml", "the host of the url is not valid"),
        (f"http://{'a' * 64}.example/a.yml", "the host of the url is not valid"),
        ("git@h:\ud800.git/a.yml", "h:"),
    ],
)
async def test_a_name_that_can_be_no_document_explains_why(
    documents: DocumentFiles, name: str, said: str
) -> None:
    with pytest.raises((NotFound, Theirs), match=said):
        await documents.read(name)


async def test_a_redirect_to_no_host_explains_why(documents: DocumentFiles, server: str) -> None:
    with pytest.raises(Theirs, match="the host of the url is not valid"):
        await documents.read(f"{server}/lost")


async def test_a_poll_takes_no_orders_from_the_environment_of_the_host(
    tmp_path: Path, remote: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Repository(tmp_path / "other")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.{other.url}.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", remote.url)
    refs = RemoteRefs()

    found = await refs.refs(Git(url=remote.url), "refs/heads/*")

    refs.close()
    assert found == {"refs/heads/main": remote.git("rev-parse", "main")}


async def test_a_server_that_is_down_is_theirs(documents: DocumentFiles) -> None:
    with pytest.raises(Theirs, match=r"127\.0\.0\.1"):
        await documents.read("http://127.0.0.1:1/a.yml")


@pytest.mark.parametrize("path", ["/a.yml", "/r.git/a.yml"])
async def test_a_server_that_never_answers_is_given_up(
    tmp_path: Path, silent: str, path: str
) -> None:
    documents = DocumentFiles(tmp_path, read_s=0.3)

    with pytest.raises(Theirs):
        await documents.read(silent + path)


async def test_a_document_in_git_is_of_the_default_branch(
    documents: DocumentFiles, remote: Repository
) -> None:
    document = await documents.read(f"{remote.url}/ci/flow.yml")

    tip = remote.git("rev-parse", "HEAD")
    assert (document.text, document.origin) == ("second", f"{remote.url}/ci/flow.yml")
    assert document.pinned == f"{remote.url}/ci/flow.yml#{tip}"


async def test_a_hash_decides_before_ref_and_branch(
    documents: DocumentFiles, remote: Repository
) -> None:
    remote.git("tag", "v2")
    first = remote.git("rev-parse", "HEAD~1")

    git = Git(hash=first, ref="v2", branch="main")
    document = await documents.read(f"{remote.url}/ci/flow.yml", git=git)

    assert document.text == "first"


async def test_a_relative_name_is_of_the_same_commit(
    documents: DocumentFiles, remote: Repository
) -> None:
    first = await documents.read(
        f"{remote.url}/ci/flow.yml", git=Git(hash=remote.git("rev-parse", "HEAD~1"))
    )

    document = await documents.read("../a.yml", relative_to=first.pinned, git=Git(branch="main"))

    assert document.text == "a"


async def test_a_relative_name_cannot_leave_the_repository(
    documents: DocumentFiles, remote: Repository
) -> None:
    with pytest.raises(NotFound, match="leads out of the repository"):
        await documents.read("../../x.yml", relative_to=f"{remote.url}/ci/flow.yml")


async def test_a_commit_that_was_read_needs_no_remote(
    tmp_path: Path, documents: DocumentFiles, remote: Repository
) -> None:
    first = await documents.read(f"{remote.url}/ci/flow.yml")
    remote.folder.rename(tmp_path / "away")

    again = await documents.read(first.pinned)

    assert again == first.__class__(text="second", origin=first.pinned, pinned=first.pinned)


@pytest.mark.parametrize("name", ["ci/none.yml", "ci", "../../etc/passwd"])
async def test_a_file_that_a_commit_does_not_have_is_not_found_or_theirs(
    documents: DocumentFiles, remote: Repository, name: str
) -> None:
    with pytest.raises((NotFound, Theirs)):
        await documents.read(f"{remote.url}/{name}")


async def test_missing_file_names_the_branch_and_its_commit(
    documents: DocumentFiles, remote: Repository
) -> None:
    name = f"{remote.url}/ci/none.yml"
    head = remote.git("rev-parse", "HEAD").strip()

    with pytest.raises(NotFound) as by_branch:
        await documents.read(name, git=Git(branch="main"))
    with pytest.raises(NotFound) as by_hash:
        await documents.read(f"{name}#{head}")

    assert by_branch.value.what == f"branch main ({head[:7]}) of {remote.url} has no ci/none.yml"
    assert by_hash.value.what == f"commit {head[:7]} of {remote.url} has no ci/none.yml"


async def test_a_document_in_git_has_a_limit(documents: DocumentFiles, remote: Repository) -> None:
    remote.commit(big_yml="x" * (DOCUMENT_BYTES_MAX + 1))

    with pytest.raises(Theirs, match="larger than"):
        await documents.read(f"{remote.url}/big.yml")


@pytest.mark.parametrize("ref", ["--upload-pack=touch pwned", "-x", "$(touch pwned)", "+a:b"])
async def test_a_hostile_ref_is_refused(
    documents: DocumentFiles, remote: Repository, ref: str
) -> None:
    with pytest.raises(Theirs, match="is not a ref name"):
        await documents.read(f"{remote.url}/a.yml", git=Git(ref=ref))


async def test_a_repository_that_wants_a_password_fails_at_once(
    documents: DocumentFiles, server: str
) -> None:
    with pytest.raises(Theirs, match="asks for a password") as caught:
        await documents.read(f"{server}/org/r.git/a.yml")

    assert "key-file" in caught.value.hint


async def test_many_read_one_repository_at_once(
    documents: DocumentFiles, remote: Repository
) -> None:
    async with asyncio.TaskGroup() as tasks:
        reads = [
            tasks.create_task(documents.read(f"{remote.url}/ci/flow.yml", git=Git(ref=ref)))
            for ref in ("main", "HEAD", "refs/heads/main")
        ]

    assert [read.result().text for read in reads] == ["second"] * 3


async def test_refs_have_the_commit_of_each(remote: Repository) -> None:
    refs = RemoteRefs()
    remote.git("tag", "--annotate", "--message", "one", "v1")
    remote.branch("a/b")
    tip = remote.git("rev-parse", "HEAD")

    found = await refs.refs(Git(url=remote.url), "refs/*")

    assert found == dict.fromkeys(("refs/heads/main", "refs/heads/a/b", "refs/tags/v1"), tip)
    refs.close()


@pytest.mark.parametrize(
    ("pattern", "beside"),
    [("refs/heads/feature/*", []), ("refs/*", ["refs/pull/1/head"]), ("refs/x/*", [])],
)
async def test_refs_are_branches_and_tags_and_what_matches_the_pattern(
    remote: Repository, pattern: str, beside: list[str]
) -> None:
    refs = RemoteRefs()
    remote.branch("feature/x")
    remote.git("tag", "v1")
    remote.git("update-ref", "refs/pull/1/head", "HEAD")

    found = await refs.refs(Git(url=remote.url), pattern)

    always = ["refs/heads/feature/x", "refs/heads/main"]
    assert list(found) == [*always, *beside, "refs/tags/v1"]
    refs.close()


async def test_refs_of_a_repository_that_wants_a_password_fail_at_once(server: str) -> None:
    refs = RemoteRefs()

    with pytest.raises(Theirs, match="asks for a password") as caught:
        await refs.refs(Git(url=f"{server}/r.git"), "refs/heads/*")

    assert "key-file" in caught.value.hint
    refs.close()


@pytest.mark.parametrize("url", ["/nonexistent", "http://127.0.0.1:1/r.git", ""])
async def test_refs_of_what_is_not_there_are_theirs(url: str) -> None:
    refs = RemoteRefs()

    with pytest.raises(Theirs):
        await refs.refs(Git(url=url), "refs/heads/*")
    refs.close()


@pytest.mark.parametrize("url", ["ext::sh -c 'touch pwned'", "--upload-pack=touch pwned"])
async def test_a_hostile_url_has_no_refs(url: str) -> None:
    refs = RemoteRefs()

    with pytest.raises(Theirs, match="is not allowed"):
        await refs.refs(Git(url=url), "refs/heads/*")
    refs.close()


@pytest.mark.parametrize("url", ["file:///r\0.git", "file:///" + "r" * 200_000])
async def test_a_url_that_no_process_can_be_given_is_an_error_that_floe_names(url: str) -> None:
    refs = RemoteRefs()

    with pytest.raises(World, match="git cannot be started"):
        await refs.refs(Git(url=url), "refs/heads/*")
    refs.close()


async def test_a_refused_url_is_reported_without_its_password() -> None:
    refs = RemoteRefs()

    with pytest.raises(Theirs) as caught:
        await refs.refs(Git(url="https://ada:secret@127.0.0.1/a::b"), "refs/heads/*")

    assert "secret" not in str(caught.value)
    refs.close()


async def test_a_server_that_never_answers_has_no_refs(silent: str) -> None:
    refs = RemoteRefs(look_s=0.3)

    with pytest.raises(Theirs, match="did not answer within"):
        await refs.refs(Git(url=f"{silent}/r.git"), "refs/heads/*")
    refs.close()
