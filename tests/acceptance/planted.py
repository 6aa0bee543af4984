"""Looks for planted secrets in what a host wrote and answered."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from tests.acceptance.people import floe
from tests.acceptance.product import Host


def traces_of(secrets: Mapping[str, str], text: bytes) -> list[str]:
    """The names of the secrets that are in a text, in any form."""
    found = []
    for name, value in secrets.items():
        lines = [line for line in value.splitlines() if len(line) >= 6 and "-----" not in line]
        for piece in (value.strip(), *lines):
            raw = piece.encode()
            coded = [base64.b64encode(b"x" * n + raw)[4:-4] for n in range(3)]
            escaped = json.dumps(piece)[1:-1]
            forms = (raw, escaped.encode(), quote(piece, safe="").encode(), *coded)
            if any(form in text for form in forms):
                found.append(name)
    return sorted({*found})


def content(path: Path) -> bytes:
    """The bytes of a file; none if floe has just removed it, as it does with inputs of attempts."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def found_on(host: Host, run: str, secrets: Mapping[str, str]) -> dict[str, list[str]]:
    """The places with a secret: files of floe, its log, replies and commands about a run."""
    files = (path for path in host.root.rglob("*") if path.is_file())
    texts = {str(path): content(path) for path in files if "spaces" not in path.parts}
    texts["log"] = host.log.read_bytes()
    paths = [f"runs/{run}", f"runs/{run}/events", f"runs/{run}/why", f"runs/{run}/notices"]
    for node in host.show(run)["nodes"]:
        paths += [f"runs/{run}/nodes/{node['id']}", f"runs/{run}/nodes/{node['id']}/log/lines"]
        texts[f"output of {node['id']}"] = host.output(run, node["id"])
    for path in paths:
        texts[path] = json.dumps(host.api.get(path), ensure_ascii=False).encode()
    for words in (("show", run), ("why", run), ("show", "--json", run), ("runs", "--json")):
        done = floe(host, *words)
        texts[" ".join(words)] = (done.stdout + done.stderr).encode()
    return {place: names for place, text in texts.items() if (names := traces_of(secrets, text))}
