"""The pack for requests: what it sends, what it gives, and where it does not go."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest

from floe.packs import Event
from floe.packs.connections import Unanswered
from floe.packs.shipped.configuration import WrongSetting
from floe.packs.shipped.http import HttpClient, HttpInput, HttpSettings, NotReached, http_pack
from floe.packs.testing import MemoryServer
from tests.ports import free_port

pytestmark = pytest.mark.slow

HERE: Final = ["127.0.0.0/8"]


class Web:
    """A server that answers each request with what it got; `/to/STATUS/URL` redirects."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            def _reply(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                web.seen.append((self.command, self.path, headers, body))
                to, _, url = self.path.removeprefix("/to/").partition("/")
                is_redirect = self.path.startswith("/to/")
                self.send_response(int(to) if is_redirect else 200)
                if is_redirect:
                    self.send_header("Location", url)
                text = json.dumps({"path": self.path}).encode()
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(text)

            do_GET = do_POST = do_HEAD = do_PUT = _reply

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def web() -> Iterator[Web]:
    web = Web()
    yield web
    web.close()


@pytest.fixture
def other() -> Iterator[Web]:
    web = Web()
    yield web
    web.close()


def carried_out(url: str, settings: HttpSettings | None = None, **given: Any) -> dict[str, Any]:
    client = HttpClient(settings or HttpSettings(private=HERE))
    return client.carry_out(HttpInput(url, **given))


def test_answer_has_status_headers_body_and_json(web: Web) -> None:
    answer = carried_out(f"{web.url}/a?b=c d")

    assert (answer["status"], answer["cut"], answer["url"]) == (200, False, f"{web.url}/a?b=c d")
    assert answer["json"] == {"path": "/a?b=c%20d"} == json.loads(answer["body"])
    assert answer["headers"]["content-type"] == "application/json; charset=utf-8"


def test_body_that_is_no_text_is_sent_as_json(web: Web) -> None:
    carried_out(web.url, method="POST", body={"a": 1}, headers={"X-Own": "1"})

    [(method, _, headers, body)] = web.seen
    assert (method, body, headers["content-type"]) == ("POST", b'{"a": 1}', "application/json")
    assert headers["x-own"] == "1"


def test_text_is_sent_as_it_is(web: Web) -> None:
    carried_out(web.url, method="PUT", body="é", headers={"Content-Type": "text/plain"})

    assert web.seen[0][3] == "é".encode()


def test_pack_gives_answers_and_faults_as_events(web: Web) -> None:
    away = f"http://127.0.0.1:{free_port()}/"
    with MemoryServer() as server:
        pack = http_pack({"HTTP_PRIVATE": "127.0.0.0/8, ::1/128"})
        with pack.in_background(server.settings()):
            good = server.carry_out("Request", {"url": web.url})
            bad = server.carry_out("Request", {"url": away})
            wrong = server.carry_out("Request", {"url": "gopher://x"})

    assert (good.name, good.payload["status"]) == ("Response", 200)
    error = f"{away[7:-1]}: [Errno 111] Connection refused"
    assert bad == Event("RequestFailed", {"url": away, "error": error})
    assert wrong.payload["error"] == "'gopher://x' is no URL of http or https"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "10.0.0.1",
        "100.64.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "224.0.0.1",
        "[fe80::1]",
        "[fd00::1]",
        "0.0.0.0",
        "255.255.255.255",
    ],
)
def test_address_that_is_not_public_is_refused(host: str) -> None:
    with pytest.raises(NotReached, match="is no public address"):
        carried_out(f"http://{host}:1/", HttpSettings())


def test_name_is_resolved_once_so_that_a_second_answer_cannot_lead_elsewhere(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [["127.0.0.1"], ["10.0.0.1"]]
    resolved = []

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        resolved.append(host)
        found = answers.pop(0) if host == "rebound.example" else [host]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    assert carried_out(f"http://rebound.example:{web.port}/")["status"] == 200
    assert resolved.count("rebound.example") == 1


def test_name_with_one_address_inside_is_refused_whatever_the_others_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = ["93.184.216.34", "10.0.0.1"]
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 80)) for one in both]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    with pytest.raises(NotReached, match=r"10\.0\.0\.1 is no public address"):
        carried_out("http://both.example/", HttpSettings())


