"""Workspace paths and `$VAR` in the values of a flow: single pass, never evaluated again.

`{{ws}}` is the workspace's absolute path anywhere. A value that is `.` or starts with `./`
(`./...`, Go's name for all packages, is left alone) is the workspace or lies in it; so is the
part after `=` in `NAME=value`. Only a value's start counts: in `PATH=./bin:./sbin` the second
stays as it is. Nothing here knows a shell: what a value becomes is never parsed as one.

Source: floe README, "A note on the workspace var".
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from floe.model.errors import TooLarge

EXPANDED_MAX: Final = 128 * 1024
"""Characters; Linux takes no longer argument. Stops `A=$B$B`, `B=$C$C`, … as well."""

_WS: Final = re.compile(r"/?\{\{ws\}\}")
_NAMED: Final = re.compile(r"([\w-]+=)(.*)", re.ASCII | re.DOTALL)
_VAR: Final = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})")


def in_text(text: str, workspace: str) -> str:
    """Replace `{{ws}}` alone; a slash before it is not doubled. For `shell`."""
    return _WS.sub(lambda _: workspace, text)


def in_value(value: str, workspace: str) -> str:
    """Replace `{{ws}}`, and a leading `.` or `./`, also after `NAME=`."""
    named = _NAMED.fullmatch(value)
    name, rest = named.groups() if named else ("", value)
    if rest == ".":
        return name + workspace
    if rest.startswith("./") and rest != "./...":
        rest = "{{ws}}" + rest[1:]
    return in_text(name + rest, workspace)


def in_values(values: Iterable[str], workspace: str) -> tuple[str, ...]:
    """`in_value` of each: arguments of a command, or the lines of `env`."""
    return tuple(in_value(v, workspace) for v in values)


def expand_vars(text: str, env: Mapping[str, str]) -> str:
    """Replace `$VAR` and `${VAR}` from `env`; unknown ones are left alone.

    What a variable holds is not looked through again. Raises TooLarge above `EXPANDED_MAX`.
    """
    if "$" not in text:
        return text
    expanded = _VAR.sub(lambda m: env.get(m[1] or m[2], m[0]), text)
    if len(expanded) > EXPANDED_MAX:
        raise TooLarge(
            f"{text[:40]!r} expands to more than {EXPANDED_MAX} characters",
            "is a variable made of itself several times over?",
        )
    return expanded
