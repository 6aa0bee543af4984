"""`cmd` and `shell` as people write them: arguments, and signs that do not mean what they seem to.

What an argument is for, and which variables may stand in it: `floe.expr.command`.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Final

from floe.dialects.blanks import ODD_BLANK, blank_name
from floe.expr.arguments import places

_SEGMENT: Final = re.compile(r"""'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^'"\\]+|.""", re.DOTALL)
_QUOTED: Final = re.compile(r"""'[^']*'|"(?:\\.|[^"\\])*"|\\.""", re.DOTALL)


def split(cmd: str) -> tuple[str, ...]:
    """Split a `cmd` as a shell would, into arguments in which `$$` is a dollar.

    Single quotes and a backslash protect a dollar, and a shell gets its code as it is written.
    Raises ValueError where a quote is not closed.
    """
    written = shlex.split(_protected(cmd, "$"))
    escaped = shlex.split(_protected(cmd, "$$"))
    return _for_shells(written, escaped)


def argv_of(program: str, args: Sequence[str]) -> tuple[str, ...]:
    """A program and its arguments, each as it is but for the code of a shell, which is all so."""
    argv = (program, *args)
    return _for_shells(argv, argv)


def _for_shells(written: Sequence[str], escaped: Sequence[str]) -> tuple[str, ...]:
    if not any("$" in text for text in written):
        return tuple(written)
    return tuple(
        code.replace("$", "$$") if place.role == "shell" else text
        for code, text, place in zip(written, escaped, places(written), strict=True)
    )


def _protected(cmd: str, dollar: str) -> str:
    """The text with `dollar` for each dollar that single quotes or a backslash protect."""
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


# -- signs of a shell

USE_SHELL: Final = "use `shell:` in place of `cmd:`, or quote it where you mean the sign itself"
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
    """What in a `cmd` only a shell would understand, and what to try; None for nothing."""
    text = _QUOTED.sub(lambda m: "_" * len(m[0]), cmd)
    words = text.split()
    first = words[0] if words else ""
    if first in _BUILTINS:
        return f"`{first}` is a command of shells, and `cmd` is no shell", USE_SHELL
    if re.match(r"[A-Za-z_][A-Za-z0-9_]*=", first):
        what = f"`cmd` is no shell: `{first[:40]}` would be the name of the program"
        return what, f"env: [{first[:40]}]"
    for found in _SIGNS.finditer(text):
        sign = next(filter(None, found.groups()))
        if sign != ";" or not re.search(r"\s-(exec|ok)(dir)?\s", text):
            name = "a backtick" if sign == "`" else f"`{sign[:40]}`"
            return f"`cmd` is no shell: {name} reaches the program as it is", USE_SHELL
    return None


def odd_signs(text: str, key: str) -> Iterator[tuple[str, str]]:
    """What is wrong and what to try, for signs that look like blanks or quotes and are none."""
    bare = _QUOTED.sub(lambda m: "_" * len(m[0]), text)
    if found := ODD_BLANK.search(bare):
        what = f"{blank_name(found[0])} in `{key}`, which is no blank for a shell or for floe"
        yield what, "write a space"
    if quote := re.search(r"(?:^|[\s=(])([\u201c\u201d\u201e\u2018\u201a\u00ab])", bare):
        yield f"`{quote[1]}` in `{key}` does not quote", "write \" or '"


_STRICT: Final = re.compile(
    r"^\s*set\s+(?:-[a-zA-Z]*e|(?:-\S+\s+)*-o\s+errexit)|\btrap\b.*\bERR\b", re.MULTILINE
)
_CONTINUED: Final = re.compile(r"\\\n")


def is_careless(shell: str) -> bool:
    """Whether a text has several lines of commands and does not end at one that fails."""
    lines = [
        line
        for line in map(str.strip, _CONTINUED.sub(" ", shell).split("\n"))
        if line and not line.startswith("#")
    ]
    return len(lines) > 1 and not _STRICT.search(shell)
