"""Forms on a terminal: filled in field by field, or shown as the command that answers them."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import click

from floe.cli.formats import clean, text_lines
from floe.expr.form_values import checked_values
from floe.model.codec import to_text
from floe.model.errors import ValuesInvalid
from floe.model.form import Field, Form
from floe.model.ids import Json
from floe.model.template import plain_template

LINE_BYTES: Final = 64 * 1024

ReadLine = Callable[[str], Awaitable[str]]
"""Prints a prompt and reads a line. Raises EOFError at the end of input."""


def form_of(shape: Mapping[str, Any]) -> Form:
    """A form as a host returns it."""
    fields = tuple(Field(**{**f, "choices": tuple(f["choices"])}) for f in shape["fields"])
    return Form(title=shape["title"], text=plain_template(shape.get("text", "")), fields=fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedAnswer:
    """What a person typed as the answer to a form."""

    good: bool
    values: Mapping[str, Json]
    why: str = ""
    """The reason of a rejection."""


async def ask(form: Form, line: ReadLine) -> TypedAnswer:
    """Ask whether to approve, then for each field until its value is valid, or for the reason of
    a rejection."""
    click.secho(f"? {clean(form.title)}", fg="magenta", bold=True)
    for text in text_lines(form.text.plain if form.text else ""):
        click.echo(f"  {text}")
    if not await _approved(line):
        return TypedAnswer(good=False, values={}, why=str(await _asked(_WHY, line) or ""))
    values = {field.id: await _asked(field, line) for field in form.fields}
    return TypedAnswer(good=True, values={id: v for id, v in values.items() if v is not None})


async def typed(prompt: str) -> str:
    """Read a line for a form from the terminal; it can be cancelled, unlike `input` in a thread."""
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


_WHY: Final = Field(id="why", prompt="why?", required=False)


async def _approved(line: ReadLine) -> bool:
    """Ask for the decision itself, which no empty line makes."""
    words = {"yes": True, "y": True, "no": False, "n": False}
    while (text := (await line("  approve? (yes or no): ")).strip().lower()) not in words:
        said = f"{clean(text[:40])!r} is no answer" if text else "Enter does not decide"
        click.secho(f"    {said}: type yes to approve, or no to reject", fg="red")
    return words[text]


async def _asked(field: Field, line: ReadLine) -> Json:
    """The value of one field; None if it is empty and optional."""
    while True:
        text = await _read(field, line)
        try:
            form = Form(title="", fields=(field,))
            return checked_values(form, {field.id: text} if text else {}).get(field.id)
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
        "list": "values with commas between them",
    }
    notes = [kinds[field.type], "" if field.required or field.value is not None else "optional"]
    note = "; ".join(filter(None, notes))
    value = None if field.password else field.value
    if isinstance(value, bool):
        value = "yes" if value else "no"
    parts = (
        f"  {clean(field.prompt)}",
        f"({clean(note)})" if note else "",
        f"[{clean(value if isinstance(value, str) else to_text(value))}]"
        if value is not None
        else "",
    )
    return " ".join(filter(None, parts)) + ": "
