"""Settings of the packs that come with floe: variables and a file, checked before the start."""

import difflib
import os
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar, get_origin, get_type_hints
from urllib.parse import urlsplit

from floe.packs.inputs import read
from floe.packs.journal_file import JournalRefused
from floe.packs.pack import Pack
from floe.packs.settings import PackSettings

Kind = TypeVar("Kind")

WRONG_USE, REFUSED = 2, 3
"""Exit codes as those of `floe`: a wrong setting, or this machine refuses."""
SECRET: Final[Mapping[str, bool]] = {"is_secret": True}
"""The metadata of a setting whose value may be `@FILE`, so that no environment shows it."""


class WrongSetting(ValueError):
    """A setting that cannot be used. The text names the variable or the file."""


def configured(kind: type[Kind], prefix: str, environment: Mapping[str, str] = os.environ) -> Kind:
    """The settings of a pack, which are a dataclass.

    The file that PREFIX_CONFIG names has them in TOML, and a variable PREFIX_NAME goes before the
    file. Lists in variables have commas. Raises WrongSetting.
    """
    variables = {f"{prefix}_{field.name}".upper(): field for field in fields(kind)}  # type: ignore[arg-type]
    hints = get_type_hints(kind)
    given = _of_file(environment.get(f"{prefix}_CONFIG", ""), set(hints))
    for variable, value in environment.items():
        field = variables.get(variable)
        if field is not None:
            is_list = get_origin(hints[field.name]) is list
            given[field.name] = _parts(value) if is_list else value
        elif variable.startswith(f"{prefix}_") and variable != f"{prefix}_CONFIG":
            _refuse_slip(variable, [*variables, f"{prefix}_CONFIG"])
    for variable, field in variables.items():
        text = given.get(field.name)
        if field.metadata.get("is_secret") and isinstance(text, str):
            given[field.name] = _secret(variable, text)
    try:
        return read(kind, given, prefix)  # type: ignore[no-any-return]
    except ValueError as error:
        raise WrongSetting(str(error)) from error


def url(name: str, text: str) -> str:
    """The URL of a setting, which may be a secret. Raises WrongSetting without its value."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise WrongSetting(f"{name} is no URL of http or https")
    return text.rstrip("/")


def check_line(name: str, text: str) -> None:
    """Check a secret that becomes a header: an error about the header would show it."""
    if any(character < " " or character == "\x7f" for character in text):
        raise WrongSetting(f"{name} has more than one line, or a control character")


def start(make: Callable[[], Pack]) -> None:
    """Run a pack until it is stopped. A wrong setting ends the program with a sentence."""
    try:
        pack, settings = make(), PackSettings.from_environment()
    except (ValueError, OSError) as error:
        _end(str(error), WRONG_USE)
    try:
        pack.run(settings)
    except (JournalRefused, OSError) as error:
        _end(str(error), REFUSED)
    except ExceptionGroup as group:  # of its work in the background
        faults, others = group.split(OSError)
        if faults is None or others is not None:
            raise
        _end("; ".join(map(str, faults.exceptions)), REFUSED)


def _end(text: str, status: int) -> NoReturn:
    sys.stderr.write(f"floe: {text}\n")
    sys.exit(status)


def _secret(name: str, text: str) -> str:
    value = _text_of(text[1:]).strip() if text.startswith("@") else text
    check_line(name, value)
    return value


def _of_file(path: str, names: set[str]) -> dict[str, Any]:
    if not path:
        return {}
    try:
        given = tomllib.loads(_text_of(path))
    except tomllib.TOMLDecodeError as error:
        raise WrongSetting(f"{path}: {error}") from error
    for name in set(given) - names:
        near = difflib.get_close_matches(name, names, n=1)
        meant = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(sorted(names))}"
        raise WrongSetting(f"{path}: no setting {name}{meant}")
    return given


def _refuse_slip(variable: str, known: list[str]) -> None:
    """Other programs may have variables with the same beginning, so only near names are wrong."""
    near = difflib.get_close_matches(variable, known, n=1, cutoff=0.85)
    if near:
        raise WrongSetting(f"no setting {variable}; did you mean {near[0]}?")


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _text_of(path: str) -> str:
    try:
        return Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise WrongSetting(f"{path}: {why}") from error
