"""Packs and flows of flyte at the host of a dashboard: what its tests share."""

import json
from typing import Any, Final
from urllib.parse import quote
from urllib.request import Request, urlopen

from floe.dialects.flyte.compiled import flow_id_of
from tests.acceptance.dashboard import HOSTILE, TOKEN, Host

DEPLOY: Final[dict[str, Any]] = {
    "name": "deploy",
    "description": "Deploys what the chat asks for",
    "steps": [
        {
            "id": "build",
            "event": {"packName": "Chat", "name": "Said"},
            "criteria": "{{ Event.Payload.text|match:'^deploy' }}",
            "context": {"channel": "{{ Event.Payload.channel }}"},
            "command": {"packName": "Shell", "name": "Run", "input": "make"},
        },
        {
            "id": "announce",
            "dependsOn": ["build"],
            "event": {"packName": "Shell", "name": "Output"},
            "command": {
                "packName": "Chat",
                "name": "Post",
                "packLabels": {"env": "prod"},
                "input": {"text": "built"},
            },
        },
        {
            "id": "sorry",
            "event": {"packName": "Shell", "name": "FATAL"},
            "command": {"packName": "Pager", "name": "Call", "input": "broken"},
        },
    ],
}
CHAT: Final[dict[str, Any]] = {
    "name": "Chat",
    "events": [{"name": "Said"}],
    "commands": [{"name": "Post", "events": ["Posted"]}],
}
SHELL: Final[dict[str, Any]] = {
    "name": "Shell",
    "commands": [
        {
            "name": "Run",
            "events": ["Output"],
            "links": [{"href": "https://wiki.example.com/run", "rel": "help"}],
        }
    ],
}
ODD: Final = f"a/b c?%2F{HOSTILE} {'long' * 30}"
ODD_FLOW: Final[dict[str, Any]] = {
    "name": ODD,
    "description": HOSTILE,
    "steps": [
        {
            "id": HOSTILE,
            "event": {"packName": ODD, "name": HOSTILE},
            "criteria": HOSTILE,
            "command": {"packName": ODD, "name": ODD, "packLabels": {HOSTILE: ODD}, "input": ODD},
        }
    ],
}
ODD_PACK: Final[dict[str, Any]] = {
    "name": ODD,
    "labels": {HOSTILE: ODD},
    "commands": [{"name": ODD, "events": [HOSTILE]}],
    "links": [{"href": "javascript:alert(3)", "rel": HOSTILE}],
}


class FlyteApi:
    """A client of flyte at a host, with its API."""

    def __init__(self, host: Host) -> None:
        self._root = f"http://{host.address}/flyte/v1"

    def set_up(self) -> None:
        """A flow, and its packs but one."""
        self.post("flows", DEPLOY)
        for pack in (CHAT, SHELL):
            self.post("packs", pack)

    def post(self, path: str, body: Any = None) -> Any:
        """The value of the answer; None for none."""
        return self.ask("POST", path, json.dumps(body).encode())

    def ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        headers = {"X-Floe-Auth": TOKEN, "Content-Type": "application/json"}
        request = Request(f"{self._root}/{path}", body, headers, method=method)
        with urlopen(request) as answer:  # the address is the host's
            text = answer.read()
        return json.loads(text) if text else None

    def say(self, text: str = "deploy it") -> None:
        """The event that opens a run of the flow."""
        payload = {"text": text, "channel": "c1"}
        self.post("packs/Chat/events", {"event": "Said", "payload": payload})

    def take(self, pack: str) -> str:
        """Take an action; the path of its result."""
        taken = None
        while taken is None:  # its run is opened after the answer to the event
            taken = self.post(f"packs/{quote(pack, safe='')}/actions/take")
        return str(taken["links"][0]["href"]).partition("/v1/")[2]

    def complete(self, pack: str, event: str) -> None:
        """Take an action and complete it."""
        self.post(self.take(pack), {"event": event, "payload": {"exit_code": 0}})


def flow_path(name: str = "deploy") -> str:
    """The page of a flow."""
    return f"flows/{flow_id_of(name)}"