def test_redirect_to_an_address_inside_is_refused(web: Web) -> None:
    with pytest.raises(NotReached, match=r"169\.254\.169\.254 is no public address"):
        carried_out(f"{web.url}/to/302/http://169.254.169.254/latest/meta-data")


def test_redirect_to_a_server_that_is_not_allowed_is_refused(web: Web) -> None:
    settings = HttpSettings(private=HERE, hosts=["127.0.0.1"])

    with pytest.raises(NotReached, match="localhost is none of HTTP_HOSTS"):
        carried_out(f"{web.url}/to/302/http://localhost:{web.port}/", settings)


@pytest.mark.parametrize("scheme", ["file:///etc/passwd", "ftp://x/", "javascript:1"])
def test_redirect_away_from_http_is_refused(web: Web, scheme: str) -> None:
    with pytest.raises(ValueError, match="is no URL of http or https"):
        carried_out(f"{web.url}/to/302/{scheme}")


def test_redirect_to_a_different_server_takes_no_secrets_along(web: Web, other: Web) -> None:
    secrets = {"Authorization": "Bearer x", "Cookie": "a", "X-Api-Key": "k", "Accept": "text/x"}

    carried_out(f"{web.url}/to/302/{other.url}/", headers=secrets)

    [(_, _, headers, _)] = other.seen
    assert not {"authorization", "cookie", "x-api-key"} & headers.keys()
    assert headers["accept"] == "text/x"


def test_redirect_at_the_same_server_keeps_headers_and_body(web: Web) -> None:
    carried_out(f"{web.url}/to/307//end", method="POST", body="b", headers={"X-Api-Key": "k"})

    method, path, headers, body = web.seen[1]
    assert (method, path, headers["x-api-key"], body) == ("POST", "/end", "k", b"b")


def test_redirect_of_a_post_is_read_without_its_body(web: Web) -> None:
    carried_out(f"{web.url}/to/303//end", method="POST", body="b")

    assert (web.seen[1][0], web.seen[1][3]) == ("GET", b"")


def test_body_does_not_follow_to_a_different_server(web: Web, other: Web) -> None:
    with pytest.raises(NotReached, match="a redirect leads to a different server"):
        carried_out(f"{web.url}/to/307/{other.url}/", method="POST", body="secret")

    assert other.seen == []


def test_redirects_in_a_circle_end(web: Web) -> None:
    with pytest.raises(NotReached, match="there are more than 5 redirects"):
        carried_out(f"{web.url}/to/302//to/302//to/302//to/302//to/302//to/302//x")


def test_token_of_a_server_is_sent_to_it_alone(web: Web) -> None:
    own = {"LocalHost.": {"Authorization": "Bearer s3cret"}}
    settings = HttpSettings(private=["127.0.0.0/8", "::1/128"], headers=own)

    carried_out(f"http://localhost:{web.port}/to/302/{web.url}/", settings)

    sent = [headers.get("authorization") for _, _, headers, _ in web.seen]
    assert (sent, "s3cret" in repr(settings)) == (["Bearer s3cret", None], False)


@pytest.mark.parametrize(
    ("hosts", "host", "is_allowed"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("*.example.org", "a.example.org", True),
        ("*.example.org", "example.org", False),
        ("example.org", "example.org.evil.test", False),
        ("example.org", "evil-example.org", False),
    ],
)
def test_names_of_servers_are_compared_whole(hosts: str, host: str, is_allowed: bool) -> None:
    settings = HttpSettings(hosts=[hosts])

    with pytest.raises(Exception, match=r".") as raised:
        carried_out(f"http://{host}:1/", settings)

    assert ("none of HTTP_HOSTS" not in str(raised.value)) is is_allowed


