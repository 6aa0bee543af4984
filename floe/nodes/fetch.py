"""Downloads files over http(s) into workspaces, through a cache by checksum.

Rules of this file: only the attempt's own thread touches the disk, and a file gets its final name
when it is complete. The requests are in `download` and `http`.
"""

import asyncio
import errno
import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final, TypeVar, TypeVarTuple
from urllib.parse import unquote_to_bytes

from floe.files import FULL, FileFolders, NotPlain, opened, opened_plain, private
from floe.model.errors import FloeError, World, Yours
from floe.model.ids import Key
from floe.model.secret import without_password
from floe.model.signal import Exited, Failed, Report
from floe.model.template import data_of
from floe.model.work import Fetch
from floe.nodes.attempt_files import output_size
from floe.nodes.base import Job
from floe.nodes.in_process import InProcess, LoopAttempt
from floe.nodes.partial_file import NEW, DownloadRefused, PartialFile
from floe.nodes.workspaces import Workspaces, inside
from floe.places import Places

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

RESUME_S: Final = 1.0
FILE_BYTES_MAX: Final = 16 * 1024**3
NAME_BYTES_MAX: Final = 255
"""The longest file name in bytes that file systems accept."""
_FICLONE: Final = 0x40049409
_DIGEST: Final = re.compile(r"[0-9a-f]{32,64}")


class Fetches(InProcess):
    """The executor of fetch."""

    def __init__(
        self,
        root: Path,
        workspaces: Workspaces,
        *,
        file_bytes_max: int = FILE_BYTES_MAX,
        again_s: float = RESUME_S,
        places: Places | None = None,
    ) -> None:
        """The cache is `<root>/cache`. Files above `file_bytes_max` are refused; 0 for no limit.

        `again_s`: seconds before a broken download resumes; doubled each time.
        """
        super().__init__("the download", places, once=False)
        self._cache = root / "cache"
        self._workspaces = workspaces
        self._file_bytes_max = file_bytes_max
        self._again_s = again_s
        self._folders = FileFolders()

    async def open(self) -> None:
        """Remove the partial files of fetches that a crash left."""
        try:
            private(self._cache)
        except OSError as error:
            raise World(f"{self._cache}: {error.strerror or error}") from error
        for part in self._cache.glob("part-*"):
            part.unlink(missing_ok=True)

    async def close(self) -> None:
        """Cancel all fetches without a report; after a restart they are reported lost."""
        await super().close()
        self._folders.close()

    async def _carry_out(self, attempt: LoopAttempt) -> Report:
        job = attempt.job
        output = job.output
        try:
            attempt.place = self._places.on_way(output, *_ways(job))
            await self._in_place(attempt, self._ready, job)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            with (
                opened(output, flags, make=True) as fd,
                os.fdopen(fd, "ab", buffering=0, closefd=False) as log,
            ):
                async with asyncio.timeout(job.timeout_s):
                    status = await self._download(attempt, log)
            size, note = self._measured(job)
            return Exited(status=status, outputs={}, output_bytes=size, note=note)
        except TimeoutError:
            why = f"not finished after {job.timeout_s:g} s"
            return Failed(cause="timeout", why=why, output_bytes=self._measured(job)[0])
        except FloeError as error:
            return Failed(cause="start", why=str(error), output_bytes=self._measured(job)[0])
        except OSError as error:
            lead = "the disk is full" if error.errno in FULL else "a file cannot be written"
            why = f"{lead}: {error.filename or self._cache}: {error.strerror}"
            return Failed(cause="error", why=why, output_bytes=self._measured(job)[0])
        except Exception as error:  # the executor's border: a defect must not hang the run
            why = f"{type(error).__name__}: {error}"
            return Failed(cause="error", why=why, output_bytes=self._measured(job)[0])

    async def _in_place(self, attempt: LoopAttempt, work: Callable[[*Ts], T], *args: *Ts) -> T:
        """The result of work on the workspace, in a thread if its file system may hang."""
        if attempt.place:
            return await self._places.call(attempt.place, work, *args)
        return work(*args)

    def _ready(self, job: Job) -> None:
        folders = FileFolders()
        try:
            self._workspaces.ready_for(job, folders)
        finally:
            folders.close()

    def _measured(self, job: Job) -> tuple[int, str]:
        """The size of the output, and what is wrong with it. Never raises: an attempt must end."""
        try:
            return output_size(job, self._folders)
        except OSError as error:
            return 0, f"its output cannot be output_size: {error.strerror}"

    async def _download(self, attempt: LoopAttempt, log: IO[bytes]) -> int:
        job = attempt.job

        def print_line(line: str) -> None:
            log.write(without_password(line).encode(errors="replace") + b"\n")

        work = job.work
        if not isinstance(work, Fetch):
            raise TypeError(f"{type(work).__name__} is not fetch")
        target = await self._in_place(attempt, _target, work, job.workspace)
        cached = self._cached(work)
        self._cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = PartialFile(self._cache / f"part-{_short(job.key)}", work.checksum_algo)
        try:
            if cached is not None and await part.run(_is_intact, cached, work):
                print_line(f"{cached.name}: from the cache, {work.checksum_algo} verified")
            else:
                await self._load(work, part, print_line)
                if cached:
                    await part.run(os.replace, part.path, cached)
            if cached:
                await self._save(attempt, part, _copy, cached, target)
            else:
                await self._save(attempt, part, _move, part.path, target)
            print_line(f"saved {target}")
            return 0
        except DownloadRefused as error:
            print_line(f"floe: {error}")
            return 1
        finally:
            await part.close()

    async def _save(
        self,
        attempt: LoopAttempt,
        part: PartialFile,
        work: Callable[[Path, Path, Key], None],
        source: Path,
        target: Path,
    ) -> None:
        key = attempt.job.key
        if attempt.place:
            await self._places.call(attempt.place, work, source, target, key)
        else:
            await part.run(work, source, target, key)

    def _cached(self, work: Fetch) -> Path | None:
        checksum = data_of(work.checksum)
        if not checksum:
            return None
        if not _DIGEST.fullmatch(checksum):
            raise Yours(f"checksum {checksum[:80]!r} is not hexadecimal")
        return self._cache / f"{work.checksum_algo}-{checksum}"

    async def _load(
        self, work: Fetch, part: PartialFile, print_line: Callable[[str], None]
    ) -> None:
        """Download into `part` and check it. Raises DownloadRefused."""
        from floe.nodes.download import Download  # imports aiohttp, so only when needed

        download = Download(
            data_of(work.url),
            part,
            print_line,
            bytes_max=self._file_bytes_max,
            again_s=self._again_s,
        )
        await download.load()
        await part.run(part.end)
        print_line(download.summary())
        if not work.checksum:
            print_line("no checksum given: the content of this file is not verified")
        elif part.digest.hexdigest() != work.checksum:
            raise DownloadRefused(
                f"checksum mismatch: expected {work.checksum_algo} {work.checksum}"
            )


