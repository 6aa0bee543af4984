"""fetch and servers that do odd things, byte by byte."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from floe.model.signal import Exited, Failed
from floe.model.work import Fetch
from floe.nodes import download
from floe.nodes.documents import DocumentFiles
from floe.nodes.fetch import Fetches
from floe.nodes.workspaces import Workspaces
from tests.make_nodes import DEADLINE_S, Reports, a_job, a_key
from tests.tcp import serving

OLD = b"old " * 500_000
NEW = b"new!" * 500_000


@dataclass
class Asked:
    """One request."""

    target: str
    headers: dict[str, str]


@dataclass
class Raw:
    """A server that answers with the bytes it was given, one answer a request, then the last."""

    cache: Path
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answers: list[bytes | Callable[[int], bytes]] = field(default_factory=list)
    """Bytes, or how they are made of the byte that is asked for first."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *rest = head.rstrip().split("\r\n")
        pairs = (one.split(": ", 1) for one in rest)
        self.asked.append(Asked(line.split(" ")[1], {n.lower(): v for n, v in pairs}))
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        start = int(self.asked[-1].headers.get("range", "bytes=0-")[6:-1])
        writer.write(answer if isinstance(answer, bytes) else answer(start))
        await writer.drain()
        if not isinstance(answer, bytes):
            await self._taken(start)

    async def _taken(self, start: int) -> None:
        """Until some of it is on the disk: what breaks off in a buffer is lost."""
        async with asyncio.timeout(DEADLINE_S):
            while sum(p.stat().st_size for p in self.cache.glob("part-*")) <= start:  # noqa: ASYNC110  # a file grows without an event
                await asyncio.sleep(0.002)

    @property
    def port(self) -> str:
        return self.url.rpartition(":")[2]


@pytest.fixture
async def raw(tmp_path: Path) -> AsyncIterator[Raw]:
    raw = Raw(tmp_path / "cache")
    async with serving(raw.serve) as raw.url:
        yield raw


@pytest.fixture
async def fetches(tmp_path: Path) -> AsyncIterator[Fetches]:
    workspaces = Workspaces(tmp_path)
    fetches = Fetches(tmp_path, workspaces, again_s=0.0)
    yield fetches
    await fetches.close()
    workspaces.close()


@dataclass(frozen=True)
class Got:
    """What became of a fetch."""

    status: int | None
    """None where it could not start."""
    output: str
    files: dict[str, bytes]


Get = Callable[..., "asyncio.Future[Got]"]


@pytest.fixture
def get(tmp_path: Path, fetches: Fetches) -> Callable[..., object]:
    count = iter(range(1, 100))

    async def get(url: str, location: str = "", **work: str) -> Got:
        reported = Reports()
        made = Fetch(url=url, location=location, **work)  # type: ignore[arg-type]  # texts
        job = a_job(tmp_path, made, key=a_key(next(count)))
        fetches.start(job, reported)
        report = await reported.report()
        output = job.output.read_text() if job.output.exists() else ""
        if isinstance(report, Failed):
            return Got(None, report.why, {})
        assert isinstance(report, Exited)
        found = [p for p in job.workspace.rglob("*") if p.is_file()]
        return Got(report.status, output, {p.name: p.read_bytes() for p in found})

    return get


def an_answer(
    body: bytes = b"hello", *headers: str, status: str = "200 OK", size: int = -1
) -> bytes:
    """An answer with `body`, of which `size` bytes are announced."""
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body) if size < 0 else size}", *headers)
    return (
        "\r\n".join((*lines, "Connection: close", "", "")).encode(errors="surrogateescape") + body
    )


def a_redirect(location: str, status: str = "302 Found") -> bytes:
    return an_answer(b"", f"Location: {location}", status=status)


def a_rest(body: bytes, start: int, *headers: str) -> bytes:
    """What is missing of a body from a byte on."""
    span = f"Content-Range: bytes {start}-{len(body) - 1}/{len(body)}"
    return an_answer(body[start:], span, *headers, status="206 Partial Content")


