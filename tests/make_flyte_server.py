"""A stand-in for the original server of flyte: its API as far as an import reads it.

Written from the reference of its wire, and not from floe's own server, so that an import meets what
the original sends: names that links have as they are, commands whose links are the server's own,
`events` that are null, a datastore in the order of its items, and errors without a body.
"""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from posixpath import normpath
from typing import Any, Final
from urllib.parse import unquote

Shape = dict[str, Any]

SEEN: Final = "2022-06-23T09:00:00.123Z"


class OriginalServer:
    """What a server has, and how it fails. A test sets both."""

    def __init__(self) -> None:
        self.packs: dict[str, Shape] = {}
        self.flows: dict[str, Shape] = {}
        self.items: dict[str, tuple[str, str, bytes]] = {}
        """Content type, description and content."""
        self.token = ""
        """Without it, each request but that for the links is answered 401."""
        self.host = ""
        """In place of the name by which it was asked, in all links."""
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        """Instead of its own: status, headers and body, by path."""
        self.dies_after = -1
        """Requests after which it closes connections without an answer; -1 for never."""
        self.asked: list[str] = []
        self.tokens: set[str] = set()
        self.url = ""

    def add_pack(self, name: str, **members: Any) -> None:
        """Register a pack."""
        labels = members.get("labels") or {}
        id = ".".join([name, *(f"{key}.{labels[key]}" for key in sorted(labels))])
        self.packs[id] = {"name": name, **members}

    def add_flow(self, name: str, *steps: Shape, **members: Any) -> None:
        """Post a flow."""
        self.flows[name] = {"name": name, **members, "steps": list(steps)}

    def links(self, base: str) -> Shape:
        """The answer to `GET /v1`."""
        swagger = f"{base}/swagger"
        pairs = (
            ("/v1", "self"),
            ("/", "up"),
            ("/swagger#!/info/v1", "help"),
            ("/health", f"{swagger}#!/info/health"),
            ("/v1/packs", f"{swagger}#!/pack/listPacks"),
            ("/v1/flows", f"{swagger}#!/flow/listFlows"),
            ("/v1/datastore", f"{swagger}#!/datastore/listDatastoreItems"),
            ("/v1/audit/flows", f"{swagger}#!/flowAudit/findFlows"),
            ("/v1/swagger", swagger),
        )
        return {"links": [{"href": base + path, "rel": rel} for path, rel in pairs]}

    def answer(self, base: str, path: str) -> Any:
        """The JSON or the content of a path; None for 404."""
        if path == "/v1":
            return self.links(base)
        head, _, name = path.removeprefix("/v1/").partition("/")
        if not name:
            return self._list(base, head)
        if head == "packs" and name in self.packs:
            return self._pack(base, name)
        if head == "flows" and name in self.flows:
            flow = {key: value for key, value in self.flows[name].items() if value not in ("", [])}
            return flow | {"links": [_link(base, "self", "flows", name)]}
        return self.items[name] if head == "datastore" and name in self.items else None

    def _list(self, base: str, kind: str) -> Shape | None:
        links = [{"href": f"{base}/v1/{kind}", "rel": "self"}, {"href": f"{base}/v1", "rel": "up"}]
        if kind == "flows":
            rows = [
                {key: flow[key] for key in ("name", "description") if flow.get(key)}
                | {"links": [_link(base, "self", "flows", name)]}
                for name, flow in sorted(self.flows.items())
            ]
            return {"flows": rows, "links": links}
        if kind == "packs":
            shown = ("id", "name", "labels", "lastSeen", "status")
            rows = [
                {key: self._pack(base, id)[key] for key in shown if key in self._pack(base, id)}
                | {"links": [_link(base, "self", "packs", id)]}
                for id in sorted(self.packs)
            ]
            return {"links": links, "packs": rows}
        if kind == "datastore":
            rows = [
                {"key": key, "contentType": content_type}
                | ({"description": description} if description else {})
                | {"links": [_link(base, "self", "datastore", key)]}
                for key, (content_type, description, _) in self.items.items()
            ]
            return {"links": links, "datastore": rows}
        return None

    def _pack(self, base: str, id: str) -> Shape:
        pack, take = dict(self.packs[id]), f"{base}/v1/packs/{id}/actions/take"
        rel = f"{base}/swagger#!/action/takeAction"
        if commands := pack.get("commands"):
            pack["commands"] = [
                {
                    "name": one["name"],
                    "events": one.get("events"),
                    "links": [{"href": f"{take}?commandName={one['name']}", "rel": rel}],
                }
                for one in commands
            ]
        own = [
            *(pack.get("links") or ()),
            _link(base, "self", "packs", id),
            {"href": f"{base}/v1/packs", "rel": "up"},
            {"href": take, "rel": rel},
            {"href": f"{base}/v1/packs/{id}/events", "rel": f"{base}/swagger#/event"},
        ]
        kept = {key: value for key, value in pack.items() if value}
        return kept | {"id": id, "lastSeen": SEEN, "status": "critical", "links": own}


def _link(base: str, rel: str, kind: str, name: str) -> Shape:
    """Names are not encoded, and the path is cleaned."""
    return {"href": base + normpath(f"/v1/{kind}/{name}"), "rel": rel}


def _handler(server: OriginalServer, scheme: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            server.asked.append(self.path)
            server.tokens.add(self.headers.get("Authorization", ""))
            if 0 <= server.dies_after < len(server.asked):
                self.close_connection = True
                return
            path = unquote(self.path)
            if path in server.answers:
                self._send(*server.answers[path])
            elif server.token and self.headers.get("Authorization") != f"Bearer {server.token}":
                self._send(401, {"WWW-Authenticate": 'Bearer realm="token"'}, b"")
            else:
                self._found(
                    server.answer(f"{scheme}://{server.host or self.headers['Host']}", path)
                )

        def _found(self, found: Any) -> None:
            if found is None:
                self._send(404, {}, b"")
            elif isinstance(found, tuple):
                self._send(200, {"Content-Type": found[0]}, found[2])
            else:
                kind = "application/json; charset=utf-8"
                self._send(200, {"Content-Type": kind}, json.dumps(found).encode())

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nobody reads it."""

    return Handler


@contextmanager
def original_server(tls: ssl.SSLContext | None = None) -> Iterator[OriginalServer]:
    """A server that answers until the end."""
    made = OriginalServer()
    scheme = "https" if tls else "http"
    served = ThreadingHTTPServer(("127.0.0.1", 0), _handler(made, scheme))
    served.daemon_threads = True
    if tls:
        served.socket = tls.wrap_socket(served.socket, server_side=True)
    made.url = f"{scheme}://localhost:{served.server_port}"
    thread = threading.Thread(target=served.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield made
    finally:
        served.shutdown()
        thread.join()
        served.server_close()
