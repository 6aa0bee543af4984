"""HTTP requests to a host with the standard library, and the file with its address and token."""

import http.client
import json
import os
import ssl
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

import click

from floe.files import read_named, reason_of
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
from floe.model.finding import Finding
from floe.model.ids import Shape

TIMEOUT_S: Final = 30.0
"""Seconds that a host has for a reply."""

BASE: Final = "/build/api"


WAITS_S: Final = (0.5, 1, 2, 5, 10)
"""Seconds before each further attempt to reach a host that was there; the last one repeats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account of a client: the address of a host, and the credentials for it."""

    url: str
    token: str
    ca: str = ""
    """A file with the certificate to trust; empty for the system's."""

    def __post_init__(self) -> None:
        """Raises Yours for an invalid address, Denied for an invalid token."""
        try:
            parts = urlsplit(self.url)
            is_right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            is_right = False
        if not (self.token.isascii() and self.token.isprintable()):
            raise Denied("this is not a token", "one line of printable characters")
        if not is_right:
            what = f"{self.url!r} is not the address of a host"
            raise Yours(what, "http://127.0.0.1:8080, or https://…")
        if "@" in self.netloc:
            raise Yours(f"{self.url} has a password in it", "floe login, or FLOE_TOKEN: a token")

    @property
    def netloc(self) -> str:
        """Host and port of the client's account."""
        return urlsplit(self.url).netloc

    @property
    def base(self) -> str:
        """The path of the client's address before every route of the API, if it has one."""
        path = urlsplit(self.url).path.rstrip("/")
        return BASE if not path or path.startswith("/app") else path

    def tls(self) -> ssl.SSLContext | None:
        """The client's TLS settings; None for plain HTTP. Raises Yours for an unusable file."""
        if urlsplit(self.url).scheme != "https":
            return None
        try:
            return ssl.create_default_context(cafile=self.ca or None)
        except OSError as error:
            raise Yours(f"{self.ca} has no certificate: {error}", "a PEM file") from None


def address(text: str) -> str:
    """The address for a client as people write it, completed."""
    return text if "://" in text else f"http://{text}"


def account_path() -> Path:
    """The file with a client's account, which `floe login` writes, readable only by its owner."""
    try:
        home = Path(os.environ.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser())
    except RuntimeError:
        raise Yours("floe's user has no home folder", "set HOME or XDG_CONFIG_HOME") from None
    return home / "floe" / "client.json"


def account() -> Account:
    """A client's account: FLOE_URL and FLOE_TOKEN, else that of `floe login`. Raises Denied.

    Raises Denied without a token, Yours for a file that cannot be read.
    """
    token = token_of(os.environ.get("FLOE_TOKEN", ""))
    try:
        kept = _kept()
    except Yours:
        if not token or not os.environ.get("FLOE_URL"):
            raise
        kept = {}  # an unreadable home folder does not matter then
    url = usual_address(kept)
    if not token and url.rstrip("/") == address(kept.get("url", "")).rstrip("/"):
        token = kept.get("token", "")
    if not token:
        raise Denied(
            f"no token for {url}", "floe login, or set FLOE_TOKEN to the token or to @FILE"
        )
    return Account(url=url, token=token, ca=os.environ.get("FLOE_CA") or kept.get("ca") or "")


def token_of(text: str) -> str:
    """A token for the client: itself, or `@file` for the content of a file. Raises Yours."""
    if not text.startswith("@"):
        return text
    try:
        return read_named(Path(text[1:]).expanduser(), ACCOUNT_BYTES_MAX).decode().strip()
    except OSError as error:
        raise Yours(f"{text[1:]} cannot be read: {reason_of(error)}") from None
    except ValueError as error:
        raise Yours(f"{text[1:]} is not text: {error}") from None


def usual_address(kept: Mapping[str, str] | None = None) -> str:
    """A client's address: FLOE_URL, else that of the last `floe login`, else the default."""
    url = os.environ.get("FLOE_URL") or (_kept() if kept is None else kept).get("url")
    return address(url or "http://127.0.0.1:8080")


ACCOUNT_BYTES_MAX: Final = 64 * 1024


def _kept() -> dict[str, str]:
    path = account_path()
    try:
        shape = json.loads(read_named(path, ACCOUNT_BYTES_MAX).decode())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise Denied(
            f"{path} cannot be read: {error}", "run floe login to write a new one"
        ) from None
    if not isinstance(shape, dict):
        raise Denied(f"{path} is not what floe login wrote", "run floe login to write a new one")
    return {name: str(value) for name, value in shape.items()}


def path(*parts: str) -> str:
    """A path below the API for the client, with its parts escaped."""
    return "/".join(quote(part, safe="@") for part in parts)


