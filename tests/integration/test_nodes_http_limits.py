"""What protects a host and its secrets when http tasks send requests."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from floe.expr.template import template_of, template_parts
from floe.model.http import HttpAuth, HttpHeader, HttpOutput
from floe.model.secret_name import SecretName, SecretRef
from floe.model.signal import Answered, Failed, Report
from floe.model.template import Template, TemplatePart
from floe.nodes import exchange
from floe.nodes.forbidden import ForbiddenAddresses
from floe.nodes.requests import Requests
from floe.nodes.secrets import EnvironmentSecrets, HostSecrets
from floe.nodes.vault import Vault
from tests.make_http import Echo, echoing, sent
from tests.make_nodes import a_job
from tests.tcp import serving

TLS = Path(__file__).parents[1] / "data" / "tls"
TOKEN = "t0ken-of-a-test"
SECRETS = HostSecrets(
    Vault(Path("/nowhere")),
    [EnvironmentSecrets({"FLOE_SECRET_TOKEN": TOKEN, "FLOE_SECRET_BROKEN": "first\nsecond"})],
)
HIDDEN_PART = TemplatePart(path=("values", "token"), data="filled", is_secret=True)
BEARER = HttpAuth(bearer=SecretRef(SecretName("TOKEN")))


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    async with echoing() as echo:
        yield echo


@pytest.fixture
async def other() -> AsyncIterator[Echo]:
    async with echoing() as echo:
        yield echo


@pytest.fixture
async def requests() -> AsyncIterator[Requests]:
    requests = Requests(secrets=SECRETS)
    yield requests
    await requests.close()


@pytest.fixture
def no_waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits between requests of an attempt, which take no time."""
    waits = list[float]()

    async def pass_at_once(wait_s: float) -> None:
        waits.append(wait_s)

    monkeypatch.setattr(exchange, "pause", pass_at_once)
    return waits


def why(report: Report) -> str:
    """The reason of an error."""
    assert isinstance(report, Failed), report
    return report.why


def answer(report: Report) -> Answered:
    assert isinstance(report, Answered), report
    return report


# --- credentials ---


async def test_bearer_is_sent_and_not_logged(
    tmp_path: Path, echo: Echo, requests: Requests
) -> None:
    await sent(tmp_path, requests, echo.url, auth=BEARER)

    assert echo.requests[0][2]["authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in a_job(tmp_path).output.read_text()


async def test_user_and_password_are_basic_authorization(
    tmp_path: Path, echo: Echo, requests: Requests
) -> None:
    auth = HttpAuth(user="ä", password=SecretRef(SecretName("TOKEN")))

    await sent(tmp_path, requests, echo.url, auth=auth)

    assert echo.requests[0][2]["authorization"] == "Basic w6Q6dDBrZW4tb2YtYS10ZXN0"


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("ABSENT", "this host has no secret ABSENT"),
        ("BROKEN", "the secret BROKEN cannot be sent in a header"),
    ],
)
async def test_secret_that_cannot_be_sent_is_named(
    tmp_path: Path, echo: Echo, requests: Requests, name: str, what: str
) -> None:
    headers = (HttpHeader(name="X-Key", secret=SecretRef(SecretName(name))),)

    report = await sent(tmp_path, requests, echo.url, headers=headers)

    assert what in why(report)
    assert echo.requests == []


# --- redirects ---


async def test_redirect_is_followed_with_credentials_on_the_same_server(
    tmp_path: Path, echo: Echo, requests: Requests
) -> None:
    report = await sent(tmp_path, requests, f"{echo.url}/move", redirects=1, auth=BEARER)

    assert answer(report).outputs["body"] == {"id": 7, "tags": ["a", None, 1.5]}
    assert echo.requests[1][2]["authorization"] == f"Bearer {TOKEN}"


async def test_credentials_and_secrets_stay_with_the_first_server(
    tmp_path: Path, echo: Echo, other: Echo, requests: Requests
) -> None:
    headers = (
        HttpHeader(name="X-Key", secret=SecretRef(SecretName("TOKEN"))),
        HttpHeader(name="Cookie", value="a=b"),
        HttpHeader(name="X-Api-Key", value="written"),
        HttpHeader(name="X-Note", value=Template(parts=(HIDDEN_PART,))),
        HttpHeader(name="X-Run", value="h1-12"),
    )
    url = f"{echo.url}/move?to={other.url}/"

    await sent(tmp_path, requests, url, redirects=1, auth=BEARER, headers=headers)

    received = other.requests[0][2]
    assert received["x-run"] == "h1-12"
    private = {"authorization", "cookie", "x-key", "x-api-key", "x-note"}
    assert not private & received.keys()
    assert private <= echo.requests[0][2].keys()
    assert TOKEN not in str(other.requests)


