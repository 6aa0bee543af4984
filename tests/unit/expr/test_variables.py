"""Values in command lines are variables for the rules, and data in the end."""

import pytest

from floe.expr.command import command_faults, expanded
from floe.expr.env_entries import env_values_of
from floe.expr.variables import with_variables
from floe.model.errors import Yours
from floe.model.template import Template, TemplatePart, Text


def value(data: str | None = None, *, before: str = "") -> Template:
    parts = (TemplatePart(text=before), TemplatePart(path=("values", "a"), data=data))
    return Template(parts=parts if before else parts[1:])


NO_VALUES = env_values_of((), escapes=True)


def test_text_without_values_stays_as_it_is() -> None:
    assert with_variables(("a", "$B")) == (("a", "$B"), {}, {})


def test_value_becomes_a_variable() -> None:
    known = with_variables(("a", value("x", before="--a=$")))

    assert known.texts == ("a", "--a=$$${FLOE_IN_template0}")
    assert known.values == {"FLOE_IN_template0": "x"}
    assert known.shown("`$FLOE_IN_template0` is long") == "`{{ values.a }}` is long"


@pytest.mark.parametrize(
    ("argv", "what"),
    [
        (("bash", "-c", value()), "`{{ values.a }}` would become part of the code that bash reads"),
        (("bash", "-c", value(before="echo ")), "`{{ values.a }}` would become part of the code"),
        (("python3", "-c", value()), "`{{ values.a }}` would become part of the code that python"),
        (("ssh", "host", value()), "`{{ values.a }}` would become part of the code that ssh reads"),
        (("env", value()), "`{{ values.a }}` is a value of the run: it cannot choose what"),
        (("xargs", value()), "`{{ values.a }}` is a value of the run: it cannot choose what"),
        (("git", "-c", value(), "log"), "`{{ values.a }}` would become part of the code"),
        (("rsync", value(before="--rsh=")), "`{{ values.a }}` would become part of the code"),
    ],
    ids=lambda part: " ".join(map(str, part[:2])) if isinstance(part, tuple) else "",
)
def test_value_never_becomes_code_or_a_program(argv: tuple[Text, ...], what: str) -> None:
    [fault] = command_faults(argv, NO_VALUES, escapes=True)

    assert fault.is_certain
    assert fault.what.startswith(what)


@pytest.mark.parametrize(
    "argv", [("bash", "-c", value("x")), ("env", value("x")), ("git", value("-x"))]
)
def test_value_in_a_place_of_code_stops_the_command(argv: tuple[Text, ...]) -> None:
    with pytest.raises(Yours, match=r"`{{ values.a }}`"):
        expanded(argv, {}, NO_VALUES, escapes=True)


def test_argument_of_a_script_is_data() -> None:
    argv = ("bash", "-c", 'echo "$1"', "--", value("$(reboot)"))

    assert [*command_faults(argv, NO_VALUES, escapes=True)] == []
    assert expanded(argv, {}, NO_VALUES, escapes=True)[-1] == "$(reboot)"
