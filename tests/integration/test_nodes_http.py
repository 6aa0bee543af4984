"""Requests of http tasks against real servers."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from floe.model.http import Http, HttpHeader
from floe.model.ids import Json
from floe.model.signal import Answered, Failed
from floe.nodes.requests import Requests
from tests.make_http import Echo, echoing, sent
from tests.make_nodes import Reports, a_job
from tests.tcp import serving


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    async with echoing() as echo:
        yield echo


@pytest.fixture
async def requests() -> AsyncIterator[Requests]:
    requests = Requests()
    await requests.open()
    yield requests
    await requests.close()


async def outputs(root: Path, requests: Requests, url: str) -> dict[str, Json]:
    """The outputs of a good request, without its headers."""
    report = await sent(root, requests, url)
    assert isinstance(report, Answered), report
    return {name: value for name, value in report.outputs.items() if name != "headers"}


def log(root: Path) -> str:
    """The output of the attempt."""
    return a_job(root).output.read_text()


async def test_request_arrives_as_it_is_written(
    tmp_path: Path, echo: Echo, requests: Requests
) -> None:
    headers = (HttpHeader(name="X-Run", value="h1-12"),)

    await sent(
        tmp_path,
        requests,
        f"{echo.url}/a%2fb/../c?q=%20+",
        "PATCH",
        headers=headers,
        body='{"a":1}',
        body_type="json",
    )

    [(method, path, received, body)] = echo.requests
    assert (method, path, body) == ("PATCH", "/a%2fb/../c?q=%20+", b'{"a":1}')
    assert (received["x-run"], received["content-type"]) == ("h1-12", "application/json")


async def test_json_is_an_output_with_its_types(
    tmp_path: Path, echo: Echo, requests: Requests
) -> None:
    found = await outputs(tmp_path, requests, f"{echo.url}/json")

    assert found == {"status": 200, "body": {"id": 7, "tags": ["a", None, 1.5]}}


@pytest.mark.parametrize(
    ("path", "note"),
    [
        ("/large", "it has 100000 bytes, more than 64 KiB"),
        ("/binary", "it is not text"),
    ],
)
async def test_body_that_is_no_output_is_in_the_log(
    tmp_path: Path, echo: Echo, requests: Requests, path: str, note: str
) -> None:
    job = a_job(tmp_path)

    found = await outputs(tmp_path, requests, echo.url + path)

    assert found == {"status": 200}
    assert f"the body is no output: {note}".encode() in job.output.read_bytes()


async def test_wrong_json_stays_text(tmp_path: Path, echo: Echo, requests: Requests) -> None:
    found = await outputs(tmp_path, requests, f"{echo.url}/wrong-json")

    assert found == {"status": 200, "body": "{"}


async def test_unexpected_status_is_bad_with_its_reason_and_outputs(
    tmp_path: Path, echo: Echo, requests: Requests
) -> None:
    report = await sent(tmp_path, requests, f"{echo.url}/status/503")

    assert isinstance(report, Answered)
    assert (report.good, report.why) == (False, "answered 503 Service Unavailable")
    assert report.outputs["body"] == "so be it"


async def test_redirect_is_not_followed(tmp_path: Path, echo: Echo, requests: Requests) -> None:
    report = await sent(tmp_path, requests, f"{echo.url}/move")

    assert isinstance(report, Answered)
    assert (report.good, report.why) == (False, "answered 302 Found")


async def test_cookie_of_one_request_is_not_sent_by_the_next(
    tmp_path: Path, echo: Echo, requests: Requests
) -> None:
    await sent(tmp_path, requests, f"{echo.url}/cookie")
    await sent(tmp_path, requests, f"{echo.url}/", "PUT")

    assert ["cookie" in headers for _, _, headers, _ in echo.requests] == [False, False]


async def test_log_has_the_request_the_status_and_the_body(
    tmp_path: Path, echo: Echo, requests: Requests
) -> None:
    await sent(tmp_path, requests, f"{echo.url}/?token=abc")

    assert log(tmp_path) == f"GET {echo.url}/?token=***\n200 OK, text/plain; charset=utf-8\nhello"


async def test_request_waits_until_its_start_is_stored(
    tmp_path: Path, echo: Echo, requests: Requests
) -> None:
    job, reported = a_job(tmp_path, Http(url=echo.url, method="POST")), Reports()
    requests.start(job, reported)
    await reported.until_started()

    requests.stop(job.key)
    await reported.report()

    assert echo.requests == []


async def test_server_that_is_away_is_an_error(tmp_path: Path, requests: Requests) -> None:
    report = await sent(tmp_path, requests, "http://127.0.0.1:9/")

    assert isinstance(report, Failed)
    assert report.cause == "error"
    assert "127.0.0.1" in report.why


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("file:///etc/passwd", "only http and https urls can be requested"),
        ("http://", "the url has no host"),
        ("http://a\r\nX: y/", "control character"),
    ],
)
async def test_url_that_cannot_be_requested_does_not_start(
    tmp_path: Path, requests: Requests, url: str, why: str
) -> None:
    report = await sent(tmp_path, requests, url)

    assert isinstance(report, Failed)
    assert (report.cause, why in report.why) == ("start", True)


async def test_server_that_stalls_is_a_timeout(tmp_path: Path, requests: Requests) -> None:
    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")
        await reader.read()

    async with serving(stall) as url:
        report = await sent(tmp_path, requests, url, timeout_s=0.2)

    assert isinstance(report, Failed)
    assert report.cause == "timeout"
    assert report.why == "127.0.0.1 sent no complete reply within 0.2 s"


async def test_escapes_that_need_not_be_are_sent_as_they_are(
    tmp_path: Path, echo: Echo, requests: Requests
) -> None:
    """Source: Kong/insomnia issue 975, in which a service needs each character escaped."""
    await sent(tmp_path, requests, f"{echo.url}/?text=%4E%C3%A4%72%20%6D&p=%2530%25")

    assert echo.requests[0][1] == "/?text=%4E%C3%A4%72%20%6D&p=%2530%25"


async def test_empty_body_of_type_json_is_no_error(
    tmp_path: Path, echo: Echo, requests: Requests
) -> None:
    """Source: n8n-io/n8n issue 5214, in which such replies broke the node."""
    found = await outputs(tmp_path, requests, f"{echo.url}/empty")

    assert found == {"status": 201}
    assert "floe:" not in log(tmp_path)


async def test_json_of_a_refusal_is_an_output_too(
    tmp_path: Path, echo: Echo, requests: Requests
) -> None:
    """Source: langgenius/dify issue 25974, in which the body of a 422 was empty."""
    report = await sent(tmp_path, requests, f"{echo.url}/invalid")

    assert isinstance(report, Answered)
    assert report.outputs["body"] == {"errors": ["Due date is wrong"]}
