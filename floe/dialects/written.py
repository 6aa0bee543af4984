"""The part of a document that is one flow, as it was written, for people to read."""

from collections.abc import Iterable
from textwrap import dedent

from floe.dialects.base import FlowText
from floe.model.notice import Notice
from floe.model.secret import HIDDEN


def written(lines: list[str], first: int, notices: Iterable[Notice]) -> FlowText | None:
    """The lines of a flow in its document, without the addresses of webhooks, which are secrets.

    `first`: the number of its first line, from 1; `notices`: those that it sends. None if an
    address is written in a different way, with escapes or an alias, so that it cannot be hidden.
    """
    text = dedent("\n".join(_own(lines[first - 1 :])))
    for notice in notices:
        if notice.url.startswith(("http:", "https:")):
            if notice.url not in text:
                return None
            text = text.replace(notice.url, HIDDEN)
    return FlowText(line=first, text=text)


def _own(lines: Iterable[str]) -> list[str]:
    """The lines of the first item of a list: those further right than its dash."""
    own: list[str] = []
    least = -1
    for line in lines:
        rest = line.lstrip(" ")
        indent = len(line) - len(rest)
        if not own and rest.startswith("- "):
            least = indent
        elif own and rest and indent <= least:
            break
        own.append(line)
    while not own[-1].strip():
        own.pop()
    return own