EXACT = [
    "/a%2Fb%40c.bin?sig=ab%2Fcd%3D%3D&t=a%3Ab%7Ec&p=%28x%29",
    "/f?x=%e4%2f",
    "/f?",
    "/f?&&a=b&",
    "/a//b/./c/../d",
    "/it's(1)+~!*;=@:$,x?a[]={b}|^`\"<>\\",
    "/%zz%",
    "/f?url=http://h/x?y=1",
]


@pytest.mark.parametrize("target", EXACT)
async def test_url_goes_out_byte_for_byte(raw: Raw, get: Get, target: str) -> None:
    raw.answers = [an_answer()]

    got = await get(raw.url + target, "x")

    assert (got.status, raw.asked[0].target) == (0, target)


@pytest.mark.parametrize("target", EXACT)
async def test_url_of_a_redirect_goes_out_byte_for_byte(raw: Raw, get: Get, target: str) -> None:
    raw.answers = [a_redirect(target), a_redirect(f"//127.0.0.1:{raw.port}{target}"), an_answer()]

    await get(f"{raw.url}/start", "x")

    assert [asked.target for asked in raw.asked] == ["/start", target, target]


@pytest.mark.parametrize("target", EXACT)
async def test_url_of_a_document_goes_out_byte_for_byte(
    raw: Raw, tmp_path: Path, target: str
) -> None:
    raw.answers = [an_answer(b"id: x")]

    await DocumentFiles(tmp_path).read(raw.url + target)

    assert raw.asked[0].target == target


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("/ä/x y.bin?q=ü z", "/%C3%A4/x%20y.bin?q=%C3%BC%20z"),
        ("/x#part?no", "/x"),
        ("", "/"),
        ("?a=b", "/?a=b"),
        ("/x ", "/x"),
    ],
)
async def test_url_is_sent_as_a_browser_sends_it(
    raw: Raw, get: Get, written: str, sent: str
) -> None:
    raw.answers = [an_answer()]

    await get(raw.url + written, "x")

    assert raw.asked[0].target == sent


async def test_location_that_is_not_ascii_is_sent_as_the_bytes_it_has(raw: Raw, get: Get) -> None:
    raw.answers = [a_redirect("/\udce4/ü"), an_answer()]

    await get(f"{raw.url}/start", "x")

    assert raw.asked[1].target == "/%E4/%C3%BC"


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("b%2F", "/d/b%2F"),
        ("../b", "/b"),
        ("?b=%2f", "/d/a?b=%2f"),
        ("./", "/d/"),
        (" /b ", "/b"),
    ],
)
async def test_redirect_may_be_relative(raw: Raw, get: Get, location: str, target: str) -> None:
    raw.answers = [a_redirect(location), an_answer()]

    await get(f"{raw.url}/d/a?q=1", "x")

    assert raw.asked[1].target == target


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1/a\nb", "control character"),
        ("http://127.0.0.1/a\tb", "control character"),
        ("http:///x", "no host"),
        ("http:x", "no host"),
        ("https://bob:s3cretpw@/x", "no host"),
        ("http://h:99999/x", "the host of the url is not valid"),
        ("http://h:x/x", "the host of the url is not valid"),
        ("ftp://h/x", "only http and https"),
        ("x", "only http and https"),
        ("", "names no file"),
    ],
)
async def test_url_that_cannot_be_asked_for_explains_why(get: Get, url: str, why: str) -> None:
    got = await get(url, "x" if url else "")

    assert (got.status != 0, why in got.output, "s3cretpw" in got.output) == (True, True, False)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
        an_answer(b"", status="205 Reset Content"),
        b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n",
        an_answer(b"", status="302 Found"),
        an_answer(b"", "Location: ", status="301 Moved"),
        an_answer(b"choose", status="300 Multiple Choices"),
        a_rest(b"hello", 2),
        an_answer(b"later", status="202 Accepted"),
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nhello",
        b"nothing of http\r\n\r\n",
        b"",
    ],
)
async def test_answer_that_brings_no_file_is_bad(raw: Raw, get: Get, answer: bytes) -> None:
    raw.answers = [answer]

    got = await get(f"{raw.url}/x.bin")

    assert (got.status, got.files, "floe: " in got.output) == (1, {}, True)


CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n"
)


@pytest.mark.parametrize("answer", [an_answer(b"hell", size=5), CHUNKED, CHUNKED + b"9\r\nwo"])
async def test_file_that_is_always_cut_off_is_bad_after_some_tries(
    raw: Raw, get: Get, answer: bytes
) -> None:
    raw.answers = [answer]

    got = await get(f"{raw.url}/x.bin")

    assert (got.status, got.files, len(raw.asked)) == (1, {}, download.CONNECTIONS_MAX)
    assert f"the connection broke {download.CONNECTIONS_MAX} times" in got.output


DATED = ("Last-Modified: Fri, 01 Nov 2024 10:00:00 GMT", "Date: Fri, 01 Nov 2024 11:00:00 GMT")


def a_piece(*headers: str) -> Callable[[int], bytes]:
    """An answer that breaks off after 600 kB of the old file, from the byte that is asked for."""

    def made(start: int) -> bytes:
        whole, cut = len(OLD), OLD[start : start + 600_000]
        if not start:
            return an_answer(cut, *headers, size=whole)
        span = f"Content-Range: bytes {start}-{whole - 1}/{whole}"
        return an_answer(cut, span, *headers, status="206 Partial Content", size=whole - start)

    return made


@pytest.mark.parametrize(
    ("headers", "validator"),
    [(('ETag: "v1"',), '"v1"'), (DATED, "Fri, 01 Nov 2024 10:00:00 GMT")],
)
async def test_broken_download_goes_on_where_it_broke(
    raw: Raw, get: Get, headers: tuple[str, ...], validator: str
) -> None:
    piece = a_piece(*headers)
    raw.answers = [piece, piece, lambda start: a_rest(OLD, start, *headers)]

    got = await get(f"{raw.url}/x.bin", checksum=hashlib.sha256(OLD).hexdigest())

    assert (got.status, got.files) == (0, {"x.bin": OLD})
    starts = [int(asked.headers.get("range", "bytes=0-")[6:-1]) for asked in raw.asked]
    assert 0 == starts[0] < starts[1] < starts[2]
    assert {asked.headers.get("if-range") for asked in raw.asked[1:]} == {validator}


@pytest.mark.parametrize(
    "second",
    [
        lambda _: an_answer(NEW, 'ETag: "v2"'),
        lambda start: a_rest(NEW, start, 'ETag: "v2"'),
        lambda start: a_rest(NEW, start - 1, 'ETag: "v1"'),
        lambda start: a_rest(NEW, start + 1, 'ETag: "v1"'),
        lambda _: a_rest(NEW, 0, 'ETag: "v1"'),
        lambda start: a_rest(NEW + b"more", start, 'ETag: "v1"'),
        lambda start: an_answer(NEW[start:], 'ETag: "v1"', status="206 Partial Content"),
        lambda start: an_answer(
            NEW[start:], "Content-Range: bytes */2000000", status="206 Partial Content"
        ),
        lambda _: an_answer(b"x", status="416 Range Not Satisfiable"),
        lambda _: an_answer(b"x", status="503 Service Unavailable"),
    ],
)
async def test_two_versions_of_a_file_are_never_mixed(
    raw: Raw, get: Get, second: Callable[[int], bytes]
) -> None:
    raw.answers = [a_piece('ETag: "v1"'), second, an_answer(NEW)]

    got = await get(f"{raw.url}/x.bin")

    assert (got.status, got.files) == (0, {"x.bin": NEW})


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ('ETag: W/"v1"',),
        ('ETag: W/"v1"', *DATED),
        (DATED[0],),
        (DATED[0], "Date: Fri, 01 Nov 2024 10:00:00 GMT"),
        ("Last-Modified: yesterday", DATED[1]),
    ],
)
async def test_file_whose_version_is_not_known_is_loaded_from_the_start(
    raw: Raw, get: Get, headers: tuple[str, ...]
) -> None:
    raw.answers = [a_piece(*headers), an_answer(NEW)]

    got = await get(f"{raw.url}/x.bin")

    assert (got.files, "range" in raw.asked[1].headers) == ({"x.bin": NEW}, False)


