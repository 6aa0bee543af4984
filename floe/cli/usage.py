"""Wrong use of a command, in sentences: what is wrong, what was probably meant, where to look."""

import difflib
from collections.abc import Iterable, Sequence
from typing import Final

import click

from floe.cli.argv import FLAGS
from floe.model.errors import Yours

LISTS: Final = {"flow": "floe flows", "run": "floe runs", "host": "floe hosts"}
"""The command that lists what an argument may name."""


def usage_error(error: click.ClickException, words: Sequence[str]) -> Yours:
    """The sentence about a command line that could not be understood."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context else "floe"
    match error:
        case click.NoSuchOption(option_name=option):
            return _unknown_option(option, words, context, command)
        case click.MissingParameter(param=click.Argument(name=str(name))):
            what = f"{command} needs {'an' if name[0] in 'aeiou' else 'a'} {name}"
            usage = context.get_usage().partition(": ")[2] if context else ""
            found = LISTS.get(name)
            return Yours(what, f"{found} lists them; {usage}" if found else usage)
        case click.BadOptionUsage(option_name=option):
            what = "takes no value" if "does not take" in error.message else "needs a value"
            return Yours(f"{option} {what}", f"{command} --help")
        case click.BadParameter(param=click.Option(opts=opts), message=message):
            message = message.replace("is not a valid integer range.", "is not a whole number")
            return Yours(f"{opts[0]}: {message.rstrip('.')}", f"{command} --help")
        case click.BadParameter(message=message):
            return Yours(message.rstrip("."), f"{command} --help")
        case _:
            message = error.format_message().rstrip(".")
            return Yours(message[0].lower() + message[1:], f"{command} --help")


def _unknown_option(
    option: str, words: Sequence[str], context: click.Context | None, command: str
) -> Yours:
    """The whole option as typed: click reads `-host_nme=a1` as `-h -o`, and names the `-o`."""
    written = next((w for w in words if _may_hold(w, option)), option).partition("=")[0]
    params = context.command.params if context else ()
    known = {name for p in params if isinstance(p, click.Option) for name in p.opts}
    if words[0].partition("=")[0] == written and context and context.parent is None:
        known |= {f"--{flag}" for flag in FLAGS}  # the original's command line has no command
    if is_long := len(written) > 2:
        known = {name for name in known if name.startswith("--")}
    near = _nearest(written, known) if is_long else ""
    meant = _as(near, written) if near else ""
    return Yours(
        f"no option {written}" + (f"; did you mean {meant}?" if meant else ""), f"{command} --help"
    )


def _may_hold(word: str, option: str) -> bool:
    name = word.partition("=")[0]
    is_bundle = name.startswith("-") and not name.startswith("--") and len(name) > 2
    return name == option or (is_bundle and option[1:] in name)


def _nearest(written: str, known: Iterable[str]) -> str:
    plain = {name.lstrip("-").replace("_", "-"): name for name in known}
    found = difflib.get_close_matches(written.lstrip("-").replace("_", "-"), plain, n=1)
    return plain[found[0]] if found else ""


def _as(name: str, written: str) -> str:
    """An option in the spelling of the command line: `-host_name` or `--host-name`."""
    if written.startswith("--"):
        return name.replace("_", "-")
    return "-" + name.lstrip("-").replace("-", "_")
