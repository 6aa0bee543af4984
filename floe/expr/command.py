"""Expands variables in command lines, but only in arguments that are data.

A value of a run never becomes part of code: in a shell's code the shell itself expands `$NAME`; in
any other code a value is a fault; and a value neither names a program nor becomes an option. Both
the checker and the executor use this module.

Values come from people, webhooks and commands: `FLOE_IN_*`, and each variable built from one.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from floe.expr.arguments import Argument, arguments_of
from floe.expr.programs import AT_FILES
from floe.expr.substitute import expand_vars, named_vars
from floe.expr.variables import TEMPLATE, with_variables
from floe.model.errors import Yours
from floe.model.template import Text

VALUE_PREFIX: Final = "FLOE_IN_"
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./:@,+][A-Za-z0-9_./:@,+-]*")
_PLAIN_SIGNS: Final = "letters, digits and _./:@,+-"
_FIRST_WORD: Final = re.compile(r"""\s*"?\$(?:\{(\w+)\}|(\w+))"?(?:[\s;|&]|\Z)""", re.ASCII)
_COMPUTED: Final = re.compile(
    r"\(\((?P<all>(?:(?!\(\(|\)\)).)*)\)\)|\[\[(?P<test>(?:(?!\[\[|\]\]).)*)\]\]", re.DOTALL
)
_COMPARED: Final = re.compile(r"(?<!\S)(\S+)\s+-(?:eq|ne|lt|le|gt|ge)\s+(\S+)")
_NAME: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_OPTION: Final = re.compile(r"^(?:--?[\w-]+=(?:[\w-]+=)?|-\w(?=\$))")
"""An option in the same word as its code: `--to-command=`, `--checkpoint-action=exec=`, `-I`."""


class CommandFault(NamedTuple):
    """What is wrong with one argument of a command, or one entry of its `env`."""

    at: int
    """The index of the argument or entry, from 0."""
    what: str
    hint: str
    is_certain: bool = True
    """False if it depends on the value."""


def command_faults(
    argv: Sequence[Text], is_value: Callable[[str], bool], *, escapes: bool
) -> Iterator[CommandFault]:
    """Faults of a command: arguments in which a variable becomes code, a program or an option.

    Values are not known here, so faults that depend on a value are not certain.
    """
    known = with_variables(argv)
    if not any("$" in text for text in known.texts):
        return
    pairs = zip(known.texts, arguments_of(known.texts), strict=True)
    for index, (text, argument) in enumerate(pairs):
        if fault := _fault(index, text, argument, is_value, escapes=escapes):
            yield fault._replace(what=known.shown(fault.what))


def expanded(
    argv: Sequence[Text],
    env: Mapping[str, str],
    is_value: Callable[[str], bool],
    *,
    escapes: bool,
) -> tuple[str, ...]:
    """The command line with the variables in its data expanded.

    Raises Yours if a value would become code, a program or an option, and TooLarge.
    """
    known = with_variables(argv)
    texts = known.texts
    if not any("$" in text for text in texts):
        return texts
    env = {**env, **known.values}
    own = {name: text for name, text in env.items() if not is_value(name)}
    seen = [expand_vars(text, own, escapes=escapes) for text in texts]
    found = []
    for index, (text, argument) in enumerate(zip(texts, arguments_of(seen), strict=True)):
        put = _put(text, argument, env, own, escapes=escapes)
        fault = _fault(index, text, argument, is_value, escapes=escapes, known=env)
        if fault and (fault.is_certain or _is_read(put, text, argument, env, escapes=escapes)):
            raise Yours(known.shown(fault.what), fault.hint)
        found.append(put)
    return tuple(found)


def _put(
    text: str, argument: Argument, env: Mapping[str, str], own: Mapping[str, str], *, escapes: bool
) -> str:
    """An argument with its variables expanded; the code of a shell stays as written."""
    if argument.role == "shell":
        return text.replace("$$", "$") if escapes else expand_vars(text, own)
    return expand_vars(text, env, escapes=escapes)


def _is_read(
    put: str, text: str, argument: Argument, env: Mapping[str, str], *, escapes: bool
) -> bool:
    """Whether the known values would be read as more than data."""
    if argument.role == "word":
        return put.startswith("-" if argument.reader not in AT_FILES else ("-", "@"))
    values = (env.get(name, "") for name in named_vars(text, escapes=escapes))
    return not all(_PLAIN.fullmatch(value) for value in values if value)


def _fault(
    index: int,
    text: str,
    argument: Argument,
    is_value: Callable[[str], bool],
    *,
    escapes: bool,
    known: Mapping[str, str] | None = None,
) -> CommandFault | None:
    """The fault of an argument; with `known`, only variables in it count."""
    names = [n for n in named_vars(text, escapes=escapes) if known is None or n in known]
    value = next(filter(is_value, names), "")
    who = argument.reader
    filled = next((name for name in names if name.startswith(TEMPLATE)), "")
    if filled and argument.role in ("shell", "code"):
        what = f"`${filled}` would become part of the code that {who} reads"
        return CommandFault(index, what, argument.instead or IN_ENV)
    match argument.role:
        case "shell":
            code = text.replace("$$", "$") if escapes else text
            first = first_word(_OPTION.sub("", code, count=1))
            if first and is_value(first):
                what = f"`${first}` is a value of the run: it cannot choose what {who} runs"
                return CommandFault(index, what, CHOOSE)
        case "code" if value or (names and known is None):
            what = f"`${value or names[0]}` would become part of the code that {who} reads"
            hint = argument.instead or "pass it as a separate argument, or read the environment"
            return CommandFault(index, what, f"{hint}; write `$$` for a dollar of the code itself")
        case "program" if value:
            what = f"`${value}` is a value of the run: it cannot choose what {who or 'floe'} runs"
            return CommandFault(index, what, CHOOSE)
        case "option" if value:
            what = f"`${value}` would become an option of {who}"
            return CommandFault(
                index, what, "write the options, and the value as an argument after `--`"
            )
        case "word" if value and text.startswith("$"):
            may = "may begin" if known is None else "begins"
            sign = "a hyphen" if who not in AT_FILES else "a hyphen or `@`"
            what = f"`${value}` {may} with {sign}: {who} would read it as an option"
            return CommandFault(
                index, what, argument.instead or "write `--` before it", is_certain=False
            )
        case "plain" if value:
            may = "may contain" if known is None else "contains"
            what = (
                f"`${value}` {may} characters other than {_PLAIN_SIGNS}, which {who} reads as code"
            )
            return CommandFault(index, what, argument.instead, is_certain=False)
        case _:
            pass
    return None


def first_word(code: str) -> str:
    """The variable that is the first word of a command's shell code; empty if there is none."""
    found = _FIRST_WORD.match(code)
    return (found[1] or found[2]) if found else ""


def computed(code: str) -> Iterator[str]:
    """The variables in a command that bash evaluates as numbers: in `((…))`, next to `-gt` etc.

    Their values are code for bash, which expands the index in `a[$(command)]`.
    """
    for found in _COMPUTED.finditer(code):
        if found["all"] is not None:
            yield from _NAME.findall(found["all"])
            continue
        for sides in _COMPARED.findall(found["test"]):
            for side in sides:
                yield from _NAME.findall(side)


IN_ENV: Final = 'put it into `env`, as NAME={{ … }}, and read "$NAME" in the code'
CHOOSE: Final = "choose by `case` in `shell`, from a fixed list"
