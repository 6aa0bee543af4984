"""Where the mistake of a text is, in Go's words, as authors of templates know them:
`template: tmpl:1:8: executing "tmpl" at <.a.b>: …`.
"""

import re
from typing import Final

from floe.expr.errors import ExpressionError

_NAME: Final = "template: tmpl"

_FIELD: Final = re.compile(r"(?:can't evaluate field |nil pointer evaluating .*\.)(\w+)")
_CHAIN: Final = re.compile(r"(?:\$\w*)?(?:\.\w+)+")


def told_of_reading(text: str, error: ExpressionError) -> str:
    """What is wrong with a text that cannot be read."""
    return f"{_NAME}:{_line(text, error.offset or 0)}: {error.what}"


def told(text: str, error: ExpressionError) -> str:
    """What is wrong with a text that cannot be rendered."""
    if error.offset is None:
        return f"{_NAME}: {error.what}"
    at, command = error.offset, _command(text, error.offset)
    found = _FIELD.match(error.what)
    chain = _chain(command, found[1]) if found else None
    if chain is not None:
        first = chain[0].index(".", 1) if chain[0].count(".") > 1 else 0
        at, command = at + chain.start() + first, chain[0]
    begin = text.rfind("\n", 0, at)
    col = len(text[begin + 1 if begin >= 0 else 0 : at].encode(errors="replace"))
    return f'{_NAME}:{_line(text, at)}:{col}: executing "tmpl" at <{command}>: {error.what}'


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _command(text: str, offset: int) -> str:
    """A command of a pipeline, up to what ends it."""
    depth, quote = 0, ""
    for at in range(offset, len(text)):
        char = text[at]
        if quote:
            quote = "" if char == quote and text[at - 1] != "\\" else quote
        elif char in "\"'`":
            quote = char
        elif char == "(":
            depth += 1
        elif not depth and (char in "|)" or text.startswith("}}", at)):
            return text[offset:at].rstrip().removesuffix(" -").rstrip()
        elif char == ")":
            depth -= 1
    return text[offset:]


def _chain(command: str, name: str) -> "re.Match[str] | None":
    """The first path of a command that has a name."""
    chains = _CHAIN.finditer(command)
    return next((one for one in chains if name in one[0].split(".")[1:]), None)
