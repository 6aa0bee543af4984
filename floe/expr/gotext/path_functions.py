"""Functions of paths and URLs.

Source: https://masterminds.github.io/sprig/paths.html, /url.html, https://pkg.go.dev/net/url.
"""

import re
from collections.abc import Mapping
from typing import Final

from floe.expr.errors import ExpressionError
from floe.expr.gotext.calls import Function, function
from floe.expr.gotext.go_values import Value, bytes_of, kind_of, text_of

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):", re.ASCII)
_ESCAPE: Final = re.compile(rb"%([0-9a-fA-F]{2})")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9a-fA-F]{2})")
_PORT: Final = re.compile(r"(?::\d*)?", re.ASCII)
_UNRESERVED: Final = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
)
_PATH: Final = _UNRESERVED | frozenset(b"$&+,/:;=@")
_USER: Final = _UNRESERVED | frozenset(b"$&+,;=")
_FRAGMENT: Final = _UNRESERVED | frozenset(b"$&+,/:;=?@!()*")


def clean(path: str) -> str:
    """The shortest path that leads to the same place."""
    is_rooted = path.startswith("/")
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part == ".." and is_rooted:
            continue
        elif part not in ("", "."):
            parts.append(part)
    return ("/" if is_rooted else "") + "/".join(parts) or "."


def base(path: str) -> str:
    """The last part of a path."""
    if not path:
        return "."
    return path.rstrip("/").rpartition("/")[2] or "/"


def folder(path: str) -> str:
    """All but the last part of a path."""
    return clean(path.rpartition("/")[0] + "/" if "/" in path else "")


def ending(path: str) -> str:
    """The last part of a path from its last dot on."""
    _, dot, end = path.rpartition("/")[2].rpartition(".")
    return dot + end


def _unescaped(text: str) -> str:
    if _BAD_ESCAPE.search(text):
        raise ExpressionError("unable to parse url: invalid URL escape")
    return text_of(_ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode()), bytes_of(text)))


def _escaped(text: str, plain: frozenset[int]) -> str:
    return "".join(chr(byte) if byte in plain else f"%{byte:02X}" for byte in bytes_of(text))


def parse_url(text: str) -> dict[str, Value]:
    """The parts of a URL. Raises ExpressionError."""
    if any(char < " " or char == "\x7f" for char in text):
        raise ExpressionError("unable to parse url: invalid control character in URL")
    rest, _, fragment = text.partition("#")
    parts: dict[str, Value] = dict.fromkeys(
        ("scheme", "host", "hostname", "path", "query", "opaque", "fragment", "userinfo"), ""
    )
    parts["fragment"] = _unescaped(fragment)
    if rest == "*":
        return {**parts, "path": "*"}
    if found := _SCHEME.match(rest):
        parts["scheme"], rest = found[1].lower(), rest[found.end() :]
    elif rest.startswith(":"):
        raise ExpressionError("unable to parse url: missing protocol scheme")
    rest, _, parts["query"] = rest.partition("?")
    if not rest.startswith("/"):
        if parts["scheme"]:
            return {**parts, "opaque": rest}
        if ":" in rest.partition("/")[0]:
            raise ExpressionError(
                "unable to parse url: first path segment in URL cannot contain colon"
            )
    if (parts["scheme"] or not rest.startswith("///")) and rest.startswith("//"):
        authority, slash, path = rest[2:].partition("/")
        rest = slash + path
        parts.update(_authority(authority))
    return {**parts, "path": _unescaped(rest)}


def _authority(text: str) -> dict[str, Value]:
    user, at, host = text.rpartition("@")
    if " " in host or any(char in host for char in '"<>\\^`{|}'):
        raise ExpressionError("unable to parse url: invalid character in host name")
    if host.startswith("["):
        name, closed, port = host[1:].rpartition("]")
        if not closed:
            raise ExpressionError("unable to parse url: missing ']' in host")
    else:
        name, colon, port = host.rpartition(":") if ":" in host else (host, "", "")
        port = colon + port
    if not _PORT.fullmatch(port):
        raise ExpressionError("unable to parse url: invalid port after host")
    return {
        "host": _unescaped(host),
        "hostname": _unescaped(name),
        "userinfo": _user(user) if at else "",
    }


def _user(text: str) -> str:
    """User and password, escaped as Go writes them again."""
    if any(char in text for char in ' "<>\\^`{|}/?#[]@'):
        raise ExpressionError("unable to parse url: net/url: invalid userinfo")
    name, colon, password = text.partition(":")
    return colon.join(
        [
            _escaped(_unescaped(name), _USER),
            *([_escaped(_unescaped(password), _USER)] if colon else []),
        ]
    )


def join_url(parts: Mapping[str, Value]) -> str:
    """A URL of its parts. Raises ExpressionError."""
    texts = {}
    for key in ("scheme", "host", "path", "query", "opaque", "fragment", "userinfo"):
        value = parts.get(key, "")
        if not isinstance(value, str):
            raise ExpressionError(
                f"unable to parse {key} key, must be of type string, but {kind_of(value)} found"
            )
        texts[key] = str(value)
    made = f"{texts['scheme']}:" if texts["scheme"] else ""
    if texts["opaque"]:
        made += texts["opaque"]
    else:
        made += _after_scheme(texts, made)
    made += f"?{texts['query']}" if texts["query"] else ""
    return made + (f"#{_escaped(texts['fragment'], _FRAGMENT)}" if texts["fragment"] else "")


def _after_scheme(texts: Mapping[str, str], scheme: str) -> str:
    made, path = "", _escaped(texts["path"], _PATH)
    host, user = texts["host"], texts["userinfo"]
    if scheme or host or user:
        if host or user or path.startswith("/"):
            made += "//" if host or user or path.startswith("//") or scheme else ""
        if user:
            made += f"{_user(user)}@"
        made += _escaped(host, _UNRESERVED | frozenset(b"!$&'()*+,;=:[]<>\""))
    if path and not path.startswith("/") and host:
        made += "/"
    elif not made and not scheme and ":" in path.partition("/")[0]:
        made += "./"
    return made + path


_CLEAN: Final = function("text", lambda _, path: clean(path))
_BASE: Final = function("text", lambda _, path: base(path))
_FOLDER: Final = function("text", lambda _, path: folder(path))
_ENDING: Final = function("text", lambda _, path: ending(path))
_IS_ROOTED: Final = function("text", lambda _, path: path.startswith("/"))

PATHS: Final[dict[str, Function]] = {
    "base": _BASE,
    "clean": _CLEAN,
    "dir": _FOLDER,
    "ext": _ENDING,
    "isAbs": _IS_ROOTED,
    "osBase": _BASE,
    "osClean": _CLEAN,
    "osDir": _FOLDER,
    "osExt": _ENDING,
    "osIsAbs": _IS_ROOTED,
    "urlJoin": function("map", lambda _, parts: join_url(parts)),
    "urlParse": function("text", lambda _, text: parse_url(text)),
}
