"""The dashboard's files, and the documentation of this version below `docs/`.

Only files found at the start have a name: the path of a request is never used as a path on disk.
"""

import base64
import gzip
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from html import escape
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from floe.model.errors import NotFound
from floe.model.nouns import dataclass

TYPES: Final[Mapping[str, str]] = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain",
    ".md": "text/plain",
}
"""Served files by suffix; other kinds of files are not served."""

_PACKED: Final = frozenset({"image/png", "image/x-icon", "font/woff2"})
GZIP_MIN: Final = 300
"""Bytes above which compression is worthwhile."""

ETAG_LEN: Final = 12
"""Hex digits: 48 bits tell a file's versions apart, and each of some fifty files carries them."""

_BASE: Final = re.compile(r'(<meta\s+name="floe-base"\s+content=")[^"]*(")')
_INLINE: Final = re.compile(rb"<script\b(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file of the web app as it is sent."""

    body: bytes
    gzipped: bytes | None
    """None if compression is not worthwhile."""
    content_type: str
    etag: str


class Webapp:
    """The files of the dashboard, read at their first request."""

    def __init__(self, base_url: str, folder: Path | None = None) -> None:
        """`folder`: read each time from here; None: the packaged files, once."""
        self._base_url = base_url
        self._folder = folder
        self._names: Mapping[str, Traversable] | None = None
        self._assets: dict[str, Asset] = {}

    def asset(self, name: str) -> Asset:
        """A file by its name below the folder. Raises NotFound."""
        if self._folder is not None or self._names is None:
            self._names = {
                **dict(_walk(self._folder or resources.files("floe.webapp"), "")),
                **dict(_walk(resources.files("floe").joinpath("docs"), "docs/")),
            }
            self._assets.clear()
        if name not in self._names:
            raise NotFound("no such file")
        if name not in self._assets:
            self._assets[name] = self._read(name, self._names[name])
        return self._assets[name]

    def page(self) -> Asset:
        """index.html, which shows every page of the dashboard."""
        return self.asset("index.html")

    def policy(self) -> str:
        """The content security policy of that page."""
        hashes = "".join(f" 'sha256-{_hash64(script)}'" for script in _inline(self.page().body))
        return (
            f"default-src 'none'; script-src 'self'{hashes}; style-src 'self'; "
            "img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; "
            "form-action 'self'; frame-ancestors 'none'"
        )

    def _read(self, name: str, file: Traversable) -> Asset:
        body = file.read_bytes()
        if name == "index.html":
            url = escape(self._base_url, quote=True)
            body = _BASE.sub(lambda m: m[1] + url + m[2], body.decode()).encode()
        content_type = TYPES[_suffix(name)]
        small = len(body) < GZIP_MIN or content_type in _PACKED
        return Asset(
            body=body,
            gzipped=None if small else gzip.compress(body, mtime=0),
            content_type=content_type,
            etag=sha256(body).hexdigest()[:ETAG_LEN],
        )


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        name = prefix + entry.name
        if entry.name.startswith((".", "_")) or (isinstance(entry, Path) and entry.is_symlink()):
            continue
        if entry.is_dir():
            yield from _walk(entry, name + "/")
        elif _suffix(name) in TYPES:
            yield name, entry


def _suffix(name: str) -> str:
    """`.js`; a licence without a suffix is text."""
    last = name.rpartition("/")[2]
    return ".txt" if last.startswith("LICENSE") else "." + last.rpartition(".")[2].lower()


def _inline(page: bytes) -> list[bytes]:
    return _INLINE.findall(page)


def _hash64(text: bytes) -> str:
    return base64.b64encode(sha256(text).digest()).decode()
