"""Messages as lines of JSON: those of the protocol, and of the journal."""

import json
import time
from typing import Any


def message_line(kind: str, key: str = "", **fields: object) -> bytes:
    """A message as a line of the protocol, and of the journal."""
    named = {"word": kind, "key": key} if key else {"word": kind}
    return json.dumps(named | {"at": time.time_ns() // 1_000_000} | fields).encode() + b"\n"


def read_message_line(line: bytes) -> dict[str, Any]:
    """The message in a line of the journal; empty if it is not valid."""
    try:
        known = json.loads(line)
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}
