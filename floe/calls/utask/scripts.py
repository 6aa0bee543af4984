"""The action `script`: a program in the folder of scripts, under floe's warden.

A script sees what commands of floe see of the host's environment, and no secret of the host. It
runs in the folder of scripts, and outlives the process of the host.
"""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from floe.calls.utask.action import ActionCall, CameTo, ClientError, ServerError
from floe.calls.utask.go_texts import NS, seconds_in
from floe.calls.utask.printed import Printed, came_to_of
from floe.expr.gotext.times import duration_text
from floe.model.codec import to_text
from floe.model.ids import Json
from floe.model.signal import Exited, Failed, Report
from floe.nodes.attempt_files import input_path
from floe.nodes.base import ReadyCommand
from floe.nodes.call_ground import CallCommands

TIMEOUT_S: Final = 120.0
OUTPUT_BYTES_MAX: Final = 1 << 20
"""Bytes that a script prints; one that prints more is ended."""
GRACE_S: Final = 1.0

_WITH_STDIN: Final = ("/bin/sh", "-c", 'in=$1; shift; exec "$@" <"$in"', "sh")
_OWN: Final = ("FLOE_ATTEMPT", "FLOE_WARDEN")
"""Variables by which the warden finds the processes of a script."""


async def script(call: ActionCall, scripts: Path | None, commands: CallCommands | None) -> CameTo:
    """Run the script of a configuration."""
    if commands is None:
        raise ServerError("this host runs no commands")
    path = call.text("file_path")
    if scripts is None or (fault := script_fault(scripts, path)):
        raise ClientError(fault if scripts else "this host has no folder of scripts")
    stdin = call.text("stdin").encode()
    argv = (f"./{path.lstrip('/')}", *call.texts("argv"))
    ready = ReadyCommand(
        argv=(*_WITH_STDIN, input_path(call.job), *argv) if stdin else argv,
        env=_environment(call, commands.environment),
        folder=scripts,
        stdin=stdin,
    )
    timeout_s = seconds_in(call.text("timeout"), "timeout", TIMEOUT_S)
    job = replace(
        call.job,
        ready=ready,
        timeout_s=timeout_s,
        grace_s=GRACE_S,
        output_max=OUTPUT_BYTES_MAX,
    )
    began = time.monotonic()
    report, data = await commands.run(job, OUTPUT_BYTES_MAX)
    took = duration_text(int((time.monotonic() - began) * NS))
    return _ended(call, report, data.decode(errors="replace"), took)


def script_resources(call: ActionCall) -> Sequence[str]:
    """A process, and the script."""
    return ("fork", f"script:{call.text('file_path')}")


def script_fault(scripts: Path | None, path: str) -> str:
    """Why a script cannot run; empty if it can. Blocks."""
    if scripts is None:
        return f'can\'t stat "{path}": the host has no folder of scripts'
    try:
        root = scripts.resolve(strict=True)
        found = (scripts / path.lstrip("/")).resolve(strict=True)
    except (OSError, ValueError, RuntimeError) as error:  # a NUL; a circle of links
        why = getattr(error, "strerror", None) or str(error)
        return f'can\'t stat "{path}": {why}'
    if not found.is_relative_to(root):
        return f'"{path}" is outside of the folder of scripts'
    if not found.is_file() or not os.access(found, os.X_OK):
        return f'"{path}" is no executable file'
    return ""


def _environment(call: ActionCall, base: Mapping[str, str]) -> dict[str, str]:
    given = {name: _text(value) for name, value in call.entries("environment").items()}
    for name, value in given.items():
        if not name or "=" in name or "\0" in name + value:
            raise ServerError(f"{name!r} is no name of a variable, or its value has a NUL")
    return {
        **base,
        **{name: value for name, value in given.items() if name not in _OWN},
        "UTASK_TASK_ID": str(call.task.get("task_id") or ""),
        "UTASK_RESOLUTION_ID": str(call.task.get("resolution_id") or ""),
        "UTASK_STEP_NAME": call.step,
        "FLOE_ATTEMPT": str(call.job.key),
    }


def _text(value: Json) -> str:
    """A value as a variable has it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else to_text(value)


def _ended(call: ActionCall, report: Report, printed: str, took: str) -> CameTo:
    """What a script came to. Raises ClientError, ServerError."""
    match report:
        case Exited(status=status):
            state = f"exit status {status}"
        case Failed(cause="timeout" | "output-limit" | "lost"):
            status, state = -1, "signal: killed"
        case Failed(why=why):
            raise ServerError(why)
        case _:
            status, state = -1, "signal: terminated"
    metadata: Json = {
        "exit_code": str(status),
        "process_state": state,
        "output": printed,
        "execution_time": took,
        "error": state if status else "",
    }
    ended = Printed(text=printed, status=status, why=getattr(report, "why", ""), metadata=metadata)
    return came_to_of(call, ended)
