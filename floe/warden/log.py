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


def trace(error: BaseException) -> str:
    """Where an error comes from, for the log: one line for each call."""
    lines, at = [], error.__traceback__
    while at is not None:
        code = at.tb_frame.f_code
        lines.append(f"{code.co_filename}:{at.tb_lineno} in {code.co_name}")
        at = at.tb_next
    return "\n".join([*lines, f"{type(error).__name__}: {error}"])
