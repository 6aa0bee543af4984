"""What an import reads and writes: the items, packs and flows of a server of flyte.

Rule of this file: a server is asked by the links that it gives. floe's own host, whose routes are
known, is asked by its routes: behind a proxy its links may lead past it.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, Literal, Protocol, cast
from urllib.parse import quote, urlsplit
from uuid import uuid4

from floe.cli.client import Account
from floe.cli.flyte_api import FlyteApi
from floe.model.errors import Theirs, Yours
from floe.model.ids import Json, Shape
from floe.server.flyte.flow_documents import flow_document
from floe.server.flyte.go_json import written_numbers
from floe.server.flyte.pack_documents import RESERVED, pack_document

Kind = Literal["items", "packs", "flows"]

KINDS: Final[tuple[Kind, ...]] = ("items", "packs", "flows")
"""In the order in which they are written: a flow finds the items that its templates read."""

ACCESS_HINT: Final = "floe login, or set FLOE_TOKEN to a token that may change flows"

_LISTS: Final[Mapping[Kind, tuple[str, str, str, str]]] = {
    "items": ("datastore/listDatastoreItems", "datastore", "key", "datastore"),
    "packs": ("pack/listPacks", "packs", "id", "packs"),
    "flows": ("flow/listFlows", "flows", "name", "flows"),
}
"""Of each kind: the end of the rel of its list, the member of the list that has its elements, the
member that is the name of one, and its path at a host of floe."""


class Side(Protocol):
    """Where an import reads or writes."""

    where: str
    """What people call it: an address, or a folder."""

    def listed(self, kind: Kind) -> Mapping[str, Shape]:
        """What a list says about each element, by name. Raises FloeError."""

    def read(self, kind: Kind, name: str, row: Shape) -> Shape:
        """The document of an element in a list. Raises FloeError."""

    def close(self) -> None:
        """Close its connections."""


class WritableSide(Side, Protocol):
    """Where an import writes."""

    def write(self, kind: Kind, name: str, document: Shape) -> None:
        """Write an element, in place of the one with its name. Raises FloeError."""

    def settle(self) -> None:
        """All is written. Raises FloeError."""


class FlyteServerSide:
    """A server of flyte: the original, or a host of floe at an address of flyte's API."""

    def __init__(self, api: FlyteApi) -> None:
        self._api = api
        self._links: Shape | None = None
        self.where = api.root

    def listed(self, kind: Kind) -> Mapping[str, Shape]:
        """Raises FloeError."""
        _, member, name, _ = _LISTS[kind]
        url = self._list_url(kind)
        rows = self._api.get(url).get(member)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise Theirs(f"{url} has no list `{member}`")
        return {str(row.get(name, "")): row for row in rows}

    def read(self, kind: Kind, name: str, row: Shape) -> Shape:
        """Raises FloeError."""
        url = self._url(kind, name, row)
        if kind == "items":
            return {
                "contentType": str(row.get("contentType", "")),
                "description": str(row.get("description", "")),
                "content": self._api.content(url),
            }
        shown = self._api.get(url)
        if shown.get("id" if kind == "packs" else "name") != name:
            raise Theirs(f"{url} does not answer with this {kind[:-1]}")
        return of_pack(shown) if kind == "packs" else of_flow(shown)

    def close(self) -> None:
        """Close its connections."""
        self._api.close()

    def _list_url(self, kind: Kind) -> str:
        if self._links is None:
            self._links = self._api.get(f"{self._api.root}/v1")
        return _link(self._links, _LISTS[kind][0], f"{self._api.root}/v1")

    def _url(self, kind: Kind, name: str, row: Shape) -> str:
        return _link(row, "self", f"the list of {kind}")


