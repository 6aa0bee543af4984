"""What each argument of a command line is for, and variables put into those that are data.

A value of a run never becomes part of a text that something parses: in the code that a shell is
given `$NAME` is left to that shell, in any other code it is a fault, and a value neither names a
program nor becomes an option. The checker and the executor ask here, and nowhere else.

A value is what people, webhooks and commands gave: `FLOE_IN_*`, and each variable made of one.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from floe.expr.arguments import Place, places
from floe.expr.programs import CODE_VARIABLES
from floe.expr.substitute import expand_vars, named_vars
from floe.model.errors import Yours

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


class Fault(NamedTuple):
    """What is wrong with one argument, or one entry of `env`."""

    at: int
    """Of the argument or entry, from 0."""
    what: str
    hint: str
    is_certain: bool = True
    """False where it depends on the value."""


def values_of(entries: Iterable[str], *, escapes: bool) -> Callable[[str], bool]:
    """Whether a variable holds a value of the run, after the entries of `env` in their order."""
    told: dict[str, bool] = {}

    def is_value(name: str) -> bool:
        return told.get(name, False) or name.startswith(VALUE_PREFIX)

    for entry in entries:
        name, _, text = entry.partition("=")
        told[name] = any(map(is_value, named_vars(text, escapes=escapes)))
    return is_value


def entry_faults(entries: Sequence[str], *, escapes: bool) -> Iterator[Fault]:
    """Entries of `env` with a value in a variable that other programs read code from."""
    is_value = values_of(entries, escapes=escapes)
    for index, entry in enumerate(entries):
        name, _, text = entry.partition("=")
        found = next(filter(is_value, named_vars(text, escapes=escapes)), "")
        if found and name in CODE_VARIABLES:
            what = f"`{name}` says what programs run, and `${found}` is a value of the run"
            yield Fault(index, what, "choose by `case` in `shell`, from what you know")


def faults(
    argv: Sequence[str], is_value: Callable[[str], bool], *, escapes: bool
) -> Iterator[Fault]:
    """Arguments in which a variable would become code, a program or an option.

    Where the values are not known: those that depend on them are not certain.
    """
    if not any("$" in text for text in argv):
        return
    for index, (text, place) in enumerate(zip(argv, places(argv), strict=True)):
        if fault := _fault(index, text, place, is_value, escapes=escapes):
            yield fault


def expanded(
    argv: Sequence[str],
    env: Mapping[str, str],
    is_value: Callable[[str], bool],
    *,
    escapes: bool,
) -> tuple[str, ...]:
    """The command line with variables put into what is data.

    Raises Yours where a value would become code, a program or an option, and TooLarge.
    """
    if not any("$" in text for text in argv):
        return tuple(argv)
    own = {name: text for name, text in env.items() if not is_value(name)}
    seen = [expand_vars(text, own, escapes=escapes) for text in argv]
    found = []
    for index, (text, place) in enumerate(zip(argv, places(seen), strict=True)):
        put = _put(text, place, env, own, escapes=escapes)
        fault = _fault(index, text, place, is_value, escapes=escapes, known=env)
        if fault and (fault.is_certain or _is_read(put, text, place, env, escapes=escapes)):
            raise Yours(fault.what, fault.hint)
        found.append(put)
    return tuple(found)


def _put(
    text: str, place: Place, env: Mapping[str, str], own: Mapping[str, str], *, escapes: bool
) -> str:
    """An argument with its variables put in; a shell's code without values, as it was written."""
    if place.role == "shell":
        return text.replace("$$", "$") if escapes else expand_vars(text, own)
    return expand_vars(text, env, escapes=escapes)


def _is_read(put: str, text: str, place: Place, env: Mapping[str, str], *, escapes: bool) -> bool:
    """Whether the values, now known, would be read as more than data."""
    if place.role == "word":
        return put.startswith("-")
    values = (env.get(name, "") for name in named_vars(text, escapes=escapes))
    return not all(_PLAIN.fullmatch(value) for value in values if value)


def _fault(
    index: int,
    text: str,
    place: Place,
    is_value: Callable[[str], bool],
    *,
    escapes: bool,
    known: Mapping[str, str] | None = None,
) -> Fault | None:
    """What is wrong with an argument; `known`: only variables that are there can be."""
    names = [n for n in named_vars(text, escapes=escapes) if known is None or n in known]
    value = next(filter(is_value, names), "")
    who = place.reader
    match place.role:
        case "shell":
            code = text.replace("$$", "$") if escapes else text
            first = first_word(_OPTION.sub("", code, count=1))
            if first and is_value(first):
                what = f"`${first}` is a value of the run: it cannot choose what {who} runs"
                return Fault(index, what, _CHOOSE)
        case "code" if value or (names and known is None):
            what = f"`${value or names[0]}` would become part of the code that {who} reads"
            hint = place.instead or "pass it as an argument of its own, or read the environment"
            return Fault(index, what, f"{hint}; `$$` is a dollar of the code's own")
        case "program" if value:
            what = f"`${value}` is a value of the run: it cannot choose what {who or 'floe'} runs"
            return Fault(index, what, _CHOOSE)
        case "option" if value:
            what = f"`${value}` would become an option of {who}"
            return Fault(index, what, "write the options, and the value as an argument after `--`")
        case "word" if value and text.startswith("$"):
            may = "may begin" if known is None else "begins"
            what = f"`${value}` {may} with a hyphen: {who} would read it as an option"
            return Fault(index, what, place.instead or "write `--` before it", is_certain=False)
        case "plain" if value:
            may = "may have" if known is None else "has"
            what = f"`${value}` {may} other signs than {_PLAIN_SIGNS}, which {who} reads as code"
            return Fault(index, what, place.instead, is_certain=False)
        case _:
            pass
    return None


def first_word(code: str) -> str:
    """The variable that is the first word of a shell's code; empty where it is none."""
    found = _FIRST_WORD.match(code)
    return (found[1] or found[2]) if found else ""


def computed(code: str) -> Iterator[str]:
    """Names with which bash computes: of `((…))`, and beside `-gt` and its like in `[[…]]`.

    What they hold is code for bash: the index in `a[$(command)]` is expanded.
    """
    for found in _COMPUTED.finditer(code):
        if found["all"] is not None:
            yield from _NAME.findall(found["all"])
            continue
        for sides in _COMPARED.findall(found["test"]):
            for side in sides:
                yield from _NAME.findall(side)


_CHOOSE: Final = "choose by `case` in `shell`, from what you know"
