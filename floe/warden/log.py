"""The warden's log: standard error, one JSON object a line."""

import contextlib
import json
import os
import time
from typing import Final

LOG_BYTES_MAX: Final = 1024 * 1024


def log_line(event: str, **fields: object) -> None:
    """Write a line to the log; a long log is emptied first."""
    line = json.dumps({"at": time.time_ns() // 1_000_000, "event": event} | fields) + "\n"
    with contextlib.suppress(OSError):
        if os.fstat(2).st_size > LOG_BYTES_MAX:
            os.ftruncate(2, 0)
        os.write(2, line.encode())
