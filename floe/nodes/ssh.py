"""The command of an ssh node: what its program sends to the far side, and to whom.

Values are data: none becomes code, an option or a variable that programs read code from. So the
rules of local commands (`expr.command`) hold for far ones.
"""

import re
import sys
from pathlib import Path
from typing import Final

from floe.expr.command import expanded
from floe.expr.env_entries import entry_faults, env_values_of
from floe.expr.variables import literal
from floe.model.errors import TooLarge, Yours
from floe.model.ssh import Ssh
from floe.model.template import data_of
from floe.nodes.base import Job, Secrets
from floe.nodes.bash import bash
from floe.nodes.workspaces import inside
from floe.ssh.far_command import VARIABLE, FarCommand

__all__ = ["VARIABLE", "argv", "far_command_of"]

BYTES_MAX: Final = 120 * 1024
"""Linux takes 128 KiB for one variable."""
SENT: Final = ("FLOE_RUN", "FLOE_NODE", "FLOE_HOST", "FLOE_ATTEMPT", "FLOE_FENCE")
"""The variables of an attempt that its far command gets."""
_HOST: Final = re.compile(r"[A-Za-z0-9._:%-]+")


def argv(program: Path) -> tuple[str, ...]:
    """The command line of the ssh program. Its command is in the environment."""
    return (sys.executable, "-I", "-S", str(program))


def far_command_of(
    work: Ssh, job: Job, env: dict[str, str], secrets: Secrets, *, strict: bool
) -> FarCommand:
    """The command of an attempt over ssh; `env` is its environment here. Raises Yours, World."""
    host, user = data_of(work.host), data_of(work.user)
    if not _HOST.fullmatch(host) or host.startswith("-"):
        raise Yours(f"{host!r} is not the name or the address of a host")
    if any(not sign.isprintable() for sign in user):
        raise Yours(f"{user!r} is not the name of a user")
    entries = literal(work.env)
    for fault in entry_faults(entries, escapes=True):
        raise Yours(fault.what, fault.hint)
    far = FarCommand(
        host=host,
        port=work.port,
        user=user,
        argv=far_argv(work, strict=strict),
        env=(
            *(f"{name}={env[name]}" for name in SENT),
            *(f"{use.name}={env[use.name]}" for use in job.secrets),
            *map(data_of, work.env),
        ),
        folder=data_of(work.dir),
        direct=work.direct,
        key_file=work.key_file,
        key=secrets.value(work.key.secret).reveal() if work.key else "",
        password=secrets.value(work.password.secret).reveal() if work.password else "",
        known_hosts=work.known_hosts,
        connect_s=work.connect_timeout_s,
        keepalive_s=work.keepalive_s,
        grace_s=job.grace_s,
        upload=tuple(
            (str(inside(job.workspace, data_of(copy.source))), data_of(copy.target))
            for copy in work.upload
        ),
        download=tuple(
            (data_of(copy.source), str(inside(job.workspace, data_of(copy.target))))
            for copy in work.download
        ),
        outputs=env["FLOE_OUTPUTS"],
        libraries=tuple(path for path in sys.path if Path(path).is_absolute()),
    )
    if (size := len(far.text())) > BYTES_MAX:
        what = f"the command and `env` of an ssh task have {size} bytes, at most {BYTES_MAX}"
        raise TooLarge(what, "send a file, and pass its name")
    return far


def far_argv(work: Ssh, *, strict: bool) -> tuple[str, ...]:
    """The command line over ssh. Raises Yours if a value would become code or an option."""
    if work.shell:
        return bash(work.shell, strict=strict)
    is_value = env_values_of((), escapes=True)
    return expanded(literal(work.argv), {}, is_value, escapes=True)