class FloeHostSide(FlyteServerSide):
    """The user's host of floe."""

    def __init__(self, at: Account) -> None:
        parts = urlsplit(at.url)
        root = f"{parts.scheme}://{parts.netloc}/flyte"
        super().__init__(FlyteApi(root, token=at.token, ca=at.ca, for_token=ACCESS_HINT))
        self.where = f"{parts.scheme}://{parts.netloc}"

    def write(self, kind: Kind, name: str, document: Shape) -> None:
        """Raises FloeError."""
        if kind == "items":
            content_type, body = form_of(document)
            headers = {"Content-Type": content_type}
            self._api.ask("PUT", self._url(kind, name, {}), body, headers)
        else:
            body = json.dumps(written_numbers(document)).encode()
            headers = {"Content-Type": "application/json"}
            self._api.ask("POST", self._list_url(kind), body, headers)

    def settle(self) -> None:
        """A host has what it was sent."""

    def _list_url(self, kind: Kind) -> str:
        return f"{self._api.root}/v1/{_LISTS[kind][3]}"

    def _url(self, kind: Kind, name: str, row: Shape) -> str:
        return f"{self._list_url(kind)}/{quote(name, safe='')}"


def of_flow(shown: Shape) -> Shape:
    """The document of a flow as a server shows it. Raises Yours."""
    value = {key: member for key, member in shown.items() if key != "links"}
    return {"steps": [], **flow_document(cast(Json, {"steps": [], **value}))}


def of_pack(shown: Shape) -> Shape:
    """The document with which a pack registered, as far as a server shows it. Raises Yours.

    Links of commands are lost: a server shows its own in their place.
    """
    value: dict[str, Any] = {
        key: shown[key] for key in ("name", "labels", "commands", "events") if key in shown
    }
    links = shown.get("links") or ()
    value["links"] = [link for link in links if not _is_servers(link)]
    document = pack_document(cast(Json, value))
    for command in document.get("commands", ()):
        command.pop("links", None)
    return document


def is_same(kind: Kind, one: Shape, other: Shape) -> bool:
    """Whether two documents say the same. A pack in Go names its events in any order."""
    if kind == "items":
        return one == other
    if kind == "packs":
        one, other = _sorted_pack(one), _sorted_pack(other)
    return _canonical(one) == _canonical(other)


def form_of(item: Shape) -> tuple[str, bytes]:
    """The content type and the bytes of the form that stores an item. Raises Yours."""
    boundary = uuid4().hex
    content_type = item["contentType"]
    if not content_type.isprintable():
        raise Yours(f"{content_type!r} is not a content type")
    kind = f"Content-Type: {content_type}\r\n" if content_type else ""
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="value"; filename="value"\r\n'
    described = f'\r\n--{boundary}\r\nContent-Disposition: form-data; name="description"\r\n\r\n'
    tail = f"{described}{item['description']}" if item["description"] else ""
    body = f"{head}{kind}\r\n".encode() + item["content"] + f"{tail}\r\n--{boundary}--\r\n".encode()
    return f"multipart/form-data; boundary={boundary}", body


def _link(shape: Shape, end: str, where: str) -> str:
    """The first link whose rel ends so, as each client of flyte looks for it. Raises Theirs."""
    links = shape.get("links")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and str(link.get("rel", "")).endswith(end):
            return str(link.get("href", ""))
    raise Theirs(f"{where} has no link whose rel ends with `{end}`", "is it a server of flyte?")


def _is_servers(link: object) -> bool:
    """Whether a link of a pack is the server's own: a pack may not have registered such a one."""
    rel = str(link.get("rel", "")) if isinstance(link, dict) else ""
    return bool(RESERVED.search(rel)) or rel.endswith(("takeAction", "event"))


def _sorted_pack(pack: Shape) -> Shape:
    commands = [{**one, "events": sorted(one["events"] or ())} for one in pack.get("commands", ())]
    events, links = pack.get("events", ()), pack.get("links", ())
    return {
        **pack,
        "commands": sorted(commands, key=_canonical),
        "events": sorted(events, key=_canonical),
        "links": sorted(links, key=_canonical),
    }


def _canonical(shape: object) -> str:
    return json.dumps(shape, sort_keys=True)
