"""`k=v` on a command line as values of a form."""

import json
from pathlib import Path
from typing import Any

import click


class Pair(click.ParamType[tuple[str, Any]]):
    """`name=text`, `name=@file` for a file's content, `name:=json` for a typed value."""

    name = "k=v"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Any]:
        """Read one pair. Fails with what is wrong with it."""
        if isinstance(value, tuple):
            return value
        name, equals, text = str(value).partition("=")
        if not equals or not name:
            self.fail(f"{value!r} is not name=value", param, ctx)
        if name.endswith(":"):
            try:
                return name[:-1], json.loads(text)
            except ValueError:
                self.fail(f"{text!r} is not JSON", param, ctx)
        if text.startswith("@"):
            try:
                return name, Path(text[1:]).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                self.fail(f"{text[1:]} cannot be read: {error}", param, ctx)
        return name, text


PAIR = Pair()
"""The type of every `k=v`."""
