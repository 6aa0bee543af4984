"""The pack `Shell`: it runs programs, but only those that its configuration allows.

A flow gets its values from strangers. So an input names a program of the configuration, and its
arguments never reach a shell, unless the configuration has `scripts`.
"""

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from floe.packs.inputs import WrongInput, read
from floe.packs.pack import Pack
from floe.packs.shipped.configuration import WrongSetting, configured, start
from floe.packs.shipped.programs import Limits, run_program

LATE, REFUSED, ABSENT = 124, 126, 127
"""Exit codes as those of `timeout` and of a shell."""
WRONG: Final = 1
"""The exit code for an input that is none, as in flyte's own pack."""
NO_OPTION: Final = "(?!-).*"


@dataclass(frozen=True)
class AllowedProgram:
    """A program that inputs may name."""

    run: list[str]
    """Its file and first arguments."""
    arguments: str = NO_OPTION
    """A regular expression for the whole of each argument that an input adds."""


@dataclass(frozen=True)
class ShellSettings:
    """Settings of the pack, by SHELL_CONFIG."""

    programs: dict[str, AllowedProgram | list[str]] = field(default_factory=dict)
    scripts: bool = False
    """Whether an input that is a text is run by `bash -c`, whatever it is."""
    folder: str = "/"
    """Where programs run, unless the input names a folder."""
    folders: list[str] = field(default_factory=list)
    """Folders that an input may name, and all below them."""
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": "/usr/bin:/bin"})
    """All variables that programs get."""
    variables: list[str] = field(default_factory=list)
    """Names of variables that an input may set."""
    timeout_s: float = 60
    """The longest time of a program; an input may have a shorter one."""
    output_bytes: int = 65_536
    """How much of the output is kept, and of the errors."""
    memory_bytes: int = 0
    """The most memory of each process; 0 for no limit."""


@dataclass(frozen=True)
class ShellInput:
    """The input of the command: a program with its arguments."""

    program: str
    arguments: list[str] = field(default_factory=list)
    folder: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    stdin: str = ""
    timeout_s: float | None = None


class NotAllowed(Exception):
    """A call that the configuration does not allow; the text has the reason."""


def shell_pack(environment: Mapping[str, str] = os.environ) -> Pack:
    """The pack, with the settings of an environment. Raises WrongSetting."""
    settings = configured(ShellSettings, "SHELL", environment)
    if not settings.programs and not settings.scripts:
        raise WrongSetting(
            "the pack may run nothing: name a file in SHELL_CONFIG, with programs in it"
        )
    programs = {name: _program(name, one) for name, one in settings.programs.items()}
    pack = Pack(environment.get("PACK_NAME", "") or "Shell")

    @pack.command("Shell", "Output")
    async def shell(input: Any) -> dict[str, Any]:
        try:
            words, call = _command_line(settings, programs, read(ShellInput | str, input))
            folder, variables = _folder(settings, call), _variables(settings, call)
        except WrongInput as error:
            return _output(WRONG, b"", str(error).encode())
        except NotAllowed as error:
            return _output(REFUSED, b"", str(error).encode())
        return await _run(settings, call, words, folder, variables)

    return pack


def main() -> None:
    """Run the pack until it is stopped."""
    start(shell_pack)


def _program(name: str, given: AllowedProgram | list[str]) -> AllowedProgram:
    program = AllowedProgram(given) if isinstance(given, list) else given
    if not program.run:
        raise WrongSetting(f"SHELL_CONFIG: programs.{name} is empty")
    try:
        re.compile(program.arguments)
    except re.error as error:
        raise WrongSetting(f"SHELL_CONFIG: programs.{name}.arguments: {error}") from error
    return program


def _command_line(
    settings: ShellSettings, programs: Mapping[str, AllowedProgram], input: ShellInput | str
) -> tuple[list[str], ShellInput]:
    """The words to run. A text is split as a shell does, and no part of it is expanded."""
    if not input:
        raise WrongInput("the input is empty")
    if isinstance(input, str) and settings.scripts:
        return ["bash", "-c", _plain(input)], ShellInput("bash")
    try:
        words = shlex.split(input) if isinstance(input, str) else [input.program, *input.arguments]
    except ValueError as error:
        raise WrongInput(f"the input is no command line: {error}") from error
    if not words:
        raise WrongInput("the input is empty")
    call = ShellInput(words[0], words[1:]) if isinstance(input, str) else input
    program = programs.get(call.program)
    if program is None:
        raise NotAllowed(f"the pack has no program {call.program!r}: add it to SHELL_CONFIG")
    for number, argument in enumerate(call.arguments, 1):
        if not re.fullmatch(program.arguments, _plain(argument), re.DOTALL):
            raise NotAllowed(
                f"argument {number} of {call.program}, {argument!r}, does not match "
                f"{program.arguments!r}, its `arguments` in SHELL_CONFIG"
            )
    return [*program.run, *call.arguments], call


def _plain(text: str) -> str:
    if "\0" in text:
        raise WrongInput("the input has a zero byte")
    return text


def _folder(settings: ShellSettings, call: ShellInput) -> str:
    """The folder of a call. A link that leads out of the allowed ones is refused."""
    if not call.folder:
        return settings.folder
    folder = Path(settings.folder, _plain(call.folder)).resolve()
    allowed = [Path(one).resolve() for one in settings.folders]
    if not any(folder.is_relative_to(one) for one in allowed):
        raise NotAllowed(f"the folder {call.folder!r} is in none of `folders` of SHELL_CONFIG")
    return str(folder)


def _variables(settings: ShellSettings, call: ShellInput) -> dict[str, str]:
    for name, value in call.environment.items():
        if name not in settings.variables:
            raise NotAllowed(f"the variable {name!r} is not in `variables` of SHELL_CONFIG")
        _plain(value)
    return {**settings.environment, **call.environment}


async def _run(
    settings: ShellSettings,
    call: ShellInput,
    words: list[str],
    folder: str,
    variables: dict[str, str],
) -> dict[str, Any]:
    limits = Limits(
        time_s=min(settings.timeout_s, call.timeout_s or settings.timeout_s),
        output_bytes=settings.output_bytes,
        memory_bytes=settings.memory_bytes,
    )
    try:
        ended = await run_program(words, call.stdin.encode(), folder, variables, limits)
    except OSError as error:  # it names the folder where that is the reason
        return _output(ABSENT, b"", f"{error.filename}: {error.strerror}".encode())
    shown = _output(LATE if ended.is_late else ended.code, ended.output, ended.errors)
    return {**shown, "timed_out": ended.is_late, "cut": ended.is_cut}


def _output(exit_code: int, output: bytes, errors: bytes) -> dict[str, Any]:
    """The payload: the members of flyte's own pack, and two more."""
    texts = {"stdout": output, "stderr": errors}
    shown = {name: text.decode(errors="replace") for name, text in texts.items()}
    return {**shown, "exit_code": exit_code, "timed_out": False, "cut": False}


if __name__ == "__main__":
    main()
