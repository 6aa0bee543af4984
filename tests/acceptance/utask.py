"""A host with folders of uTask, for templates, functions, scripts and items, and a client."""

import base64
import http.client
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.acceptance.product import TOKEN, Host, until
from tests.ports import free_port

BUSY: Final = ("TO_AUTORUN", "AUTORUNNING", "RUNNING", "RETRY")
"""States in which a resolution goes on."""

EXIT: Final = """#!/bin/sh
cat
echo "out on stdout"
echo "err on stderr" >&2
[ -n "$2" ] && echo "$2"
exit "$1"
"""
SLEEP: Final = """#!/bin/sh
sleep "$1"
"""
ENV: Final = """#!/bin/sh
printf '{"A":"%s","B":"%s","C":"%s","task":"%s","resolution":"%s","step":"%s"}\\n' \\
  "$A" "$B" "$C" "$UTASK_TASK_ID" "$UTASK_RESOLUTION_ID" "$UTASK_STEP_NAME"
"""
HELLO: Final = """#!/bin/sh
echo "a line before"
printf '{"dumb_string":"Hello %s!","random_object":{"foo":"bar"}}\\n' "$1"
"""
SCRIPTS: Final = {
    "exit.sh": EXIT,
    "sleep.sh": SLEEP,
    "env.sh": ENV,
    "scripts_tests/hello-world.sh": HELLO,
}
"""The scripts that recorded templates name."""

CONFIG: Final = """
common:
  utask:
    bind: "{bind}"
    templates: [$HERE/templates]
    functions: $HERE/functions
    scripts: $HERE/scripts
    items: $HERE/items
    resource-limits: {{none: 0, one: 1}}
    resource-timeout: 0.3
    base-url: http://utask.test
flows: []
"""


class Answer(NamedTuple):
    """Of uTask's API."""

    status: int
    headers: Mapping[str, str]
    """By name in small letters."""
    body: Any


class UtaskHost(Host):
    """A host that serves uTask's API at an address of its own."""

    def __init__(
        self,
        folder: Path,
        templates: Mapping[str, str],
        functions: Mapping[str, str] | None = None,
        items: Mapping[str, Any] | None = None,
    ) -> None:
        """Texts of templates and functions by name; values of items, which become JSON."""
        self.port = free_port()
        super().__init__(folder, CONFIG.format(bind=f"127.0.0.1:{self.port}"))
        texts = {name: json.dumps(value) for name, value in (items or {}).items()}
        _write(folder / "templates", {f"{name}.yaml": text for name, text in templates.items()})
        _write(folder / "functions", {f"{n}.yaml": text for n, text in (functions or {}).items()})
        _write(folder / "items", texts)
        _write(folder / "scripts", SCRIPTS)
        for name in SCRIPTS:
            (folder / "scripts" / name).chmod(0o755)

    def is_ready(self) -> bool:
        """Whether it answers, also at the address of uTask's API."""
        if not super().is_ready():
            return False
        try:
            return self.ask("GET", "/unsecured/mon/ping", user=None).status == 200
        except OSError:
            return False

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        user: str | None = "admin",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer to a call. A body that is no text is sent as JSON."""
        sent = dict(headers or {})
        if user is not None:
            password = "wrong" if user == "nobody" else TOKEN
            pair = base64.b64encode(f"{user}:{password}".encode()).decode()
            sent["Authorization"] = f"Basic {pair}"
        data = body if isinstance(body, str | None) else json.dumps(body)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, data and data.encode(), sent)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        named = {name.lower(): value for name, value in response.headers.items()}
        is_json = response.headers.get_content_type() == "application/json"
        return Answer(response.status, named, json.loads(text) if is_json else text)

    def rested(self, resolution: str) -> Any:
        """A resolution once its pass is over."""
        shown: list[Any] = []

        def is_at_rest() -> bool:
            shown[:] = [self.ask("GET", f"/resolution/{resolution}").body]
            return shown[0].get("state") not in BUSY

        until(is_at_rest, f"the end of a pass of {resolution}")
        return shown[0]


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
