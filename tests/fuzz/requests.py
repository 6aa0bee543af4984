"""Hostile requests, made from the description of the API. Pure: randomness comes in."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final
from urllib.parse import quote_from_bytes

from tests.fuzz import texts

Shape = Mapping[str, Any]

PERSONAL: Final = b"PERSONAL".ljust(48, b"_")
SESSION: Final = b"SESSION".ljust(48, b"_")
"""Stand for tokens that differ from host to host, and are as long, so that no length changes."""

ADMIN: Final = b"correct-horse"
CLUSTER: Final = b"battery-staple"
PUSH_SECRET: Final = b"push-secret"
ADDRESS: Final = b"ADDRESS"
"""Stands for the address of the host, in headers only."""

CALLERS: Final = ("nobody", "nobody", "wrong", "admin", "admin", "personal", "session", "host")

NAMES: Final[Mapping[str, Sequence[bytes]]] = {
    "flow": (b"say", b"ask", b"fail", b"slow", b"hook", b"loud", b"say@1", b"say@2"),
    "run": tuple(b"h1-%d" % number for number in range(1, 8)),
    "node": (b"say", b"ask", b"slow", b"loud", b"task.say"),
    "host": (b"h1", b"h1", b"h2"),
    "trigger": (b"start", b"push"),
    "token": (b"0" * 16,),
    "page": (b"runs/h1-1", b"flows/say"),
    "act": (b"pause", b"extend", b"nothing"),
    "pack": (b"Slack", b"Slack.env.prod"),
    "item": (b"teams", b"a%2Fb"),
    "of": (b"h1-1", b"h1-2"),
    "at": (b"1.say.1", b"0"),
    "proof": (b"0" * 40,),
    "name": (b"app.js", b"index.html", b"vendor/preact.js", b"../app.js"),
}

RANGES: Final = (
    b"bytes=9-1",
    b"bytes=-0",
    b"bytes=0-0",
    b"bytes=-1",
    b"bytes=0-",
    b"bytes=1-2,3-4",
    b"bytes=" + b",".join(b"%d-%d" % (n, n) for n in range(700)),
    b"bytes=99999999999999999999999-",
    b"bytes=-99999999999999999999999",
    b"bytes=" + b"9" * 5000 + b"-",
    b"bytes=--5",
    b"bytes= 1 - 2",
    b"lines=1-2",
    "bytes=１-２".encode(),  # noqa: RUF001  # digits of another script are the point
    b"bytes",
    b"=",
    b"\xff",
)

ODD_HEADERS: Final[Sequence[tuple[bytes, Sequence[bytes]]]] = (
    (b"Range", RANGES),
    (b"If-Range", (b"*", b'"x"', b"Sat, 31 Feb 9999 99:99:99 GMT")),
    (b"If-None-Match", (b"*", b'"', b'W/"x",' * 500, b"\xff")),
    (b"If-Modified-Since", (b"never", b"Thu, 01 Jan 0000 00:00:00 GMT", b"9" * 4000)),
    (b"Idempotency-Key", (b"", b" ", b"a" * 201, b"\xff", "ü".encode(), b"a\tb", b"same", b"\x7f")),
    (b"Accept", (b"", b"text/html", b"*/*;q=" + b"9" * 400, b"a/b," * 1500, b"\xff")),
    (b"Accept-Encoding", (b"gzip", b"gzip;q=0", b"br", b"gzip," * 1500)),
    (b"Content-Encoding", (b"gzip", b"deflate", b"br", b"identity", b"gzip, gzip", b"\xff")),
    (b"Host", (b"", b"evil.example", b"[::1", b"a:b:c", b"a" * 5000, b"\xff", b"127.0.0.1:99999")),
    (b"Origin", (b"null", b"http://evil.example", b"http://" + ADDRESS, b"", b"\xff", b"h" * 7000)),
    (
        b"Cookie",
        (b"floe-sesh=", b"=;" * 3000, b'a="' * 2000, b"\xff", b"a=b;" * 1900, b'a="\\' * 1900),
    ),
    (b"X-Floe-By", (b"admin", b"%00", b"a" * 201, b"%", b"admin:x", b"\xff")),
    (b"X-Floe-Relayed", (b"h1", b"h2", b"", b"a" * 400, b"\xff")),
    (b"X-Floe-Protocol", (b"1", b"--1", b"9" * 5000, b"")),
    (
        b"X-Forwarded-For",
        (b"1.2.3.4", b"a," * 2000, b"127.0.0.1," * 700, b"[::1]:x", b"\xff"),
    ),
    (b"X-Forwarded-Proto", (b"https", b"wss", b"ftp", b"", b"https," * 1000, b"\xff")),
    (b"X-Forwarded-Host", (b"evil.example", b"[:::::]", b"[", b"a:99999", b"a" * 5000, b"\xff")),
    (b"X-Forwarded-Port", (b"443", b"0", b"99999", b"-1", "\N{FULLWIDTH DIGIT FIVE}".encode())),
    (
        b"Authorization",
        (b"Bearer", b"Bearer ", b"Basic Og==", b"Digest " + b"a=b," * 1500, b"\xff"),
    ),
    (b"Expect", (b"100-continue", b"200-ok", b"100-continue, x", b"")),
    (b"Upgrade", (b"h2c", b"websocket", b"")),
    (b"Connection", (b"close", b"upgrade", b"keep-alive, X-Floe-Auth", b"\xff")),
    (b"X-HTTP-Method-Override", (b"DELETE",)),
    (b"X-A", (b"", b"a" * 8000, b"a" * 9000, b"\t", b"\x01")),
    (b"X-GitHub-Event", (b"ping", b"push", b"\xff")),
)

TYPES: Final = (
    b"text/plain",
    b"application/json; charset=utf-16",
    b"application/json; charset=nonsense",
    b"application/json; charset=\xff",
    b"application/json;" * 400,
    b'application/json; a="' + b"\\" * 3000,
    b"application/x-www-form-urlencoded",
    b"multipart/form-data; boundary=x",
    b"multipart/form-data",
    b"",
    b"/",
    b"\xff",
)

METHODS: Final = (
    "GET",
    "POST",
    "PUT",
    "DELETE",
    "HEAD",
    "OPTIONS",
    "PATCH",
    "TRACE",
    "BREW",
    "get",
)

STATIC: Final = (
    b"/app/../../../etc/passwd",
    b"/app/%2e%2e/%2e%2e/etc/passwd",
    b"/app//etc/passwd",
    b"/app/%00",
    b"/app/app.js%00.png",
    b"/app/..%5c..%5cx",
    b"/app/.git/config",
    b"/app/dash/%ff%fe",
    b"//evil.example/",
    b"/%2f%2fevil.example",
    b"/build/api",
    b"/build/api/",
    b"/build/api//runs",
    b"/build//api/runs",
    b"/build/api/runs/",
    b"/build/api/%72uns",
    b"/build/api/runs;a=b",
    b"http://127.0.0.1/build/api/runs",
    b"http://[/",
    b"http://a:b/",
    b"*",
    b"",
    b"/?" + b"&" * 5000,
    b"/?" + b"a=b&" * 1900,
    b"/#a",
)


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as its bytes go out."""

    head: bytes
    """The request line and its headers, without the empty line."""
    body: bytes
    is_whole: bool
    """A host that reads it to its end answers it: nothing is missing or garbled on purpose."""
    is_stream: bool = False
    """The answer may go on for ever."""

    @property
    def data(self) -> bytes:
        """All of it."""
        return self.head + b"\r\n\r\n" + self.body


