"""Forms asked at a terminal."""

from collections.abc import Iterable

import pytest

from floe.cli.forms import ReadLine, ask
from floe.model.form import Field, Form
from floe.model.template import plain_template


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
    lines = ("yes", "x", "", "3", "c", "b", "maybe", "yes", "", "Ada", "one", "two", "")

    answer = await ask(FORM, typing(*lines))

    assert answer.good
    assert answer.values == {
        "n": 3,
        "where": "b",
        "tried": True,
        "name": "Ada",
        "notes": "one\ntwo",
    }


async def test_nothing_typed_is_what_the_form_is_filled_with() -> None:
    answer = await ask(FORM, typing("y", "1", "", "", "Ada", ""))

    assert answer.values == {"n": 1, "where": "a", "tried": False, "name": "Ada"}


async def test_only_a_yes_approves(capsys: pytest.CaptureFixture[str]) -> None:
    answer = await ask(Form(title="May it go?"), typing("", "hello", "YES"))

    assert answer.good
    said = capsys.readouterr().out
    assert "Enter does not decide: type yes to approve, or no to reject" in said
    assert "'hello' is no answer: type yes to approve, or no to reject" in said


async def test_rejection_is_asked_for_its_reason_alone() -> None:
    answer = await ask(FORM, typing("no", "wrong branch"))

    assert (answer.good, answer.values, answer.why) == (False, {}, "wrong branch")


async def test_text_of_the_form_is_printed_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    text = plain_template("Version 1.4.2\nto \x1b[31mstaging")

    await ask(Form(title="May it go?", text=text), typing("yes"))

    assert "\n  Version 1.4.2\n  to " in capsys.readouterr().out


async def test_end_of_input_is_no_answer() -> None:
    with pytest.raises(EOFError):
        await ask(FORM, typing("yes"))
