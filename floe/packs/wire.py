"""The API of flyte as a pack sees it: links, registration, takes, results and events."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from floe.packs.connections import Connections, ServerReply, Unanswered, in_thread
from floe.packs.settings import PackSettings

OK, CREATED, EMPTY, UNKNOWN, OVER = 200, 201, 204, 404, 409
JSON: Final = {"Content-Type": "application/json"}


class NotSent(Exception):
    """An event that the server did not accept, as far as the pack knows."""


class Unexpected(Exception):
    """An answer that is none of the API."""


class UnknownPack(Exception):
    """The server does not know the pack: it was emptied, or the pack was deleted."""


class VoidTake(Exception):
    """A named take has no action, or its action is over: the next take needs a new name."""


@dataclass(frozen=True)
class PackLinks:
    """Where a registered pack takes actions and sends events."""

    take: str
    events: str


@dataclass(frozen=True)
class TakenAction:
    """An action that the server gave to this pack alone."""

    command: str
    input: Any
    result: str
    """The URL for its result."""


class FlyteServer:
    """A server, by its URLs. Each request may raise Unanswered or Unexpected."""

    def __init__(self, settings: PackSettings) -> None:
        self._root = settings.url.rstrip("/")
        self._token = settings.token
        self._connections = Connections(
            timeout_s=settings.timeout_s, ca=settings.ca, is_insecure=settings.is_insecure
        )

    async def register(self, pack: dict[str, Any]) -> PackLinks:
        """Register in the list of packs, instead of a pack with the same name and labels."""
        root = await self._ask("GET", f"{self._root}/v1", None, {"Accept": "application/json"})
        packs = _link(_object(root, OK), "pack/listPacks")
        body = json.dumps(pack).encode()
        answer = _object(await self._ask("POST", packs, body, JSON), CREATED)
        return PackLinks(_link(answer, "takeAction"), _link(answer, "event"))

    async def take(
        self, url: str, name: str = "", *, is_repeat: bool = False
    ) -> TakenAction | None:
        """The next action, if there is one. Raises UnknownPack, VoidTake.

        `name`: a floe host gives the same action to a second take of this name. `is_repeat`: this
        may be a second take. A server of flyte does not know names.
        """
        headers = {**JSON, "Idempotency-Key": name} if name else JSON
        headers = {**headers, "Idempotency-Repeat": "1"} if name and is_repeat else headers
        reply = await self._ask("POST", url, b"null", headers)
        if reply.status == EMPTY:
            return None
        if name and reply.status == OVER:
            raise VoidTake(name)
        if reply.status == UNKNOWN:
            raise UnknownPack(url)
        action = _object(reply, OK)
        command = action.get("command")
        return TakenAction(str(command), action.get("input"), _link(action, "actionResult"))

    async def send(self, url: str, event: bytes) -> int:
        """Send an event or a result; the status of the answer."""
        return (await self._ask("POST", url, event, JSON)).status

    def close(self) -> None:
        """Close its connections."""
        self._connections.close()

    async def _ask(
        self, method: str, url: str, body: bytes | None, headers: dict[str, str]
    ) -> ServerReply:
        return await in_thread(
            lambda: self._connections.ask(
                method, url, body, {**headers, **_credentials(self._token)}
            )
        )


def _credentials(token: str) -> dict[str, str]:
    """The header for a token. Raises Unanswered: its file cannot be read."""
    if token.startswith("@"):
        try:
            token = Path(token[1:]).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Unanswered(f"the token in {token[1:]}: {error}") from error
    return {"Authorization": f"Bearer {token}"} if token else {}


def _object(reply: ServerReply, status: int) -> dict[str, Any]:
    if reply.status != status:
        text = reply.body[:200].decode(errors="replace").strip()
        raise Unexpected(f"the server answered {reply.status}: {text}")
    try:
        found = json.loads(reply.body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Unexpected("the answer of the server is no object in JSON")
    return found


def _link(body: dict[str, Any], end: str) -> str:
    """The first link whose `rel` ends so."""
    links = body.get("links")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and str(link.get("rel", "")).endswith(end):
            return str(link.get("href", ""))
    raise Unexpected(f"the answer of the server has no link whose rel ends with {end}")
