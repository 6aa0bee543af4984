"""The part of a document that is one flow, as it was written, for people to read."""

from collections.abc import Iterable, Iterator
from textwrap import dedent

from floe.dialects.base import FlowText
from floe.model.flow import Flow
from floe.model.notify import Notify
from floe.model.secret import HIDDEN


def written(lines: list[str], first: int, addresses: Iterable[str]) -> FlowText | None:
    """The lines of a flow in its document, without the addresses of webhooks, which are secrets.

    `first`: the number of its first line, from 1; `addresses`: those that it sends to. None if one
    is written in a different way, with escapes or an alias, so that it cannot be hidden.
    """
    text = dedent("\n".join(_own(lines[first - 1 :])))
    for address in addresses:
        if address.startswith(("http:", "https:")):
            if address not in text:
                return None
            text = text.replace(address, HIDDEN)
    return FlowText(line=first, text=text)


def addresses_of(flow: Flow) -> Iterator[str]:
    """The addresses that are secrets, as they are written in a flow."""
    for notice in flow.on_end:
        yield notice.url
    for node in flow.nodes:
        if isinstance(node.work, Notify):
            yield node.work.url


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