def request(rng: Random, api: Shape) -> Sent:
    """A request to a route that there is, or nearly."""
    schemas = api["components"]["schemas"]
    routes = [(method, path) for path, methods in api["paths"].items() for method in methods]
    method, path = rng.choice(routes)
    operation = api["paths"][path][method]
    method = method.upper() if rng.random() < 0.93 else rng.choice(METHODS)
    target = _target(rng, path, operation)
    if rng.random() < 0.06:
        target = rng.choice(STATIC)
    headers, is_garbled = _headers(rng)
    body = b""
    if schema := _schema(operation):
        body = texts.body(rng, schema, schemas)
        kind = b"application/json" if rng.random() < 0.9 else rng.choice(TYPES)
        headers.append((b"Content-Type", kind))
    elif "requestBody" in operation or rng.random() < 0.05:
        body = texts.text(rng)
    if path.endswith("/push/{flow}/{trigger}") and rng.random() < 0.7:
        headers += _signature(rng, body)
    body, framing, is_whole = _framed(rng, body, method)
    lines = [b" ".join((method.encode(), target, b"HTTP/1.1"))]
    lines += [name + b": " + text for name, text in [*headers, *framing]]
    is_stream = path.endswith(("/feed", "/log", "/ws"))
    return Sent(b"\r\n".join(lines), body, is_whole and not is_garbled, is_stream)


def _schema(operation: Shape) -> Shape | None:
    content = operation.get("requestBody", {}).get("content", {})
    return next((media.get("schema") for media in content.values()), None)