class Client:
    """A connection to one host, for requests one after the other."""

    def __init__(self, at: Account) -> None:
        self.at = at
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str, **query: object) -> Shape:
        """GET a JSON reply. Raises the host's error, or Theirs."""
        given = {k: v for k, v in query.items() if v not in (None, "")}
        return self._json("GET", path + ("?" + urlencode(given) if given else ""))

    def post(self, path: str, body: Mapping[str, object], once: str = "") -> Shape:
        """POST JSON; a repeated key gets the first reply."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": once or uuid.uuid4().hex}
        return self._json("POST", path, json.dumps(body).encode(), headers)

    def delete(self, path: str) -> None:
        """DELETE what a path names. Raises the host's error, or Theirs."""
        self._json("DELETE", path)

    @contextmanager
    def stream(self, path: str, **query: object) -> Iterator[http.client.HTTPResponse]:
        """GET a reply as a stream, without a time limit between its parts."""
        given = {k: v for k, v in query.items() if v not in (None, "")}
        answer = self._ask("GET", path + ("?" + urlencode(given) if given else ""), None, {})
        if answer.status >= 400:
            raise _error(answer.status, answer.read())
        if self._connection and self._connection.sock:
            self._connection.sock.settimeout(None)
        try:
            yield answer
            if answer.length:
                raise broken_off(self.at)
        except BrokenPipeError:
            raise  # our own reader has closed the pipe; the host is fine
        except (ConnectionError, http.client.HTTPException) as error:
            raise broken_off(self.at, error) from None
        finally:
            self.close()

    def close(self) -> None:
        """Close the connection; the next request opens a new one."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def _json(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Shape:
        answer = self._ask(method, path, body, headers or {})
        try:
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise broken_off(self.at, error) from None
        if answer.status >= 400:
            raise _error(answer.status, text)
        if not text:
            return {}
        try:
            shape: Shape = json.loads(text)
        except ValueError:
            hint = "is this the address of a floe host?"
            raise Theirs(f"{self.at.url} does not reply like a floe host", hint) from None
        return shape

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        all_headers = {"X-Floe-Auth": self.at.token, "Accept": "application/json", **headers}
        while True:
            connection = self._connect()
            is_reused = connection.sock is not None
            try:
                connection.request(method, f"{self.at.base}/{path}", body, all_headers)
                return connection.getresponse()
            except (OSError, http.client.HTTPException) as error:
                self.close()
                # The host closes idle connections, maybe just now. Sending a request twice is
                # safe: a POST has an idempotency key.
                if not (is_reused and isinstance(error, ConnectionError)):
                    raise unanswered(self.at, error) from None

    def _connect(self) -> http.client.HTTPConnection:
        if self._connection is None:
            if tls := self.at.tls():
                self._connection = http.client.HTTPSConnection(
                    self.at.netloc, timeout=TIMEOUT_S, context=tls
                )
            else:
                self._connection = http.client.HTTPConnection(self.at.netloc, timeout=TIMEOUT_S)
        return self._connection


def connected() -> Client:
    """A client for the user's host. Raises Denied if none is known."""
    return Client(account())


def unanswered(at: Account, error: Exception) -> Theirs:
    """The client's error for an unreachable host, with a hint."""
    hint = "is the host running? FLOE_URL or `floe login` set its address"
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = "floe login --ca FILE with the certificate to trust"
    elif isinstance(error, ssl.SSLError):
        hint = "does this address serve TLS? if not, write http://"
    elif isinstance(error, http.client.RemoteDisconnected):
        hint = "does this address serve TLS? if so, write https://"
    reason = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    return Theirs(f"no reply from {at.url}: {reason}", hint)


def broken_off(at: Account, error: Exception | None = None) -> Theirs:
    """The client's error for a reply that ended early."""
    reason = f": {error.strerror}" if isinstance(error, OSError) and error.strerror else ""
    return Theirs(f"{at.url} broke off{reason}", "the host may be stopping; try again")


class ClientPatience:
    """Waits for a host that was there before, longer each time, and reports it once."""

    def __init__(self, at: Account) -> None:
        self._at = at
        self._tries = 0

    def wait(self, why: str) -> None:
        """Wait before the next attempt."""
        if not self._tries:
            click.echo(f"{why}; waiting for it", err=True)
        time.sleep(WAITS_S[min(self._tries, len(WAITS_S) - 1)])
        self._tries += 1

    def end(self) -> None:
        """The host replies again."""
        if self._tries:
            click.echo(f"{self._at.url} is back", err=True)
        self._tries = 0


def _error(status: int, body: bytes) -> FloeError:
    """The error in a host's reply."""
    try:
        problem: Shape = json.loads(body)
        what = str(problem.get("detail") or problem.get("title") or status)
        hint = str(problem.get("hint") or "")
    except (ValueError, AttributeError):
        return Theirs(f"the host replied {status}", "is this the address of a floe host?")
    if problem.get("fields"):
        return ValuesInvalid(problem["fields"])
    if problem.get("findings"):
        return ConfigInvalid([Finding(**finding) for finding in problem["findings"]])
    kinds: Mapping[int, type[FloeError]] = {
        401: Denied,
        403: Denied,
        404: NotFound,
        409: Conflict,
    }
    if status == 401:
        hint = hint or "floe login, or set FLOE_TOKEN to the token or to @FILE"
    return kinds.get(status, Yours if status < 500 else Theirs)(what, hint)