@pytest.mark.parametrize(
    ("status", "method", "then", "body"),
    [
        (303, "PUT", "GET", b""),
        (302, "POST", "GET", b""),
        (302, "PUT", "PUT", b"x"),
        (307, "POST", "POST", b"x"),
    ],
)
async def test_redirect_changes_the_method_as_browsers_do(
    tmp_path: Path,
    echo: Echo,
    requests: Requests,
    status: int,
    method: str,
    then: str,
    body: bytes,
) -> None:
    url = f"{echo.url}/move?status={status}"

    await sent(tmp_path, requests, url, method, redirects=1, body="x")

    assert (echo.requests[1][0], echo.requests[1][3]) == (then, body)
    assert ("content-type" in echo.requests[1][2]) == bool(body)


async def test_more_redirects_than_allowed_leave_the_last_reply(
    tmp_path: Path, echo: Echo, requests: Requests
) -> None:
    report = await sent(tmp_path, requests, f"{echo.url}/move?to=/move", redirects=1)

    assert answer(report).why == "answered 302 Found"
    assert "more than 1 redirects" in a_job(tmp_path).output.read_text()


async def test_redirect_to_a_file_is_refused(
    tmp_path: Path, echo: Echo, requests: Requests
) -> None:
    report = await sent(tmp_path, requests, f"{echo.url}/move?to=file:///etc/passwd", redirects=1)

    assert why(report) == "127.0.0.1 redirects, and only http and https urls can be requested"


# --- forbidden addresses ---


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
async def test_forbidden_address_gets_nothing_by_any_name(
    tmp_path: Path, echo: Echo, host: str
) -> None:
    requests = Requests(forbidden=ForbiddenAddresses(("loopback",)))
    url = echo.url.replace("127.0.0.1", host)

    report = await sent(tmp_path, requests, url)

    assert "forbidden for requests here: `http-forbid` has loopback" in why(report)
    assert echo.requests == []


async def test_own_api_is_refused_after_a_redirect_too(
    tmp_path: Path, echo: Echo, other: Echo
) -> None:
    port = int(other.url.rpartition(":")[2])
    requests = Requests(forbidden=ForbiddenAddresses(("own-api",), (port,)))

    report = await sent(tmp_path, requests, f"{echo.url}/move?to={other.url}/", redirects=1)

    assert why(report) == f"port {port} of 127.0.0.1 is this host's API, which `http-forbid` has"
    assert other.requests == []


