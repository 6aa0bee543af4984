"""Pages of lists: their sizes, and the links to the next ones."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from floe.server.utask.calls import UtaskCall
from floe.server.utask.site import UtaskFault

SIZE: Final = 1000
SIZE_MIN: Final = 10
SIZE_MAX: Final = 10_000


def page_size(call: UtaskCall) -> int:
    """How many parts the page that a call asks for has. Raises UtaskFault."""
    text = call.parameter("page_size", "0")
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise UtaskFault(400, "expected 'page_size' to be of type uint64")
    return min(max(int(text), SIZE_MIN), SIZE_MAX) if int(text) else SIZE


def page_headers(call: UtaskCall, size: int, last: str = "", **defaults: str) -> dict[str, str]:
    """The headers of a page. `last`: what the next one begins after; empty if this is the last.
    `defaults`: parameters that the link to the next has even if the call has not."""
    headers = {"X-Paging-PageSize": str(size)}
    if last:
        kept = [pair for pair in call.query if pair[0] not in ("last", "page_size")]
        names = {name for name, _ in kept}
        kept += [pair for pair in defaults.items() if pair[0] not in names]
        pairs = [("last", last), ("page_size", str(size)), *kept]
        query = "&".join(f"{quote(name)}={quote(value, safe='')}" for name, value in pairs)
        headers["Link"] = f"<{call.path}?{query}>; rel=next"
    return headers


def page_of(call: UtaskCall, names: Sequence[str]) -> tuple[Sequence[str], dict[str, str]]:
    """The names on the page of a list that a call asks for, and its headers. Raises UtaskFault."""
    size, last = page_size(call), call.parameter("last")
    start = names.index(last) + 1 if last in names else 0
    page = names[start : start + size]
    is_full = start + size < len(names)
    return page, page_headers(call, size, page[-1] if is_full else "")
