"""The action `ssh`: a script at a different machine, by the program of floe's ssh tasks.

The key of that machine is not checked, as in uTask: templates name no key to compare it with.
"""

import asyncio
import shlex
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from floe.calls.utask.action import ActionCall, CameTo, ClientError, ServerError
from floe.calls.utask.go_texts import seconds_in
from floe.calls.utask.printed import AUTO_RESULT, Printed, came_to_of
from floe.calls.utask.scripts import GRACE_S, OUTPUT_BYTES_MAX
from floe.model.ids import Json
from floe.model.signal import Exited, Failed, Report
from floe.nodes import ssh as far_side
from floe.nodes.base import ReadyCommand
from floe.nodes.call_ground import CallCommands
from floe.ssh.far_command import FAILED, FarCommand

TIMEOUT_S: Final = 300.0
CONNECT_S: Final = 10.0
KEEPALIVE_S: Final = 15.0
PORT: Final = 22
HOPS_MAX: Final = 10

_IN_LOGIN_SHELL: Final = ("sh", "-c", 'exec "${SHELL:-sh}" -c "$1"', "sh")
_TEXT: Final = (
    '__result() { printf %s "$1" | tr -d \'"\\\\\\000-\\011\\013-\\037\''
    ' | awk \'NR > 1 { printf "\\\\n" } { printf "%s", $0 }\'; }'
)
"""Prints a text as one of JSON, without its quotes: line ends are escaped."""


async def ssh(call: ActionCall, commands: CallCommands | None) -> CameTo:
    """Run the script of a configuration at its target."""
    if commands is None:
        raise ServerError("this host runs no commands")
    far = _far_command(call, await asyncio.to_thread(_key, call))
    if len(text := far.text()) > far_side.BYTES_MAX:
        raise ClientError(f"the script has more than {far_side.BYTES_MAX} bytes")
    environment = {**commands.environment, "FLOE_ATTEMPT": str(call.job.key)}
    ready = ReadyCommand(
        argv=far_side.argv(commands.ssh_program),
        env={**environment, far_side.VARIABLE: text},
        folder=Path("/"),
    )
    job = replace(
        call.job,
        ready=ready,
        timeout_s=seconds_in(call.text("timeout"), "timeout", TIMEOUT_S),
        grace_s=GRACE_S,
        output_max=OUTPUT_BYTES_MAX,
    )
    report, data = await commands.run(job, OUTPUT_BYTES_MAX)
    return _ended(call, report, data.decode(errors="replace"))


def ssh_resources(call: ActionCall) -> Sequence[str]:
    """A socket, the target and its hops."""
    return ("socket", *(f"url:{one}" for one in (call.text("target"), *call.texts("hops"))))


def _far_command(call: ActionCall, key: str) -> FarCommand:
    target, hops, script = call.text("target"), call.texts("hops"), _script(call)
    if len(hops) > HOPS_MAX:
        raise ClientError(f"at most {HOPS_MAX} hops are possible")
    if not call.text("user") or "\0" in script:
        raise ClientError("`user` is missing, or the script has a NUL")
    host, port = _address(hops[0] if hops else target)
    return FarCommand(
        host=host,
        port=port,
        user=call.text("user"),
        argv=() if hops else (*_IN_LOGIN_SHELL, script),
        env=(),
        folder="",
        direct=bool(hops),
        key_file="",
        key=key,
        password="",
        known_hosts="",
        connect_s=CONNECT_S,
        keepalive_s=KEEPALIVE_S,
        grace_s=GRACE_S,
        upload=(),
        download=(),
        outputs="/dev/null",
        libraries=tuple(path for path in sys.path if Path(path).is_absolute()),
        line=" -- ".join((*hops[1:], target)) if hops else "",
        stdin=script if hops else "",
        any_host=True,
    )


def _key(call: ActionCall) -> str:
    """The private key, without its passphrase. Blocks. Raises ClientError."""
    import asyncssh  # most hosts never need it

    try:
        key = asyncssh.import_private_key(
            call.text("ssh_key"), call.text("ssh_key_passphrase") or None
        )
        return key.export_private_key().decode()
    except (ValueError, asyncssh.Error) as error:  # the errors of keys are among both
        hint = (
            "; with a passphrase it is in PEM: ssh-keygen -p -m PEM"
            if "bcrypt" in str(error)
            else ""
        )
        raise ClientError(f"`ssh_key` is no private key: {error}{hint}") from None


def _address(text: str) -> tuple[str, int]:
    """Host and port of `host`, `host:port` or `[address]:port`. Raises ClientError."""
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")):
        host, port = text, str(PORT)
    host = host.strip("[]")
    is_host = host and not host.startswith("-") and not set(host) & set(" \t\r\n/@\\\"'")
    if not is_host or not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 1 << 16):
        raise ClientError(f'"{text}" is no address of a host')
    return host, int(port)


def _script(call: ActionCall) -> str:
    """The script, which in mode `auto-result` prints its results at its end."""
    results = call.entries("result")
    if (call.text("output_mode") or AUTO_RESULT) != AUTO_RESULT or not results:
        return call.text("script")
    pairs = ",".join(f'"{_safe(name)}":"%s"' for name in results)
    values = " ".join(f'"$(__result "{value}")"' for value in results.values())
    shape = shlex.quote(rf"\n{{{pairs}}}\n")
    printed = f"printf {shape} {values}"
    return f"{_TEXT}\n__results() {{ {printed}; }}\ntrap __results EXIT\n{call.text('script')}"


def _safe(name: str) -> str:
    """The name of a result: letters, digits, `_`, `-` and `.`. Raises ClientError."""
    if not name or not all(sign.isalnum() or sign in "_-." for sign in name):
        raise ClientError(f"{name!r} cannot be the name of a result")
    return name


def _ended(call: ActionCall, report: Report, printed: str) -> CameTo:
    """What a script came to. Raises ClientError, ServerError."""
    match report:
        case Exited(status=status):
            pass
        case Failed(cause="timeout"):
            raise ServerError("ssh session has not terminated before timeout")
        case _:
            raise ServerError(getattr(report, "why", "the script was stopped"))
    last = printed.removesuffix("\n").rpartition("\n")[2]
    if status == FAILED and last.startswith("floe: "):
        raise ServerError(last.removeprefix("floe: "))
    name = signal.Signals(status - 128).name if status - 128 in set(signal.Signals) else ""
    metadata: Json = {
        "output": printed,
        "exit_code": str(status),
        "exit_signal": name.removeprefix("SIG"),
        "exit_msg": "",
    }
    return came_to_of(call, Printed(text=printed, status=status, why="", metadata=metadata))