def _ways(job: Job) -> tuple[Path, ...]:
    """The paths of the workspace that a download uses."""
    location = job.work.location if isinstance(job.work, Fetch) else ""
    return job.workspace, job.moved_from or job.workspace, job.workspace / location


def _target(work: Fetch, workspace: Path) -> Path:
    """The path for the file in the workspace; follows links, but replaces one at the end.

    Source: floe README, "fetch", `location`.
    """
    place, url = workspace / work.location, data_of(work.url)
    if not work.location or work.location.endswith("/") or place.is_dir():
        path = re.split(r"[?#]", url.partition("://")[2])[0].partition("/")[2]
        folder, name = place, os.fsdecode(unquote_to_bytes(path)).rpartition("/")[2]
    else:
        folder, name = place.parent, place.name
    if name in ("", ".", "..") or re.search(r"[\0-\x1f\x7f]", name):
        raise Yours(f"{url!r} names no file", "give a location")
    if len(os.fsencode(name)) > NAME_BYTES_MAX:
        raise Yours(
            f"{name[:40]}… is longer than {NAME_BYTES_MAX} bytes", "give a shorter location"
        )
    return inside(workspace, str(folder)) / name


def _is_intact(cached: Path, work: Fetch) -> bool:
    """Whether the cache has the file unchanged; a changed one is removed."""
    try:
        with os.fdopen(opened_plain(cached), "rb") as file:
            found = hashlib.file_digest(file, work.checksum_algo).hexdigest()
    except FileNotFoundError:
        return False
    except NotPlain:
        cached.unlink()  # IsADirectoryError for a folder, which floe must not empty
        return False
    if found != work.checksum:
        cached.unlink(missing_ok=True)
    return found == work.checksum


def _copy(source: Path, target: Path, key: Key) -> None:
    """Copy a file atomically, and share its blocks if the disk can."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".floe-{_short(key)}.part")
    try:
        part.unlink(missing_ok=True)
        with (
            os.fdopen(opened_plain(source), "rb") as old,
            os.fdopen(opened_plain(part, NEW, 0o666), "wb") as new,
        ):
            try:
                fcntl.ioctl(new, _FICLONE, old.fileno())
            except OSError:  # a different disk, or one that cannot share blocks
                shutil.copyfileobj(old, new, 1024 * 1024)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _move(source: Path, target: Path, key: Key) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy(source, target, key)


def _short(key: Key) -> str:
    return hashlib.sha256(str(key).encode()).hexdigest()[:32]
