"""The links of flyte's answers. Clients follow nothing else, so each is an absolute URL."""

from typing import Final
from urllib.parse import quote

from aiohttp import web

from floe.model.ids import Shape

PLAIN: Final = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in "/?#%\\")
"""The characters of a name that a link has as they are; clients take a blank too."""

PREFIX: Final = web.AppKey("flyte_prefix", str)
"""The path before every route of this application; empty at an address of its own."""


class Links:
    """The links of one answer."""

    def __init__(self, request: web.Request) -> None:
        """The client's name for this server is in the first of three headers that has one."""
        headers = request.headers
        names = (headers.get("X-Flyte-Host"), headers.get("X-Forwarded-Host"), request.host)
        host = next(filter(None, map(_first, names)), "")
        scheme = _first(headers.get("X-Forwarded-Proto")) or request.scheme
        self.base = f"{scheme}://{host}{request.app[PREFIX]}"

    def href(self, *names: str) -> str:
        """The URL of a path of names, each of any characters."""
        return "/".join([self.base, *(quote(name, safe=PLAIN) for name in names)])

    def link(self, rel: str, *names: str) -> Shape:
        """A link to a path of names."""
        return {"href": self.href(*names), "rel": rel}

    def query(self, value: str) -> str:
        """A value in the query of a URL."""
        return quote(value, safe=PLAIN.replace("&", "").replace("+", ""))

    def of(self, part: str) -> str:
        """A rel that names a part of the API's description."""
        return f"{self.base}/swagger{part}"


def _first(value: str | None) -> str:
    return (value or "").partition(",")[0].strip()
