"""`floe trigger` in its plain form, at a third of the cost: one request, with few imports.

Rules of this file: it leaves everything that is not plain to `trigger`, and prints no error. That
is an option or a value that needs more, TLS, and each reply but a started run. A request that may
have arrived is sent again with the same key, so that it starts one run. No import of `click`,
`http.client`, `typing` or a module of floe.
"""

import json
import os
import re
import socket
import sys
from collections.abc import Sequence

REPLY_S = 5.0
"""Seconds for a reply; then `trigger` sends the request again, and waits longer."""

ACCOUNT_BYTES_MAX = 64 * 1024

INTERRUPTED = 130
"""Exit code after ^C, as of a shell."""

FLOW = re.compile(r"[a-z0-9][a-z0-9-]{0,62}(@[1-9][0-9]{0,8})?")
PAIR = re.compile(r"([^=:]+)=((?!@).*)", re.DOTALL)
"""`name=text`; `name=@file` and `name:=json` are not plain."""
PRINTABLE = re.compile(r"[!-~]{1,200}")
ADDRESS = re.compile(r"(?:http://)?((\[[0-9a-f:]+\]|[A-Za-z0-9.-]+)(?::([0-9]{1,5}))?)/?")

OPTIONS = {"-d": "data", "--data": "data", "--trigger": "trigger", "--once": "once"}


class MoreThanPlain(Exception):
    """`trigger` has to do it."""


def start(words: list[str]) -> list[str] | None:
    """Start the run of a plain trigger and print its id; the command line if `trigger` has to."""
    try:
        flow, trigger, values, once = _order(words[1:])
        address, token = _account()
    except (MoreThanPlain, OSError, ValueError):
        return words
    if not once:
        once = os.urandom(16).hex()
        words = [*words, "--once", once]
    try:
        body = {"ref": {"id": flow}, "form": {"id": trigger, "values": values}}
        run = _started(address, token, json.dumps(body).encode(), once)
        print(run, flush=True)  # noqa: T201  # click.echo without click
    except (MoreThanPlain, OSError, ValueError):
        return words
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    return None


def _order(words: Sequence[str]) -> tuple[str, str, dict[str, str], str]:
    """The flow, the trigger, the values and the key of a command line. Raises MoreThanPlain."""
    flows: list[str] = []
    values: dict[str, str] = {}
    given = {"trigger": "", "once": ""}
    rest = iter(words)
    for word in rest:
        option = OPTIONS.get(word)
        if option is None:
            flows.append(_matched(FLOW, word)[0])
        elif option == "data":
            name, text = _matched(PAIR, next(rest, "")).groups()
            values[name] = text
        else:
            given[option] = _matched(PRINTABLE, next(rest, ""))[0]
    if len(flows) != 1:
        raise MoreThanPlain
    return flows[0], given["trigger"], values, given["once"]


def _account() -> tuple[re.Match[str], str]:
    """The address and the token: both of the environment, or both of `floe login`."""
    url, token = os.environ.get("FLOE_URL"), os.environ.get("FLOE_TOKEN")
    if not url and not token:
        folder = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111
        # A named pipe in its place must not block.
        fd = os.open(f"{folder}/floe/client.json", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            kept = json.loads(file.read(ACCOUNT_BYTES_MAX))
        if not isinstance(kept, dict):
            raise MoreThanPlain
        url, token = kept.get("url"), kept.get("token")
    if not isinstance(url, str) or not isinstance(token, str) or token.startswith("@"):
        raise MoreThanPlain
    return _matched(ADDRESS, url), _matched(PRINTABLE, token)[0]


def _started(address: re.Match[str], token: str, body: bytes, once: str) -> str:
    """The run that a host has started. Raises MoreThanPlain, OSError or ValueError."""
    netloc, name, port = address.groups()
    head = (
        f"POST /build/api/push/data HTTP/1.1\r\nHost: {netloc}\r\nConnection: close\r\n"
        f"Accept: application/json\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nX-Floe-Auth: {token}\r\nIdempotency-Key: {once}\r\n\r\n"
    )
    with socket.create_connection((name.strip("[]"), int(port or 80)), REPLY_S) as connection:
        connection.sendall(head.encode() + body)
        with connection.makefile("rb") as reply:
            status = (*reply.readline(1024).split(b" ", 2), b"")
            length = 0
            while line := reply.readline(65536).strip().lower():
                if line.startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            shape = json.loads(reply.read(length))
    run = shape.get("run") if isinstance(shape, dict) else None
    if not 200 <= int(status[1]) < 300 or not isinstance(run, str):
        raise MoreThanPlain
    return _matched(PRINTABLE, run)[0]


def _matched(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    if found := pattern.fullmatch(text):
        return found
    raise MoreThanPlain
