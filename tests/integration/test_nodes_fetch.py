"""fetch from a real HTTP server on this machine."""

import asyncio
import errno
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from floe.model.signal import Exited, Failed, Report, Stopped
from floe.model.work import Fetch
from floe.nodes import fetch as fetch_module
from floe.nodes.base import Job
from floe.nodes.fetch import Fetches
from floe.nodes.partial_file import PartialFile
from floe.nodes.workspaces import Workspaces
from tests.make_nodes import Reports, a_job, a_key

BODY = b"floe" * 100_000
SHA256 = hashlib.sha256(BODY).hexdigest()


class Site:
    """A server with a file, redirects and ways to fail; counts how often the file was taken."""

    def __init__(self) -> None:
        self.url = ""
        self.taken = 0
        self.held = asyncio.Event()
        self.release = asyncio.Event()

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/f.tgz", self._file)
        app.router.add_get("/cut.tgz", self._cut)
        app.router.add_get("/held.tgz", self._hold)
        app.router.add_get("/to/{n}", self._redirect)
        app.router.add_get("/to-file", self._elsewhere)
        return app

    async def _file(self, request: web.Request) -> web.Response:
        self.taken += 1
        return web.Response(body=BODY, headers={"Content-Encoding": "gzip"})

    async def _cut(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "1000000"})
        await answer.prepare(request)
        await answer.write(BODY)
        assert request.transport
        request.transport.close()
        return answer

    async def _hold(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(BODY)
        self.held.set()
        await self.release.wait()
        return answer

    async def _redirect(self, request: web.Request) -> web.Response:
        n = int(request.match_info["n"])
        raise web.HTTPFound(f"/to/{n - 1}" if n else "/f.tgz")

    async def _elsewhere(self, request: web.Request) -> web.Response:
        raise web.HTTPFound("file:///etc/passwd")


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    runner = web.AppRunner(site.app(), shutdown_timeout=0.1)
    await runner.setup()
    at = web.TCPSite(runner, "127.0.0.1", 0)
    await at.start()
    site.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield site
    site.release.set()
    await runner.cleanup()


@pytest.fixture
async def fetches(tmp_path: Path) -> AsyncIterator[Fetches]:
    workspaces = Workspaces(tmp_path)
    fetches = Fetches(tmp_path, workspaces, file_bytes_max=10 * len(BODY), again_s=0.0)
    await fetches.open()
    yield fetches
    await fetches.close()
    workspaces.close()


async def run(fetches: Fetches, job: Job) -> Report:
    reported = Reports()
    fetches.start(job, reported)
    return await reported.report()


def status(report: Report) -> int:
    assert isinstance(report, Exited), report
    return report.status


def files(root: Path) -> list[str]:
    """All plain files of the workspaces, with how they lie there."""
    spaces = root / "spaces" / "ci" / "ws" / "h1-1@k3f9"
    return sorted(str(p.relative_to(spaces)) for p in spaces.rglob("*") if not p.is_dir())


async def test_a_file_lies_in_the_workspace_as_the_server_has_it(
    tmp_path: Path, site: Site, fetches: Fetches
) -> None:
    job = a_job(tmp_path, Fetch(url=f"{site.url}/f.tgz", checksum=SHA256))

    report = await run(fetches, job)

    assert report == Exited(status=0, outputs={}, output_bytes=job.output.stat().st_size)
    assert (job.workspace / "f.tgz").read_bytes() == BODY
    assert f"{len(BODY)} bytes, sha256 {SHA256}" in job.output.read_text()


@pytest.mark.parametrize(
    ("location", "file"),
    [
        ("", "f.tgz"),
        ("go.tgz", "go.tgz"),
        ("deep/er/", "deep/er/f.tgz"),
        ("deep/er", "deep/er"),
        (".", "f.tgz"),
        ("{ws}/abs.tgz", "abs.tgz"),
    ],
)
async def test_location_shows_where(
    tmp_path: Path, site: Site, fetches: Fetches, location: str, file: str
) -> None:
    there = location.replace("{ws}", str(a_job(tmp_path).workspace))
    job = a_job(tmp_path, Fetch(url=f"{site.url}/f.tgz", location=there))

    assert status(await run(fetches, job)) == 0
    assert files(tmp_path) == [file]


@pytest.mark.parametrize("location", ["../x", "/etc/x", "out/", "out/x", "../", "out"])
async def test_a_location_outside_the_workspace_could_not_start(
    tmp_path: Path, site: Site, fetches: Fetches, location: str
) -> None:
    first = a_job(tmp_path, Fetch(url=f"{site.url}/f.tgz"), key=a_key(node="first"))
    await run(fetches, first)
    (tmp_path / "home").mkdir()
    (first.workspace / "out").symlink_to(tmp_path / "home")

    report = await run(fetches, a_job(tmp_path, Fetch(url=f"{site.url}/f.tgz", location=location)))

    assert isinstance(report, Failed)
    assert (report.cause, list((tmp_path / "home").iterdir())) == ("start", [])


async def test_a_link_under_the_final_name_is_replaced_not_followed(
    tmp_path: Path, site: Site, fetches: Fetches
) -> None:
    first = a_job(tmp_path, Fetch(url=f"{site.url}/f.tgz"), key=a_key(node="first"))
    await run(fetches, first)
    (tmp_path / "letter").write_text("dear")
    (first.workspace / "x").symlink_to(tmp_path / "letter")

    work = Fetch(url=f"{site.url}/f.tgz", location="x")
    assert status(await run(fetches, a_job(tmp_path, work))) == 0

    assert (tmp_path / "letter").read_text() == "dear"
    assert (first.workspace / "x").read_bytes() == BODY


@pytest.mark.parametrize("path", ["/", "", "/a/..", "/%2e%2e", "/x%00y"])
async def test_a_url_that_names_no_file_needs_a_location(
    tmp_path: Path, site: Site, fetches: Fetches, path: str
) -> None:
    report = await run(fetches, a_job(tmp_path, Fetch(url=site.url + path)))

    assert isinstance(report, Failed)
    assert (report.cause, "names no file" in report.why) == ("start", True)


async def test_a_checksum_that_does_not_match_is_bad_and_leaves_nothing(
    tmp_path: Path, site: Site, fetches: Fetches
) -> None:
    job = a_job(tmp_path, Fetch(url=f"{site.url}/f.tgz", checksum="0" * 64))

    assert status(await run(fetches, job)) == 1

    assert "checksum mismatch" in job.output.read_text()
    assert (files(tmp_path), list((tmp_path / "cache").iterdir())) == ([], [])


@pytest.mark.parametrize("algo", ["sha1", "md5"])
async def test_older_checksums_are_checked_as_well(
    tmp_path: Path, site: Site, fetches: Fetches, algo: str
) -> None:
    digest = hashlib.new(algo, BODY, usedforsecurity=False).hexdigest()
    work = Fetch(url=f"{site.url}/f.tgz", checksum=digest, checksum_algo=algo)  # type: ignore[arg-type] # a parameter is str

    assert status(await run(fetches, a_job(tmp_path, work))) == 0


async def test_download_without_a_checksum_reports_it_and_caches_nothing(
    tmp_path: Path, site: Site, fetches: Fetches
) -> None:
    job = a_job(tmp_path, Fetch(url=f"{site.url}/f.tgz"))

    assert status(await run(fetches, job)) == 0

    assert "is not verified" in job.output.read_text()
    assert list((tmp_path / "cache").iterdir()) == []


async def test_a_known_checksum_comes_from_the_cache(
    tmp_path: Path, site: Site, fetches: Fetches
) -> None:
    work = Fetch(url=f"{site.url}/f.tgz", checksum=SHA256)
    await run(fetches, a_job(tmp_path, work))

    report = await run(fetches, a_job(tmp_path, work, key=a_key(2)))

    assert (status(report), site.taken) == (0, 1)


async def test_a_run_that_changes_its_file_does_not_change_the_cache(
    tmp_path: Path, site: Site, fetches: Fetches
) -> None:
    work = Fetch(url=f"{site.url}/f.tgz", checksum=SHA256)
    first = a_job(tmp_path, work)
    await run(fetches, first)
    with (first.workspace / "f.tgz").open("r+b") as file:
        file.write(b"evil")

    second = a_job(tmp_path, work, key=a_key(2))
    await run(fetches, second)

    assert (second.workspace / "f.tgz").read_bytes() == BODY
    assert site.taken == 1


async def test_a_damaged_cache_is_not_used(tmp_path: Path, site: Site, fetches: Fetches) -> None:
    work = Fetch(url=f"{site.url}/f.tgz", checksum=SHA256)
    await run(fetches, a_job(tmp_path, work))
    (tmp_path / "cache" / f"sha256-{SHA256}").write_bytes(b"damaged")

    second = a_job(tmp_path, work, key=a_key(2))
    await run(fetches, second)

    assert ((second.workspace / "f.tgz").read_bytes(), site.taken) == (BODY, 2)


async def test_redirects_are_followed_and_reported(
    tmp_path: Path, site: Site, fetches: Fetches
) -> None:
    job = a_job(tmp_path, Fetch(url=f"{site.url}/to/2", location="x"))

    assert status(await run(fetches, job)) == 0
    assert job.output.read_text().count("redirected to") == 3


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/none", "the server answered 404"),
        ("/to/20", "more than 10 redirects"),
        ("/to-file", "only http and https urls can be fetched"),
        ("/cut.tgz", "its reply ended early"),
    ],
)
async def test_a_download_that_fails_is_bad_and_leaves_nothing(
    tmp_path: Path, site: Site, fetches: Fetches, path: str, said: str
) -> None:
    job = a_job(tmp_path, Fetch(url=site.url + path, location="x"))

    assert status(await run(fetches, job)) == 1

    assert said in job.output.read_text()
    assert (files(tmp_path), list((tmp_path / "cache").iterdir())) == ([], [])


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/x", "file:///etc/passwd", "ftp://127.0.0.1/x", "http://[x/x"]
)
async def test_a_host_that_is_down_or_no_http_is_not_good(
    tmp_path: Path, fetches: Fetches, url: str
) -> None:
    report = await run(fetches, a_job(tmp_path, Fetch(url=url)))

    assert isinstance(report, Failed) or report == Exited(
        status=1, outputs={}, output_bytes=a_job(tmp_path).output.stat().st_size
    )
    assert files(tmp_path) == []


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EDQUOT])
async def test_download_without_descriptors_ends_and_leaves_no_file(
    tmp_path: Path, site: Site, fetches: Fetches, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(PartialFile, "write", fails)
    monkeypatch.setattr(fetch_module, "output_size", fails)

    report = await run(fetches, a_job(tmp_path, Fetch(url=f"{site.url}/f.tgz", checksum=SHA256)))

    assert isinstance(report, Failed)
    assert os.strerror(number) in report.why
    assert files(tmp_path) == []
    assert list((tmp_path / "cache").iterdir()) == []


async def test_a_file_above_the_limit_is_refused(tmp_path: Path, site: Site) -> None:
    workspaces = Workspaces(tmp_path)
    fetches = Fetches(tmp_path, workspaces, file_bytes_max=len(BODY) - 1)
    job = a_job(tmp_path, Fetch(url=f"{site.url}/f.tgz"))

    assert status(await run(fetches, job)) == 1
    assert "larger than" in job.output.read_text()

    await fetches.close()
    workspaces.close()


async def test_a_download_over_its_time_ends_and_leaves_nothing(
    tmp_path: Path, site: Site, fetches: Fetches
) -> None:
    job = a_job(tmp_path, Fetch(url=f"{site.url}/held.tgz"), timeout_s=0.2)

    report = await run(fetches, job)

    assert isinstance(report, Failed)
    assert (report.cause, files(tmp_path)) == ("timeout", [])
    assert list((tmp_path / "cache").iterdir()) == []


async def test_a_stopped_download_leaves_nothing(
    tmp_path: Path, site: Site, fetches: Fetches
) -> None:
    reported = Reports()
    job = a_job(tmp_path, Fetch(url=f"{site.url}/held.tgz"))
    fetches.start(job, reported)
    await site.held.wait()

    fetches.stop(job.key)

    assert isinstance(await reported.report(), Stopped)
    assert (files(tmp_path), list((tmp_path / "cache").iterdir())) == ([], [])


async def test_closing_reports_nothing_and_the_next_floe_reports_lost(
    tmp_path: Path, site: Site, fetches: Fetches
) -> None:
    reported = Reports()
    job = a_job(tmp_path, Fetch(url=f"{site.url}/held.tgz"))
    fetches.start(job, reported)
    await site.held.wait()

    await fetches.close()

    assert (reported.started, reported.reports) == ([job.key], [])
    again = Fetches(tmp_path, Workspaces(tmp_path))
    report = await run(again, a_job(tmp_path, job.work, started=True))
    assert isinstance(report, Failed)
    assert report.cause == "lost"


async def test_what_a_crash_left_half_downloaded_is_cleared(
    tmp_path: Path, fetches: Fetches
) -> None:
    (tmp_path / "cache").mkdir(exist_ok=True)
    (tmp_path / "cache" / "part-abc").touch()

    await fetches.open()

    assert list((tmp_path / "cache").iterdir()) == []


async def test_a_checksum_that_is_none_could_not_start(
    tmp_path: Path, site: Site, fetches: Fetches
) -> None:
    work = Fetch(url=f"{site.url}/f.tgz", checksum="../../../etc/passwd")

    report = await run(fetches, a_job(tmp_path, work))

    assert isinstance(report, Failed)
    assert report.cause == "start"
