"""Replaces workspace paths and `$VAR` in the values of a flow, in a single pass.

`{{ws}}` is the workspace's absolute path anywhere. A value that is `.` or starts with `./`
(except `./...`, Go's name for all packages) is the workspace or a path in it; so is the part after
`=` in `NAME=value`. Only the start of a value counts: in `PATH=./bin:./sbin` the second path stays
unchanged. No shell parses the result.

Source: floe README, "A note on the workspace var".
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from floe.model.errors import TooLarge
from floe.model.template import Text

EXPANDED_MAX: Final = 128 * 1024
"""Characters; Linux takes no longer argument. Also stops `A=$B$B`, `B=$C$C`, and so on."""

ARGUMENT_BYTES_MAX: Final = 128 * 1024 - 1
"""For one argument or one entry of the environment (Linux: MAX_ARG_STRLEN with its NUL)."""

_WS: Final = re.compile(r"/?\{\{ws\}\}")
_NAMED: Final = re.compile(r"([\w-]+=)(.*)", re.ASCII | re.DOTALL)
_VAR: Final = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})")
_VAR_OR_DOLLAR: Final = re.compile(rf"\$\$|{_VAR.pattern}")


def in_text(text: str, workspace: str) -> str:
    """Substitute `{{ws}}` alone; a slash before it is not doubled. For `shell`."""
    return text if "{{ws}}" not in text else _WS.sub(lambda _: workspace, text)


def substituted_value(value: str, workspace: str) -> str:
    """Substitute `{{ws}}`, and a leading `.` or `./`, also after `NAME=`."""
    if "." not in value and "{{" not in value:
        return value  # as most are: a pattern takes ten times as long
    named = _NAMED.fullmatch(value)
    name, rest = named.groups() if named else ("", value)
    if rest == ".":
        return name + workspace
    if rest.startswith("./") and rest != "./...":
        rest = "{{ws}}" + rest[1:]
    return in_text(name + rest, workspace)


def in_values(values: Iterable[str], workspace: str) -> tuple[str, ...]:
    """Substitute the workspace in each of several values."""
    return tuple(substituted_value(v, workspace) for v in values)


def in_texts(texts: Iterable[Text], workspace: str) -> tuple[Text, ...]:
    """Substitute the workspace in texts without templates: arguments of a command, or its `env`."""
    return tuple(substituted_value(t, workspace) if isinstance(t, str) else t for t in texts)


def named_vars(text: str, *, escapes: bool = False) -> Iterator[str]:
    """The variables to substitute in a text, in order."""
    for match in (_VAR_OR_DOLLAR if escapes else _VAR).finditer(text):
        if name := match[1] or match[2]:
            yield name


def expand_vars(text: str, env: Mapping[str, str], *, escapes: bool = False) -> str:
    """Substitute `$VAR` and `${VAR}` from `env`; unknown variables stay unchanged.

    With `escapes`, `$$` is a dollar. Values are not expanded again. Raises TooLarge above
    `EXPANDED_MAX`.
    """
    if "$" not in text:
        return text

    def replaced(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        return env.get(name, match[0]) if name else "$"

    expanded = (_VAR_OR_DOLLAR if escapes else _VAR).sub(replaced, text)
    if len(expanded) > EXPANDED_MAX:
        raise TooLarge(
            f"{text[:40]!r} expands to more than {EXPANDED_MAX} characters",
            "check for variables that contain each other",
        )
    return expanded
