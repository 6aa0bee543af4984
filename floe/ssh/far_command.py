"""The command that the program runs, the errors that it ends with, and how it prints them."""

import json
import os
import sys
from typing import Final, NamedTuple

VARIABLE: Final = "FLOE_FAR_COMMAND"
"""The command is in this variable: all users of a machine can read a command line."""
SILENCES_MAX: Final = 4
FAILED: Final = 255
"""The exit status if there is no connection, as with ssh."""


class FarCommand(NamedTuple):
    """One attempt of an ssh node. Operands are data."""

    host: str
    port: int
    user: str
    """Empty for the name of floe's own user."""
    argv: tuple[str, ...]
    """The far command; its arguments are quoted for the far shell."""
    env: tuple[str, ...]
    """`NAME=value` entries of the far command."""
    folder: str
    """Where it runs there; empty for the home of the far user."""
    direct: bool
    """Without the watcher on the far side."""
    key_file: str
    """Empty for the agent and the user's own keys."""
    key: str
    """A private key, instead of its file."""
    password: str
    known_hosts: str
    """Empty for the user's and the system's own files."""
    connect_s: float
    """How long connecting may take, login included."""
    keepalive_s: float
    """After `SILENCES_MAX` of these without an answer the connection is lost."""
    grace_s: float
    """Between TERM and KILL."""
    upload: tuple[tuple[str, str], ...]
    """Files from here to there, before the command."""
    download: tuple[tuple[str, str], ...]
    """Files from there to here, after the command."""
    outputs: str
    """The file here for the outputs of the command."""
    libraries: tuple[str, ...]
    """The folders in which Python finds asyncssh."""
    line: str = ""
    """With `direct`: the command line as it is sent, instead of `argv`."""
    stdin: str = ""
    """With `direct`: what the command reads."""
    any_host: bool = False
    """Whatever key the host shows."""

    @classmethod
    def of_environment(cls) -> "FarCommand":
        """The command of this process. The variable is removed: no child gets it."""
        fields = json.loads(os.environ.pop(VARIABLE))
        lists = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
        return cls(**{**fields, **lists})

    def text(self) -> str:
        """The value of the variable."""
        return json.dumps(self._asdict())


class SshFailed(Exception):
    """The attempt of a far command ends with this status; the text is the reason, line by line."""

    status = FAILED


class CopyFailed(SshFailed):
    """A file of a far command was not copied."""

    status = 1


def print_line(text: str) -> None:
    """Print lines to the attempt's output, in order with that of the far command."""
    os.write(sys.stdout.fileno(), "".join(f"floe: {line}\n" for line in text.split("\n")).encode())