@pytest.mark.parametrize(
    "given",
    [
        {"url": "http://127.0.0.1@evil.test/"},
        {"url": "http://u:p@127.0.0.1/"},
        {"method": "CONNECT"},
        {"method": "GET / HTTP/1.1\r\nX: 1"},
        {"headers": {"Host": "other"}},
        {"headers": {"transfer-encoding": "chunked"}},
        {"headers": {"X": "a\r\nY: b"}},
        {"headers": {"X\r\nY": "a"}},
        {"headers": {"X": "\u0001\u20ac"}},
        {"url": "http://127.0.0.1:99999/"},
        {"url": "//127.0.0.1/"},
        {"url": "http://[::1/"},
        {"url": ""},
    ],
)
def test_request_that_would_be_a_different_one_is_refused(web: Web, given: dict[str, Any]) -> None:
    with pytest.raises((NotReached, ValueError)):
        carried_out(**{"url": web.url, **given})

    assert web.seen == []


def test_line_ends_in_a_path_stay_in_it(web: Web) -> None:
    carried_out(f"{web.url}/a%0d%0aX: 1\r\nY: 2")

    assert web.seen[0][1] == "/a%0d%0aX:%201Y:%202"


@contextmanager
def a_slow_server(first: bytes, byte: bytes, pause_s: float) -> Iterator[str]:
    """A server that sends some bytes, and then one after each pause."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(4096)
                    connection.sendall(first)
                    while not stop.wait(pause_s):
                        connection.sendall(byte)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        stop.set()


@pytest.mark.parametrize(
    "first", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"]
)
def test_time_of_a_request_is_limited_however_slowly_its_answer_comes(first: bytes) -> None:
    late = pytest.raises(Unanswered, match=r"no answer within 0\.\d+ s")
    with a_slow_server(first, b"x", 0.02) as url, late:
        carried_out(url, timeout_s=0.3)


def test_answer_above_the_limit_is_cut() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    settings = HttpSettings(private=HERE, body_bytes=1000)
    with a_slow_server(head + b"1" * 100_000, b"1", 0.01) as url:
        answer = carried_out(url, settings)

    assert (len(answer["body"]), answer["cut"], answer["json"]) == (1000, True, None)


@pytest.mark.parametrize("body", [b"NaN", b"[1e999]", b"[" * 100_000, b"{", b"9" * 5_000])
def test_json_that_no_event_can_have_is_in_the_body_only(body: bytes) -> None:
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
    with a_slow_server(f"{head}{len(body)}\r\n\r\n".encode() + body, b"", 0.01) as url:
        answer = carried_out(url)

    assert (answer["body"].encode(), answer["json"]) == (body, None)


@pytest.mark.parametrize("byte", [b"\xff", b"\0", b"1"])
def test_answer_of_any_bytes_is_a_result_that_a_host_takes(byte: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    with a_slow_server(head + byte * 1_000_000, byte, 0.01) as url:
        payload = carried_out(url)

    assert len(Event("Response", payload).body()) < 2**21


def test_certificate_that_is_not_trusted_is_refused() -> None:
    import ssl

    folder = Path(__file__).parents[2] / "data/tls"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                connection, _ = listener.accept()
                with context.wrap_socket(connection, server_side=True):
                    pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with pytest.raises(Unanswered, match="certificate verify failed"):
            carried_out(f"https://localhost:{listener.getsockname()[1]}/", timeout_s=5)
        thread.join()


@pytest.mark.parametrize("host", ["api.test:8443", "https://api.test", "a/b", "u@h", "*", ""])
def test_name_that_no_request_has_is_refused_at_the_start(host: str) -> None:
    with pytest.raises(WrongSetting, match="is no name of a server"):
        HttpClient(HttpSettings(hosts=[host]))


def test_header_with_a_secret_is_checked_at_the_start() -> None:
    own = {"127.0.0.1": {"Authorization": "Bearer s3cret\n"}}

    with pytest.raises(WrongSetting, match="Authorization has more") as found:
        HttpClient(HttpSettings(headers=own))

    assert "s3cret" not in str(found.value)


def test_wrong_network_is_refused_at_the_start() -> None:
    with pytest.raises(WrongSetting, match=r"HTTP_PRIVATE: 10\.0\.0\.1/8 has host bits set"):
        http_pack({"HTTP_PRIVATE": "10.0.0.1/8"})
