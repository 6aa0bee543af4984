"""Addresses, tokens, and what answers of a host stand for."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from floe.cli.client import Account, Client, account, account_path, path
from floe.model.errors import (
    ConfigInvalid,
    Conflict,
    Denied,
    FloeError,
    NotFound,
    Theirs,
    ValuesInvalid,
    Yours,
)


class Answering(BaseHTTPRequestHandler):
    """Answers /build/api/STATUS with that status and the server's body."""

    body = b""

    def do_GET(self) -> None:
        self.send_response(int(self.path.rpartition("/")[2]))
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def client() -> Iterator[Client]:
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        client = Client(Account(url=f"http://127.0.0.1:{server.server_port}", token="t"))
        yield client
        client.close()
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("FLOE_URL", "FLOE_TOKEN", "FLOE_CA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Yours),
        (401, Denied),
        (403, Denied),
        (404, NotFound),
        (409, Conflict),
        (413, Yours),
        (500, Theirs),
        (503, Theirs),
    ],
)
def test_status_is_the_error_it_stands_for(
    client: Client, monkeypatch: pytest.MonkeyPatch, status: int, kind: type[FloeError]
) -> None:
    monkeypatch.setattr(Answering, "body", b'{"detail": "why", "hint": "what"}')

    with pytest.raises(FloeError) as caught:
        client.get(str(status))

    assert (type(caught.value), caught.value.what, caught.value.hint) == (kind, "why", "what")


def test_fields_and_findings_come_whole(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    finding = {"file": "f", "line": 1, "col": 2, "level": "error", "what": "w", "hint": ""}
    monkeypatch.setattr(Answering, "body", json.dumps({"findings": [finding]}).encode())
    with pytest.raises(ConfigInvalid, match="f:1:2: error: w"):
        client.get("422")
    monkeypatch.setattr(Answering, "body", b'{"fields": {"a": "b"}}')

    with pytest.raises(ValuesInvalid) as caught:
        client.get("422")

    assert caught.value.fields == {"a": "b"}


@pytest.mark.parametrize(("status", "body"), [(200, b"<html>"), (404, b"<html>"), (404, b"[]")])
def test_what_is_no_host_is_reported(
    client: Client, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes
) -> None:
    monkeypatch.setattr(Answering, "body", body)

    with pytest.raises(Theirs, match="host"):
        client.get(str(status))


def test_token_of_the_environment_may_be_in_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("secret\n")
    monkeypatch.setenv("FLOE_TOKEN", f"@{tmp_path}/token")

    assert account().token == "secret"


def test_file_of_a_token_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FLOE_TOKEN", f"@{tmp_path}/none")

    with pytest.raises(Yours, match="none cannot be read: No such file"):
        account()


def test_nobody_there_is_theirs() -> None:
    with pytest.raises(Theirs, match=r"no reply from http://127\.0\.0\.1:1: Connection refused"):
        Client(Account(url="http://127.0.0.1:1", token="t")).get("login")


@pytest.mark.parametrize("url", ["ftp://h", "http://", "h:80", "http://h:99999", ""])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Yours, match="is not the address of a host"):
        Account(url=url, token="t")


@pytest.mark.parametrize("token", ["a\nb", "ö", "\x1b"])
def test_what_cannot_be_a_token_is_refused(token: str) -> None:
    with pytest.raises(Denied, match="not a token"):
        Account(url="http://h", token=token)


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://h:1", "/build/api"),
        ("http://h:1/", "/build/api"),
        ("http://h/app/dash", "/build/api"),
        ("http://h/ci/api/", "/ci/api"),
    ],
)
def test_path_of_an_address_is_the_base_of_its_api(url: str, base: str) -> None:
    assert Account(url=url, token="t").base == base


def test_path_quotes_whatever_its_parts_hold() -> None:
    assert path("runs", "../a?b#c", "h1-1@k3f9") == "runs/..%2Fa%3Fb%23c/h1-1@k3f9"


def test_account_is_what_login_kept() -> None:
    account_path().parent.mkdir()
    account_path().write_text('{"url": "http://h:1", "token": "kept", "ca": "c.pem"}')

    assert account() == Account(url="http://h:1", token="kept", ca="c.pem")


def test_kept_token_is_not_shown_to_another_host(monkeypatch: pytest.MonkeyPatch) -> None:
    account_path().parent.mkdir()
    account_path().write_text('{"url": "http://h:1", "token": "kept"}')
    monkeypatch.setenv("FLOE_URL", "http://other:1")

    with pytest.raises(Denied, match="no token for http://other:1"):
        account()


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00"])
def test_broken_account_file_is_named(text: str) -> None:
    account_path().parent.mkdir()
    account_path().write_text(text)

    with pytest.raises(Denied, match=r"client\.json"):
        account()


def test_connection_that_the_host_closed_meanwhile_is_opened_again(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Answering, "protocol_version", "HTTP/1.1")
    monkeypatch.setattr(Answering, "body", b"{}")
    client.get("200")

    assert client.get("200") == {}
