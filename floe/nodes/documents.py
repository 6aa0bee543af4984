"""Reads configs and flow-files from local paths, http(s) URLs and git repositories.

This module alone decides what a name means:

    flows/build.yml                          a local path
    https://host/x/build.yml                 a URL
    git@host:org/repo.git/ci/build.yml       a file in a git repository; also ssh, https, file
    https://host/org/repo.git/build.yml#REF  the same at a commit, branch or tag

A relative name is relative to the document that names it: same folder, URL or commit.
"""

import asyncio
import hashlib
import os
import posixpath
import re
import signal
import stat
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, Self
from urllib.parse import unquote, urljoin

from floe.model.errors import NotFound, Theirs, World
from floe.model.nouns import dataclass
from floe.model.work import Git
from floe.nodes.base import DEFAULT_COMMIT, Document
from floe.nodes.git import argv, own_environment, target
from floe.nodes.partial_file import DownloadRefused
from floe.nodes.program_copies import installed
from floe.nodes.refs import refusal
from floe.nodes.remote import Remote
from floe.places import Places
from floe.repository.task import FULL_HASH, NoSuchFile, Task

DOCUMENT_BYTES_MAX: Final = 1024 * 1024
READ_S: Final = 60.0
"""Seconds within which one document must be read."""

_GIT: Final = re.compile(
    r"((?:(?:https?|ssh|git|file)://|[\w.+-]+@[\w.-]+:)\S*?\.git)/([^#]+)(?:#(.+))?", re.DOTALL
)
_URL: Final = re.compile(r"https?://", re.IGNORECASE)
_COMMIT: Final = re.compile(r"commit ([0-9a-f]{7,64}) has no file")

SHORT: Final = 7
"""Digits of a commit's hash in a sentence."""


@dataclass(frozen=True, slots=True)
class _InGit:
    """A file in a git repository."""

    url: str
    path: str
    at: str

    @classmethod
    def parse(cls, name: str) -> Self | None:
        match = _GIT.fullmatch(name)
        return cls(match[1], posixpath.normpath(match[2]), match[3] or "") if match else None

    def __str__(self) -> str:
        return f"{self.url}/{self.path}" + (f"#{self.at}" if self.at else "")


class DocumentFiles:
    """Reads documents; repositories are cached below `<root>/documents`, shallow and bare."""

    def __init__(
        self,
        root: Path,
        key_file: str = "",
        *,
        read_s: float = READ_S,
        places: Places | None = None,
    ) -> None:
        """`key_file` is the key for git if the caller names none."""
        self._places = places or Places()
        self._root = root
        self._repositories = Path(os.path.realpath(root), "documents")
        self._program: Path | None = None
        self._key_file = key_file
        self._read_s = read_s
        self._locks: dict[str, asyncio.Lock] = {}

    async def read(
        self, name: str, *, relative_to: str = "", git: Git = DEFAULT_COMMIT
    ) -> Document:
        """Read a document.

        `git` gives the commit of a repository and the key. A commit in the name, or in
        `relative_to` if the name is relative, takes precedence. Raises NotFound, Theirs or
        World; the error names the address.
        """
        full = full_name(name, relative_to)
        try:
            async with asyncio.timeout(self._read_s):
                if there := _InGit.parse(full):
                    return await self._from_git(there, git)
                if _URL.match(full):
                    return await self._from_url(full)
                return await self._places.read(_path_of(full), _from_path, full)
        except TimeoutError:
            raise Theirs(f"{full} was not read within {self._read_s:g} s") from None

    async def _from_url(self, url: str) -> Document:
        import aiohttp  # loaded here, with its users: most hosts read no document over http

        from floe.nodes.connection_faults import connection_fault
        from floe.nodes.http import get, http_session, status_text

        data = bytearray()
        try:
            async with (
                http_session(total_s=self._read_s, is_raw=False) as own,
                get(own, url) as response,
            ):
                if response.status in (404, 410):
                    raise NotFound(f"{url}: the server answered {response.status}")
                if response.status not in (200, 203):
                    raise Theirs(f"{url}: the server answered {status_text(response)}")
                async for chunk in response.content.iter_any():
                    data += chunk
                    if len(data) > DOCUMENT_BYTES_MAX:
                        break
        except DownloadRefused as error:
            raise Theirs(f"{url}: {error}") from error
        except aiohttp.ClientError as error:
            raise Theirs(f"{url}: {connection_fault(error)}") from error
        return Document(text=_text(bytes(data), url, Theirs), origin=url, pinned=url)

    def _copied(self) -> Path:
        """The program that reads repositories, copied once. Raises World."""
        if self._program is None:
            try:
                self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._program = installed(self._root, "repository")
            except OSError as error:
                raise World(f"{self._root}: {error.strerror or error}") from error
        return self._program

    async def _from_git(self, there: _InGit, git: Git) -> Document:
        if there.at:
            is_hash = FULL_HASH.fullmatch(there.at)
            git = replace(git, hash=there.at if is_hash else "", ref=there.at, branch="")
        remote, key_file = Remote.parse(there.url), git.key_file or self._key_file
        # One cache per URL and key: a cached commit is not fetched again, so a document read with
        # one password must not be served to a caller with a different one.
        name = hashlib.sha256(
            f"{there.url}\0{key_file}".encode(errors="surrogatepass")
        ).hexdigest()[:32]
        where = str(self._repositories / name)
        kind, value = target(git)
        task = Task("show", where, where, kind, value, remote.url, there.path)
        async with self._locks.setdefault(name, asyncio.Lock()):
            status, out, err = await _run(
                argv(self._copied(), task), own_environment(key_file, remote)
            )
        if status == NoSuchFile.status:
            raise NotFound(f"{_commit_of(git, err)} of {there.url} has no {there.path}")
        if status:
            raise refusal(there.url, err)
        commit, _, data = out.partition(b"\n")
        text = _text(data, str(there), Theirs)
        pinned = replace(there, at=commit.decode())
        origin = replace(there, at=there.at or git.hash or git.ref or git.branch)
        return Document(text=text, origin=str(origin), pinned=str(pinned))


