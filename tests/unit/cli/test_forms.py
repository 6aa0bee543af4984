"""Forms asked at a terminal."""

from collections.abc import Iterable

import pytest

from floe.cli.forms import ReadLine, ask
from floe.model.flow import Field, Form


def typing(*lines: str) -> ReadLine:
    """Somebody who types these lines and then ^D."""
    left: Iterable[str] = iter(lines)

    async def line(_prompt: str) -> str:
        for text in left:
            return text
        raise EOFError

    return line


FORM = Form(
    title="May it go?",
    fields=(
        Field(id="n", prompt="How many?", type="number"),
        Field(id="where", prompt="Where?", type="choice", choices=("a", "b"), value="a"),
        Field(id="tried", prompt="Tried?", type="bool", value=False),
        Field(id="name", prompt="Name?", type="string"),
        Field(id="notes", prompt="Notes", type="text", required=False),
    ),
)


async def test_each_field_is_asked_until_it_fits() -> None:
    lines = ("", "x", "", "3", "c", "b", "maybe", "yes", "", "Ada", "one", "two", "")

    good, values = await ask(FORM, typing(*lines))

    assert good
    assert values == {"n": 3, "where": "b", "tried": True, "name": "Ada", "notes": "one\ntwo"}


async def test_nothing_typed_is_what_the_form_is_filled_with() -> None:
    good, values = await ask(FORM, typing("", "1", "", "", "Ada", ""))

    assert good
    assert values == {"n": 1, "where": "a", "tried": False, "name": "Ada"}


async def test_rejection_needs_no_values() -> None:
    good, values = await ask(FORM, typing("no", "", "", "", "", "broken", ""))

    assert not good
    assert values == {"where": "a", "tried": False, "notes": "broken"}


async def test_end_of_input_is_no_answer() -> None:
    with pytest.raises(EOFError):
        await ask(FORM, typing("yes"))
