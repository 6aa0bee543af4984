"""`k=v` on a command line as values of a form."""

import json
from pathlib import Path
from typing import Any, Final

import click

from floe.files import read_named, reason_of

VALUE_BYTES_MAX: Final = 1024 * 1024
"""Bytes of a file with one value, also the limit of all values of a form together."""


class ValuePair(click.ParamType[tuple[str, Any]]):
    """`name=text`, `name=@file` for a file's content, `name:=json` for a typed value."""

    name = "k=v"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Any]:
        """Read one pair. Fails with the reason if it is invalid."""
        if isinstance(value, tuple):
            return value
        name, equals, text = str(value).partition("=")
        if not equals or not name:
            self.fail(f"{value!r} is not name=value", param, ctx)
        if name.endswith(":"):
            try:
                return name[:-1], json.loads(text)
            except (ValueError, RecursionError):
                self.fail(f"{text[:80]!r} is not valid JSON for floe", param, ctx)
        if text.startswith("@"):
            try:
                return name, read_named(Path(text[1:]), VALUE_BYTES_MAX).decode()
            except OSError as error:
                self.fail(f"{text[1:]} cannot be read: {reason_of(error)}", param, ctx)
            except ValueError as error:
                self.fail(f"{text[1:]} is not text: {error}", param, ctx)
        return name, text


PAIR = ValuePair()
"""The type of every `k=v`."""
