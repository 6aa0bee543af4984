"""Finds the role of each argument of a command line: data, an option, a program or code.

Rules of this file: a command line is read once, from the left, with the list in `programs`. If it
can be read in two ways, the dangerous one counts. `command` decides what a role allows.
"""

import re
from collections.abc import Sequence
from typing import Final, Literal

from floe.expr import git_settings
from floe.expr.options import Options, first_with_code
from floe.expr.programs import (
    BY_NAME,
    CODE_VARIABLES,
    Operand,
    Program,
    program_name,
)
from floe.model.nouns import dataclass

Role = Literal["program", "shell", "code", "plain", "option", "word", "data"]
"""The role of an argument.

program: the name of a program or script. shell: code for a shell that has the command's
environment. code: any other code. plain: read as code if it has special characters. option: one or
more options. word: data in a place where an option is possible. data: any other data.
"""

_ASSIGNMENT: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
_VERSIONED: Final = re.compile(r"[\w.,\[\]-]*[\w\]] *(===?|[<>~!]=|[<>])")
"""A package of a fixed name, of which a value can only choose the version."""
_LOOK_MAX: Final = 64
"""How many arguments after a shell's name are searched for its code."""
_ALSO_SUBCOMMANDS: Final = ("exec", "command", "eval", "time", "watch", "script")
"""Programs whose names are more often subcommands, as in `docker exec`."""
_NESTED_MAX: Final = 32
"""How deep programs may start programs; anything deeper counts as code."""


@dataclass(slots=True)
class Argument:
    """One argument: its role, and the program that reads it."""

    role: Role = "data"
    reader: str = ""
    instead: str = ""


def arguments_of(argv: Sequence[str]) -> list[Argument]:
    """The role of each argument."""
    found = [Argument() for _ in argv]
    if argv:
        _ArgumentReader(argv, found).command(0, len(argv), has_env=True, depth=0)
    return found


class _ArgumentReader:
    """Reads one command line and fills `found`."""

    def __init__(self, argv: Sequence[str], found: list[Argument]) -> None:
        self._argv = argv
        self._found = found

    def command(self, start: int, end: int, *, has_env: bool, depth: int) -> None:
        """Read the command that begins at `start`."""
        if start >= end:
            return
        self._found[start] = Argument("program", "")
        name = program_name(self._argv[start])
        program = BY_NAME.get(name)
        if depth > _NESTED_MAX:
            for index in range(start + 1, end):
                self.put(index, "code", name, "")
            return
        if program is None:
            self._anywhere(start + 1, end, has_env=has_env, depth=depth)
            return
        if program.hides_env == "always":
            has_env = False
        _Arguments(self, name, program, has_env, depth).read(start + 1, end)

    def text(self, index: int) -> str:
        """One argument."""
        return self._argv[index]

    def put(self, index: int, role: Role, reader: str, instead: str) -> None:
        """Set the role of an argument."""
        self._found[index] = Argument(role, reader, instead)

    def starts_command(self, index: int, end: int) -> bool:
        """Whether a listed program begins here that reads code or starts programs."""
        name = program_name(self._argv[index])
        program = BY_NAME.get(name)
        if program is None or name in _ALSO_SUBCOMMANDS:
            return False
        reads = "code" in program.operands or program.operands[0] not in ("data", "anywhere")
        return reads or self.starts_code(index, end)

    def starts_code(self, index: int, end: int) -> bool:
        """Whether a listed program begins here that has code in an option."""
        program = BY_NAME.get(program_name(self._argv[index]))
        if program is None or program.operands[0] == "anywhere":
            return False
        return (
            self.option_with_code(program, index + 1, min(end, index + 1 + _LOOK_MAX)) is not None
        )

    def option_with_code(self, program: Program, start: int, end: int) -> int | None:
        """The index of a program's first option with code as its argument; None if it has none."""
        found = first_with_code(program, self._argv[start:end])
        return None if found is None else start + found

    def _anywhere(self, start: int, end: int, *, has_env: bool, depth: int) -> None:
        for index in range(start, end):
            if self.starts_code(index, end):
                self.command(index, end, has_env=has_env, depth=depth + 1)
                return


