"""Hostile texts, numbers and JSON. Pure: the randomness comes in as an argument."""

import json
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final

Shape = Mapping[str, Any]

BODY_MAX: Final = 1024 * 1024
"""Bytes of the largest body that is made."""

INTEGERS: Final[Sequence[str]] = (
    "0",
    "1",
    "2",
    "-1",
    "--5",
    "+5",
    "-",
    "-0",
    "00",
    "007",
    "１２",  # noqa: RUF001  # digits of another script are the point
    "١٢",
    "²",
    "1_0",
    "1e3",
    "1.0",
    "0x1",
    " 5",
    "5 ",
    "5\n",
    "",
    "null",
    "true",
    "NaN",
    "Infinity",
    *(str(2**bits + more) for bits in (31, 32, 53, 62, 63, 64) for more in (-1, 0, 1)),
    str(-(2**63)),
    "9" * 19,
    "9" * 20,
    "9" * 21,
    "-" + "9" * 4299,
    "9" * 4301,
)

TEXTS: Final[Sequence[bytes]] = (
    b"",
    b" ",
    b".",
    b"..",
    b"../../etc/passwd",
    b"\0",
    b"a\0b",
    b"a\r\nSet-Cookie: x=1",
    b"\n",
    b"\x1b]0;title\x07\x1b[2J",
    b"\xc2\x85",
    b"\xc2\x9b31m",
    "\u2028\u2029\u202e\u200b\ufeff".encode(),
    b"\xed\xa0\x80",  # a lone surrogate
    b"\xff\xfe",
    b"\xc0\xaf",  # an overlong slash
    b"\xf4\x90\x80\x80",
    "ünï ☃ 🦊".encode(),
    b"%",
    b"%2",
    b"%u0041",
    b"%00",
    b"%%%%",
    b"'; drop table runs; --",
    b'"><script>alert(1)</script>',
    b"${7*7}{{7*7}}$(id)`id`",
    b"__proto__",
    b"constructor",
    b"*",
    b"_%",
    b"[a-z",
    b"(a+)+$",
    b"h1-1",
    b"h1-1@",
    b"h1-1@zzzz",
    b"h1-" + b"9" * 30,
    b"h9-1",
    b"say@1",
    b"say@" + b"9" * 5000,
    b"say@--1",
    b"@",
    b"@@@",
    b"a" * 63,
    b"a" * 64,
    b"a" * 5000,
    b"-" * 300,
    b"task.say",
    b"0001-01-01T00:00:00Z",
    b"9999-12-31T23:59:59+23:59",
    b"2026-11-21T10:00:00",
    b"20261121T100000,5Z",
)


KNOWN: Final[Mapping[str, Sequence[bytes]]] = {
    "id": (b"say", b"ask", b"fail", b"hook", b"loud", b"say@1", b"start", b"ask"),
    "run": (b"", b"h1-1", b"h1-4", b"h1-5", b"h1-6", b"h1-7", b"h1-8", b"h1-9"),
    "token": (b"correct-horse", b"wrong"),
    "user": (b"", b"admin", b"root"),
    "password": (b"", b"correct-horse"),
    "personal": (b"", b"laptop"),
    "tag": (b"", b"db"),
    "why": (b"", b"no more"),
}
"""By the name of a member: what a host of the fuzzer may know."""


def text(rng: Random) -> bytes:
    """A text that somebody wrote to see what happens."""
    if rng.random() < 0.8:
        return rng.choice(TEXTS)
    if rng.random() < 0.5:
        return rng.randbytes(rng.randrange(1, 60))
    return rng.choice(TEXTS) + rng.choice(TEXTS)


def integer(rng: Random) -> str:
    """A whole number, or what somebody may take for one."""
    if rng.random() < 0.9:
        return rng.choice(INTEGERS)
    return str(rng.randrange(-(2 ** rng.randrange(1, 90)), 2 ** rng.randrange(1, 90)))


def body(rng: Random, schema: Shape, schemas: Mapping[str, Shape]) -> bytes:
    """What is sent as a body: most often nearly right, sometimes a bomb."""
    if rng.random() < 0.12:
        return rng.choice(BOMBS)(rng)
    made = value(rng, schema, schemas, 0)
    if rng.random() < 0.1:
        cut = rng.randrange(len(made) + 1)
        made = made[:cut] + rng.choice([b"", b"\0", b"\xff", b"}", b",", made[:cut]]) + made[cut:]
    if rng.random() < 0.05:
        made = rng.choice([b"\xef\xbb\xbf" + made, made.decode("latin-1").encode("utf-16")])
    return made[:BODY_MAX]


