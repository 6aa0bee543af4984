"""Forms on a terminal: filled in field by field, or shown as the command that answers them."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import click

from floe.cli.paint import clean
from floe.host.forms import checked
from floe.model.errors import ValuesInvalid
from floe.model.flow import Field, Form
from floe.model.refs import Json

LINE_BYTES: Final = 64 * 1024

ReadLine = Callable[[str], Awaitable[str]]
"""Prints a prompt and reads a line. Raises EOFError at the end of input."""


def form_of(shape: Mapping[str, Any]) -> Form:
    """A form as a host returns it."""
    fields = tuple(Field(**{**f, "choices": tuple(f["choices"])}) for f in shape["fields"])
    return Form(title=shape["title"], fields=fields)


async def ask(form: Form, line: ReadLine) -> tuple[bool, dict[str, Json]]:
    """Ask whether to approve, then for each field until its value is valid."""
    click.secho(f"? {clean(form.title)}", fg="magenta", bold=True)
    good = await _asked(_APPROVE, line)
    values: dict[str, Json] = {}
    for field in form.fields:
        wanted = field if good is True else replace(field, required=False)
        if (value := await _asked(wanted, line)) is not None:
            values[field.id] = value
    return good is True, values


async def typed(prompt: str) -> str:
    """Read a line from the terminal; unlike `input` in a thread, it can be cancelled."""
    click.echo(prompt, nl=False)
    loop, terminal = asyncio.get_running_loop(), sys.stdin.fileno()
    is_there = asyncio.Event()
    loop.add_reader(terminal, is_there.set)
    try:
        await is_there.wait()
    finally:
        loop.remove_reader(terminal)
    text = os.read(terminal, LINE_BYTES)
    if not text:
        raise EOFError
    return text.decode(errors="replace").removesuffix("\n")


_APPROVE: Final = Field(id="approve", prompt="approve?", type="bool", value=True)


async def _asked(field: Field, line: ReadLine) -> Json:
    """The value of one field; None if it is empty and optional."""
    while True:
        text = await _read(field, line)
        try:
            form = Form(title="", fields=(field,))
            return checked(form, {field.id: text} if text else {}).get(field.id)
        except ValuesInvalid as error:
            click.secho(f"    {clean(error.fields[field.id])}", fg="red")


async def _read(field: Field, line: ReadLine) -> str:
    first = await line(_prompt(field))
    if field.type != "text" or not first:
        return first
    lines = [first]
    while more := await line("    "):
        lines.append(more)
    return "\n".join(lines)


def _prompt(field: Field) -> str:
    kinds = {
        "bool": "yes or no",
        "choice": ", ".join(field.choices),
        "number": "a number",
        "text": "an empty line ends it",
        "string": "",
    }
    notes = [kinds[field.type], "" if field.required or field.value is not None else "optional"]
    note = "; ".join(filter(None, notes))
    value = field.value
    if isinstance(value, bool):
        value = "yes" if value else "no"
    parts = (
        f"  {clean(field.prompt)}",
        f"({clean(note)})" if note else "",
        f"[{clean(str(value))}]" if value is not None else "",
    )
    return " ".join(filter(None, parts)) + ": "