def _target(rng: Random, path: str, operation: Shape) -> bytes:
    query: list[bytes] = []
    target = path.encode()
    for parameter in operation["parameters"]:
        name = parameter["name"]
        if parameter["in"] == "path":
            known = (
                rng.choice(NAMES[name]) if rng.random() < 0.8 else _escaped(rng, texts.text(rng))
            )
            target = target.replace(b"{%b}" % name.encode(), known)
        elif parameter["in"] == "query" and rng.random() < 0.4:
            query.append(name.encode() + b"=" + _escaped(rng, _parameter(rng, parameter)))
    if rng.random() < 0.1:
        query += [_escaped(rng, texts.text(rng)) + b"=" + _escaped(rng, texts.text(rng))]
    if query and rng.random() < 0.1:
        query.append(query[0])
    return target + (b"?" + b"&".join(query) if query else b"")


def _parameter(rng: Random, parameter: Shape) -> bytes:
    kind = parameter["schema"].get("type")
    if parameter["name"] in NAMES and rng.random() < 0.6:
        return rng.choice(NAMES[parameter["name"]])
    if kind == "integer" and rng.random() < 0.9:
        return texts.integer(rng).encode()
    if kind == "boolean" and rng.random() < 0.8:
        return rng.choice([b"true", b"false", b"True", b"1", b""])
    return texts.text(rng)


def _escaped(rng: Random, text: bytes) -> bytes:
    """In percent encoding; now and then only where the request would else not be one."""
    if rng.random() < 0.85:
        return quote_from_bytes(text, safe="").encode()[:7000]
    return text.translate(None, b" \r\n\0\t#")[:7000]


def _headers(rng: Random) -> tuple[list[tuple[bytes, bytes]], bool]:
    headers = [(b"Host", ADDRESS)] if rng.random() < 0.97 else []
    headers += _credentials(rng)
    odd: list[tuple[bytes, bytes]] = []
    while rng.random() < 0.35:
        name, values = rng.choice(ODD_HEADERS)
        odd.append((name, rng.choice(values)))
    if odd and rng.random() < 0.1:
        odd.append(odd[0])
    garbled = any(byte < 32 or byte == 127 for _, text in odd for byte in text)
    return headers + odd, garbled or not headers


def _credentials(rng: Random) -> list[tuple[bytes, bytes]]:
    match rng.choice(CALLERS):
        case "wrong":
            wrong = rng.choice(
                [b"wrong", b"floe_" + b"a" * 43, b"\xff", b"a" * 8000, b"x\xc2\x85y"]
            )
            return [(rng.choice([b"X-Floe-Auth", b"X-Floe-Cluster"]), wrong)]
        case "admin":
            return [(b"X-Floe-Auth", ADMIN)]
        case "personal":
            return [(b"Authorization", b"Bearer " + PERSONAL)]
        case "session":
            return [(b"Cookie", b"floe-sesh=" + SESSION), (b"Origin", b"http://" + ADDRESS)]
        case "host":
            named = [(b"X-Floe-By", b"admin"), (b"X-Floe-Relayed", b"h2")]
            return [(b"X-Floe-Cluster", CLUSTER), *(named if rng.random() < 0.8 else [])]
        case _:
            return []


def _signature(rng: Random, body: bytes) -> list[tuple[bytes, bytes]]:
    right = b"sha256=" + hmac.digest(PUSH_SECRET, body, "sha256").hex().encode()
    signature = (
        right if rng.random() < 0.8 else rng.choice([b"", b"sha256=", right.upper(), b"\xff"])
    )
    delivery = rng.choice([b"%d" % rng.randrange(50), texts.text(rng).translate(None, b"\r\n\0")])
    return [(b"X-Hub-Signature-256", signature), (b"X-Floe-Delivery", delivery)]


def _framed(rng: Random, body: bytes, method: str) -> tuple[bytes, list[tuple[bytes, bytes]], bool]:
    """A body as it goes out, the headers that say how long it is, and whether it is whole."""
    length = b"%d" % len(body)
    chance = rng.random()
    if chance < 0.85:
        return body, [(b"Content-Length", length)] if body or method == "POST" else [], True
    if chance < 0.93:
        size = rng.choice([1, 100, 65_536]) if len(body) < 5000 else 65_536
        parts = [body[at : at + size] for at in range(0, len(body), size)]
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
        return chunks + b"0\r\n\r\n", [(b"Transfer-Encoding", b"chunked")], True
    if chance < 0.96:
        return body[: len(body) // 2], [(b"Content-Length", length or b"5")], not body
    odd = rng.choice(
        [
            [(b"Content-Length", b"-1")],
            [(b"Content-Length", b"+5")],
            [(b"Content-Length", b"9" * 30)],
            [(b"Content-Length", b"9" * 5000)],
            [(b"Content-Length", length), (b"Content-Length", b"1")],
            [(b"Content-Length", length), (b"Transfer-Encoding", b"chunked")],
            [(b"Transfer-Encoding", b"gzip, chunked")],
            [(b"Transfer-Encoding", b"identity")],
            [(b"Transfer-Encoding", b"chunked"), (b"Transfer-Encoding", b"chunked")],
        ]
    )
    return body, odd, False