async def test_server_that_cannot_be_reached_is_not_asked_again(raw: Raw, get: Get) -> None:
    got = await get("http://127.0.0.1:1/x.bin")

    assert (got.status, got.output.count("floe: ")) == (1, 1)


async def test_progress_is_reported_and_the_last_line_has_size_time_and_digest(
    raw: Raw, get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "PROGRESS_S", 0.0)
    body = b"x" * 1_000_000
    raw.answers = [an_answer(body)]

    got = await get(f"{raw.url}/x.bin")

    assert "% of 1.0 MB, " in got.output
    assert f"1000000 bytes, sha256 {hashlib.sha256(body).hexdigest()} (" in got.output


async def test_cookie_of_one_download_is_not_sent_by_another(raw: Raw, get: Get) -> None:
    raw.answers = [an_answer(b"", "Set-Cookie: session=1; Path=/"), an_answer()]
    url = raw.url.replace("127.0.0.1", "localhost")

    await get(f"{url}/a", "x")
    await get(f"{url}/b", "x")

    assert "cookie" not in raw.asked[1].headers


BASIC = "Basic " + base64.b64encode("bob:p@ß".encode()).decode()


async def test_password_goes_to_its_own_host_only(raw: Raw, get: Get) -> None:
    elsewhere = f"http://localhost:{raw.port}"
    raw.answers = [a_redirect("/b"), a_redirect(f"{elsewhere}/c"), a_redirect(f"{raw.url}/d")]
    raw.answers.append(an_answer())

    await get(f"http://bob:p%40%C3%9F@127.0.0.1:{raw.port}/a", "x")

    sent = [asked.headers.get("authorization") for asked in raw.asked]
    assert sent == [BASIC, BASIC, None, None]


async def test_password_in_a_redirect_is_sent_and_not_shown(raw: Raw, get: Get) -> None:
    there = f"http://bob:p%40%C3%9F@127.0.0.1:{raw.port}/b?token=s3cretpw"
    raw.answers = [a_redirect(there), an_answer()]

    got = await get(f"{raw.url}/a?sig=s3cretpw", "x")

    assert raw.asked[1].headers["authorization"] == BASIC
    assert ("p%40" in got.output, "s3cretpw" in got.output) == (False, False)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/d/x%20y.bin?a=/b", "x y.bin"),
        ("/d/a%2Fb.bin", "b.bin"),
        ("/..%2F..%2Fb.bin", "b.bin"),
        ("/a@b;c=d", "a@b;c=d"),
        ("/-rf", "-rf"),
        ("/%C3%A4", "ä"),
        ("/%E4", "\udce4"),
        ("/x#/y", "x"),
    ],
)
async def test_file_is_named_after_the_last_part_of_the_path(
    raw: Raw, get: Get, path: str, name: str
) -> None:
    raw.answers = [an_answer()]

    got = await get(raw.url + path)

    assert got.files == {name: b"hello"}


@pytest.mark.parametrize("path", ["/" + "x" * 256, "/" + "%C3%A4" * 128, "/a%0Ab", "/a/", "/.."])
async def test_path_that_is_no_name_of_a_file_is_refused_before_it_is_asked_for(
    raw: Raw, get: Get, path: str
) -> None:
    got = await get(raw.url + path)

    assert (got.status, raw.asked) == (None, [])