async def test_proxy_of_the_environment_gets_the_request(
    tmp_path: Path, echo: Echo, requests: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", echo.url)

    report = await sent(tmp_path, requests, "http://service.example.com/json?a=%41")

    assert answer(report).good
    assert echo.requests[0][1] == "http://service.example.com/json?a=%41"


async def test_forbidden_address_in_a_url_is_refused_before_a_proxy(
    tmp_path: Path, echo: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", echo.url)
    requests = Requests(forbidden=ForbiddenAddresses(("link-local",)))

    report = await sent(tmp_path, requests, "http://169.254.169.254/latest/meta-data")

    assert "`http-forbid` has link-local" in why(report)
    assert echo.requests == []


# --- certificates ---


def certified() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")
    return context


async def test_certificate_of_an_own_authority_is_trusted_where_it_is_named(
    tmp_path: Path, requests: Requests
) -> None:
    async with echoing(certified()) as echo:
        with_file = await sent(tmp_path, requests, echo.url, ca_file=str(TLS / "cert.pem"))
        without = await sent(tmp_path, requests, echo.url)

    assert isinstance(with_file, Answered)
    assert "its certificate is not trusted" in why(without)


async def test_certificate_for_a_different_name_is_refused_by_its_name(
    tmp_path: Path, requests: Requests
) -> None:
    async with echoing(certified(), "127.0.0.2") as echo:
        report = await sent(tmp_path, requests, echo.url, ca_file=str(TLS / "cert.pem"))

    assert "its certificate is not trusted" in why(report)
    assert "certificate is not valid for '127.0.0.2'" in why(report)
    assert echo.requests == []


async def test_certificate_is_not_checked_with_verify_false(
    tmp_path: Path, requests: Requests
) -> None:
    async with echoing(certified()) as echo:
        report = await sent(tmp_path, requests, echo.url, verify=False)

    assert isinstance(report, Answered)


async def test_ca_file_that_cannot_be_read_is_named(
    tmp_path: Path, echo: Echo, requests: Requests
) -> None:
    report = await sent(tmp_path, requests, echo.url, ca_file="/nowhere/ca.pem")

    assert "ca-file /nowhere/ca.pem cannot be used: No such file or directory" in why(report)


# --- retries ---


async def test_request_is_sent_again_for_the_statuses_of_retry_on(
    tmp_path: Path, echo: Echo, requests: Requests, no_waits: list[float]
) -> None:
    echo.failures = 2

    report = await sent(tmp_path, requests, f"{echo.url}/busy", retry_on=("503",))

    assert (answer(report).good, no_waits) == (True, [1.0, 2.0])


async def test_request_is_sent_again_five_times_at_most(
    tmp_path: Path, echo: Echo, requests: Requests, no_waits: list[float]
) -> None:
    echo.failures = 100

    report = await sent(tmp_path, requests, f"{echo.url}/busy", retry_on=("5xx",))

    assert (answer(report).good, len(echo.requests), len(no_waits)) == (False, 6, 5)


@pytest.mark.parametrize(
    ("retry_after", "waits"),
    [
        ("7", [7.0]),
        ("61", []),
        ("9" * 400, []),
        ("soon", [1.0]),
        ("-1", [1.0]),
        ("Thu, 01 Jan 1970 00:00:00 GMT", [0.0]),
    ],
)
async def test_retry_after_is_obeyed_within_bounds(
    tmp_path: Path,
    echo: Echo,
    requests: Requests,
    no_waits: list[float],
    retry_after: str,
    waits: list[float],
) -> None:
    echo.failures, echo.retry_after = 1, retry_after

    await sent(tmp_path, requests, f"{echo.url}/busy", retry_on=("503",))

    assert no_waits == waits


# --- outputs ---


def an_output(id: str, text: str) -> HttpOutput:
    return HttpOutput(id=id, value=template_of(template_parts(text, ("status", "headers", "body"))))


async def test_outputs_are_expressions_over_the_reply(
    tmp_path: Path, echo: Echo, requests: Requests
) -> None:
    outputs = (
        an_output("id", "{{ body.id }}"),
        an_output("first", "{{ body.tags|first }}-{{ status }}"),
        an_output("type", "{{ headers['content-type'] }}"),
    )

    report = await sent(tmp_path, requests, f"{echo.url}/json", outputs=outputs)

    assert answer(report).outputs == {
        "status": 200,
        "id": 7,
        "first": "a-200",
        "type": "application/json; charset=utf-8",
    }


async def test_output_that_a_good_reply_lacks_is_an_error(
    tmp_path: Path, echo: Echo, requests: Requests
) -> None:
    report = await sent(
        tmp_path, requests, f"{echo.url}/json", outputs=(an_output("a", "{{ body.none }}"),)
    )

    assert why(report).startswith("output a: `body.none` is missing")


async def test_output_that_a_bad_reply_lacks_hides_no_status(
    tmp_path: Path, echo: Echo, requests: Requests
) -> None:
    report = await sent(
        tmp_path, requests, f"{echo.url}/status/503", outputs=(an_output("a", "{{ body.id }}"),)
    )

    assert (answer(report).why, answer(report).outputs) == (
        "answered 503 Service Unavailable",
        {"status": 503},
    )


async def test_expected_status_is_good(tmp_path: Path, echo: Echo, requests: Requests) -> None:
    report = await sent(tmp_path, requests, f"{echo.url}/status/404", expect=("2xx", "404"))

    assert answer(report).good


# --- hostile servers ---

HEAD = b"HTTP/1.1 200 OK\r\n"
Talk = Callable[[asyncio.StreamWriter], Awaitable[None]]


async def endless_body(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"\r\n")
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


async def huge_body(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"Content-Length: 10000000000\r\n\r\n")
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


async def gzip_bomb(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"0" * 64_000_000))
    await writer.drain()


async def half_a_body(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"Content-Length: 10\r\n\r\nhalf")


async def invalid_chunks(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n")


async def reset(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def long_header(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"X: " + b"a" * 10_000_000 + b"\r\n\r\n")
    await writer.drain()


async def no_http(writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")


async def flood_of_1xx(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 100)
        await writer.drain()


async def no_answer(writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    "talk",
    [
        endless_body,
        huge_body,
        gzip_bomb,
        half_a_body,
        invalid_chunks,
        reset,
        long_header,
        no_http,
    ],
)
async def test_reply_that_is_none_is_an_error(
    tmp_path: Path, requests: Requests, talk: Talk
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await talk(writer)

    async with serving(answer) as url:
        report = await sent(tmp_path, requests, url)

    assert isinstance(report, Failed)
    assert (report.cause, report.why != "") == ("error", True)
    assert a_job(tmp_path).output.stat().st_size < 1_100_000


@pytest.mark.parametrize("talk", [flood_of_1xx, no_answer])
async def test_reply_that_never_comes_is_a_timeout(
    tmp_path: Path, requests: Requests, talk: Talk
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await talk(writer)

    async with serving(answer) as url:
        report = await sent(tmp_path, requests, url, timeout_s=0.5)

    assert isinstance(report, Failed)
    assert report.cause == "timeout"
