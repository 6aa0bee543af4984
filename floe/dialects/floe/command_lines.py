"""Splits `cmd` into arguments, and finds shell syntax and lookalike characters in commands.

`floe.expr.command` knows the purpose of each argument and which variables it may contain.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Final

from floe.dialects.blanks import ODD_BLANK, blank_name
from floe.expr.arguments import arguments_of
from floe.expr.variables import with_variables
from floe.model.template import Text

_SEGMENT: Final = re.compile(r"""'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^'"\\]+|.""", re.DOTALL)
_QUOTED: Final = re.compile(r"""'[^']*'|"(?:\\.|[^"\\])*"|\\.""", re.DOTALL)


def split(cmd: str) -> tuple[str, ...]:
    """Split a `cmd` into the arguments of a command line, as a shell would; `$$` is a dollar.

    Single quotes and a backslash protect a dollar; the code of a shell stays unchanged. Raises
    ValueError if a quote is not closed.
    """
    written = shlex.split(_protected(cmd, "$"))
    escaped = shlex.split(_protected(cmd, "$$"))
    return _for_shells(written, escaped)


def argv_of(program: str, args: Sequence[Text]) -> tuple[Text, ...]:
    """The command line of a program and its arguments, with the dollars of shell code protected."""
    argv = (program, *args)
    written = with_variables(argv).texts
    protected = zip(argv, _for_shells(written, written), strict=True)
    return tuple(text if isinstance(whole, str) else whole for whole, text in protected)


def _for_shells(written: Sequence[str], escaped: Sequence[str]) -> tuple[str, ...]:
    if not any("$" in text for text in written):
        return tuple(written)
    return tuple(
        code.replace("$", "$$") if argument.role == "shell" else text
        for code, text, argument in zip(written, escaped, arguments_of(written), strict=True)
    )


def _protected(cmd: str, dollar: str) -> str:
    """The text with `dollar` in place of each dollar that quotes or a backslash protect."""
    parts = []
    for part in _SEGMENT.findall(cmd):
        if part[0] == "'":
            parts.append(part.replace("$", dollar))
        elif part[0] == '"':
            inner = re.sub(
                r"\\(.)", lambda m: dollar if m[1] == "$" else m[0], part, flags=re.DOTALL
            )
            parts.append(inner)
        else:
            parts.append(dollar if part == "\\$" else part)
    return "".join(parts)


# -- shell syntax

USE_SHELL: Final = "use `shell:` instead of `cmd:`, or quote it if you mean the character itself"
_BUILTINS: Final = frozenset(
    (
        *("cd", "export", "source", ".", "set", "unset", "alias", "ulimit", "umask", "shopt"),
        *("if", "for", "while", "until", "case", "function", "[[", "{", "(", "!", "declare"),
        *("local", "read", "trap", "exit", "return", "pushd", "popd", "wait", "jobs", "let"),
    )
)
_SIGNS: Final = re.compile(
    r"(?:^|\s)(\d*(?:>>?|<{1,3})(?:&\d)?|&>|\|\|?|&&?(?=\s|$)|~(?=[\s/]|$)|[^\s=]*\*\S*)"
    r"|(;)(?=\s|$)|(\$\(|`)"
)


def shell_sign(cmd: str) -> tuple[str, str] | None:
    """Shell syntax in a command line: what is wrong and what to try; None if there is none."""
    text = _QUOTED.sub(lambda m: "_" * len(m[0]), cmd)
    words = text.split()
    first = words[0] if words else ""
    if first in _BUILTINS:
        return f"`{first}` is a shell command, and `cmd` runs no shell", USE_SHELL
    if re.match(r"[A-Za-z_][A-Za-z0-9_]*=", first):
        what = f"`cmd` runs no shell: `{first[:40]}` would be the name of the program"
        return what, f"env: [{first[:40]}]"
    for found in _SIGNS.finditer(text):
        sign = next(filter(None, found.groups()))
        if sign != ";" or not re.search(r"\s-(exec|ok)(dir)?\s", text):
            name = "a backtick" if sign == "`" else f"`{sign[:40]}`"
            return f"`cmd` runs no shell: the program receives {name} unchanged", USE_SHELL
    return None


def odd_signs(text: str, key: str) -> Iterator[tuple[str, str]]:
    """Characters of a command line that only look like blanks or quotes: what to try."""
    bare = _QUOTED.sub(lambda m: "_" * len(m[0]), text)
    if found := ODD_BLANK.search(bare):
        what = f"{blank_name(found[0])} in `{key}`: neither a shell nor floe reads it as a blank"
        yield what, "write a space"
    if quote := re.search(r"(?:^|[\s=(])([\u201c\u201d\u201e\u2018\u201a\u00ab])", bare):
        yield f"`{quote[1]}` in `{key}` is not a quote for a shell", "write \" or '"


_STRICT: Final = re.compile(
    r"^\s*set\s+(?:-[a-zA-Z]*e|(?:-\S+\s+)*-o\s+errexit)|\btrap\b.*\bERR\b", re.MULTILINE
)
_CONTINUED: Final = re.compile(r"\\\n")


def is_careless(shell: str) -> bool:
    """Whether a shell text has several command lines and continues after one that fails."""
    lines = [
        line
        for line in map(str.strip, _CONTINUED.sub(" ", shell).split("\n"))
        if line and not line.startswith("#")
    ]
    return len(lines) > 1 and not _STRICT.search(shell)