class _Arguments:
    """The arguments of one listed program."""

    def __init__(
        self, line: _ArgumentReader, name: str, program: Program, has_env: bool, depth: int
    ) -> None:
        self._line = line
        self._name = name
        self._has_env = has_env
        self._depth = depth
        self._use(program)

    def _use(self, program: Program) -> None:
        self._program = program
        self._options = Options(program)
        self._operands: tuple[Operand, ...] = program.operands

    def read(self, start: int, end: int) -> None:
        """Set the role of each argument."""
        index, operand = start, 0
        has_options = True
        if self._program.permutes:  # `su -c CODE -`: the code comes before what hides it
            hiding = set(self._program.hides_env.split())
            texts = (self._line.text(at) for at in range(start, end))
            self._has_env = self._has_env and hiding.isdisjoint(texts)
        while index < end:
            text = self._line.text(index)
            if self._program.stop and text.startswith(self._program.stop):
                return
            if has_options and (text == "--" or (text == "-" and self._program.flag)):
                has_options = self._program.goes_on
                self._loose = 0
                index += 1
                if self._program.marks and index < end:
                    self._command(index, end)
                    return
                continue
            if has_options and text.startswith(self._options.signs) and len(text) > 1:
                self._loose += self._options.more(text)
                operand += self._options.is_named(text)
                index = self._option(index, end)
                if self._is_over:
                    has_options = False
                continue
            if has_options and text in self._program.hides_env.split():
                self._has_env = False
                index += 1
                continue
            kind = self._operands[min(operand, len(self._operands) - 1)]
            if kind == "key" and text in git_settings.VERBS:
                index += 1
                continue
            if kind == "assignments" and self._assignment(index, text):
                index += 1
                continue
            if kind in ("command", "assignments"):
                self._command(index, end)
                return
            if kind == "anywhere" and self._line.starts_command(index, end):
                self._line.command(index, end, has_env=self._has_env, depth=self._depth + 1)
                return
            self._operand(index, kind, could_be_option=has_options)
            operand += 1
            is_verb = operand <= 1 + self._loose
            if own := BY_NAME.get(f"{self._name}:{text}") if is_verb else None:
                self._use(own)
                operand = self._loose = 0
            else:
                has_options = has_options and self._program.permutes
            index += 1

    def _command(self, index: int, end: int) -> None:
        """Read a command that begins at `index`, or later if the options allow it."""
        depth = self._depth + 1
        is_listed = program_name(self._line.text(index)) in BY_NAME
        later = range(index + 1, min(index + 1 + self._loose, end))
        stop = end
        if self._program.marks:
            texts = (at for at in range(index + 1, end) if self._line.text(at) == "--")
            stop = next(texts, end)
        if stop + 1 < end and is_listed:
            later, stop = range(stop + 1, stop + 2), end
        elif stop + 1 < end:
            self._line.command(stop + 1, end, has_env=self._has_env, depth=depth)
        start = index
        if not is_listed:
            self._put(index, "program")
            found = (at for at in later if self._line.starts_command(at, end))
            start = next(found, index)
        self._line.command(start, stop, has_env=self._has_env, depth=depth)
        for at in later:
            if "$" in self._line.text(at):
                self._put(at, "program")

    _loose = 0
    """How many operands may be arguments of options that are not listed."""
    _is_over = False
    """Whether an option was the last one."""
    _key = ""
    """The setting whose value follows."""

    def _operand(self, index: int, kind: Operand, *, could_be_option: bool) -> None:
        role: Role
        if kind == "code":
            role = self._code_role
        elif kind == "key":
            self._key = self._line.text(index)
            role = "program"
        elif kind == "setting":
            role = "data" if git_settings.is_harmless(self._key) else "program"
        elif kind in ("program", "plain"):
            role = "program" if kind == "program" else "plain"
        elif kind == "package":
            role = "data" if _VERSIONED.match(self._line.text(index)) else "program"
        else:
            role = "word" if could_be_option else "data"
        self._put(index, role)

    @property
    def _code_role(self) -> Role:
        return "shell" if self._program.is_shell and self._has_env else "code"

    def _put(self, index: int, role: Role) -> None:
        if self._program.at_files and role in ("data", "word"):
            text = self._line.text(index)
            role = "program" if text.startswith("@") else "word" if text.startswith("$") else role
        self._line.put(index, role, self._name, self._program.instead)

    def _assignment(self, index: int, text: str) -> bool:
        found = _ASSIGNMENT.match(text)
        if found and found[1] in CODE_VARIABLES:
            self._put(index, "code")
        return bool(found)

    def _option(self, index: int, end: int) -> int:
        """Read the option at `index` with its arguments; return the index after them."""
        text = self._line.text(index)
        given, equals, value = text.partition("=")
        name = self._options.whole(given)
        program = self._program
        if text in program.hides_env.split():
            self._has_env = False
        self._put(index, "option")
        if name in program.runs.split():
            if equals:
                self._put(index, "program")
            return self._run(index + 1, end)
        if name in program.entry.split():
            return self._entry(index if equals else index + 1, end, value)
        if text in self._options.pairs:
            self._data(index + 1, min(index + 3, end))
            return index + 3
        if equals and name in self._options.known and (name.startswith("--") or program.has_words):
            self._argument(index, name)
            return index + 1
        if not equals and name in self._options.known:
            if name not in self._options.reads and index + 1 < end and self._may_read(index + 1):
                return index + 1
            if index + 1 < end:
                self._argument(index + 1, name)
            return index + 2
        if text.startswith("--"):
            if equals and "$" not in given:
                self._put(index, "data")
            return index + 1
        if program.has_words:
            if text[:2] in self._options.takes:  # `-DNAME=$VALUE`
                self._put(index, "data")
            return index + 1
        return self._letters(index, end, text)

    def _may_read(self, index: int) -> bool:
        """Whether an argument looks like an option with code, although an option precedes it.

        For example, `-b` takes an argument in `git clone` but not in `git ls-remote`.
        """
        text = self._line.text(index)
        name = text if text.startswith("--") or self._program.has_words else text[:2]
        return self._options.whole(name.partition("=")[0]) in self._options.reads

    def _entry(self, index: int, end: int, value: str) -> int:
        """Read the program that gets the operands; return the index of the next argument.

        The program has too many options to list, so its operands are not known. The first option
        with code counts, at any position.
        """
        if index >= end:
            return end
        self._put(index, "program")
        words = (value or self._line.text(index)).split()
        program = BY_NAME.get(program_name(words[0])) if words else None
        if program is None:
            return index + 1
        start = self._line.option_with_code(program, index + 1, end)
        if len(words) > 1 or program.operands[0] == "code":
            for at in range(index + 1, end):
                if not _ASSIGNMENT.match(self._line.text(at)):
                    self._put(at, "code")
            return end
        if start is None:
            return index + 1
        name = program_name(words[0])
        _Arguments(self._line, name, program, False, self._depth).read(start, end)
        return end

    def _letters(self, index: int, end: int, text: str) -> int:
        """Read short options in one word: `-ec`, `-Ic CODE`, `-p2222`."""
        sign = text[0]
        after = index + 1
        for at, letter in enumerate(text[1:], start=1):
            option = sign + letter
            if option in self._program.hides_env.split():
                self._has_env = False
            if option == self._program.flag:
                self._operands = ("code", "data")
            elif option in self._options.glued:
                break
            elif option in self._program.runs.split():
                if text[at + 1 :]:
                    self._put(index, "program")
                return self._run(after, end)
            elif option in self._options.known:
                if text[at + 1 :] and not self._program.flag:
                    self._argument(index, option)
                    break
                if after < end:
                    self._argument(after, option)
                after += 1
                if not self._program.flag:
                    break
        return after

    def _argument(self, index: int, option: str) -> None:
        """Set the role of an option's argument, which may be part of the same word."""
        if option in self._options.code:
            self._put(index, self._code_role)
        elif option in self._options.files:
            self._put(index, "program")
        elif option in self._options.loads:
            self._put(index, "program")
            return
        elif option in self._options.settings:
            setting = self._line.text(index).removeprefix(option).lstrip("=")
            self._put(index, "data" if git_settings.is_harmless(setting) else "code")
            return
        else:
            self._put(index, "data")
            return
        if self._operands[0] in ("program", "code"):
            self._operands = ("data",)
        self._is_over = self._is_over or self._program.ends

    def _data(self, start: int, end: int) -> None:
        for index in range(start, end):
            self._put(index, "data")

    def _run(self, start: int, end: int) -> int:
        """Read a command up to `;` or `+`; return the index after it."""
        stop = start
        while stop < end and self._line.text(stop) not in (";", "+"):
            stop += 1
        self._line.command(start, stop, has_env=self._has_env, depth=self._depth + 1)
        return stop + 1