def _commit_of(git: Git, error: str) -> str:
    """The commit in which a file is missing, as people name it: `branch main (e6724a4)`."""
    found = _COMMIT.search(error)
    short = found[1][:SHORT] if found else ""
    if git.branch:
        return f"branch {git.branch} ({short})"
    if git.ref and not FULL_HASH.fullmatch(git.ref):
        return f"{git.ref} ({short})"
    return f"commit {short}"


def full_name(name: str, relative_to: str) -> str:
    """The full name of a document that the document `relative_to` mentions.

    Raises NotFound if the name leads out of the repository.
    """
    if _GIT.fullmatch(name) or _URL.match(name) or name.startswith(("/", "~", "file://")):
        return name
    if there := _InGit.parse(relative_to):
        path = posixpath.normpath(posixpath.join(posixpath.dirname(there.path), name))
        if path.startswith("../"):
            raise NotFound(f"{name} leads out of the repository {there.url}")
        return str(replace(there, path=path))
    if _URL.match(relative_to):
        return urljoin(relative_to, name)
    return str(Path(relative_to).parent / name) if relative_to else name


def _path_of(name: str) -> Path:
    path = Path(unquote(name.removeprefix("file://")) if name.startswith("file:") else name)
    try:
        return path.expanduser()
    except RuntimeError:
        raise NotFound(f"{name}: this machine has no user {path.parts[0][1:]}") from None


def _from_path(name: str) -> Document:
    path = _path_of(name)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise World(f"{path} is not a file")
            data = os.read(fd, DOCUMENT_BYTES_MAX + 1)
        finally:
            os.close(fd)  # os.fdopen would refuse a folder and leave it open
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound(f"the file {path.absolute()} does not exist") from error
    except (OSError, ValueError) as error:
        raise World(f"{path} cannot be read: {error}") from error
    return Document(text=_text(data, str(path), World), origin=str(path), pinned=str(path))


def _text(data: bytes, name: str, error: type[Theirs | World]) -> str:
    if len(data) > DOCUMENT_BYTES_MAX:
        raise error(f"{name} is larger than {DOCUMENT_BYTES_MAX} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as cause:
        raise error(f"{name} is not UTF-8 text: {cause.reason}") from cause


async def _run(argv: tuple[str, ...], env: dict[str, str]) -> tuple[int, bytes, str]:
    """Run one of floe's own programs in its own process group; cancelling kills the group."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        out, err = await process.communicate()
    except asyncio.CancelledError:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        raise
    return process.returncode or 0, out, err.decode(errors="replace")
