"""Clients of flyte as the recorded packs behave, written from their requests alone.

Each starts as its original does, with the same headers and bodies, and is as strict with answers.
"""

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message
from typing import Any, Final
from urllib.parse import quote

Shape = dict[str, Any]

Answer = tuple[int, Message, bytes]
"""Status, headers and body."""

CREATED: Final = 201
OK: Final = 200


class PackStopped(Exception):
    """The client gave up: what it met ends its process, or it can never register."""


class PackClient:
    """What all clients share: they follow links, and compare the ends of rels."""

    headers: Mapping[str, str] = {}
    posted_as = "application/json"

    def __init__(self, root: str, *, token: str = "", ca: str = "") -> None:
        """`root`: the URL of flyte, perhaps with a path. `ca`: a certificate to trust."""
        self.root = root
        self._token = {"Authorization": f"Bearer {token}"} if token else {}
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if ca:
            context = ssl.create_default_context(cafile=ca)
            handlers.append(urllib.request.HTTPSHandler(context=context))
        self._opener = urllib.request.build_opener(*handlers)
        self.take = self.events = ""

    def start(self, pack: Shape) -> None:
        """Find the list of packs, register there, and find the links of the pack."""
        links = self.api_links()
        answer = self.registered(linked(links, "pack/listPacks"), pack)
        self.take, self.events = linked(answer, "takeAction"), linked(answer, "event")

    def api_links(self) -> Shape:
        """The links of the API."""
        raise NotImplementedError

    def registered(self, url: str, pack: Shape) -> Shape:
        """The pack with its links."""
        raise NotImplementedError

    def ask(self, method: str, url: str, body: bytes | None = None, **headers: str) -> Answer:
        """Status, headers and body of an answer."""
        sent = {**self.headers, **self._token, **headers}
        url = quote(url, safe="%/:?=&#!")  # what its library does with a blank
        request = urllib.request.Request(url, data=body, headers=sent, method=method)
        try:
            with self._opener.open(request, timeout=60) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()


class GoClient(PackClient):
    """The client in Go since May 2018: the links of the pack are in the answer to its POST."""

    headers: Mapping[str, str] = {"User-Agent": "Go-http-client/1.1"}

    def api_links(self) -> Shape:
        """It does not look at the status, and takes an object of lists of links alone."""
        _, _, body = self.ask("GET", self.root + "/v1", Accept="application/json")
        found = json.loads(body)
        for links in found.values():
            if not all(isinstance(link, dict) and set(link) <= {"href", "rel"} for link in links):
                raise PackStopped(f"{links} is no list of links: it never asks again")
        return {"links": [link for links in found.values() for link in links]}

    def registered(self, url: str, pack: Shape) -> Shape:
        """Exactly 201 will do."""
        status, _, body = self._posted(url, pack)
        return self._checked(status, CREATED, body)

    def _posted(self, url: str, pack: Shape) -> Answer:
        return self.ask("POST", url, json.dumps(pack).encode(), **{"Content-Type": self.posted_as})

    def _checked(self, status: int, expected: int, body: bytes) -> Shape:
        if status != expected:
            raise PackStopped(f"{status}: {body!r}")
        found: Shape = json.loads(body)
        for command in found.get("commands", ()):
            if not isinstance(command["events"], list | None):
                raise PackStopped(f"{command} has no list of events")
        return found


class OldGoClient(GoClient):
    """The client in Go of April 2018: it reads the pack at the Location of the answer."""

    def registered(self, url: str, pack: Shape) -> Shape:
        """Register, then get the pack."""
        status, headers, body = self._posted(url, pack)
        if status != CREATED:
            raise PackStopped(f"{status}: {body!r}")
        status, _, body = self.ask("GET", headers["Location"], Accept="application/json")
        return self._checked(status, OK, body)


class PythonClient(PackClient):
    """The client in Python of 2020: it posts JSON as plain text, and takes any status below 400."""

    headers: Mapping[str, str] = {"Accept": "*/*", "User-Agent": "Python/3.11 aiohttp/3.8.6"}
    posted_as = "text/plain; charset=utf-8"

    def api_links(self) -> Shape:
        """Its schema refuses unknown members of a link."""
        return self._read(self.ask("GET", self.root + "/v1"))

    def registered(self, url: str, pack: Shape) -> Shape:
        """The answer has the links."""
        body = json.dumps(pack).encode()
        return self._read(self.ask("POST", url, body, **{"Content-Type": self.posted_as}))

    def _read(self, answer: Answer) -> Shape:
        status, _, body = answer
        if status >= 400:
            raise PackStopped(f"{status}: {body!r}")
        found: Shape = json.loads(body)
        for link in found["links"]:
            if not set(link) <= {"href", "rel"}:
                raise PackStopped(f"{link} has unknown members")
        return found


def linked(body: Shape, end: str) -> str:
    """The first link whose rel ends so."""
    found = next((link for link in body["links"] if link.get("rel", "").endswith(end)), None)
    if found is None:
        raise PackStopped(f"no link ends with {end}")
    return str(found["href"])
