"""git servers that want a password: git finds it, and nobody else sees it."""

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from floe.model.errors import FloeError, Theirs, Yours
from floe.model.signal import Failed
from floe.model.work import Git, GitCheckout
from floe.nodes.documents import DocumentFiles
from floe.nodes.refs import RemoteRefs
from floe.nodes.remote import Remote
from tests.integration.gits import House, Repository

SECRET = "s3cret pw:@/%"
QUOTED = "s3cret%20pw%3A%40%2F%25"
BACKEND = "/usr/lib/git-core/git-http-backend"


class Server:
    """Serves a repository to those who know the password, and looks who shows it meanwhile."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = ""
        self.logins: set[str] = set()
        self.seen: set[str] = set()
        """Command lines of this machine with the password in them."""

    def url(self, user: str = f"bob:{QUOTED}", scheme: str = "http") -> str:
        return f"{scheme}://{user}@{self.address}/repo/.git"

    async def answer(self, request: web.Request) -> web.Response:
        self.seen |= {line for line in command_lines() if "s3cret" in line or "tok3n" in line}
        _, _, sent = request.headers.get("Authorization", "").partition(" ")
        login = base64.b64decode(sent).decode()
        self.logins.add(login)
        if login not in (f"bob:{SECRET}", "tok3n:"):
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        env = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": request.method,
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query_string,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        }
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(BACKEND, env=env, stdin=pipe, stdout=pipe)
        out, _ = await process.communicate(await request.read())
        head, _, body = out.partition(b"\r\n\r\n")
        parts = (line.partition(": ") for line in head.decode().split("\r\n"))
        return web.Response(body=body, headers={name: value for name, _, value in parts})


def command_lines() -> list[str]:
    """Of all processes of this machine."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes()
            found.append(line.replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    repository = Repository(tmp_path / "served" / "repo")
    repository.commit(a_txt="1\n", flow_yml="id: x\n")
    server = Server(tmp_path / "served")
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, auto_decompress=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.address = f"127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


@pytest.mark.parametrize("user", [f"bob:{QUOTED}", "tok3n", "tok3n:"])
async def test_checkout_logs_in_and_shows_the_password_nowhere(
    house: House, server: Server, user: str
) -> None:
    await house.good(GitCheckout(git=Git(url=server.url(user), branch="main")))

    kept = [p for p in house.root.rglob("*") if p.is_file() and "served" not in p.parts]
    texts = {str(p): p.read_bytes() for p in kept if not p.name.endswith(".input")}
    assert (server.seen, "s3cret" in house.printed) == (set(), False)
    assert [p for p, text in texts.items() if b"s3cret" in text or b"tok3n" in text] == []


async def test_wrong_password_is_bad_and_not_shown(house: House, server: Server) -> None:
    said = await house.bad(GitCheckout(git=Git(url=server.url("bob:s3cretwrong"), branch="main")))

    assert ("Authentication failed" in said, "s3cret" in said, server.seen) == (True, False, set())


async def test_poll_and_flow_file_log_in_and_show_the_password_nowhere(
    tmp_path: Path, server: Server
) -> None:
    refs = RemoteRefs()

    found = await refs.refs(Git(url=server.url()), "refs/heads/*")
    document = await DocumentFiles(tmp_path).read(f"{server.url()}/flow.yml")

    refs.close()
    assert (list(found), document.text, server.seen) == (["refs/heads/main"], "id: x\n", set())


async def test_flow_file_is_not_kept_for_who_has_no_password(
    tmp_path: Path, server: Server
) -> None:
    documents = DocumentFiles(tmp_path)
    mine = await documents.read(f"{server.url()}/flow.yml")
    commit = mine.pinned.partition("#")[2]

    with pytest.raises(Theirs):
        await documents.read(f"{server.url('eve:guess')}/flow.yml#{commit}")
    with pytest.raises(Theirs):
        await documents.read(f"http://{server.address}/repo/.git/flow.yml#{commit}")


async def test_flow_file_is_not_kept_for_another_key(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repo.git")
    commit = repository.commit(flow_yml="id: x\n")
    documents = DocumentFiles(tmp_path)
    name = f"{repository.url}/flow.yml#{commit}"
    await documents.read(name, git=Git(key_file="/one"))
    (tmp_path / "repo.git").rename(tmp_path / "gone")

    await documents.read(name, git=Git(key_file="/one"))
    with pytest.raises(FloeError):
        await documents.read(name, git=Git(key_file="/another"))


@pytest.mark.parametrize(
    ("url", "given"),
    [
        ("https://h/x.git", "https://h/x.git"),
        ("HTTPS://bob:pw@h:8443/x.git", "https://h:8443/x.git"),
        ("https://bob:p@w@h/x.git", "https://h/x.git"),
        ("ssh://git@h/x.git", "ssh://git@h/x.git"),
        ("ssh://git:pw@h:22/x.git", "ssh://git@h:22/x.git"),
        ("ssh://git%3Apw@h/x.git", "ssh://git@h/x.git"),
        ("git://bob:pw@h/x.git", "git://h/x.git"),
        ("git@h:org/x.git", "git@h:org/x.git"),
        ("/srv/x.git", "/srv/x.git"),
        ("file:///srv/a@b.git", "file:///srv/a@b.git"),
    ],
)
def test_git_is_given_the_url_without_its_password(url: str, given: str) -> None:
    assert Remote.parse(url).url == given


@pytest.mark.parametrize(
    "url",
    ["bob:s3cret@h:x.git", "file://bob:s3cret@h/x.git", "https://bob:s3cret%0Ahost=evil@h/x.git"],
)
async def test_url_with_a_password_that_git_cannot_take_could_not_start(
    house: House, url: str
) -> None:
    report = await house.run(GitCheckout(git=Git(url=url, branch="main")))

    assert isinstance(report, Failed)
    assert (report.cause, "password" in report.why, "s3cret" in report.why) == (
        "start",
        True,
        False,
    )
    with pytest.raises(Yours):
        Remote.parse(url)