def value(rng: Random, schema: Shape, schemas: Mapping[str, Shape], depth: int) -> bytes:
    """JSON that a schema allows, or nearly."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if rng.random() < 0.08 or depth > 6:
        return _odd(rng)
    kind = schema.get("type")
    if kind == "object":
        return _object(rng, schema, schemas, depth)
    if kind == "array":
        items = [value(rng, schema.get("items", {}), schemas, depth + 1) for _ in range(3)]
        return b"[" + b",".join(items) + b"]"
    if kind == "boolean":
        return rng.choice([b"true", b"false", b'"true"', b"0", b"null"])
    if kind in ("integer", "number"):
        number = integer(rng)
        return number.encode() if rng.random() < 0.5 else _quoted(number.encode())
    if kind == "string":
        return _quoted(text(rng))
    return _odd(rng)


def _object(rng: Random, schema: Shape, schemas: Mapping[str, Shape], depth: int) -> bytes:
    members: list[tuple[bytes, bytes]] = []
    for name, inner in schema.get("properties", {}).items():
        if rng.random() < 0.75:
            is_known = name in KNOWN and rng.random() < 0.6
            told = _quoted(rng.choice(KNOWN[name])) if is_known else b""
            members.append((_name(rng, name), told or value(rng, inner, schemas, depth + 1)))
    if not schema.get("properties") or rng.random() < 0.15:
        members += [(_quoted(text(rng)), _odd(rng)) for _ in range(rng.randrange(3))]
    if members and rng.random() < 0.1:
        members.append(members[0])
    return b"{" + b",".join(key + b":" + inner for key, inner in members) + b"}"


def _name(rng: Random, name: str) -> bytes:
    if rng.random() < 0.1:
        name = rng.choice([name.upper(), name + "s", name[:-1], name + " "])
    return json.dumps(name).encode()


def _odd(rng: Random) -> bytes:
    odd = rng.choice(
        (
            b"null",
            b"[]",
            b"{}",
            b"-0.0",
            b"1e999",
            b"-1e999",
            b"1e-999",
            b"NaN",
            b"Infinity",
            b'"\\ud800"',
            b'"\\udc00\\ud800"',
            b'"\\u0000"',
            b'"\xff"',
            b'"\xed\xa0\x80"',
            b"9" * 5000,
            b"0." + b"1" * 5000,
            b"",
        )
    )
    return odd if rng.random() < 0.5 else _quoted(text(rng))


def _quoted(raw: bytes) -> bytes:
    return json.dumps(raw.decode("utf-8", "surrogateescape"), ensure_ascii=True).encode()


def _keys(rng: Random) -> bytes:
    count = rng.choice([1000, 30_000, 80_000])
    keys = [b'"k%x":0' % number for number in range(count)]
    if rng.random() < 0.7:
        keys.append(rng.choice([keys[-1], keys[0]]))
    return b"{" + b",".join(keys) + b"}"


def _near_keys(rng: Random) -> bytes:
    name = rng.choice([b"token", b"ref", b"form", b"why", b"values", b"personal"])
    return b"{" + b",".join(b'"%b%d":0' % (name, number) for number in range(60_000)) + b"}"


def _long_key(rng: Random) -> bytes:
    return b'{"' + rng.choice([b"token", b"a", b"\\u0001"]) * 150_000 + b'":0}'


def _nest(rng: Random) -> bytes:
    return rng.choice([b"[", b'{"a":', b'[{"ref":', b"[[],"]) * rng.choice([50, 500, 100_000])


def _digits(rng: Random) -> bytes:
    digits = b"1" * rng.choice([4300, 4301, 100_000, 1_000_000])
    form = rng.choice([b"%b", b'{"a":%b}', b"-%b", b"0.%b", b"1e%b", b'{"ref":{"ver":"%b"}}'])
    return form % digits


def _list(rng: Random) -> bytes:
    item = rng.choice([b"0", b"{}", b"[]", b'""', b"null", b"1e5", b'{"a":[]}'])
    return b'{"form":{"values":{"x":[' + b",".join([item] * (900_000 // (len(item) + 1))) + b"]}}}"


def _escapes(rng: Random) -> bytes:
    return (
        b'{"token":"'
        + rng.choice([b"\\n", b"\\ud83e\\udd8a", b"\\\\", b"\\u0000"]) * 80_000
        + b'"}'
    )


def _text(rng: Random) -> bytes:
    return b'{"why":"' + rng.choice([b"a", b"\xf0\x9f\xa6\x8a", b" "]) * 250_000 + b'"}'


def _noise(rng: Random) -> bytes:
    return rng.randbytes(rng.choice([1, 1000, BODY_MAX]))


def _form(_: Random) -> bytes:
    return b"token=a&" * 100_000


def _parts(_: Random) -> bytes:
    return b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 15_000


def _packed(_: Random) -> bytes:
    return b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + b"\0" * 1000


BOMBS: Final[Sequence[Callable[[Random], bytes]]] = (
    _keys,
    _near_keys,
    _long_key,
    _nest,
    _digits,
    _list,
    _escapes,
    _text,
    _noise,
    _form,
    _parts,
    _packed,
)
